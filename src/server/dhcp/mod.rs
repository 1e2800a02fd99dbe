//! The messages of clients, a file each (RFC 2131 section 4.3).

mod bootp;
mod decline;
mod discover;
mod inform;
mod release;
mod request;
