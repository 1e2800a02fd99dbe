//! Load generator for DHCPv4 servers: a relay agent with as many clients as a run needs.
//!
//! One process, one socket, datagrams in batches (recvmmsg, sendmmsg), so that it stays faster than the servers it
//! measures. Two ways to drive a server: at a constant rate whatever the server does (`--rate`: what is
//! lost stays lost), or with a constant number of exchanges under way (`--window`: what is lost is counted, or sent
//! again when leases are to be filled). Each run prints one JSON line. Everything it sends goes to the one
//! server address that it was given.
//!
//! It decides nothing about good and bad: `tests/bench/run` does.

mod arguments;
mod driver;
mod link;
mod packet;
mod tally;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let plan = match arguments::parse(&arguments) {
        Ok(plan) => plan,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(64);
        }
    };
    match driver::run(&plan) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("load: {problem}");
            ExitCode::FAILURE
        }
    }
}
