//! `understudyd`: command line to exit code; everything else is the library's.

use std::process::ExitCode;

use understudy::start::Failure;
use understudy::{logging, options, start};

fn main() -> ExitCode {
    let asked = options::parse(std::env::args_os().skip(1)).map_err(Failure::Usage);
    let outcome = asked.and_then(|options| start::run(&options));
    if let Err(failure) = &outcome {
        log::error!("{failure}");
        logging::finish();
        say(failure);
        return ExitCode::from(failure.code());
    }
    logging::finish();
    ExitCode::SUCCESS
}

/// Prints a failure where the log does not already end: before the logger was set up, and for the system's log.
fn say(failure: &Failure) {
    if !logging::is_on_stderr() {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "understudyd: {failure}");
    }
}
