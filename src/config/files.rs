//! The system as a [`Source`]: the one file of the configuration code that reads the disk and asks for names.

use std::fs::File;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::Path;

use super::Source;

/// Largest file that is read: room for some 500,000 hosts, and an end to reading from a device.
const FILE_OCTETS_MAX: u64 = 64 << 20;

/// Reads files from the disk, and asks the system for names.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSource;

impl Source for FileSource {
    fn read(&self, path: &Path) -> io::Result<String> {
        let mut octets = Vec::new();
        File::open(path)?.take(FILE_OCTETS_MAX + 1).read_to_end(&mut octets)?;
        if octets.len() as u64 > FILE_OCTETS_MAX {
            return Err(io::Error::other(format!("it is longer than {FILE_OCTETS_MAX} octets")));
        }
        String::from_utf8(octets).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let octets = error.as_bytes();
            let line = 1 + octets.iter().take(good).filter(|octet| **octet == b'\n').count();
            let bad = octets.get(good).copied().unwrap_or_default();
            let text = format!("line {line} holds the octet {bad:#04x}, which is not UTF-8 (legal: UTF-8 text)");
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    /// Waits for the system's resolver, which may ask the network: an address in the configuration costs nothing.
    fn resolve(&self, name: &str) -> io::Result<Vec<Ipv4Addr>> {
        let mut found: Vec<Ipv4Addr> = Vec::new();
        for address in (name, 0).to_socket_addrs()? {
            match address {
                SocketAddr::V4(address) if !found.contains(address.ip()) => found.push(*address.ip()),
                SocketAddr::V4(_) | SocketAddr::V6(_) => {}
            }
        }
        Ok(found)
    }
}
