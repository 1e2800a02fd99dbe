//! SKELETON (owner: journal helper).

/// The whole disk, as the journal sees it: a flat folder of files.
pub trait Storage {
}

/// The state folder on disk.
pub struct FileStorage {}
impl Storage for FileStorage {}
