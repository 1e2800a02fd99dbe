//! The pair in one process: engines joined by simulated wires, one virtual clock, no sleep.
//!
//! Each test names the parameter (failover.md section 2, white paper section 5) or the section that it stands for.

#[expect(dead_code, unused_imports, reason = "the claims of the RFCs use the rest")]
mod support;

mod failover {
    mod agreement;
    mod clocks;
    mod control;
    mod disks;
    mod frozen;
    mod heals;
    mod idle;
    mod moved;
    mod ownership;
    mod parameters;
    mod places;
    mod polls;
    mod reloads;
    mod reservations;
    mod returns;
    mod rewrites;
    mod sessions;
    mod shares;
    mod stops;
    mod streams;
    mod subnets;
    mod sync;
    mod waits;
}
