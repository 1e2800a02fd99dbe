//! The operator's side: what `understudyctl` does with its arguments.
//!
//! A command either goes to the running server, as one line on its control socket ([`ask`]), or reads a
//! journal file ([`offline`]), or makes a key (`keygen`). The server composes each answer, so this module knows
//! the names of commands and nothing of their meaning. It never changes a file, and it holds no more of an answer
//! than one buffer. Called by the binary `understudyctl` alone.

pub mod arguments;
pub mod ask;
mod keygen;
pub mod offline;
mod render;

use std::ffi::OsString;
use std::io::{self, Write};

use arguments::{Request, parse, usage};

/// Exit code when all went well.
pub const EXIT_OK: u8 = 0;
/// Exit code when the server refused the command, or a journal is damaged.
pub const EXIT_REFUSED: u8 = 1;
/// Exit code for arguments that make no command (EX_USAGE of sysexits.h).
pub const EXIT_USAGE: u8 = 64;
/// Exit code when the server cannot be reached or does not answer (EX_UNAVAILABLE).
pub const EXIT_UNAVAILABLE: u8 = 69;
/// Exit code when the output cannot be written, or a journal file or random numbers not be read (EX_IOERR).
pub const EXIT_IO: u8 = 74;

/// Runs one command and returns the exit code; answers go to `out`, complaints to `err`.
///
/// A reader that closes `out` early, such as `head`, is no error.
pub fn run(arguments: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let code = match parse(arguments) {
        Ok(Request::Help) => written(out.write_all(usage().as_bytes()), err),
        Ok(Request::Version) => written(writeln!(out, "understudyctl {}", env!("CARGO_PKG_VERSION")), err),
        Ok(Request::Ask { socket, line }) => ask::run(&socket, &line, &mut ask::Terminal { out, err }),
        Ok(Request::Journal(request)) => offline::run(&request, out, err),
        Ok(Request::Keygen) => keygen::run(out, err),
        Err(error) => {
            complain(err, &error);
            EXIT_USAGE
        }
    };
    match out.flush() {
        Err(error) if code == EXIT_OK => written(Err(error), err),
        _ => code,
    }
}

/// The exit code for a result of writing the answer.
fn written(result: io::Result<()>, err: &mut dyn Write) -> u8 {
    match result {
        Ok(()) => EXIT_OK,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => EXIT_OK,
        Err(error) => {
            complain(err, &format_args!("standard output: {error}"));
            EXIT_IO
        }
    }
}

/// Writes one line to standard error. Where even that fails there is nobody left to tell.
fn complain(err: &mut dyn Write, what: &dyn std::fmt::Display) {
    let _ = writeln!(err, "understudyctl: {what}");
}
