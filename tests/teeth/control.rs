//! Who has control (section 6).

use understudy::rules::Rule;
use understudy::wire::failover::Kind;

use crate::scene::{Scene, promise};
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
