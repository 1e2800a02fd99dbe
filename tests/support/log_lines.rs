//! Log lines of the thread that a test runs in.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static LINES: RefCell<Vec<(log::Level, String)>> = const { RefCell::new(Vec::new()) };
}

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LINES.with_borrow_mut(|lines| lines.push((record.level(), record.args().to_string())));
    }

    fn flush(&self) {}
}

/// Starts to collect; each test has a thread, and so a list, of its own.
pub(crate) fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Capture).expect("the only logger of this process");
        log::set_max_level(log::LevelFilter::Debug);
    });
    LINES.with_borrow_mut(Vec::clear);
}

/// What was logged since, as it was worded.
pub(crate) fn lines() -> Vec<(log::Level, String)> {
    LINES.with_borrow(Clone::clone)
}
