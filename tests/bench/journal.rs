//! Writes a lease journal with many leases, through the server's own library: for timing how long it takes to start.
//!
//! `journal FOLDER LEASES [TIMES]`: leases from 10.80.0.0 on, each written TIMES times (default 1), as after so many
//! renewals; the folder ends as a planned stop leaves it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use understudy::clock::{Secs, Wall};
use understudy::journal::{FileStorage, Journal, OpenMode, frame};
use understudy::lease::record::{Complete, Record};
use understudy::lease::stamp::StampClock;
use understudy::lease::{Binding, BindingState, Client, Hardware, Side, Stamp};

/// The first address.
const FIRST: u32 = 0x0a50_0000;
/// Records a commit: what a busy turn writes.
const BATCH: u32 = 256;
/// Long enough that no lease ends during the bench.
const LEASE_SECS: u32 = 6 * 3600;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let numbers: Option<Vec<u32>> = arguments.iter().skip(2).map(|text| text.parse().ok()).collect();
    let (Some(folder), Some(numbers)) = (arguments.get(1), numbers) else {
        eprintln!("usage: journal FOLDER LEASES [TIMES]");
        return ExitCode::from(64);
    };
    let (leases, times) = match numbers[..] {
        [leases] => (leases, 1),
        [leases, times] => (leases, times),
        _ => {
            eprintln!("usage: journal FOLDER LEASES [TIMES]");
            return ExitCode::from(64);
        }
    };
    match write(Path::new(folder), leases, times) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("journal: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path, leases: u32, times: u32) -> Result<(), Box<dyn std::error::Error>> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = Wall::from_secs(since_1970.as_secs());
    let (mut journal, _) = Journal::open(FileStorage::new(folder), OpenMode::New, &mut |_| {})?;
    let mut records = Vec::new();
    let identity = Record::Identity { database: [0xbe; 16], complete: Complete::Yes };
    frame::append(&mut records, |payload| identity.encode(payload));
    journal.commit(&records)?;
    let mut stamps = StampClock::default();
    for _ in 0..times {
        for first in (0..leases).step_by(BATCH as usize) {
            records.clear();
            for number in first..leases.min(first + BATCH) {
                append(&mut records, number, now, stamps.next(now));
            }
            journal.commit(&records)?;
            journal.prepare()?;
        }
    }
    journal.stop()?;
    Ok(())
}

fn append(records: &mut Vec<u8>, number: u32, now: Wall, stamp: Stamp) {
    let [a, b, c, d] = number.to_be_bytes();
    let hardware = [2, 0xcc, a, b, c, d];
    let binding = Binding {
        address: Ipv4Addr::from_bits(FIRST + number),
        state: BindingState::Leased,
        origin: Side::Primary,
        owner: Side::Primary,
        start: now,
        end: now.after(Secs(LEASE_SECS)),
        last_seen: now,
        bar: Wall::default(),
        stamp,
        client: Client { hardware: Some(Hardware { htype: 1, address: &hardware }), ..Client::default() },
    };
    frame::append(records, |payload| Record::Binding(binding).encode(payload));
}
