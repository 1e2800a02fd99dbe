//! A client by hand: it sends any frame, answers ARP for the addresses that it holds, and hears what comes to its
//! interface.

use std::cell::RefCell;
use std::io::Read;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use socket2::Socket;

use super::capture::packet_socket;
use super::host::Host;
use super::packet::{ACK, Ask, DISCOVER, Heard, OFFER};

/// A packet socket and its own small ARP.
pub(crate) struct RawClient {
    socket: RefCell<Socket>,
    holds: RefCell<Vec<(Ipv4Addr, [u8; 6])>>,
}

impl RawClient {
    /// Opens a packet socket on eth0 of `host`; the kernel of that host should have no address there.
    pub(crate) fn new(host: &Host) -> RawClient {
        RawClient { socket: RefCell::new(host.inside(|| packet_socket("eth0"))), holds: RefCell::new(Vec::new()) }
    }

    /// Answers ARP for `address` from now on.
    pub(crate) fn hold(&self, address: Ipv4Addr, hardware: [u8; 6]) {
        self.holds.borrow_mut().push((address, hardware));
    }

    /// Broadcasts a message.
    pub(crate) fn send(&self, ask: &Ask) {
        self.socket.borrow().send(&ask.broadcast_frame()).expect("sending a frame");
    }

    /// Broadcasts a message and waits up to `patience` for a reply with its transaction id.
    pub(crate) fn ask(&self, ask: &Ask, patience: Duration) -> Option<Heard> {
        self.send(ask);
        let end = Instant::now() + patience;
        while Instant::now() < end {
            let heard = self.hear();
            if heard.as_ref().is_some_and(|heard| heard.is_reply() && heard.xid() == ask.xid) {
                return heard;
            }
        }
        None
    }

    /// As [`RawClient::ask`], with three tries of two seconds; no reply fails the test.
    pub(crate) fn must_ask(&self, what: &str, ask: &Ask) -> Heard {
        let reply = (0..3).find_map(|_| self.ask(ask, Duration::from_secs(2)));
        reply.unwrap_or_else(|| panic!("no reply to {what}"))
    }

    /// DISCOVER, OFFER, REQUEST, ACK; gives the ACK.
    pub(crate) fn lease(&self, hardware: [u8; 6]) -> Heard {
        self.lease_by(&Ask::new(DISCOVER, hardware))
    }

    /// As [`RawClient::lease`], from a DISCOVER of one's own.
    pub(crate) fn lease_by(&self, discover: &Ask) -> Heard {
        let offer = self.must_ask("a DISCOVER", discover);
        assert_eq!(offer.kind(), OFFER, "a DISCOVER is answered by an OFFER");
        let mut request = Ask::select(&offer);
        request.flags = discover.flags;
        let ack = self.must_ask("a REQUEST", &request);
        assert_eq!((ack.kind(), ack.yours()), (ACK, offer.yours()), "the REQUEST for an offer is answered by its ACK");
        self.hold(ack.yours(), discover.hardware);
        ack
    }

    /// Reads one frame, answers it if it is an ARP request for an address held, gives it if it is DHCP.
    fn hear(&self) -> Option<Heard> {
        let mut buffer = [0; 2048];
        let length = self.socket.borrow_mut().read(&mut buffer).ok()?;
        let frame = &buffer[..length];
        if let Some(answer) = self.arp_answer(frame) {
            self.socket.borrow().send(&answer).expect("sending an ARP answer");
        }
        Heard::from_frame(frame)
    }

    fn arp_answer(&self, frame: &[u8]) -> Option<Vec<u8>> {
        let is_request = frame.get(12..22)? == [8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
        let wanted: [u8; 4] = frame.get(38..42)?.try_into().ok()?;
        let holds = self.holds.borrow();
        let (address, hardware) = holds.iter().find(|(address, _)| is_request && address.octets() == wanted)?;
        let mut answer = Vec::new();
        answer.extend(&frame[6..12]);
        answer.extend(hardware);
        answer.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
        answer.extend(hardware);
        answer.extend(address.octets());
        answer.extend(&frame[22..32]);
        Some(answer)
    }
}

/// A hardware address of the tests' own, by number.
pub(crate) fn mac(number: u32) -> [u8; 6] {
    let [_, b, c, d] = number.to_be_bytes();
    [0x02, 0x55, 0x44, b, c, d]
}
