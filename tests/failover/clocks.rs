//! Servers whose clocks differ (section 9).

use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;

/// Section 9: liveness uses the monotonic clock alone: an hour's difference changes no state, and both tables agree.
#[test]
fn an_hour_between_the_clocks_changes_no_state() {
    for offset in [3_600_000, -3_600_000] {
        let mut pair = Pair::new(&PairSetup::new());
        pair.hosts[F].clock_offset = offset;
        pair.start_new(P);
        pair.start_new(F);
        pair.run(20);
        pair.lease_all(1..11);
        for _ in 0..300 {
            pair.run(1);
            assert!(matches!(pair.state(F), "Asleep" | "Probing"));
        }
        pair.assert_equal();
        pair.power_off(P);
        pair.until(30, |pair| pair.state(F) == "Active");
        let address = pair.table(F).len();
        assert_eq!(address, 10);
        pair.start(P);
        pair.until(30, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(20);
        pair.assert_equal();
        assert_eq!(pair.double, 0);
    }
}

/// Section 9: a clock that was set back stays at the newest record until the wall clock has caught up: see the engine's
/// tests. A server that starts in contact keeps its own clock, whatever the partner's says: the offset is shown, and
/// is the margin for ends of leases.
#[test]
fn a_server_that_starts_in_contact_with_one_that_serves_keeps_its_own_clock() {
    for (host, serving, offset) in [(F, P, 3_600_000), (P, F, 3_600_000)] {
        let mut pair = Pair::settled(&PairSetup::new());
        pair.power_off(host);
        pair.until(120, |pair| matches!(pair.state(serving), "Serving" | "Active"));
        pair.run(60);
        pair.hosts[host].clock_offset = offset;
        pair.start(host);
        pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(30);
        let shown = offset_of(&mut pair, host);
        assert!((shown + offset).abs() < 100, "host {host} shows {shown} ms");
        assert!((offset_of(&mut pair, serving) - offset).abs() < 100);
    }
}

/// The partner's clock minus the server's own, in milliseconds, as status shows it.
fn offset_of(pair: &mut Pair, host: usize) -> i64 {
    let status = pair.control(host, "status --json");
    let from = status.split("\"clock_offset_ms\":").nth(1).expect("an offset");
    from.split(',').next().and_then(|number| number.parse().ok()).expect("a number")
}
