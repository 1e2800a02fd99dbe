//! Tokens of the poll and the sources behind them.

use mio::Token;

use super::control::CONNECTIONS_MAX;

const SIGNALS: usize = 0;
const CLIENTS: usize = 1;
const PING: usize = 2;
const LISTENER: usize = 3;
const PARTNERS: usize = 4;
const FIRST_CONNECTION: usize = 16;

/// One source of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Signals, where the system gives them a descriptor.
    Signals,
    /// The socket on the DHCP port.
    Clients,
    /// The ICMP socket.
    Ping,
    /// The failover socket.
    Partners,
    /// The control socket itself: connections wait to be accepted.
    Listener,
    /// A connection of the control socket, by its place.
    Connection(usize),
}

impl Source {
    /// The token of the source.
    pub(crate) const fn token(self) -> Token {
        match self {
            Source::Signals => Token(SIGNALS),
            Source::Clients => Token(CLIENTS),
            Source::Ping => Token(PING),
            Source::Partners => Token(PARTNERS),
            Source::Listener => Token(LISTENER),
            Source::Connection(place) => Token(FIRST_CONNECTION + place),
        }
    }

    /// The source behind a token; `None` for one that was never given out.
    pub(crate) const fn of(token: Token) -> Option<Source> {
        match token.0 {
            SIGNALS => Some(Source::Signals),
            CLIENTS => Some(Source::Clients),
            PING => Some(Source::Ping),
            PARTNERS => Some(Source::Partners),
            LISTENER => Some(Source::Listener),
            FIRST_CONNECTION.. if token.0 - FIRST_CONNECTION < CONNECTIONS_MAX => {
                Some(Source::Connection(token.0 - FIRST_CONNECTION))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_found_by_its_token() {
        let fixed = [Source::Signals, Source::Clients, Source::Ping, Source::Listener, Source::Partners];
        for source in fixed.into_iter().chain((0..CONNECTIONS_MAX).map(Source::Connection)) {
            assert_eq!(Source::of(source.token()), Some(source));
        }
        assert_eq!(Source::of(Token(FIRST_CONNECTION + CONNECTIONS_MAX)), None);
        assert_eq!(Source::of(Token(PARTNERS + 1)), None);
    }
}
