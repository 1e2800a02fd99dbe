//! Understudy: a DHCPv4 server whose reason to exist is failover.
//!
//! This page is the map. A server stands alone, or is the primary or the failover of a pair; it is one program with
//! one loop, and a failover has a channel to each of its primaries.
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
//! | [`clock`] | the two kinds of time, the lease clock, and the calendar |
//! | [`json`] | JSON, written for reports and listings |
//! | [`config`] | INI text to a checked [`config::Config`]; the table of keys; option names and values |
//! | [`wire`] | octets to messages and back; never panics, keeps nothing |
//! | [`lease`] | bindings: table, pools, records, stamps, which change is allowed; merge, and who owns an address |
//! | [`server`] | decides: a message in, records and effects out; `server/dhcp` has a file a message |
//! | [`server::failover`] | the pair: channels, sessions, streams of changes, both state tables, return of control |
//! | [`journal`] | the append-only lease journal: commit, recovery, snapshots |
//! | [`engine`] | one turn: decide, record, commit, release |
//! | [`rules`] | the rules of the pair by name; tests leave them out one by one, what ships cannot |
//! | `net` | the loop, sockets, signals: the only code that knows mio, socket2 and nix; all partners on one socket |
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
//! engine                 room in the journal for the next turn, a slice of a snapshot
//! ```
//!
//! # A change of a lease, from one server to the other
//!
//! ```text
//! server/failover/mod       end of the turn: which channel does the changed address belong to (directory)
//! server/failover/outgoing  the newest change of each address, cut into pieces, kept until acknowledged
//! server/failover/flow      as many pieces as the window has room for -> Effect::Partner, after the commit
//! net/channels              one socket for all partners; who it came from -> Input::Partner
//! server/failover/partner   seal, session (session), what the header says
//! server/failover/incoming  pieces in order -> records -> apply, and lease/merge where both made a change
//! engine                    commit; then the acknowledgement leaves
//! ```
//!
//! What a server does, silent or serving, is decided in two tables of states: `server/failover/primary` and
//! `server/failover/secondary`; `server/duty` and `server/giving` ask them whether to answer and what may be given.
//! Control goes back in `server/failover/transfer`. The protocol, states and guarantees: understudy-failover(7).

pub mod clock;
pub mod config;
pub mod ctl;
pub mod daemon;
pub mod engine;
pub mod journal;
pub mod json;
pub mod lease;
pub mod logging;
pub mod net;
pub mod options;
pub mod rules;
pub mod server;
pub mod start;
pub mod wire;
