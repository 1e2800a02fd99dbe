//! Who has control (section 6).

use std::time::Duration;

use understudy::journal::OpenMode;
use understudy::rules::Rule;
use understudy::wire::failover::Kind;

use crate::duo::{Duo, FAILOVER, PRIMARY, millis};
use crate::scene::{Scene, promise, scarce};
use crate::support::Client;
use crate::support::pair::{F, P};
use crate::support::pair_setup::PairSetup;
use crate::table::missed;

#[test]
fn with_a_subnet_taken_back_for_want_of_an_answer_both_serve_it() {
    missed(Rule::TakenBackByPolling, || {
        let mut scene = Scene::settled(&PairSetup::new());
        scene.take_over();
        scene.pair.lease_all(1..3);
        scene.pair.wires.way(P, F).loses = Some(Kind::SubnetTaken);
        scene.pair.start(P);
        scene.pair.run(10);
        scene.one_voice()
    });
}

#[test]
fn without_yielding_both_serve_after_a_heal() {
    missed(Rule::Yield, || {
        let mut scene = Scene::settled(&PairSetup::new());
        scene.part();
        scene.pair.wires.mend(P, F);
        scene.pair.run(60);
        let (one, other) = (scene.answer(P, &Client::new(1).discover()), scene.answer(F, &Client::new(1).discover()));
        promise(one.is_none() || other.is_none(), "a minute after the heal both answer")
    });
}

/// Both start anew after the failover alone served; its changes are slow to come.
#[test]
fn without_all_changes_a_primary_gives_what_its_failover_gave() {
    missed(Rule::HoldsAll, || {
        let mut scene = Scene::settled(&scarce().primary("StrictShares = False").both("SyncBindingBufSize = 64"));
        scene.take_over();
        scene.must_lease(F, &Client::new(1));
        scene.pair.kill(F);
        scene.pair.wires.way(F, P).loses = Some(Kind::BindUpdate);
        scene.pair.start(P);
        scene.pair.start(F);
        scene.pair.run(5);
        let _ = scene.lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

/// SubnetReturn passes, the changes before it do not.
#[test]
fn with_a_subnet_taken_before_its_changes_a_primary_gives_what_its_failover_gave() {
    missed(Rule::ChangesFirst, || {
        let mut scene = Scene::settled(&scarce().primary("StrictShares = False"));
        scene.take_over();
        scene.must_lease(F, &Client::new(1));
        scene.pair.wires.way(F, P).loses = Some(Kind::BindUpdate);
        scene.pair.start(P);
        scene.pair.run(5);
        let _ = scene.lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

/// Clients renew all the time while the primary comes back.
#[test]
fn without_a_look_at_the_partners_answers_a_message_is_answered_twice() {
    missed(Rule::AnsweredOnce, || {
        let mut duo = Duo::at_rest();
        let clients: Vec<_> = (0..8).map(Client::new).map(|client| (duo.lease(&client).yiaddr, client)).collect();
        duo.run(millis(300));
        let disk = duo.kill(PRIMARY);
        duo.run(millis(1_500));
        duo.start(PRIMARY, disk, OpenMode::Normal);
        let asked: Vec<u32> = (0..200)
            .map(|number| {
                let (address, client) = &clients[number % clients.len()];
                let asked = duo.ask(client.rebinding(*address));
                duo.run(millis(1));
                asked
            })
            .collect();
        duo.run(millis(500));
        assert_eq!([duo.state(PRIMARY), duo.state(FAILOVER)], ["Serving", "Asleep"]);
        let answers = |asked: u32| duo.heard.iter().filter(|heard| heard.reply.xid == asked).count();
        promise(asked.iter().all(|asked| answers(*asked) < 2), "a message is answered by both")
    });
}

/// The primary is heard for a second in twenty: each time the failover yields.
#[test]
fn without_patience_after_a_yield_a_cut_that_comes_and_goes_makes_the_failover_flap() {
    missed(Rule::SlowAfterYield, || {
        let mut scene = Scene::settled(&PairSetup::new());
        let (mut takeovers, mut was) = (0, "Asleep");
        for second in 0..600 {
            scene.pair.wires.way(P, F).cut = second % 20 != 0;
            scene.pair.run_for(Duration::from_secs(1));
            let state = scene.pair.state(F);
            takeovers += u32::from(state == "Active" && was != "Active");
            was = state;
        }
        promise(takeovers < 10, &format!("{takeovers} takeovers in ten minutes"))
    });
}
