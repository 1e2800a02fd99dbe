//! Channels on loopback: who is heard, how often, and what a closed port tells.

use super::*;

use crate::config::{self, Source as Files};

/// A configuration without files.
struct Text(String);

impl Files for Text {
    fn read(&self, _path: &std::path::Path) -> io::Result<String> {
        Ok(self.0.clone())
    }
}

fn failover(sections: &str) -> Config {
    let text = format!("[Server]\nFailoverServerType = Failover/Secondary\n{sections}");
    match config::load(std::path::Path::new("a.ini"), &Text(text)) {
        Ok(config) => config,
        Err(errors) => panic!("{errors:?}"),
    }
}

fn peer() -> (UdpSocket, SocketAddrV4) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("bound").port();
    (socket, SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

/// Channels on a free port to partners at these addresses.
fn channels(partners: &[SocketAddrV4]) -> (Channels, SocketAddrV4) {
    let socket = bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let local = SocketAddrV4::new(Ipv4Addr::LOCALHOST, socket.local_addr().expect("bound").port());
    let datagrams = system::Datagrams::new(socket, BUFFER);
    let route = from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
    let wire = Wire { route, datagrams, refusals: system::Refusals::new() };
    let mut channels = Channels { wire: Some(wire), ..Channels::default() };
    channels.use_partners(partners.iter().copied());
    (channels, local)
}

/// What a turn hands on: the partner and the first octet, or `None` for a refused port.
fn turn(channels: &mut Channels, tally: &mut Tally) -> (Vec<(usize, Option<u8>)>, Left) {
    let mut heard = Vec::new();
    let left = channels.gather(tally, &mut |input| match input {
        Input::Partner { partner, bytes } => heard.push((partner.0, bytes.first().copied())),
        Input::Refused { partner } => heard.push((partner.0, None)),
        other => panic!("{other:?}"),
    });
    (heard, left)
}

#[test]
fn each_partner_is_known_by_address_and_port_and_others_are_counted() {
    let ((one, at_one), (two, at_two), (stranger, from)) = (peer(), peer(), peer());
    let (mut channels, local) = channels(&[at_one, at_two]);
    let mut tally = Tally::default();
    for (socket, octet) in [(&two, 2), (&stranger, 9), (&one, 1)] {
        socket.send_to(&[octet; 100], local).expect("sent");
    }
    assert_eq!(turn(&mut channels, &mut tally), (vec![(1, Some(2)), (0, Some(1))], Left::Nothing));
    assert_eq!((tally.partners_received, tally.strangers), (2, 1));
    assert_eq!((channels.take_stranger(), channels.take_stranger()), (Some(from), None));
}

#[test]
fn the_largest_update_comes_whole_and_a_longer_datagram_is_cut_and_dropped() {
    let (one, at_one) = peer();
    let (mut channels, local) = channels(&[at_one]);
    let mut tally = Tally::default();
    one.send_to(&vec![7; 60_000], local).expect("sent");
    one.send_to(&vec![8; 4096 + 1024], local).expect("sent");
    let mut lengths = Vec::new();
    channels.gather(&mut tally, &mut |input| match input {
        Input::Partner { bytes, .. } => lengths.push(bytes.len()),
        other => panic!("{other:?}"),
    });
    assert_eq!((lengths, tally.partners_cut), (vec![5120], 1));
}

#[test]
fn the_flood_of_one_partner_is_dropped_beyond_its_quota_and_another_is_heard_in_the_same_turn() {
    let ((loud, at_loud), (calm, at_calm)) = (peer(), peer());
    let (mut channels, local) = channels(&[at_loud, at_calm]);
    let mut tally = Tally::default();
    for _ in 0..QUOTA + 200 {
        loud.send_to(&[1], local).expect("sent");
    }
    calm.send_to(&[2], local).expect("sent");
    let (heard, left) = turn(&mut channels, &mut tally);
    assert_eq!(left, Left::Nothing);
    assert_eq!(heard.iter().filter(|entry| entry.0 == 0).count(), QUOTA as usize);
    assert_eq!((heard.last(), tally.over_quota), (Some(&(1, Some(2))), 200));
    loud.send_to(&[3], local).expect("sent");
    assert_eq!(turn(&mut channels, &mut tally).0, [(0, Some(3))], "the next turn has a new quota");
}

#[test]
fn many_partners_together_leave_the_source_hot_and_lose_nothing() {
    let peers: Vec<(UdpSocket, SocketAddrV4)> = (0..8).map(|_| peer()).collect();
    let addresses: Vec<SocketAddrV4> = peers.iter().map(|peer| peer.1).collect();
    let (mut channels, local) = channels(&addresses);
    let mut tally = Tally::default();
    for (socket, _) in &peers {
        for _ in 0..150 {
            socket.send_to(&[1], local).expect("sent");
        }
    }
    assert_eq!(turn(&mut channels, &mut tally).1, Left::More);
    assert_eq!(turn(&mut channels, &mut tally).1, Left::Nothing);
    assert_eq!((tally.partners_received, tally.over_quota), (8 * 150, 0));
}

#[test]
fn datagrams_leave_in_order_to_the_partner_that_they_are_for() {
    let ((one, at_one), (two, at_two)) = (peer(), peer());
    let (mut channels, _) = channels(&[at_one, at_two]);
    let mut tally = Tally::default();
    let wanted: Vec<(PartnerId, Vec<u8>)> =
        (0..200u8).map(|octet| (PartnerId(octet as usize % 2), vec![octet])).collect();
    let unsent = channels.send_all(wanted.iter().map(|(partner, bytes)| (*partner, &**bytes)), &mut tally);
    assert!(unsent.is_none() && tally.partners_sent == 200);
    let mut buffer = [0; 4];
    for octet in 0..200u8 {
        let socket = if octet % 2 == 0 { &one } else { &two };
        assert_eq!(socket.recv(&mut buffer).expect("sent"), 1);
        assert_eq!(buffer[0], octet);
    }
    assert!(channels.send_all([(PartnerId(2), &[1][..])].into_iter(), &mut tally).is_none());
    assert_eq!(tally.partners_unsent, 1, "a partner that is gone");
}

/// Needs IP_RECVERR.
#[cfg(all(target_os = "linux", not(feature = "portable")))]
#[test]
fn a_refused_port_names_its_partner_once_a_turn_and_does_not_stop_what_goes_to_others() {
    let ((one, at_one), (two, at_two)) = (peer(), peer());
    let (mut channels, local) = channels(&[at_one, at_two]);
    let mut tally = Tally::default();
    drop(one);
    for _ in 0..3 {
        let to_one = [(PartnerId(0), &[1][..])];
        assert!(channels.send_all(to_one.into_iter(), &mut tally).is_none(), "tried once more");
    }
    assert!(channels.send_all([(PartnerId(1), &[2][..])].into_iter(), &mut tally).is_none());
    let mut buffer = [0; 4];
    assert_eq!(two.recv(&mut buffer).expect("sent, whatever was pending"), 1);
    two.send_to(&[5], local).expect("sent");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let mut heard = Vec::new();
    while heard.len() < 2 && std::time::Instant::now() < until {
        heard.extend(turn(&mut channels, &mut tally).0);
    }
    assert_eq!(heard, [(0, None), (1, Some(5))]);
    assert_eq!((tally.partners_sent, tally.partners_unsent, tally.partners_refused), (4, 0, 1));
}

#[test]
fn partners_follow_the_configuration_and_without_any_there_is_no_socket() {
    let alone = config::load(std::path::Path::new("a.ini"), &Text("[Server]\nHostName = a\n".to_owned()));
    let none = Channels::open(&alone.expect("legal")).expect("nothing to open");
    assert!(none.wire.is_none());
    let primary = |name, port| format!("[Primary {name}]\nPrimaryIpAddr = 127.0.0.1:{port}\nFailoverKeyFile = none\n");
    let (mut channels, _) = channels(&[]);
    channels.follow(&failover(&format!("{}{}", primary("a", 1001), primary("b", 1002))));
    let at = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    assert_eq!(channels.places, HashMap::from([(at(1001), 0), (at(1002), 1)]));
    channels.follow(&failover(&primary("b", 1002)));
    assert_eq!(channels.places, HashMap::from([(at(1002), 0)]));
}

#[test]
fn an_address_or_port_that_is_not_to_be_had_is_refused_with_a_remedy() {
    let (taken, at) = peer();
    let open = |server: &str| {
        let text = format!(
            "{server}[Primary a]\nPrimaryIpAddr = 127.0.0.9\nFailoverKeyFile = none\nFailoverPort = {}\n",
            at.port()
        );
        Channels::open(&failover(&text)).expect_err("refused").to_string()
    };
    let busy = open("ServerAddress = 127.0.0.1\n");
    assert!(busy.contains(&at.to_string()) && busy.contains("set FailoverPort"), "{busy}");
    let foreign = open("ServerAddress = 192.0.2.1\n");
    assert!(foreign.contains("192.0.2.1") && foreign.contains("set FailoverAddress"), "{foreign}");
    drop(taken);
}
