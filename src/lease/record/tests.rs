//! Records are read as they were written, and what cannot be read is told apart.

use super::*;

fn example() -> Binding<'static> {
    Binding {
        address: Ipv4Addr::new(10, 1, 0, 50),
        state: BindingState::Leased,
        origin: Side::Primary,
        owner: Side::Secondary,
        start: Wall::from_secs(100),
        end: Wall::from_secs(3_700),
        last_seen: Wall::from_secs(100),
        bar: Wall::default(),
        stamp: Stamp(7),
        client: Client {
            identifier: Some(&[1, 2, 3]),
            hardware: Some(Hardware { htype: 1, address: &[2, 0, 0, 0, 0, 1] }),
            host_name: Some(b"printer"),
            relay_information: Some(&[1, 2, 0xff, 0]),
        },
    }
}

#[test]
fn each_kind_of_record_is_read_back_as_written() {
    let bare = Binding { client: Client::default(), state: BindingState::Free, end: Wall::NEVER, ..example() };
    let records = [
        Record::Binding(example()),
        Record::Binding(bare),
        Record::Identity { database: [9; 16], complete: Complete::Yes },
        Record::Boot { boot: 5, newest_before: Stamp(11) },
        Record::CopyEnd { newest: Stamp(12) },
        Record::Seen { stamp: Stamp(14) },
        Record::Share(Share {
            first: Ipv4Addr::new(10, 0, 0, 128),
            last: Ipv4Addr::new(10, 0, 0, 250),
            owner: Side::Secondary,
            origin: Side::Primary,
            stamp: Stamp(13),
        }),
        Record::Reservation { address: Ipv4Addr::new(10, 0, 0, 9), promised: Some(Promised::Several) },
        Record::Reservation { address: Ipv4Addr::new(10, 0, 0, 9), promised: None },
        Record::Channel(Channel {
            name: "dhcp1",
            state: 3,
            partner_down: 1,
            database: [7; 16],
            have_boot: 8,
            have: Stamp(9),
            quiet_clock: Wall::from_millis(10),
            quiet_held: Stamp(11),
            config: [14; 8],
            is_agreed: false,
            is_complete: true,
            strict: true,
            since: Wall::from_millis(12),
        }),
    ];
    for record in records {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        assert_eq!(Record::decode(&bytes), Ok(record));
    }
}

#[test]
fn every_cut_of_a_record_is_refused_or_ends_between_details() {
    let mut bytes = Vec::new();
    Record::Binding(example()).encode(&mut bytes);
    for length in 0..bytes.len() {
        if let Ok(Record::Binding(binding)) = Record::decode(&bytes[..length]) {
            assert!(length >= BINDING_FIXED);
            assert_ne!(binding, example());
        }
    }
    assert_eq!(Record::decode(&[]), Err(RecordError::Truncated));
    assert_eq!(Record::decode(&[200]), Err(RecordError::UnknownKind(200)));
}

#[test]
fn impossible_fields_are_named() {
    let mut bytes = Vec::new();
    Record::Binding(example()).encode(&mut bytes);
    bytes[5] = 9;
    assert_eq!(Record::decode(&bytes), Err(RecordError::BadField("state")));
    bytes[5] = 1;
    bytes[6] = 4;
    assert_eq!(Record::decode(&bytes), Err(RecordError::BadField("sides")));
}
