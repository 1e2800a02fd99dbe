//! The system as a [`Source`]: the one file of the configuration code that reads the disk and asks for names.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{Config, ConfigError, Source, load_subnets};

/// Largest file that is read: room for some 500,000 hosts, and an end to reading from a device.
const FILE_OCTETS_MAX: u64 = 64 << 20;

/// Mode of a stored part: hosts name people's machines.
const PART_MODE: u32 = 0o640;

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

/// The file in the state folder that keeps what the primary `name` sent.
fn part_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("subnets-{name}.ini"))
}

/// Keeps the subnets that the primary `name` sent, in place of those before: after a power cut either stand there,
/// whole.
///
/// # Errors
/// What the system says; the former file stands then.
pub fn store_part(folder: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    let path = part_path(folder, name);
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(PART_MODE).open(&draft)?;
    writeln!(file, "; Sent by {name}, and replaced whenever that changes: edit it there.")?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    File::open(folder)?.sync_all()
}

/// The subnets that the primary `name` sent before; `None`: none yet.
///
/// # Errors
/// The file cannot be read, or does not hold what this version takes.
pub fn stored_part(folder: &Path, name: &str) -> Result<Option<Box<Config>>, Vec<ConfigError>> {
    let path = part_path(folder, name);
    let text = match FileSource.read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(vec![ConfigError { file: path, line: 0, text: error.to_string() }]),
    };
    load_subnets(&path.to_string_lossy(), &text).map(|part| Some(Box::new(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_part_comes_back_with_the_same_digest_and_replaces_the_former() {
        let folder = std::env::temp_dir().join(format!("understudy-part-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        assert!(stored_part(&folder, "dhcp1").expect("nothing is no error").is_none());
        for last in [90, 99] {
            let text = format!("[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.{last}\n");
            let sent = load_subnets("sent", &text).expect("good");
            store_part(&folder, "dhcp1", sent.subnets_text.text.as_bytes()).expect("stored");
            let kept = stored_part(&folder, "dhcp1").expect("good").expect("there");
            assert_eq!(kept.subnets_text, sent.subnets_text);
        }
        let names: Vec<_> = fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["subnets-dhcp1.ini"], "no draft stays");
        fs::write(folder.join("subnets-dhcp1.ini"), "[Subnet 10.1.0.0/24]\nRnage = 1\n").expect("written");
        let wrong = stored_part(&folder, "dhcp1").expect_err("a wrong key");
        assert!(wrong[0].to_string().contains("subnets-dhcp1.ini:2: [Subnet 10.1.0.0/24] Rnage"), "{wrong:?}");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
