//! Commands on a journal file, for which the server need not run.

use std::io::Write;

use super::arguments::JournalRequest;
use super::{EXIT_USAGE, complain};

/// Carries out `journal verify` or `journal dump`.
pub fn run(request: &JournalRequest, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let _ = (request, out);
    complain(err, &"journal: not in this version");
    EXIT_USAGE
}
