//! A control beside a test: how late the machine wakes a thread that only sleeps. Limits that a server must keep are
//! widened by what the machine itself was late, and by nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// The pause between two beats.
const BEAT: Duration = Duration::from_millis(5);
#[derive(Default)]
struct Beats {
    ends: AtomicBool,
    worst_nanos: AtomicU64,
}

/// A thread that sleeps and notes how late it wakes, from its start to its end.
pub(crate) struct Metronome {
    beats: Arc<Beats>,
    thread: Option<JoinHandle<()>>,
}

impl Metronome {
    /// Begins to beat.
    pub(crate) fn start() -> Metronome {
        let beats = Arc::new(Beats::default());
        let own = Arc::clone(&beats);
        let thread = spawn(move || {
            while !own.ends.load(Ordering::Relaxed) {
                let asleep = Instant::now();
                sleep(BEAT);
                let late = asleep.elapsed().saturating_sub(BEAT);
                let nanos = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
                own.worst_nanos.fetch_max(nanos, Ordering::Relaxed);
            }
        });
        Metronome { beats, thread: Some(thread) }
    }

    /// The longest that it was late so far.
    pub(crate) fn worst(&self) -> Duration {
        Duration::from_nanos(self.beats.worst_nanos.load(Ordering::Relaxed))
    }

    /// `limit`, and what the machine was late in `steps` steps that have to wait for a processor.
    pub(crate) fn fair(&self, limit: Duration, steps: u32) -> Duration {
        limit + self.worst() * steps
    }
}

impl Drop for Metronome {
    fn drop(&mut self) {
        self.beats.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a thread that only sleeps");
        }
    }
}
