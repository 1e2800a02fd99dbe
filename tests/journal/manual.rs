//! understudy-journal(5) is right to the octet.

use understudy::journal::{OpenMode, Scope, dump};

use super::disk::SimDisk;

/// The octets of the example in the manual page.
fn example() -> Vec<u8> {
    let page = include_str!("../../man/understudy-journal.5");
    let (_, rest) = page.split_once(".Bd -literal").expect("an example");
    let (lines, _) = rest.split_once(".Ed").expect("its end");
    let octet = |digits| u8::from_str_radix(digits, 16).expect("two digits");
    lines.lines().skip(1).flat_map(|line| line.split_whitespace().skip(1).map(octet)).collect()
}

#[test]
fn the_example_of_the_manual_page_is_a_journal() {
    let disk = SimDisk::new(1);
    disk.put("leases.000001", &example());
    let mut seen = Vec::new();
    let report = dump(&mut disk.clone(), Scope::Folder, &mut |position, record| {
        seen.push((position.batch, record.to_vec()));
    })
    .expect("as the page says");
    assert_eq!(seen, [(1, vec![1, 2, 3])]);
    assert!(report.clean_stop);
}

/// The page says how each field is made; this makes them so, without the code that is tested.
#[test]
fn a_file_made_by_the_manual_page_is_what_the_journal_writes() {
    let disk = SimDisk::new(1);
    let (mut journal, _, _) = super::history::open(disk.clone(), OpenMode::New).expect("empty");
    let mut records = Vec::new();
    understudy::journal::frame::append(&mut records, |out| out.extend_from_slice(&[1, 2, 3]));
    journal.commit(&records).expect("no fault");
    journal.stop().expect("no fault");
    let written = disk.octets("leases.000001").expect("there");
    let nonce: [u8; 8] = written[32..40].try_into().expect("eight octets");

    let mut made = Vec::new();
    made.extend_from_slice(b"UNDRSTDY\0\x01\0\x01\0\0\0\0");
    made.extend_from_slice(&1_u64.to_be_bytes());
    made.extend_from_slice(&1_u64.to_be_bytes());
    made.extend_from_slice(&nonce);
    made.extend_from_slice(&[0; 20]);
    made.extend_from_slice(&crc(&[&made]));
    let length = 3_u32.to_be_bytes();
    let frame = [&length[..], &crc(&[&length, &[1, 2, 3]]), &[1, 2, 3]].concat();
    for (number, frames) in [(1_u64, &frame[..]), (2, &[])] {
        let start = made.len();
        made.extend_from_slice(&number.to_be_bytes());
        made.extend_from_slice(&(frames.len() as u32).to_be_bytes());
        made.extend_from_slice(&crc(&[frames]));
        made.extend_from_slice(&crc(&[&nonce, &made[start..]]));
        made.extend_from_slice(frames);
    }
    assert_eq!(made, written);
}

/// CRC-32 bit by bit, from the polynomial.
fn crc(parts: &[&[u8]]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for octet in parts.iter().copied().flatten() {
        crc ^= u32::from(*octet);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    (!crc).to_be_bytes()
}
