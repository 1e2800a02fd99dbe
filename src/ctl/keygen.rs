//! `keygen`: a new key for FailoverKeyFile, from the system's random numbers.

use std::fs::File;
use std::io::{self, Read, Write};

use super::{EXIT_IO, complain, written};
use crate::wire::seal::encode_key;

/// Where the random numbers come from. It never ends, and it waits for nothing once the system has started.
const SOURCE: &str = "/dev/urandom";

/// Prints one key and a newline, as a key file holds it; returns the exit code.
pub(super) fn run(out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match random() {
        Ok(octets) => written(writeln!(out, "{}", encode_key(&octets)), err),
        Err(error) => {
            complain(err, &format_args!("{SOURCE}: {error}"));
            EXIT_IO
        }
    }
}

fn random() -> io::Result<[u8; 32]> {
    let mut octets = [0; 32];
    File::open(SOURCE)?.read_exact(&mut octets)?;
    Ok(octets)
}
