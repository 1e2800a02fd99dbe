//! The failover port of the running daemon: open only with partners, heard by address, and never moved by a reload.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use nix::sys::signal::Signal;

use super::house::{House, code, stderr, stdout, wait_until};

/// A free port on loopback, held by a socket.
fn peer() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = socket.local_addr().expect("bound").port();
    (socket, port)
}

/// The configuration of a failover on `port` with the primaries `(name, port)`.
fn failover(house: &House, port: u16, primaries: &[(&str, String)]) -> String {
    let mut text = format!(
        "[Server]\nFailoverServerType = Failover/Secondary\nServerAddress = 127.0.0.1\nInterfaces = lo\n\
         DhcpPort = {}\nStateDir = {}\nControlSocket = {}\nUser = root\n",
        house.port,
        house.state().display(),
        house.socket().display(),
    );
    for (name, address) in primaries {
        let section = format!("[Primary {name}]\nPrimaryIpAddr = {address}\nFailoverKeyFile = none\n");
        text.push_str(&format!("{section}FailoverPort = {port}\n"));
    }
    text
}

#[test]
fn a_failover_without_subnets_starts_hears_its_partner_and_drops_strangers() {
    let house = House::new("channels");
    let ((partner, at), (stranger, from)) = (peer(), peer());
    let (free, port) = peer();
    drop(free);
    house.write(&failover(&house, port, &[("a", format!("127.0.0.1:{at}"))]));
    let server = house.start(&["--wait-for-partner"]);
    assert!(house.ask("status").starts_with("ok\n"));
    let local = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    for socket in [&partner, &stranger, &partner] {
        socket.send_to(b"no message of the protocol", local).expect("sent");
    }
    let told = format!("from 127.0.0.1:{from}, which is no partner: dropped, 1 so far");
    wait_until("the stranger", || house.log().contains(&told));
    let counted = "of partners 2 taken, dropped 1 of strangers";
    wait_until("the counters", || {
        server.signal(Signal::SIGUSR1);
        house.log().contains(counted)
    });
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_failover_port_that_is_not_to_be_had_is_71() {
    let house = House::new("channels-port");
    let (_taken, port) = peer();
    house.write(&failover(&house, port, &[("a", "127.0.0.9".to_owned())]));
    let refused = house.run(&[]);
    assert_eq!(code(&refused), Some(71), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&format!("failover port 127.0.0.1:{port}")), "{}", stderr(&refused));
}

#[test]
fn notices_are_shown_by_the_check_and_at_the_start() {
    let house = House::new("channels-notices");
    let (free, port) = peer();
    drop(free);
    house.write(&failover(&house, port, &[("a", "127.0.0.9".to_owned())]));
    let odd = "[Primary a] FailoverKeyFile: none: whoever can send to the failover port can change leases";
    let checked = house.run(&["-t"]);
    assert_eq!(code(&checked), Some(0), "{}", stderr(&checked));
    assert!(stdout(&checked).starts_with("notice: ") && stdout(&checked).contains(odd), "{}", stdout(&checked));
    let _server = house.start(&[]);
    assert!(house.log().lines().any(|line| line.contains(" warn ") && line.contains(odd)), "{}", house.log());
}

#[test]
fn primaries_come_and_go_by_reload_and_a_name_that_nobody_knows_changes_nothing() {
    let house = House::new("channels-reload");
    let ((_, one), (two, at_two)) = (peer(), peer());
    let (free, port) = peer();
    drop(free);
    let local = |port| format!("127.0.0.1:{port}");
    house.write(&failover(&house, port, &[("a", local(one))]));
    let server = house.start(&[]);
    let both = [("a", local(one)), ("b", local(at_two))];
    house.write(&failover(&house, port, &[("a", local(one)), ("b", "no-such-host.invalid".to_owned())]));
    server.reload();
    let wrong = "[Primary b] PrimaryIpAddr: no-such-host.invalid: ";
    assert!(house.log().contains(wrong), "{}", house.log());
    house.write(&failover(&house, port, &both));
    server.reload();
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    wait_until("the new partner", || {
        two.send_to(b"no message of the protocol", to).expect("sent");
        server.signal(Signal::SIGUSR1);
        let taken = |line: &str| line.contains("sockets: ") && !line.contains("of partners 0 taken");
        house.log().lines().any(taken)
    });
    house.write(&failover(&house, port + 1, &both));
    server.reload();
    assert!(house.log().contains("FailoverPort: "), "{}", house.log());
    assert_eq!(server.stop().code(), Some(0));
}
