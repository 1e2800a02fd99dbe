//! Real clients, relays and load, in network namespaces that the tests make themselves.
//!
//! Runs as root, or as anyone where the kernel allows unprivileged user namespaces; where it allows neither each
//! test says `SKIPPED` with the reason. See `rig/world.rs` for how nothing can stay behind.

mod crash;
mod dhclient;
mod dhcpcd;
mod links;
mod networkd;
mod relay;
mod reload;
mod rig;
mod shapes;
mod udhcpc;
