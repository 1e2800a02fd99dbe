//! Overload: when `file` and `sname` take options, when names become options, and what is left out.

use understudy::wire::dhcp::{Fit, Reply};

use crate::samples::{emitted, header, reply};

const A100: &[u8] = &[b'a'; 100];
const B100: &[u8] = &[b'b'; 100];
const C100: &[u8] = &[b'c'; 100];
const D50: &[u8] = &[b'd'; 50];

/// RFC 2131 section 4.1: no overload without need.
#[test]
fn what_fits_the_options_area_to_the_last_octet_is_not_overloaded() {
    let header = header();
    let value = [b'x'; 102];
    let (taken, fit) = emitted(&reply(&header, &[(53, &[5]), (12, A100), (15, A100), (17, &value[..98])]));
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.bytes.len(), 548);
    assert_eq!(taken.codes(), [53, 12, 15, 17]);
    let (taken, fit) = emitted(&reply(&header, &[(53, &[5]), (12, A100), (15, A100), (17, &value[..99])]));
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.codes(), [53, 12, 15, 52]);
    assert_eq!(taken.file.len(), 1);
}

/// RFC 2131 section 4.1: `file` first; option 52 is 1 when it alone is used.
#[test]
fn options_overflow_into_an_empty_file_first() {
    let header = header();
    let (taken, fit) = emitted(&reply(&header, &[(53, &[5]), (12, A100), (15, B100), (17, C100)]));
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.joined(52), Some(vec![1]));
    assert_eq!(taken.file, [(17, C100.to_vec())]);
    assert_eq!(taken.bytes[108 + 102], 255);
}

/// Option 52 is 3 when both fields hold options.
#[test]
fn options_overflow_into_sname_after_file() {
    let header = header();
    let options: &[(u8, &[u8])] =
        &[(53, &[5]), (12, A100), (15, B100), (16, &C100[..90]), (17, C100), (14, A100), (18, D50)];
    let (taken, fit) = emitted(&reply(&header, options));
    assert_eq!(fit.options_left_out, 1);
    assert_eq!(taken.codes(), [53, 12, 15, 16, 52]);
    assert_eq!(taken.joined(52), Some(vec![3]));
    assert_eq!(taken.file, [(17, C100.to_vec())]);
    assert_eq!(taken.sname, [(18, D50.to_vec())]);
    assert_eq!(taken.joined(14), None);
}

/// A boot file keeps its field; option 52 is 2 when `sname` alone is used.
#[test]
fn a_boot_file_stays_in_file_while_sname_is_enough() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (12, A100), (15, B100), (6, A100), (18, D50)];
    let (taken, fit) = emitted(&Reply { boot_file: b"pxelinux.0", ..reply(&header, &options[..3]) });
    assert_eq!((fit, taken.joined(52)), (Fit::default(), None));
    let options = [&options[..3], &[(17, &C100[..60]), (18, D50)]].concat();
    let (taken, fit) = emitted(&Reply { boot_file: b"pxelinux.0", ..reply(&header, &options) });
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.joined(52), Some(vec![2]));
    assert_eq!(taken.sname, [(18, D50.to_vec())]);
    assert_eq!(&taken.bytes[108..119], b"pxelinux.0\0");
    assert_eq!(taken.joined(67), None);
}

/// RFC 2132 section 9.4: the server name becomes option 66 at the beginning of its field, before the boot file moves.
#[test]
fn the_server_name_moves_to_option_66_when_that_lets_all_in() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (12, A100), (15, B100), (17, &C100[..60]), (18, &D50[..40])];
    let named = Reply { server_name: b"tftp1", boot_file: b"pxelinux.0", ..reply(&header, options) };
    let (taken, fit) = emitted(&named);
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.joined(52), Some(vec![2]));
    assert_eq!(taken.sname, [(66, b"tftp1".to_vec()), (18, D50[..40].to_vec())]);
    assert_eq!(&taken.bytes[108..119], b"pxelinux.0\0");
}

/// RFC 2132 section 9.5: the boot file becomes option 67 last of all.
#[test]
fn the_boot_file_moves_to_option_67_only_when_nothing_else_lets_all_in() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (12, A100), (15, B100), (17, &C100[..60]), (18, C100)];
    let named = Reply { server_name: b"tftp1", boot_file: b"pxelinux.0", ..reply(&header, options) };
    let (taken, fit) = emitted(&named);
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.joined(52), Some(vec![3]));
    assert_eq!(taken.sname, [(66, b"tftp1".to_vec())]);
    assert_eq!(taken.file, [(67, b"pxelinux.0".to_vec()), (18, C100.to_vec())]);
}

/// A move that gains nothing is not made: names stay in their fields and what does not fit is left out.
#[test]
fn names_stay_when_moving_them_lets_no_more_in() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (12, A100), (15, B100), (17, &C100[..90]), (43, &[7; 200])];
    let (taken, fit) = emitted(&Reply { server_name: b"s", boot_file: b"f", ..reply(&header, options) });
    assert_eq!(fit.options_left_out, 1);
    assert_eq!((taken.joined(52), taken.joined(43)), (None, None));
    assert_eq!((&taken.bytes[44..46], &taken.bytes[108..110]), (&b"s\0"[..], &b"f\0"[..]));
}

/// A configured option 66 or 67 is not joined with a moved name.
#[test]
fn a_name_does_not_move_when_its_option_is_given() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (66, b"other"), (67, b"else"), (12, A100), (15, B100), (17, C100)];
    let (taken, fit) = emitted(&Reply { server_name: b"s", boot_file: b"f", ..reply(&header, options) });
    assert_eq!(fit.options_left_out, 1);
    assert_eq!(taken.joined(66), Some(b"other".to_vec()));
    assert_eq!(taken.joined(67), Some(b"else".to_vec()));
    assert_eq!((taken.bytes[44], taken.bytes[108]), (b's', b'f'));
}

/// Names so long that they do not fit their field as options stay; nothing is lost.
#[test]
fn names_that_would_not_fit_as_options_stay() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (12, A100), (15, B100), (17, C100), (18, D50)];
    let (server, file) = ([b's'; 62], [b'f'; 126]);
    let (taken, fit) = emitted(&Reply { server_name: &server, boot_file: &file, ..reply(&header, options) });
    assert_eq!(fit.options_left_out, 1);
    assert_eq!(taken.joined(52), None);
    assert_eq!((&taken.bytes[44..106], &taken.bytes[108..234]), (&server[..], &file[..]));
}

/// What does not fit is left out whole; smaller ones behind it get their chance.
#[test]
fn an_option_without_room_is_left_out_whole_and_later_smaller_ones_are_put_in() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (121, &[1; 600]), (43, &[2; 255]), (125, &[3; 255]), (6, &[4; 8])];
    let (taken, fit) = emitted(&reply(&header, options));
    assert_eq!(fit.options_left_out, 2);
    assert_eq!((taken.joined(121), taken.joined(125)), (None, None));
    assert_eq!(taken.joined(43).unwrap().len(), 255);
    assert_eq!(taken.joined(6), Some(vec![4; 8]));
}

/// RFC 3396 section 6: pieces of one option stand in options area, `file`, `sname`, in that order.
#[test]
fn a_split_option_may_go_on_in_the_overloaded_fields_in_order() {
    let header = header();
    let value: Vec<u8> = (0..=254_u8).cycle().take(300).collect();
    let (taken, fit) = emitted(&reply(&header, &[(53, &[5]), (12, &D50[..20]), (121, &value)]));
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.options.iter().find(|piece| piece.0 == 121).unwrap().1.len(), 255);
    assert_eq!(taken.file, [(121, value[255..].to_vec())]);
    assert_eq!(taken.joined(121), Some(value));
}

/// A piece must not slip into an earlier field than the one before it.
#[test]
fn pieces_never_go_back_to_an_earlier_field() {
    let header = header();
    let value: Vec<u8> = (0..=254_u8).cycle().take(255 + 125).collect();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (12, &D50[..20]), (121, &value), (6, &[9; 16])];
    let (taken, fit) = emitted(&reply(&header, options));
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.joined(121), Some(value));
    assert_eq!(taken.codes(), [53, 12, 121, 6, 52]);
}

/// A server name too long to move does not keep a short boot file from moving.
#[test]
fn the_boot_file_moves_also_where_the_server_name_cannot() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (12, A100), (15, B100), (17, &C100[..90]), (18, C100)];
    let server = [b's'; 62];
    let (taken, fit) = emitted(&Reply { server_name: &server, boot_file: b"f", ..reply(&header, options) });
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.joined(52), Some(vec![1]));
    assert_eq!(taken.file, [(67, b"f".to_vec()), (18, C100.to_vec())]);
    assert_eq!(taken.bytes[44..107], [&server[..], &[0]].concat());
}
