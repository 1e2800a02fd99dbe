//! Understudy: a DHCPv4 server whose reason to exist is failover.
//!
//! This page is the map. The failover pair comes in the next step; the standalone server has its shape already.
//!
//! # Five rules
//!
//! 1. **Deciding code is pure.** [`wire`], [`lease`], [`server`], [`config`] and [`clock`] use no socket, file,
//!    clock, environment, thread or unseeded randomness (but for `config::files`, which reads the files).
//! 2. **Time is read once a turn** and handed in as [`clock::Now`]: timers use [`clock::Mono`], leases use
//!    [`clock::Wall`], and nothing mixes the two.
//! 3. **A turn is atomic.** Nothing that a turn decided leaves before everything that it recorded is on disk:
//!    effects come out of [`server::outbox::Outbox`] only for a [`journal::Synced`], which only a commit makes.
//! 4. **One direction.** `main -> net -> engine -> {server, journal}`, `server -> {lease, wire, config}`. No module
//!    calls upward; there are no callbacks and there is no shared mutable state.
//! 5. **Everything has a bound**: inputs a turn, records a commit, offers held, probes under way, octets of an answer.
//!    Each is a named constant with its reason beside it, or a key of the configuration.
//!
//! # Where things are
//!
//! | place | what |
//! | --- | --- |
//! | [`clock`] | the two kinds of time, and the lease clock |
//! | [`config`] | INI text to a checked [`config::Config`]; the table of keys; option names and values |
//! | [`wire`] | octets to messages and back; never panics, keeps nothing |
//! | [`lease`] | bindings: table, pools, records, stamps, which change is allowed |
//! | [`server`] | decides: a message in, records and effects out; `server/dhcp` has a file a message |
//! | [`journal`] | the append-only lease journal: commit, recovery, snapshots |
//! | [`engine`] | one turn: decide, record, commit, release |
//! | `net` | the loop, sockets, signals: the only code that knows mio, socket2 and nix |
//!
//! # A DISCOVER and a REQUEST, straight down
//!
//! ```text
//! net/clients            datagrams -> Input::Packet
//! engine                 room in the journal? hands it on with Now
//! server/mod, service    parse (wire/dhcp), who (request), where (scope), may we answer (duty)
//! server/dhcp/discover   choose an address (lease/pool, lease/table), hold it (offers), probe it (probe)
//! server/reply           OFFER, and where it goes
//! server/dhcp/request    grant: bindings -> transition, stamp, record, table, pool; ACK
//! engine                 end of the turn: journal commit (append, fdatasync), then release
//! net/clients, net/link  send
//! ```

pub mod clock;
pub mod config;
pub mod ctl;
pub mod daemon;
pub mod engine;
pub mod journal;
pub mod lease;
pub mod logging;
pub mod net;
pub mod options;
pub mod server;
pub mod start;
pub mod wire;
