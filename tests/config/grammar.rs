//! Lines, comments, quotes, includes: what the grammar takes and what it refuses.

use std::net::Ipv4Addr;
use std::path::Path;

use understudy::config::Source;
use understudy::config::files::FileSource;

use super::support::{Files, errors, good, lines};

#[test]
fn kinds_keys_words_and_booleans_are_compared_without_case() {
    let config =
        good("[SERVER]\nLOGLEVEL = DEBUG\n[policy]\npingbeforeassign = YES\nactiveleaseexpiration = full_DELETE\n");
    assert_eq!(config.server.log_level, log::LevelFilter::Debug);
    assert!(config.policy.ping_before_assign && config.policy.delete_expired);
    for (word, expected) in [("True", true), ("no", false), ("1", true), ("0", false), ("fAlse", false)] {
        assert_eq!(good(&format!("[Policy]\nEchoClientId = {word}\n")).global.echo_client_id, expected, "{word}");
    }
}

#[test]
fn comments_stand_alone_or_after_a_blank_but_not_in_quotes() {
    let text = "; first\n# second\n  ; third\n\n[Server]  ; the server\n  HostName = dhcp1 # name\n\
                [Subnet 10.1.0.0/24]\nBootFile = a;b#c ; file\nServerName = \"x ; y\" ; name\n";
    let config = good(text);
    assert_eq!(config.server.host_name.as_deref(), Some("dhcp1"));
    let boot = &config.subnets[0].boot;
    assert_eq!((boot.boot_file.as_deref(), boot.server_name.as_deref()), (Some("a;b#c"), Some("x ; y")));
}

#[test]
fn quoted_text_may_hold_quotes_backslashes_commas_and_equals_signs() {
    let config = good("[Subnet 10.1.0.0/24]\nServerName = \"a\\\"b\\\\c, d=e\"\n");
    assert_eq!(config.subnets[0].boot.server_name.as_deref(), Some("a\"b\\c, d=e"));
}

#[test]
fn dos_line_ends_and_a_byte_order_mark_are_taken() {
    let config = good("\u{feff}[Server]\r\nDhcpPort = 1067\r\n\r\n; end\r\n");
    assert_eq!(config.server.dhcp_port, 1067);
    assert_eq!(errors("[Server]\r\nDhcpPort = 0\r\n"), ["2: [Server] DhcpPort: 0 is out of bounds (legal: 1-65534)"]);
}

#[test]
fn times_take_units() {
    for (written, secs) in [("90", 90), ("90s", 90), ("30m", 1800), ("8h", 28800), ("7d", 604_800), ("2w", 1_209_600)] {
        assert_eq!(good(&format!("[Policy]\nDefaultLease = {written}\n")).policy.default_lease.0, secs, "{written}");
    }
    assert_eq!(good("[Policy]\nDefaultLease = 1.5h\n").policy.default_lease.0, 5400);
    assert!(good("[Policy]\nDefaultLease = infinite\n").policy.default_lease.is_infinite());
    let config = good("[Policy]\nPingDelay = 1s\nPingSendDelay = 250\nLeaseExpirationSleepTime = 2m\n");
    assert_eq!(config.policy.ping_delay.as_millis(), 1000);
    assert_eq!(config.policy.ping_send_delay.as_millis(), 250);
    assert_eq!(config.global.lease_expiration_sleep.as_secs(), 120);
}

#[test]
fn an_include_puts_the_other_files_sections_in_place() {
    let files = Files::new(&[
        (
            "etc/main.ini",
            "Include = parts/server.ini\n[Policy]\nDefaultLease = 60\nInclude = \
             \"parts/subnets.ini\"\nMinimumLease = 30\n",
        ),
        ("etc/parts/server.ini", "[Server]\nHostName = dhcp1\n"),
        ("etc/parts/subnets.ini", "[Subnet 10.1.0.0/24]\nInclude = more.ini\n"),
        ("etc/parts/more.ini", "[Subnet 10.2.0.0/24]\n"),
    ]);
    let config = files.load("etc/main.ini").expect("legal files");
    assert_eq!(config.server.host_name.as_deref(), Some("dhcp1"));
    assert_eq!(config.subnets.len(), 2);
    // The including file's section goes on after the Include.
    assert_eq!((config.policy.default_lease.0, config.policy.minimum_lease.0), (60, 30));
}

#[test]
fn an_error_in_an_included_file_names_that_file_and_line() {
    let files = Files::new(&[("a.ini", "Include = b.ini\n"), ("b.ini", "[Server]\n\nDhcpPort = 0\n")]);
    let errors = lines(&files.load("a.ini").expect_err("an error"));
    assert_eq!(errors, ["b.ini:3: [Server] DhcpPort: 0 is out of bounds (legal: 1-65534)"]);
}

#[test]
fn an_include_that_cannot_be_followed_is_refused_at_its_line() {
    let missing = "2: Include: cannot read none.ini: entity not found";
    assert_eq!(errors("[Server]\nInclude = none.ini\n"), [missing]);
    assert_eq!(errors("Include =\n"), ["1: Include: no file is named (legal: Include = path)"]);
    assert_eq!(errors("Include = a.ini\n"), ["1: Include: a.ini includes itself (legal: no circle)"]);
    let circle = Files::new(&[("a.ini", "Include = b.ini\n"), ("b.ini", "\nInclude = a.ini\n")]);
    let errors = lines(&circle.load("a.ini").expect_err("a circle"));
    assert_eq!(errors, ["b.ini:2: Include: a.ini includes itself (legal: no circle)"]);
}

#[test]
fn includes_have_a_bound_of_depth_and_of_number() {
    let names: Vec<(String, String)> =
        (0..12).map(|n| (format!("{n}.ini"), format!("Include = {}.ini\n", n + 1))).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let errors = lines(&Files::new(&files).load("0.ini").expect_err("too deep"));
    assert_eq!(errors, ["7.ini:1: Include: 8.ini is nested too deep (legal: 8 files within each other)"]);

    let fan = "Include = b.ini\n".repeat(1001);
    let errors = Files::new(&[("a.ini", &fan), ("b.ini", "; nothing\n")]).load("a.ini").expect_err("too many");
    assert_eq!(lines(&errors)[0], "1000: Include: b.ini is one file too many (legal: 1000 files in all)");
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_the_file() {
    let errors = lines(&Files::new(&[]).load("x.ini").expect_err("no file"));
    assert_eq!(errors, ["x.ini:0: cannot read the file: entity not found"]);
}

#[test]
fn octets_that_are_not_utf_8_are_named_with_their_line() {
    let path = std::env::temp_dir().join(format!("understudy-config-{}.ini", std::process::id()));
    std::fs::write(&path, b"[Server]\nHostName = \xff\n").expect("a temporary file");
    let error = FileSource.read(&path).expect_err("not UTF-8");
    std::fs::remove_file(&path).expect("the file is removed");
    assert_eq!(error.to_string(), "line 2 holds the octet 0xff, which is not UTF-8 (legal: UTF-8 text)");
    assert!(FileSource.read(Path::new("/nonexistent/understudy.ini")).is_err());
}

#[test]
fn an_empty_file_is_a_server_with_all_defaults_and_a_notice() {
    let config = good("");
    assert_eq!(config.server.dhcp_port, 67);
    assert_eq!(config.server.state_dir, Path::new("/var/lib/understudy"));
    assert_eq!(
        config.server.user.as_ref().map(|user| (user.name.as_str(), user.explicit)),
        Some(("understudy", false))
    );
    assert_eq!(config.server.address, None::<Ipv4Addr>);
    assert_eq!(config.policy.default_lease.0, 7_776_000);
    assert!(!config.global.subnet_selection && config.global.echo_client_id);
    assert_eq!(lines(&config.notices), ["0: [Server] there is no [Subnet]: nobody is served"]);
    assert!(good("[Server]\nUser = understudy\n").server.user.is_some_and(|user| user.explicit));
}
