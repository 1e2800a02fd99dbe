//! Clients of other makers on the wire of the servers itself: they follow the pair without knowing of it.

use std::net::Ipv4Addr;
use std::time::Instant;

use crate::duo::{Duo, Setup, secs};
use crate::rig::host::until;
use crate::rig::{Host, Stage};

/// Renews after a second or two, whatever it is told; asks anyone after three.
const HASTY: &str = "timeout 20; retry 2; initial-interval 1; backoff-cutoff 1;\n\
                     supersede dhcp-renewal-time 2; supersede dhcp-rebinding-time 3;\n";

fn in_range(address: Ipv4Addr) -> bool {
    let [a, b, c, last] = address.octets();
    [a, b, c] == [10, 1, 0] && (50..=200).contains(&last)
}

/// dhclient keeps its address over the death and the return of the primary; udhcpc comes while the failover serves.
#[test]
fn dhclient_and_udhcpc_live_on_a_pair_whose_primary_dies_and_returns() {
    let Some(stage) = Stage::set("real-clients", &["dhclient", "udhcpc"]) else { return };
    let duo = Duo::started(&stage, Setup::with_lease(30));
    let hosts = [Host::new(&stage, "dhclient"), Host::new(&stage, "udhcpc")];
    for host in &hosts {
        duo.switch.plug(host, None);
    }
    let [config, leases] = [stage.file("dhclient.conf", HASTY), stage.file("dhclient.leases", "")];
    let pid = stage.folder().join("dhclient.pid");
    let words =
        format!("dhclient -4 -v -d -cf {} -lf {} -pf {} eth0", config.display(), leases.display(), pid.display());
    let dhclient = hosts[0].spawn(&words);
    let kept = hosts[0].wait_for_address("eth0", in_range);
    until("the lease at the failover", crate::duo::SLACK, || duo.failover.active_leases().contains_key(&kept));
    let killed = duo.primary.kill_9();
    dhclient.wait_for("from 10.1.0.5");
    let renewed = killed.elapsed();
    let come = Instant::now();
    let _udhcpc = hosts[1].spawn("udhcpc -f -i eth0 -t 10 -T 1");
    let new = hosts[1].wait_for_address("eth0", in_range);
    let leased = come.elapsed();
    assert_ne!(kept, new);
    assert_eq!(hosts[0].addresses("eth0"), [kept], "dhclient keeps its address");
    duo.primary.launch();
    duo.wait_for_rest();
    until("both leases at the primary", crate::duo::SLACK, || {
        let known = duo.primary.active_leases();
        known.contains_key(&kept) && known.contains_key(&new)
    });
    let seen = dhclient.said().matches("from 10.1.0.4").count();
    until("a renewal at the primary", crate::duo::SLACK * 10, || {
        dhclient.said().matches("from 10.1.0.4").count() > seen
    });
    assert_eq!(hosts[0].addresses("eth0"), [kept]);
    duo.observer.print("dhclient and udhcpc", &[("renewed_s", secs(renewed)), ("new_s", secs(leased))]);
}
