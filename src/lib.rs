//! Understudy: a DHCPv4 server whose reason to exist is failover. (SKELETON doc)
#![expect(missing_docs, reason = "skeleton")]
pub mod clock;
pub mod config;
pub mod engine;
pub mod journal;
pub mod lease;
pub mod logging;
pub mod net;
pub mod options;
pub mod server;
pub mod wire;
