//! Who may give an address (section 7).

use std::time::Duration;

use understudy::rules::Rule;
use understudy::wire::failover::Kind;

use crate::scene::{Scene, promise, scarce, shared};
use crate::support::disk::SimDisk;
use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, ip, kind};
use crate::table::{Finding, missed};

#[test]
fn without_the_owner_both_give_one_address_in_a_partition() {
    missed(Rule::Owner, || {
        let mut scene = Scene::settled(&shared());
        scene.part();
        scene.must_lease(F, &Client::new(1));
        scene.must_lease(F, &Client::new(2));
        for number in 3..7 {
            let _ = scene.lease(P, &Client::new(number));
        }
        scene.one_holder_each()
    });
}

/// A client renews at the failover what has ended for the primary, out of contact.
fn renewed_elsewhere(scene: &mut Scene, client: &Client) {
    let address = scene.must_lease(P, client);
    scene.pair.run(1);
    scene.part();
    scene.pair.run(10);
    let ack = scene.answer(F, &client.rebinding(address)).expect("an ACK");
    assert_eq!(ack.yiaddr, address);
    scene.pair.run(45);
}

#[test]
fn without_settled_a_lease_that_the_partner_renewed_is_given_to_another() {
    missed(Rule::Settled, || {
        let mut scene = Scene::settled(&scarce());
        renewed_elsewhere(&mut scene, &Client::new(1));
        let _ = scene.lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

/// The primary releases an address; the failover, which learns of that later, has renewed it meanwhile, and then holds
/// the release, and says so in a datagram from which it is seen that it made changes that are missing here.
fn released_here_and_renewed_there() -> Finding {
    let mut scene = Scene::settled(&scarce());
    let client = Client::new(1);
    let ack = scene.lease(P, &client).expect("an address");
    scene.pair.run(1);
    scene.pair.wires.way(P, F).cut = true;
    scene.release(P, &client, &ack);
    scene.pair.until(60, |pair| pair.state(F) == "Active");
    let again = scene.answer(F, &client.rebinding(ack.yiaddr)).expect("an ACK");
    assert_eq!(again.yiaddr, ack.yiaddr);
    scene.pair.wires.way(F, P).loses = Some(Kind::BindUpdate);
    scene.pair.wires.mend(P, F);
    scene.pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
    for _ in 0..30 {
        let _ = scene.lease(P, &Client::new(2));
    }
    scene.one_holder_each()
}

#[test]
fn with_facts_from_two_datagrams_a_lease_that_the_partner_renewed_is_given_to_another() {
    missed(Rule::OneDatagram, released_here_and_renewed_there);
}

#[test]
fn without_newest_a_lease_that_the_partner_renewed_is_given_to_another() {
    missed(Rule::Newest, released_here_and_renewed_there);
}

/// The failover grants by a clock, starts again by another that is four seconds ahead, and the primary's is too.
#[test]
fn without_the_margin_a_lease_is_given_to_another_seconds_before_its_end() {
    missed(Rule::Margin, || {
        let setup = scarce().primary("StrictShares = False").failover("PollDelay = 0.5");
        let mut scene = Scene::of(Pair::new(&setup));
        scene.pair.hosts[P].clock_offset = 4_000;
        scene.pair.start_new(P);
        scene.pair.start_new(F);
        scene.pair.run(10);
        scene.take_over();
        scene.must_lease(F, &Client::new(1));
        scene.pair.kill(F);
        scene.pair.hosts[F].clock_offset = 4_000;
        scene.pair.start(F);
        scene.pair.start(P);
        scene.pair.until(30, |pair| pair.states() == ["Serving", "Asleep"]);
        for _ in 0..35 {
            let _ = scene.lease(P, &Client::new(2));
        }
        scene.one_holder_each()
    });
}

/// ActiveLeaseExpiration = Full_delete forgets the client of an ended lease that the partner has renewed.
#[test]
fn with_deleted_records_a_lease_that_the_partner_renewed_is_given_to_another() {
    missed(Rule::RecordStays, || {
        let mut scene = Scene::settled(&scarce().policy("ActiveLeaseExpiration = Full_delete"));
        let client = Client::new(1);
        let address = scene.must_lease(P, &client);
        scene.pair.run(1);
        scene.part();
        // The sweep of ended leases comes once a minute.
        for _ in 0..5 {
            let _ = scene.answer(F, &client.rebinding(address)).expect("an ACK");
            scene.pair.run(30);
        }
        let _ = scene.lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

#[test]
fn with_owners_by_configuration_a_reload_gives_the_partners_addresses_away() {
    missed(Rule::OwnersByRecord, || {
        let setup = shared();
        let mut scene = Scene::settled(&setup);
        scene.part();
        scene.must_lease(F, &Client::new(1));
        scene.must_lease(F, &Client::new(2));
        scene.pair.reload(P, setup.primary("FailoverShare = 0").of_primary());
        scene.pair.run(1);
        for number in 3..7 {
            let _ = scene.lease(P, &Client::new(number));
        }
        scene.one_holder_each()
    });
}

/// An offer of before the address got another owner, taken up afterwards.
#[test]
fn without_another_look_at_the_request_an_old_offer_gives_the_partners_address() {
    missed(Rule::LookAgain, || {
        let none = shared().primary("FailoverShare = 0");
        let mut scene = Scene::settled(&none);
        let slow = Client::new(1);
        let wish = slow.discover().address(crate::support::code::REQUESTED, ip("10.1.0.53"));
        let offer = scene.answer(P, &wish).expect("an offer");
        assert_eq!(offer.yiaddr, ip("10.1.0.53"));
        // Offers are kept in memory alone.
        scene.pair.kill(P);
        scene.pair.hosts[P].config = shared().of_primary();
        scene.pair.start(P);
        scene.pair.run(20);
        scene.part();
        scene.must_lease(F, &Client::new(2));
        scene.must_lease(F, &Client::new(3));
        let _ = scene.answer(P, &slow.selecting(&offer));
        scene.one_holder_each()
    });
}

#[test]
fn with_offered_addresses_given_away_an_offer_is_not_kept() {
    missed(Rule::OfferedStays, || {
        let setup = shared().policy("MaxPendingSeconds = 60");
        let mut scene = Scene::of(Pair::new(&setup));
        scene.pair.start_new(P);
        scene.pair.until(60, |pair| pair.state(P) == "Serving");
        let client = Client::new(1);
        let wish = client.discover().address(crate::support::code::REQUESTED, ip("10.1.0.53"));
        let offer = scene.answer(P, &wish).expect("an offer");
        assert_eq!(offer.yiaddr, ip("10.1.0.53"));
        scene.pair.start_new(F);
        scene.pair.run(20);
        assert!(!scene.pair.engine(F).server().bindings().shares().is_empty(), "it has got its share");
        // In contact it would be asked back.
        scene.pair.wires.cut(P, F);
        let ack = scene.answer(P, &client.selecting(&offer));
        promise(ack.is_some_and(|ack| ack.kind() == Some(kind::ACK)), "the offer of 10.1.0.53 is not kept")
    });
}

/// Both out of contact: one has promised the address, the other has none left that is surely free.
#[test]
fn without_strict_shares_an_unanswered_ping_is_enough() {
    missed(Rule::StrictShares, || {
        let mut scene = Scene::settled(&scarce());
        scene.part();
        scene.must_lease(P, &Client::new(1));
        let _ = scene.lease(F, &Client::new(2));
        scene.one_holder_each()
    });
}

/// A reload narrows the range of the failover, which takes over then.
#[test]
fn without_service_of_what_the_partner_gave_a_lease_out_of_range_is_not_renewed() {
    missed(Rule::HolderServedOn, || {
        let mut scene = Scene::settled(&PairSetup::new());
        let client = Client::new(1);
        let wish = client.discover().address(crate::support::code::REQUESTED, ip("10.1.0.58"));
        let offer = scene.answer(P, &wish).expect("an offer");
        let address = scene.answer(P, &client.selecting(&offer)).expect("an ACK").yiaddr;
        scene.pair.run(1);
        scene.pair.reload(F, shared().of_failover());
        scene.pair.run(15);
        scene.take_over();
        let reply = scene.answer(F, &client.rebinding(address));
        promise(reply.is_some_and(|reply| reply.kind() == Some(kind::ACK)), "a running lease is not renewed")
    });
}

/// A pair with two hosts' worth of addresses, one of which is reserved for client 1 or client 2.
fn reserved(client: Option<u8>) -> PairSetup {
    let host = client.map_or(String::new(), |number| {
        format!("[Host one]\nHardwareAddress = 02:00:00:00:00:0{number}\nAddress = 10.1.0.51\n")
    });
    let few = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.51\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";
    PairSetup::new().subnets(&format!("{few}{host}")).primary("StrictShares = True").primary("FailoverShare = 0")
}

/// A reload at the failover gives a host the address that the primary gives to anybody.
#[test]
fn with_a_reservation_of_one_server_alone_both_give_the_address() {
    missed(Rule::ReservationOfBoth, || {
        let mut scene = Scene::settled(&reserved(None));
        scene.part();
        scene.pair.reload(F, reserved(Some(1)).of_failover());
        scene.pair.run(1);
        let _ = scene.lease(F, &Client::new(1));
        for number in 3..5 {
            let _ = scene.lease(P, &Client::new(number));
        }
        scene.one_holder_each()
    });
}

/// The primary starts anew without a reservation by which the failover has given the address.
#[test]
fn without_the_book_of_reservations_that_went_away_both_give_the_address() {
    missed(Rule::ReservationStays, || {
        let mut scene = Scene::settled(&reserved(Some(1)));
        scene.pair.run(15);
        scene.part();
        let given = scene.must_lease(F, &Client::new(1));
        assert_eq!(given, ip("10.1.0.51"));
        scene.pair.kill(P);
        scene.pair.hosts[P].config = reserved(None).of_primary();
        scene.pair.start(P);
        scene.pair.until(60, |pair| pair.state(P) == "Serving");
        for number in 3..5 {
            let _ = scene.lease(P, &Client::new(number));
        }
        scene.one_holder_each()
    });
}

/// Out of contact a client moves to another address of the failover's; the primary knows it at the former one only.
#[test]
fn without_proof_a_client_is_refused_what_the_partner_gave_it() {
    missed(Rule::RefusalProven, || {
        let mut scene = Scene::settled(&shared().primary("StrictShares = False"));
        let client = Client::new(1);
        let ack = scene.lease(P, &client).expect("an address");
        scene.pair.run(1);
        scene.part();
        let ack = scene.answer(F, &client.rebinding(ack.yiaddr)).expect("an ACK");
        scene.release(F, &client, &ack);
        // Somebody else answers at the address that it had, so it gets one of the failover's.
        scene.pair.echoes.push(ack.yiaddr);
        let moved = scene.must_lease(F, &client);
        assert_ne!(moved, ack.yiaddr);
        let reply = scene.answer(P, &client.rebinding(moved));
        let refused = reply.is_some_and(|reply| reply.kind() == Some(kind::NAK));
        promise(!refused, "a client is refused the address that the failover gave it")
    });
}

#[test]
fn without_the_ping_the_address_of_a_living_client_is_given_to_another() {
    missed(Rule::PingFirst, || {
        let mut scene = Scene::settled(&scarce().primary("StrictShares = False"));
        renewed_elsewhere(&mut scene, &Client::new(1));
        scene.pair.echoes.push(ip("10.1.0.50"));
        let _ = scene.lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

#[test]
fn without_the_ping_of_a_replaced_database_what_the_disk_lost_is_given_to_another() {
    missed(Rule::ReplacedPings, || {
        let mut scene = Scene::settled(&PairSetup::new().primary("StrictShares = True"));
        let address = scene.must_lease(P, &Client::new(1));
        scene.pair.power_off(F);
        scene.pair.power_off(P);
        scene.pair.hosts[P].disk = SimDisk::new(33);
        scene.pair.start(P);
        scene.pair.until(60, |pair| pair.state(P) == "Serving");
        scene.pair.echoes.push(address);
        scene.must_lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

/// An operator said that the failover is down; it came back, and was cut off later.
#[test]
fn with_partner_down_for_ever_a_lease_that_the_partner_renewed_is_given_to_another() {
    missed(Rule::PartnerDownEnds, || {
        let mut scene = Scene::settled(&scarce());
        scene.pair.power_off(F);
        scene.pair.run(30);
        scene.pair.control(P, "partner-down failover");
        scene.pair.start(F);
        scene.pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        scene.pair.run(20);
        renewed_elsewhere(&mut scene, &Client::new(1));
        let _ = scene.lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

/// The word holds until there was contact: the test above would find nothing if it had never been taken.
#[test]
fn partner_down_was_taken() {
    let mut scene = Scene::settled(&scarce());
    let client = Client::new(1);
    scene.must_lease(P, &client);
    scene.pair.power_off(F);
    scene.pair.run(120);
    assert!(scene.lease(P, &Client::new(2)).is_none(), "not settled");
    scene.pair.control(P, "partner-down failover");
    scene.pair.run_for(Duration::from_millis(100));
    assert!(scene.lease(P, &Client::new(2)).is_some(), "its own grant, by its own clock");
}
