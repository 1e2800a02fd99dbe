//! The switch does what its rules say, and nothing besides: what scenarios conclude from cuts rests on it.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use crate::duo::frames::{CHANNEL_PORT, channel_payload};
use crate::duo::{Fate, Port, Rule, Switch, Traffic};
use crate::rig::{Host, Stage};

const ONE: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 4);
const TWO: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 5);
/// Beyond what a frame needs through the switch.
const PATIENCE: Duration = Duration::from_millis(300);

/// Two hosts with a socket for the channel and one for clients' traffic each.
struct Wire {
    switch: Switch,
    ports: [Port; 2],
    channel: [UdpSocket; 2],
    clients: [UdpSocket; 2],
    _hosts: [Host; 2],
}

impl Wire {
    fn new(stage: &Stage) -> Wire {
        let switch = Switch::new(stage, 7);
        let hosts = [Host::new(stage, "one"), Host::new(stage, "two")];
        let ports = [switch.plug(&hosts[0], Some("10.1.0.4/24")), switch.plug(&hosts[1], Some("10.1.0.5/24"))];
        let bind = |host: &Host, address: Ipv4Addr, port: u16| {
            let socket = host.inside(move || UdpSocket::bind((address, port)).expect("binding a port"));
            socket.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
            socket
        };
        let channel = [bind(&hosts[0], ONE, CHANNEL_PORT), bind(&hosts[1], TWO, CHANNEL_PORT)];
        let clients = [bind(&hosts[0], ONE, 67), bind(&hosts[1], TWO, 67)];
        let wire = Wire { switch, ports, channel, clients, _hosts: hosts };
        assert_eq!(wire.passes(), [true; 4], "everything passes before there are rules");
        wire
    }

    /// Whether channel and client datagrams pass from one to two, and then from two to one.
    fn passes(&self) -> [bool; 4] {
        let (one, two) = ((ONE, CHANNEL_PORT), (TWO, CHANNEL_PORT));
        [
            passes(&self.channel[0], &self.channel[1], two),
            passes(&self.clients[0], &self.clients[1], (TWO, 67)),
            passes(&self.channel[1], &self.channel[0], one),
            passes(&self.clients[1], &self.clients[0], (ONE, 67)),
        ]
    }

    /// Sends numbers over the channel; gives those that arrive, in order.
    fn stream(&self, count: u32) -> Vec<u32> {
        let receiver = &self.channel[1];
        std::thread::scope(|scope| {
            // Read beside the sending: what is lost here is to be lost by rule, not by a full buffer.
            let reader = scope.spawn(move || {
                let mut buffer = [0; 4];
                std::iter::from_fn(|| receiver.recv(&mut buffer).ok().map(|_| u32::from_be_bytes(buffer))).collect()
            });
            for number in 0..count {
                self.channel[0].send_to(&number.to_be_bytes(), (TWO, CHANNEL_PORT)).expect("sending");
                if number % 50 == 49 {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            reader.join().expect("the reader")
        })
    }
}

fn passes(from: &UdpSocket, to: &UdpSocket, address: (Ipv4Addr, u16)) -> bool {
    from.send_to(b"hello", address).expect("sending");
    let mut buffer = [0; 64];
    to.recv(&mut buffer).is_ok_and(|length| &buffer[..length] == b"hello")
}

#[test]
fn the_switch_cuts_a_host_one_direction_or_one_kind_of_traffic() {
    let Some(stage) = Stage::set("switch-cuts", &[]) else { return };
    let wire = Wire::new(&stage);
    let [one, two] = wire.ports;
    let cases = [
        (Rule::isolate(one), [false; 4]),
        (Rule::cut_one_way(Traffic::Any, one, two), [false, false, true, true]),
        (Rule::cut(Traffic::Channel, &[one], &[two]), [false, true, false, true]),
        (Rule::cut(Traffic::Clients, &[one], &[two]), [true, false, true, false]),
        (Rule::cut_one_way(Traffic::Channel, two, one), [true, true, false, true]),
        (Vec::new(), [true; 4]),
    ];
    for (number, (rules, expected)) in cases.into_iter().enumerate() {
        wire.switch.rule(rules);
        assert_eq!(wire.passes(), expected, "case {number}");
    }
}

#[test]
fn the_switch_loses_copies_and_reorders_as_much_as_told() {
    let Some(stage) = Stage::set("switch-chance", &[]) else { return };
    let wire = Wire::new(&stage);
    wire.switch.rule(vec![Rule::everywhere(Traffic::Channel, Fate::Lose(20))]);
    let arrived = wire.stream(1000).len();
    assert!((700..900).contains(&arrived), "{arrived} of 1000 after a loss of 20 %");
    wire.switch.rule(vec![Rule::everywhere(Traffic::Channel, Fate::Copy(10))]);
    let arrived = wire.stream(1000).len();
    assert!((1050..1150).contains(&arrived), "{arrived} of 1000 with 10 % copies");
    wire.switch.rule(vec![Rule::everywhere(Traffic::Channel, Fate::Shuffle(50, Duration::from_millis(20)))]);
    let arrived = wire.stream(500);
    assert_eq!(arrived.len(), 500, "reordering loses nothing");
    assert!(!arrived.is_sorted(), "and does reorder");
}

/// The switch's record of the channel is what a replay is made of; a datagram that IP had to cut is not in it whole.
#[test]
fn the_switch_keeps_the_channel_and_sends_it_again() {
    let Some(stage) = Stage::set("switch-replay", &[]) else { return };
    let wire = Wire::new(&stage);
    wire.switch.keep();
    assert_eq!(wire.stream(3), [0, 1, 2]);
    assert_eq!(wire.passes(), [true; 4]);
    let kept = wire.switch.kept();
    let payloads: Vec<&[u8]> = kept.iter().filter_map(|(_, frame)| channel_payload(frame)).collect();
    assert_eq!(payloads.len(), 5, "three numbers, and one hello in each direction");
    wire.switch.rule(Rule::isolate(wire.ports[1]));
    for (from, frame) in &kept {
        assert!(wire.ports.contains(from));
        if *from == wire.ports[0] {
            wire.switch.inject(wire.ports[1], frame);
        }
    }
    let mut buffer = [0; 64];
    let again: Vec<usize> = std::iter::from_fn(|| wire.channel[1].recv(&mut buffer).ok()).collect();
    assert_eq!(again, [4, 4, 4, 5]);
}
