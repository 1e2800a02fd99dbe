//! A reader of journals of our own, by understudy-journal(5): the files in order, their batches up to the first that is
//! not there. Recovery looks for damage too and reads all the prepared room, which a search has no time for.

use understudy::journal::frame;
use understudy::journal::storage::Storage;
use understudy::lease::record::Record;

use crate::support::disk::SimDisk;

/// Octets before the first batch of a file.
const FILE_HEADER: usize = 64;
/// Octets of a batch before its records.
const BATCH_HEADER: usize = 20;
/// Octets read at once.
const SLICE: usize = 4 * 1024;
/// So many zeros at the end of what was read are prepared room.
const ZEROS: [u8; 512] = [0; 512];

/// Hands each record to `visit`, in the order in which a start would see it.
pub(crate) fn each_record(disk: &SimDisk, mut visit: impl FnMut(&Record<'_>)) {
    let is_segment = |name: &String| name.starts_with("leases.") && !name.ends_with(".new");
    for name in disk.names().into_iter().filter(is_segment) {
        let octets = written(disk, &name);
        let mut at = FILE_HEADER;
        while let Some(length) =
            octets.get(at + 8..at + 12).map(|length| u32::from_be_bytes([0, 1, 2, 3].map(|i| length[i])))
            && length > 0
        {
            let from = at + BATCH_HEADER;
            at = from + length as usize;
            let mut rest = octets.get(from..at).expect("a batch is whole");
            while !rest.is_empty() {
                let (payload, after) = frame::split_first(rest).expect("a frame of our own");
                visit(&Record::decode(payload).expect("a record of our own"));
                rest = after;
            }
        }
    }
}

/// The octets of a file up to a slice of zeros.
fn written(disk: &SimDisk, name: &str) -> Vec<u8> {
    let mut disk = disk.clone();
    let mut octets = Vec::new();
    loop {
        let from = octets.len();
        octets.resize(from + SLICE, 0);
        let got = disk.read(name, from as u64, &mut octets[from..]).expect("a file that was listed");
        if got < SLICE || octets.ends_with(&ZEROS) {
            return octets;
        }
    }
}
