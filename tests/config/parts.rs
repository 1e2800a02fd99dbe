//! The subnets part: its text, what its digest sees, how a failover reads it, and what two primaries may not share.

use understudy::config::{Config, clashes, differences, load_subnets};

use super::support::{Files, errors, good, lines};

const SUBNETS: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.99\nOption.routers = 10.1.0.1\n";

fn part(text: &str) -> Config {
    load_subnets("subnets of dhcp1", text).unwrap_or_else(|errors| panic!("{}\n{text}", lines(&errors).join("\n")))
}

#[test]
fn the_text_has_includes_resolved_and_leaves_out_what_concerns_one_server() {
    let main = "[Server]\nHostName = a\n[Failover]\nPollDelay = 2\n[Host h]\nAddress = 10.1.0.9\n\
                HardwareAddress = 02:00:00:00:00:01\n[Policy]\nDefaultLease = 1h ; short\nInclude = b.ini\n";
    let more = "[Subnet 10.1.0.0/24]\nSharedNetwork = \"one ; wire\"\nRange = 10.1.0.50-10.1.0.99\n[Options]\n\
                routers = 10.1.0.1\n";
    let config = Files::new(&[("a.ini", main), ("b.ini", more)]).load("a.ini").expect("legal");
    assert_eq!(
        config.subnets_text.text,
        "[Policy]\nDefaultLease = 3600\n[Options]\nrouters = 10.1.0.1\n[Subnet 10.1.0.0/24]\n\
         SharedNetwork = \"one ; wire\"\nRange = 10.1.0.50 - 10.1.0.99\n[Host h]\n\
         HardwareAddress = 02:00:00:00:00:01\nAddress = 10.1.0.9\n"
    );
}

#[test]
fn a_failover_that_reads_the_text_serves_the_same_and_has_the_same_text() {
    let text = format!(
        "[Policy]\nMaximumLease = 2h\nMaxPendingSeconds = 30\nEchoClientId = no\nActiveLeaseExpiration = full_delete\n\
         {SUBNETS}Exclude = 10.1.0.60\nBootFile = \"a \\\" b\"\n[Range 10.1.0.50-10.1.0.99]\nClass = known\n\
         [Subnet 10.2.0.0/16]\nRange = 10.2.0.1 - 10.2.3.4\nDefaultLease = infinite\nPingDelay = 250\n"
    );
    let ours = good(&text);
    let theirs = part(&ours.subnets_text.text);
    assert_eq!(theirs.subnets_text, ours.subnets_text);
    assert_eq!(format!("{:?}", theirs.subnets), format!("{:?}", ours.subnets));
    assert_eq!((theirs.global, theirs.policy, theirs.options), (ours.global, ours.policy, ours.options));
}

#[test]
fn the_digest_sees_meaning_and_not_spelling() {
    let one = good("[Policy]\nDefaultLease = 3600\nEchoClientId = True\n[Subnet 10.1.0.0/24]\n");
    let same = good("; a comment\n[subnet 10.1.0.0/24]\n\n[policy]\nechoclientid=yes\nDEFAULTLEASE = 1h\n");
    let other = good("[Policy]\nDefaultLease = 3601\nEchoClientId = True\n[Subnet 10.1.0.0/24]\n");
    assert_eq!(one.subnets_text, same.subnets_text);
    assert_ne!(one.subnets_text.digest, other.subnets_text.digest);
}

#[test]
fn what_differs_is_named_by_section_and_key() {
    let ours = good(&format!("[Policy]\nDefaultLease = 60\n{SUBNETS}[Subnet 10.3.0.0/24]\n"));
    let theirs = good("[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.89\nOption.routers = 10.1.0.1\n[Policy]\n");
    let (ours, theirs) = (&ours.subnets_text.text, &theirs.subnets_text.text);
    assert_eq!(
        differences(ours, theirs),
        [
            "[Policy] DefaultLease: 60 here, nothing there",
            "[Subnet 10.1.0.0/24] Range: 10.1.0.50 - 10.1.0.99 here, 10.1.0.50 - 10.1.0.89 there",
            "[Subnet 10.3.0.0/24]: only here"
        ]
    );
    assert!(differences(ours, ours).is_empty());
    let many: String = (0..200).map(|third| format!("[Subnet 10.4.{third}.0/24]\n")).collect();
    let said = differences(&many, "");
    assert_eq!((said.len(), said.last().map(String::as_str)), (100, Some("and 101 more")));
}

#[test]
fn the_addresses_of_both_servers_are_excluded_in_the_text_where_a_range_holds_them() {
    let channel = "[Failover]\nUseFailoverServer = True\nSecondaryIpAddr = 10.1.0.55\nFailoverKeyFile = /k\n";
    let ours = good(&format!("[Server]\nServerAddress = 10.1.0.54\n{channel}{SUBNETS}"));
    assert!(ours.subnets_text.text.contains("Exclude = 10.1.0.54\nExclude = 10.1.0.55\n"), "{:?}", ours.subnets_text);
    assert_eq!(part(&ours.subnets_text.text).subnets[0].ranges[0].excluded, ours.subnets[0].ranges[0].excluded);
    // The failover's own file leads to the same text: each server knows the other's address.
    let failover = "[Server]\nFailoverServerType = Failover/Secondary\nServerAddress = 10.1.0.55\n[Primary a]\n\
                    PrimaryIpAddr = 10.1.0.54\nFailoverKeyFile = /k\nSubnetsFile = /s\n";
    let config = Files::new(&[("a.ini", failover), ("/s", SUBNETS)]).load("a.ini").expect("legal");
    let theirs = config.primaries[0].part.as_ref().expect("a part");
    assert_eq!(theirs.subnets_text, ours.subnets_text);
}

#[test]
fn what_a_primary_sends_is_checked_whole() {
    let refused = |text: &str| lines(&load_subnets("subnets of a", text).expect_err("refused"));
    let text = "[Server]\nHostName = a\n[Subnet 10.1.0.0/24]\nRange = 10.1.0.9 - 10.1.1.9\nRnge = 1\n[Failover]\n";
    let said = refused(text);
    assert_eq!(said.len(), 4, "{said:?}");
    let alien = "does not belong to the subnets of a primary \
                 (legal: [Policy], [Options], [Subnet], [Range], [Host])";
    assert_eq!(said[0], format!("subnets of a:1: [Server] {alien}"));
    assert!(said[1].starts_with("subnets of a:4: [Subnet 10.1.0.0/24] Range: 10.1.1.9 lies outside"), "{said:?}");
    assert!(said[2].starts_with("subnets of a:5: [Subnet 10.1.0.0/24] Rnge: there is no such key"), "{said:?}");
    assert_eq!(said[3], format!("subnets of a:6: [Failover] {alien}"));
    let said = refused("Include = /etc/passwd\n");
    assert!(said[0].contains("includes resolved"), "{said:?}");
}

#[test]
fn a_subnets_file_is_read_and_its_errors_name_its_lines() {
    let failover = "[Server]\nFailoverServerType = Failover/Secondary\n[Primary a]\nPrimaryIpAddr = 10.1.0.4\n\
                    FailoverKeyFile = /k\nSubnetsFile = /s/a.ini\n";
    let load =
        |subnets: &str| Files::new(&[("a.ini", failover), ("/s/a.ini", subnets), ("/s/b.ini", SUBNETS)]).load("a.ini");
    let config = load("Include = b.ini\n").expect("legal");
    assert!(config.subnets.is_empty(), "a failover has no subnets of its own");
    let part = config.primaries[0].part.as_ref().expect("a part");
    assert_eq!(part.subnets.len(), 1);
    let said = lines(&load("[Subnet 10.1.0.0/24]\nRange = 10.2.0.1\n[Server]\n").expect_err("refused"));
    assert!(said[0].starts_with("/s/a.ini:2: [Subnet 10.1.0.0/24] Range: 10.2.0.1 lies outside"), "{said:?}");
    assert!(said[1].starts_with("/s/a.ini:3: [Server] does not belong"), "{said:?}");
    let said = errors(failover);
    assert!(said[0].starts_with("6: [Primary a] SubnetsFile: cannot read /s/a.ini"), "{said:?}");
}

#[test]
fn two_primaries_with_the_same_addresses_are_both_named() {
    let primary = |name, last| {
        format!("[Primary {name}]\nPrimaryIpAddr = 10.9.0.{last}\nFailoverKeyFile = /k\nSubnetsFile = /{name}\n")
    };
    let failover = format!("[Server]\nFailoverServerType = Failover/Secondary\n{}{}", primary("a", 8), primary("b", 9));
    let wide = "[Subnet 10.1.0.0/16]\n[Subnet 10.5.0.0/24]\nRelayAddress = 10.7.0.1\n";
    let narrow = "[Subnet 10.1.9.0/24]\n[Subnet 10.6.0.0/24]\nRelayAddress = 10.7.0.1\n";
    let files = Files::new(&[("a.ini", &failover), ("/a", wide), ("/b", narrow)]);
    let said = lines(&files.load("a.ini").expect_err("refused"));
    let legal = "of [Primary a] (legal: each address behind one primary)";
    assert_eq!(
        said,
        [
            format!("10: [Primary b] SubnetsFile: [Subnet 10.1.9.0/24] overlaps [Subnet 10.1.0.0/16] {legal}"),
            format!("10: [Primary b] SubnetsFile: RelayAddress 10.7.0.1 is also that {legal}")
        ]
    );
    let (one, other) = (part("[Subnet 10.1.9.0/24]\n[Subnet 10.6.0.0/24]\n"), part(SUBNETS));
    assert!(clashes(&[&one, &other]).is_empty());
}
