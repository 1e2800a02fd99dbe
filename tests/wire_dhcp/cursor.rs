//! Reader and writer: all or nothing, and never past the end.

use understudy::wire::codes::MessageType;
use understudy::wire::cursor::{Full, Reader, Writer};

/// What is not there in full is not taken at all.
#[test]
fn a_reader_takes_all_or_nothing() {
    let mut reader = Reader::new(&[1, 2, 3, 4, 5, 6, 7]);
    assert_eq!((reader.u8(), reader.u16(), reader.at()), (Some(1), Some(0x0203), 3));
    assert_eq!(reader.take(5), None);
    assert_eq!(reader.array::<5>(), None);
    assert_eq!((reader.u32(), reader.at()), (Some(0x0405_0607), 7));
    assert!(reader.is_empty());
    assert_eq!((reader.u8(), reader.u16(), reader.u32(), reader.address()), (None, None, None, None));
    assert_eq!((reader.take(0), reader.take(usize::MAX)), (Some(&[][..]), None));
}

/// What does not fit in full is not written at all.
#[test]
fn a_writer_writes_all_or_nothing() {
    let mut field = [9; 8];
    let mut writer = Writer::new(&mut field);
    writer.u16(0x0102).unwrap();
    writer.u32(0x0304_0506).unwrap();
    assert_eq!((writer.at(), writer.room()), (6, 2));
    assert_eq!(writer.u32(1), Err(Full));
    assert_eq!(writer.address([1, 2, 3, 4].into()), Err(Full));
    assert_eq!(writer.put(&[1, 2, 3]), Err(Full));
    assert_eq!(writer.padded(&[1, 2], 1), Err(Full));
    assert_eq!(writer.padded(&[], 3), Err(Full));
    assert_eq!((writer.at(), writer.room()), (6, 2));
    writer.u8(7).unwrap();
    assert_eq!(field, [1, 2, 3, 4, 5, 6, 7, 9]);
}

/// A padded field is filled with zeros, whatever was there.
#[test]
fn a_padded_value_is_followed_by_zeros() {
    let mut field = [9; 6];
    let mut writer = Writer::new(&mut field);
    writer.padded(b"ab", 4).unwrap();
    assert_eq!((writer.at(), writer.room()), (4, 2));
    assert_eq!(field, [b'a', b'b', 0, 0, 9, 9]);
}

/// The names of the messages in RFC 2131 table 2.
#[test]
fn message_types_are_called_as_in_the_standard() {
    let names: Vec<String> = (0..=9).map(|code| MessageType::from(code).to_string()).collect();
    let expected = ["DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"];
    assert_eq!(names[1..9], expected.map(|name| format!("DHCP{name}")));
    assert_eq!((&names[0][..], &names[9][..]), ("DHCP message of type 0", "DHCP message of type 9"));
}
