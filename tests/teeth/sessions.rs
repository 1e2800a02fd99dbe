//! Which datagrams count (section 3).

use std::time::Duration;

use understudy::clock::Mono;
use understudy::rules::Rule;
use understudy::server::failover::session::{Ends, Session, Verdict};
use understudy::server::random::Random;
use understudy::wire::failover::{Body, Header, Kind};
use understudy::wire::seal::Keys;

use crate::scene::{Scene, promise};
use crate::support::pair::{F, P, Sent};
use crate::support::pair_setup::PairSetup;
use crate::table::{Finding, missed};

/// Sends recorded datagrams to a failover that serves for a dead primary: it has to go on serving.
fn stays_active(scene: &mut Scene, recorded: &[Sent]) -> Finding {
    for sent in recorded {
        scene.pair.again(sent);
        scene.pair.run_for(Duration::from_millis(5));
        let state = scene.pair.state(F);
        promise(state == "Active", &format!("nobody serves: a recorded datagram makes the failover {state}"))?;
    }
    Ok(())
}

#[test]
fn without_the_replay_window_a_recorded_request_for_control_silences_the_failover() {
    missed(Rule::ReplayWindow, || {
        let mut scene = Scene::settled(&PairSetup::new());
        scene.take_over();
        let session = scene.pair.sent.last().expect("a datagram").read().header.session;
        let of_session = |sent: &&Sent| sent.from == P && sent.read().header.session == session;
        let recorded: Vec<Sent> = scene.pair.sent.iter().filter(of_session).cloned().collect();
        assert!(recorded.iter().any(|sent| sent.bytes[1] == Kind::CtlReq.code()));
        stays_active(&mut scene, &recorded)
    });
}

#[test]
fn without_sessions_a_datagram_of_an_earlier_boot_silences_the_failover() {
    missed(Rule::Sessions, || {
        let mut scene = Scene::settled(&PairSetup::new());
        let recorded: Vec<Sent> = scene.pair.sent.iter().filter(|sent| sent.from == P).cloned().collect();
        scene.pair.kill(P);
        scene.pair.start(P);
        scene.pair.until(10, |pair| pair.states() == ["Serving", "Asleep"]);
        scene.take_over();
        stays_active(&mut scene, &recorded)
    });
}

/// A PollRpl that says Serving, overtaken by the CtlGive of a planned stop.
#[test]
fn with_state_from_an_overtaken_datagram_the_failover_yields_to_a_primary_that_stopped() {
    missed(Rule::HighestSequence, || {
        let mut scene = Scene::settled(&PairSetup::new());
        let pair = &mut scene.pair;
        pair.wires.way(P, F).loses = Some(Kind::PollRpl);
        let replies = pair.times(P, Kind::PollRpl).len();
        pair.until(30, |pair| pair.times(P, Kind::PollRpl).len() > replies);
        let late = pair.sent.iter().rfind(|sent| sent.from == P && sent.bytes[1] == Kind::PollRpl.code()).cloned();
        pair.stop(P);
        pair.until(3, |pair| pair.state(F) == "Active");
        stays_active(&mut scene, &[late.expect("a reply")])
    });
}

/// One end of a session, without the rest of a server.
struct End {
    session: Session,
    random: Random,
    boot: u64,
}

impl End {
    fn new(ends: Ends, boot: u64) -> End {
        End { session: Session::new(ends, boot), random: Random::new(boot), boot }
    }

    fn header(&mut self) -> Header {
        let (session, seen) = (self.session.id(), self.session.seen());
        let partner_boot = if session == 0 { self.session.greeted() } else { self.session.partner_boot() };
        Header {
            session,
            sequence: self.session.next_sequence(),
            seen,
            boot: self.boot,
            partner_boot,
            database: [0; 16],
            partner_database: [0; 16],
            complete: true,
            strict: false,
            state: understudy::wire::failover::PartnerState::Serving,
            transfer: 0,
            have_boot: 0,
            have: 0,
            newest: 0,
            clock: 0,
            config_generation: 0,
            config_digest: [0; 8],
            buffer_size: 1024,
        }
    }

    fn receive(&mut self, header: &Header, body: &Body<'_>) -> Verdict {
        let keys = Keys::parse("00112233445566778899aabbccddeeff").expect("a key");
        self.session.receive(header, body, (Mono::default(), &keys, &mut self.random))
    }
}

/// Brings two ends into a session, beginning with a message of the first.
fn greet(one: &mut End, other: &mut End) {
    let mut say = (one.header(), Body::CtlReq);
    for turn in 0..6 {
        let (speaker, listener) = if turn % 2 == 0 { (&mut *one, &mut *other) } else { (&mut *other, &mut *one) };
        let verdict = listener.receive(&say.0, &say.1);
        let body = match verdict {
            Verdict::Greet(body) | Verdict::Established { greeting: Some(body), .. } => body,
            Verdict::Established { greeting: None, .. } => return,
            other => panic!("{other:?}"),
        };
        let _ = speaker;
        say = (listener.header(), body);
    }
    panic!("no session");
}

/// A virtual machine that goes on from an image of some seconds ago: its partner has seen later datagrams of it.
#[test]
fn without_a_new_boot_a_server_that_was_set_back_is_not_heard_any_more() {
    missed(Rule::OwnSequence, || {
        let mut failover = End::new(Ends::Failover, 2);
        let mut primary = End::new(Ends::Primary, 1);
        greet(&mut primary, &mut failover);
        for _ in 0..10 {
            let header = primary.header();
            assert!(matches!(failover.receive(&header, &Body::CtlReq), Verdict::Message { .. }));
        }
        // The same as it was right after the exchange.
        let mut restored = End::new(Ends::Primary, 1);
        greet(&mut restored, &mut End::new(Ends::Failover, 2));
        let heard = failover.header();
        if restored.receive(&heard, &Body::SyncReq) == Verdict::Behind {
            restored.session.reboot(7);
            restored.boot = 7;
        }
        let header = restored.header();
        let verdict = failover.receive(&header, &Body::CtlReq);
        promise(!matches!(verdict, Verdict::Drop(_)), &format!("what it says is dropped: {verdict:?}"))
    });
}
