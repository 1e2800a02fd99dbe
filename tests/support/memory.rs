//! A disk in memory that never fails: for tests that are not about the disk.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use understudy::journal::Storage;
use understudy::journal::storage::Entry;

/// The state folder as a map from names to contents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    files: BTreeMap<String, Vec<u8>>,
    nonce: u64,
}

impl Memory {
    fn file(&mut self, name: &str) -> io::Result<&mut Vec<u8>> {
        self.files.get_mut(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Storage for Memory {
    fn list(&mut self) -> io::Result<Vec<Entry>> {
        let entry = |(name, content): (&String, &Vec<u8>)| Entry { name: name.clone(), octets: content.len() as u64 };
        Ok(self.files.iter().map(entry).collect())
    }

    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let rest = self.file(name)?.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write(&mut self, name: &str, offset: u64, octets: &[u8]) -> io::Result<()> {
        let content = self.files.entry(name.to_owned()).or_default();
        let start = offset as usize;
        content.resize(content.len().max(start + octets.len()), 0);
        content[start..start + octets.len()].copy_from_slice(octets);
        Ok(())
    }

    fn reserve(&mut self, name: &str, _: u64, _: u64) -> io::Result<()> {
        self.file(name).map(|_| ())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.file(name).map(|_| ())
    }

    fn truncate(&mut self, name: &str, octets: u64) -> io::Result<()> {
        self.file(name)?.resize(octets as usize, 0);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let content = self.files.remove(from).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        self.files.insert(to.to_owned(), content);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.files.remove(name).map(|_| ()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn nonce(&mut self) -> io::Result<u64> {
        self.nonce += 1;
        Ok(self.nonce)
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}
