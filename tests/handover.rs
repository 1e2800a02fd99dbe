//! Who answers when control moves, and when a server stood still or cannot hear: two engines in one process, a wire
//! between them, and clients whose every message reaches both.

#[expect(dead_code, unused_imports, reason = "the claims of the RFCs use the rest")]
mod support;

mod handover {
    mod contact;
    mod duo;
    mod moves;
    mod standstill;
}
