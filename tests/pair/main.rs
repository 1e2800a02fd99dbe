//! Pairs of servers in network namespaces: every scenario of failover in which no disk fails, with clients that keep
//! a list of their own.
//!
//! Each scenario prints one line of figures. What must hold in all of them: no address in two hands at once, no lease
//! refused before its end, no lease lost. `duo` is the machinery; hosts, packets and the private world in which all
//! runs are those of the tests of one server. Without the right to make namespaces each test says `SKIPPED`.

mod channels;
#[path = "../chaos/mod.rs"]
mod chaos;
mod cuts;
mod disks;
mod drills;
mod duo;
mod frozen;
mod many;
mod real;
mod reloads;
mod returns;
#[expect(dead_code, unused_imports, reason = "pairs need only a part of what the tests of one server use")]
#[path = "../netns/rig/mod.rs"]
mod rig;
mod shares;
mod split;
mod starts;
mod subnets;
mod takeovers;
mod wires;
