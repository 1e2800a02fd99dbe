//! Durability through the engine: nothing leaves before it is on the disk, nothing that left is ever lost.
//!
//! The disk is the simulated one, which can lose power at each step, fail a sync, and be full.

#[expect(dead_code, reason = "the claims of the RFCs use the rest")]
mod support;

mod engine {
    mod crash;
    mod faults;
    mod large;
    mod recovery;
}
