//! [Failover] and [Primary]: keys, bounds, misprints, and what a role does not use.

use std::path::Path;
use std::time::Duration;

use super::support::{Files, errors, good, notices};

const PRIMARY: &str = "[Failover]\nUseFailoverServer = True\nSecondaryIpAddr = 10.1.0.5\nFailoverKeyFile = /k\n";
const SECONDARY: &str = "[Server]\nFailoverServerType = Failover/Secondary\n";

#[test]
fn a_primary_has_the_defaults_of_the_table() {
    let config = good(PRIMARY);
    let failover = config.failover.expect("a failover");
    assert_eq!((failover.secondary.as_str(), failover.ctl_req_retry_max), ("10.1.0.5", 3));
    assert_eq!(failover.wait_ctl_ret, Duration::from_secs(5));
    assert_eq!((failover.share_percent, failover.strict_shares), (50, false));
    assert!(failover.hand_over_on_stop && failover.sync_config);
    let common = failover.common;
    assert_eq!((common.poll_delay, common.address), (None, None));
    assert_eq!((common.sync_bind_retry_max, common.sync_binding_buf_size, common.port), (3, 1024, 647));
    assert_eq!(common.wait_sync_bind_ack, Duration::from_secs(5));
    assert_eq!(common.wait_sync_bind_update, Duration::from_secs(10));
    assert_eq!(common.max_clock_skew, Duration::from_secs(5));
    assert_eq!(common.key_file.as_deref(), Some(Path::new("/k")));
}

#[test]
fn a_failover_has_a_section_a_primary_with_decimals_and_the_word_none() {
    let text = format!(
        "{SECONDARY}[Primary a]\nPrimaryIpAddr = 10.1.0.4:1647\nFailoverKeyFile = none\nWaitPollRplSecs = 0.25\n\
         WaitSyncStartSecs = 0\n[Primary b]\nPrimaryIpAddr = dhcp1.example.com\nFailoverKeyFile = /k\n\
         PollDelay = 1.5\nSubnetsFile = /s.ini\n"
    );
    let files = Files::new(&[("a.ini", &text), ("/s.ini", "[Subnet 10.1.0.0/24]\nRange = 10.1.0.5 - 10.1.0.9\n")]);
    let config = files.load("a.ini").expect("legal");
    let [a, b] = config.primaries.as_slice() else { panic!("two primaries") };
    assert_eq!((a.name.as_str(), a.primary.as_str(), a.common.key_file.as_deref()), ("a", "10.1.0.4:1647", None));
    assert_eq!((a.wait_poll_rpl, a.wait_sync_start), (Duration::from_millis(250), Duration::ZERO));
    assert_eq!((a.poll_retry_max, a.sync_bindings, a.sync_req_retry_max, a.sync_fail_critical), (3, true, 3, false));
    assert_eq!(b.common.poll_delay, Some(Duration::from_millis(1500)));
    assert_eq!((b.primary.as_str(), b.subnets_file.as_deref()), ("dhcp1.example.com", Some(Path::new("/s.ini"))));
}

#[test]
fn zero_stands_for_the_default_of_wait_ctl_ret_secs() {
    let config = good(&format!("{PRIMARY}WaitCtlRetSecs = 0\n"));
    assert_eq!(config.failover.expect("a failover").wait_ctl_ret, Duration::from_secs(5));
}

#[test]
fn misprints_of_the_white_paper_are_taken_with_a_notice() {
    let subnet = "[Subnet 10.1.0.0/24]\n";
    let text = format!("{PRIMARY}ClientReqRetryMax = 7\nWaitClRetSecs = 0.5\n{subnet}");
    let failover = good(&text).failover.expect("a failover");
    assert_eq!((failover.ctl_req_retry_max, failover.wait_ctl_ret), (7, Duration::from_millis(500)));
    assert_eq!(
        notices(&text),
        [
            "5: [Failover] ClientReqRetryMax: a misprint, taken as CtlReqRetryMax",
            "6: [Failover] WaitClRetSecs: a misprint, taken as WaitCtlRetSecs"
        ]
    );
    let text = format!("{SECONDARY}[Primary a]\nPrimaryIpAddr = 10.1.0.4\nFailoverKeyFile = /k\nWaitPollRptSecs = 2\n");
    assert_eq!(good(&text).primaries[0].wait_poll_rpl, Duration::from_secs(2));
    assert_eq!(notices(&text), ["6: [Primary a] WaitPollRptSecs: a misprint, taken as WaitPollRplSecs"]);
}

#[test]
fn without_use_failover_server_the_keys_are_checked_and_not_used() {
    assert!(good("[Failover]\nSecondaryIpAddr = 10.1.0.5\n").failover.is_none());
    let expected = "2: [Failover] CtlReqRetryMax: 11 is out of bounds (legal: 0-10)";
    assert_eq!(errors("[Failover]\nCtlReqRetryMax = 11\n"), [expected]);
}

#[test]
fn required_keys_are_named() {
    let missing = "1: [Failover] SecondaryIpAddr: is missing; it is required when UseFailoverServer is True \
                   (legal: an IPv4 address or host name, with :port if need be)";
    assert_eq!(errors("[Failover]\nUseFailoverServer = True\nFailoverKeyFile = none\n"), [missing]);
    let said = errors(&format!("{SECONDARY}[Primary a]\nPrimaryIpAddr = 10.0.0.300\n"));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("3: [Primary a] FailoverKeyFile: is missing; it is required in each [Primary]"));
    assert!(said[1].starts_with("4: [Primary a] PrimaryIpAddr: 10.0.0.300 is not a partner"));
    assert_eq!(errors(SECONDARY), ["1: [Server] a failover has no primary (legal: one [Primary NAME] at least)"]);
}

#[test]
fn bounds_of_the_failover_parameters_are_kept() {
    let cases = [
        ("PollDelay = 0", "0 is out of bounds (legal: 0.001-86400 s, decimals allowed)"),
        (
            "PollDelay = 0.0001",
            "0.0001 is not a time such as 90, 1.5s, 30m, 8h, 7d or 2w (legal: 0.001-86400 s, decimals allowed)",
        ),
        ("PollDelay = 25h", "25h is out of bounds (legal: 0.001-86400 s, decimals allowed)"),
        ("WaitCtlRetSecs = 3601", "3601 is out of bounds (legal: 0-3600 s, decimals allowed)"),
        ("WaitSyncBindAckSecs = 0", "0 is out of bounds (legal: 0.001-3600 s, decimals allowed)"),
        ("SyncBindRetryMax = 101", "101 is out of bounds (legal: 0-100)"),
        ("SyncBindingBufSize = 63", "63 is out of bounds (legal: 64-4096)"),
        ("SyncBindingBufSize = 4097", "4097 is out of bounds (legal: 64-4096)"),
        ("FailoverPort = 0", "0 is out of bounds (legal: 1-65535)"),
        ("FailoverShare = 101", "101 is out of bounds (legal: 0-100)"),
        ("MaxClockSkewSecs = 601", "601 is out of bounds (legal: 0-600 s, decimals allowed)"),
        (
            "SecondaryIpAddr = 10.1.0.5:0",
            "10.1.0.5:0 is not a partner (legal: an IPv4 address or host name, with :port if need be)",
        ),
    ];
    for (line, expected) in cases {
        let key = line.split(' ').next().unwrap_or_default();
        assert_eq!(errors(&format!("[Failover]\n{line}\n")), [format!("2: [Failover] {key}: {expected}")]);
    }
}

#[test]
fn keys_that_the_role_does_not_use_are_errors() {
    let unused = "is not used by FailoverServerType = Standalone/Primary (legal: on a Failover/Secondary)";
    assert_eq!(
        errors("[Primary a]\nPrimaryIpAddr = 10.1.0.4\nPollRetryMax = 3\n"),
        [format!("2: [Primary a] PrimaryIpAddr: {unused}"), format!("3: [Primary a] PollRetryMax: {unused}")]
    );
    assert_eq!(
        errors("[Failover]\nPollRetryMax = 3\n"),
        ["2: [Failover] PollRetryMax: does not stand in this section (legal: in [Primary])"]
    );
    let primary = "[Primary a]\nPrimaryIpAddr = 10.1.0.4\nFailoverKeyFile = none\n";
    let said = errors(&format!("{SECONDARY}{primary}[Failover]\nSyncConfig = True\n[Subnet 10.1.0.0/24]\n"));
    assert_eq!(
        said,
        [
            "7: [Failover] SyncConfig: is not used by FailoverServerType = Failover/Secondary \
             (legal: on a Standalone/Primary; here [Primary NAME])",
            "8: [Subnet 10.1.0.0/24] is not used by FailoverServerType = Failover/Secondary \
             (legal: on the primary, which sends it, or in the SubnetsFile of its [Primary NAME])"
        ]
    );
}

#[test]
fn one_server_is_one_primary() {
    let primary = "PrimaryIpAddr = 10.1.0.4\nFailoverKeyFile = none\n";
    let said = errors(&format!("{SECONDARY}[Primary a]\n{primary}[Primary b]\n{primary}"));
    assert_eq!(said, ["7: [Primary b] PrimaryIpAddr: 10.1.0.4 is that of a.ini:4 (legal: one [Primary] a server)"]);
}

#[test]
fn updates_over_one_datagram_get_a_notice() {
    assert_eq!(notices("[Failover]\nSyncBindingBufSize = 1311\n[Subnet 10.1.0.0/24]\n"), [""; 0]);
    let said = notices("[Failover]\nSyncBindingBufSize = 1312\n[Subnet 10.1.0.0/24]\n");
    let odd = "1312 is over 1311: IP cuts such datagrams, and large updates may stay unacked";
    assert_eq!(said, [format!("2: [Failover] SyncBindingBufSize: {odd}")]);
}
