//! Servers that stood still (section 9).

use understudy::rules::Rule;

use crate::duo::{Duo, FAILOVER, PRIMARY, millis};
use crate::scene::promise;
use crate::support::Client;
use crate::table::{Finding, missed};

/// A primary that is stopped for so long that its failover serves.
fn frozen() -> (Duo, std::net::Ipv4Addr) {
    let mut duo = Duo::at_rest();
    let address = duo.lease(&Client::new(1)).yiaddr;
    duo.server(PRIMARY).frozen = true;
    duo.run(millis(1_500));
    assert_eq!(duo.state(FAILOVER), "Active");
    (duo, address)
}

/// Two servers never answer at one time.
fn one_serves(duo: &Duo) -> Finding {
    let both = duo.state(PRIMARY) == "Serving" && duo.state(FAILOVER) == "Active";
    promise(!both, "the primary serves, and so does the failover")
}

/// What the failover said before it took over waits for a primary that stood still: that it slept.
#[test]
fn with_a_sleep_of_before_the_request_both_serve_after_a_standstill() {
    missed(Rule::SleepsAfterAsked, || {
        let (mut duo, _) = frozen();
        duo.server(PRIMARY).frozen = false;
        for _ in 0..500 {
            duo.run(millis(1));
            one_serves(&duo)?;
        }
        Ok(())
    });
}

#[test]
fn without_asking_a_primary_that_stood_still_answers_beside_the_failover() {
    missed(Rule::AskAfterStandstill, || {
        let (mut duo, address) = frozen();
        let _ = duo.ask(Client::new(1).rebinding(address));
        duo.run(millis(5));
        let thawed = duo.now.mono;
        duo.server(PRIMARY).frozen = false;
        duo.run(millis(1));
        promise(duo.replies_of(PRIMARY, thawed) == 0, "it answers what came while the failover served")
            .and_then(|()| one_serves(&duo))
    });
}

#[test]
fn without_a_limit_an_ack_leaves_long_after_the_failover_took_over() {
    missed(Rule::TimelyRelease, || {
        let mut duo = Duo::at_rest();
        let address = duo.lease(&Client::new(1)).yiaddr;
        duo.server(PRIMARY).slow = millis(1_500);
        let began = duo.now.mono;
        let _ = duo.ask(Client::new(1).rebinding(address));
        duo.run(millis(1_400));
        assert_eq!(duo.state(FAILOVER), "Active");
        duo.run(millis(200));
        promise(duo.replies_of(PRIMARY, began) == 0, "an ACK of a primary whose failover has taken over")
    });
}
