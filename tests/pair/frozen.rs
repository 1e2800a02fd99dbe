//! A primary that stood still for half a minute: what it says first when it goes on.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::duo::frames::channel_payload;
use crate::duo::{Duo, FAILOVER, Node, SLACK, Setup, live, secs};
use crate::rig::Stage;
use crate::rig::capture::packet_socket;
use crate::rig::packet::Heard;

/// Far longer than detection, and than any lease that it knew of.
const STANDSTILL: Duration = Duration::from_secs(30);
/// Seconds of a lease.
const LEASE: u32 = 8;
/// Types of messages between servers, understudy-failover(7).
const CTL_REQ: u8 = 6;
const CTL_RET: u8 = 7;

/// What went over the primary's wire, as far as it matters here, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// The primary asked for control.
    Claim,
    /// It was told what the failover serves.
    Told,
    /// It answered a client.
    Answer,
}

/// Someone who looks at the wire of a server.
struct Wire {
    seen: Arc<Mutex<Vec<Seen>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Wire {
    fn of(node: &Node) -> Wire {
        let mut socket = node.host().inside(|| packet_socket("eth0"));
        let (seen, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (kept, end) = (Arc::clone(&seen), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while !end.load(Ordering::Relaxed) {
                // The socket waits 50 ms at most; an error is no frame.
                let Ok(length) = socket.read(&mut buffer) else { continue };
                kept.lock().expect("the list").extend(judge(&buffer[..length]));
            }
        });
        Wire { seen, is_over, thread: Some(thread) }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("the list").clone()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn judge(frame: &[u8]) -> Option<Seen> {
    if let Some(payload) = channel_payload(frame) {
        return match payload.get(1) {
            Some(&CTL_REQ) => Some(Seen::Claim),
            Some(&CTL_RET) => Some(Seen::Told),
            _ => None,
        };
    }
    Heard::from_frame(frame).filter(Heard::is_reply).map(|_| Seen::Answer)
}

/// failover.md 9: the process notices that time has passed, and asks before it answers; what the failover gave away
/// meanwhile it gives to nobody else.
#[test]
fn a_primary_that_stood_still_for_half_a_minute_claims_control_before_it_answers() {
    let Some(stage) = Stage::set("standstill", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::with_lease(LEASE));
    crowd.trickle(Duration::from_millis(250));
    let wire = Wire::of(&duo.primary);
    let frozen = Instant::now();
    duo.primary.freeze();
    duo.wait_for_takeover();
    live(STANDSTILL.saturating_sub(frozen.elapsed()));
    let before = wire.seen().len();
    let thawed = Instant::now();
    duo.primary.thaw();
    duo.wait_for_rest();
    live(Duration::from_secs(1));
    crowd.trickle(Duration::ZERO);
    let seen = wire.seen().split_off(before);
    let first = |what: Seen| seen.iter().position(|seen| *seen == what).unwrap_or_else(|| panic!("no {what:?}"));
    let order = [Seen::Claim, Seen::Told, Seen::Answer].map(first);
    assert!(order.is_sorted(), "a claim, the word of the failover, an answer came at {order:?}");
    duo.observer.first_of(FAILOVER, frozen, SLACK).expect("the failover served");
    let said = duo.primary.said();
    assert!(said.contains("this server stood still for"), "the primary does not say that it stood still:\n{said}");
    let blackout = duo.observer.blackout(crowd.relay, thawed);
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("primary frozen for 30 s", &[("blackout_ms", secs(blackout) * 1000.0)]);
}
