//! What the UDP socket takes and gives, the same for each system: batches of datagrams, their routes, their failures.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::server::event::{Arrival, InterfaceId};

/// Datagrams a call. 64 make the cost of the call itself a sixtieth; more gain nothing that can be measured.
pub(crate) const BATCH: usize = 64;

/// Octets kept of a datagram of a client or relay. A DHCP message that was not fragmented has at most 1,472 on
/// Ethernet; the rest is for jumbo frames. A longer one is cut, counted and dropped.
pub(crate) const BUFFER: usize = 4096;

const _: () = assert!(BATCH <= 64, "Failed keeps one bit a datagram in 64 bits");

/// One received datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    /// Where it came from; interface 0 where the system did not tell.
    pub(crate) arrival: Arrival,
    /// The payload.
    pub(crate) bytes: &'a [u8],
    /// Whether it was longer than the buffer.
    pub(crate) cut: bool,
}

/// How a reply leaves; replies of one route are sent in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The interface; 0 lets routing choose.
    pub(crate) interface: InterfaceId,
    /// The source address; 0.0.0.0 lets the system choose.
    pub(crate) source: Ipv4Addr,
}

/// An ICMP error that came back for a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(all(target_os = "linux", not(feature = "portable"))), expect(dead_code, reason = "only Linux tells"))]
pub(crate) enum Unreachable {
    /// The host itself says that nobody listens on this port of it.
    Port(SocketAddrV4),
    /// Anything else, or the word of another host.
    Elsewhere,
}

/// Which messages of a batch the system refused.
#[derive(Debug, Default)]
pub(crate) struct Failed {
    places: u64,
    last: Option<io::Error>,
}

impl Failed {
    /// Notes the one at `place`, under [`BATCH`].
    pub(crate) fn note(&mut self, place: usize, error: io::Error) {
        self.places |= 1 << place;
        self.last = Some(error);
    }

    /// How many.
    pub(crate) fn count(&self) -> u64 {
        u64::from(self.places.count_ones())
    }

    /// Their places.
    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        let places = self.places;
        (0..BATCH).filter(move |place| places & (1 << place) != 0)
    }

    /// What the system said of the last one.
    pub(crate) fn into_last(self) -> Option<io::Error> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refused_place_is_kept() {
        let mut failed = Failed::default();
        failed.note(0, io::ErrorKind::Other.into());
        failed.note(BATCH - 1, io::ErrorKind::NotFound.into());
        assert_eq!(failed.count(), 2);
        assert_eq!(failed.places().collect::<Vec<_>>(), [0, BATCH - 1]);
        assert_eq!(failed.into_last().map(|error| error.kind()), Some(io::ErrorKind::NotFound));
    }
}
