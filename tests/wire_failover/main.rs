//! What the servers of a pair send each other, from outside: golden datagrams, round trips, hostile input, seals and
//! key files, and the manual page that gives the format to the octet.

mod golden;
mod hostile;
mod key_files;
mod page;
mod round_trip;
mod samples;
mod sealed;
#[path = "../wire_dhcp/seeded.rs"]
mod seeded;
