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
