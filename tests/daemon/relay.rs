//! A relay on loopback with clients behind it: composes requests octet by octet and reads the answers.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use super::house::{House, PATIENCE, RELAY};

pub(super) const DISCOVER: u8 = 1;
pub(super) const OFFER: u8 = 2;
pub(super) const REQUEST: u8 = 3;
pub(super) const ACK: u8 = 5;

/// The relay.
pub(super) struct Relay {
    socket: UdpSocket,
    server: SocketAddrV4,
    xid: u32,
}

/// What is looked at of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) kind: u8,
    pub(super) address: Ipv4Addr,
}

impl Relay {
    pub(super) fn new(house: &House) -> Relay {
        let socket = UdpSocket::bind((RELAY, 0)).expect("loopback has 127/8");
        socket.set_read_timeout(Some(PATIENCE)).expect("set");
        Relay { socket, server: SocketAddrV4::new(Ipv4Addr::LOCALHOST, house.port), xid: 0 }
    }

    /// The four messages; the address that client number `client` got.
    pub(super) fn lease(&mut self, client: u16) -> Ipv4Addr {
        let offer = self.exchange(client, DISCOVER, None);
        assert_eq!(offer.kind, OFFER);
        let ack = self.exchange(client, REQUEST, Some(offer.address));
        assert_eq!(ack, Answer { kind: ACK, address: offer.address });
        ack.address
    }

    /// Sends one message and waits for its answer.
    pub(super) fn exchange(&mut self, client: u16, kind: u8, requested: Option<Ipv4Addr>) -> Answer {
        self.send(client, kind, requested);
        let mut buffer = [0; 1500];
        loop {
            let length = self.socket.recv(&mut buffer).expect("an answer");
            if buffer[4..8] == self.xid.to_be_bytes() {
                return answer(&buffer[..length]);
            }
        }
    }

    /// Sends one message and waits for nothing.
    pub(super) fn send(&mut self, client: u16, kind: u8, requested: Option<Ipv4Addr>) {
        self.xid += 1;
        let mut message = vec![0; 240];
        message[..4].copy_from_slice(&[1, 1, 6, 1]);
        message[4..8].copy_from_slice(&self.xid.to_be_bytes());
        message[24..28].copy_from_slice(&RELAY.octets());
        message[28..34].copy_from_slice(&[2, 0, 0, 0, (client >> 8) as u8, client as u8]);
        message[236..].copy_from_slice(&[99, 130, 83, 99]);
        message.extend_from_slice(&[53, 1, kind]);
        if let Some(address) = requested {
            message.extend_from_slice(&[50, 4]);
            message.extend_from_slice(&address.octets());
            message.extend_from_slice(&[54, 4, 127, 0, 0, 1]);
        }
        message.push(255);
        message.resize(300, 0);
        self.socket.send_to(&message, self.server).expect("sent");
    }

    /// Whether an answer waits.
    pub(super) fn has_answer(&self) -> bool {
        self.socket.set_nonblocking(true).expect("set");
        let waits = self.socket.recv(&mut [0; 1500]).is_ok();
        self.socket.set_nonblocking(false).expect("set");
        waits
    }

    /// Sends octets that are no message.
    pub(super) fn send_rubbish(&self) {
        self.socket.send_to(&[0xff; 40], self.server).expect("sent");
    }
}

fn answer(message: &[u8]) -> Answer {
    let address = Ipv4Addr::new(message[16], message[17], message[18], message[19]);
    let mut options = &message[240..];
    while let [code, rest @ ..] = options {
        match (code, rest) {
            (0, _) => options = rest,
            (53, [1, kind, ..]) => return Answer { kind: *kind, address },
            (_, [length, rest @ ..]) if rest.len() >= usize::from(*length) => options = &rest[usize::from(*length)..],
            (_, _) => break,
        }
    }
    panic!("an answer without a message type: {message:?}");
}
