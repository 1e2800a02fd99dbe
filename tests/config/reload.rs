//! Changes that a reload refuses, and those that it takes.

use understudy::config::reload_refusals;

use super::support::{good, lines};

const CHANNEL: &str = "[Failover]\nUseFailoverServer = True\nSecondaryIpAddr = 10.1.0.5\nFailoverKeyFile = none\n";

#[test]
fn keys_that_need_a_restart_are_named_with_value_and_place() {
    let old = good("");
    let new = good("[Server]\nDhcpPort = 1067\nStateDir = /s\nControlSocket = /c\nUser = dhcp\n");
    assert_eq!(
        lines(&reload_refusals(&old, &new)),
        [
            "2: [Server] DhcpPort: 67 cannot become 1067 at a reload (legal: 67, or a restart)",
            "3: [Server] StateDir: /var/lib/understudy cannot become /s at a reload (legal: /var/lib/understudy, \
             or a restart)",
            "4: [Server] ControlSocket: /run/understudy/understudyd.sock cannot become /c at a reload \
             (legal: /run/understudy/understudyd.sock, or a restart)",
            "5: [Server] User: understudy cannot become dhcp at a reload (legal: understudy, or a restart)",
        ]
    );
}

#[test]
fn a_key_that_was_taken_out_is_refused_for_the_file_as_a_whole() {
    let old = good("[Server]\nDhcpPort = 1067\n");
    let new = good("[Server]\nHostName = a\n");
    let said = lines(&reload_refusals(&old, &new));
    assert_eq!(said, ["0: [Server] DhcpPort: 1067 cannot become 67 at a reload (legal: 1067, or a restart)"]);
}

#[test]
fn the_role_and_the_channels_socket_need_a_restart() {
    let old = good(CHANNEL);
    let secondary = good(
        "[Server]\nFailoverServerType = Failover/Secondary\n[Primary a]\nPrimaryIpAddr = \
         10.0.0.1\nFailoverKeyFile = none\n",
    );
    let said = lines(&reload_refusals(&old, &secondary));
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("2: [Server] FailoverServerType: Standalone/Primary cannot become Failover/Secondary"));
    let moved = good(&format!("{CHANNEL}FailoverPort = 1647\nFailoverAddress = 10.1.0.4\n"));
    let said = lines(&reload_refusals(&old, &moved));
    assert_eq!(said.len(), 2);
    assert!(said[0].starts_with("5: [Failover] FailoverPort: 647 cannot become 1647"));
    assert!(said[1].starts_with("6: [Failover] FailoverAddress: (ServerAddress) cannot become 10.1.0.4"));
}

#[test]
fn subnets_policies_options_and_hosts_may_change() {
    let old = good("[Subnet 10.1.0.0/24]\nRange = 10.1.0.5 - 10.1.0.9\n");
    let new = good(
        "[Server]\nUser = understudy\nLogLevel = debug\n[Policy]\nDefaultLease = 60\n[Options]\nrouters = \
         10.1.0.1\n[Subnet 10.2.0.0/24]\n",
    );
    assert!(reload_refusals(&old, &new).is_empty());
}
