//! Transactions seen of late, for CheckTransactionID: a repeated DISCOVER, REQUEST or BOOTREQUEST is ignored.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::offers::ClientOnLink;
use crate::clock::Mono;

/// Transactions kept in mind; the oldest goes first.
pub(super) const TRANSACTIONS_MAX: usize = 16_384;
/// A client gives up on a transaction after about a minute (RFC 2131 section 4.1).
const KEPT: Duration = Duration::from_secs(64);

/// A client sends again after a second at the earliest.
const SECOND: Duration = Duration::from_secs(1);

/// A client on a link, its transaction id, and the type of message.
pub type Transaction = (ClientOnLink, u32, u8);

/// The transactions of the last minute.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    seen: BTreeSet<Transaction>,
    order: VecDeque<(Mono, Transaction)>,
}

impl Recent {
    /// Number of transactions.
    pub(super) fn len(&self) -> usize {
        self.seen.len().max(self.order.len())
    }

    /// Whether `transaction` was seen before; keeps it in mind.
    pub fn is_repeated(&mut self, transaction: Transaction, now: Mono) -> bool {
        while let Some(&(at, oldest)) = self.order.front()
            && (now.since(at) >= KEPT || self.order.len() >= TRANSACTIONS_MAX)
        {
            self.order.pop_front();
            self.seen.remove(&oldest);
        }
        if !self.seen.insert(transaction) {
            return true;
        }
        self.order.push_back((now, transaction));
        false
    }
}

/// Requests for another server's offer, seen once: the same again after a second finds nobody else to answer.
#[derive(Clone, Debug, Default)]
pub struct SecondAsks {
    seen: BTreeMap<ClientOnLink, (u32, Mono)>,
}

impl SecondAsks {
    /// Number of requests kept in mind.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether `client` asked with the same transaction at least a second ago; keeps the first time in mind.
    pub fn is_again(&mut self, client: ClientOnLink, xid: u32, now: Mono) -> bool {
        if let Some(&(known, at)) = self.seen.get(&client)
            && known == xid
            && now.since(at) < KEPT
        {
            return now.since(at) >= SECOND;
        }
        if self.seen.len() >= TRANSACTIONS_MAX {
            self.seen.clear();
        }
        self.seen.insert(client, (xid, now));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_repeated_until_it_is_forgotten() {
        let mut recent = Recent::default();
        let transaction = (ClientOnLink(1), 7, 1);
        let start = Mono::from_nanos(1);
        assert!(!recent.is_repeated(transaction, start));
        assert!(recent.is_repeated(transaction, start));
        assert!(!recent.is_repeated((ClientOnLink(1), 7, 3), start));
        assert!(!recent.is_repeated(transaction, start + KEPT));
    }
}
