//! The portable twin of `files.rs`: systems that do not tell who may write.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use crate::{FileIdentity, Writers};

/// Not known.
pub fn file_identity(_: &Metadata) -> Option<FileIdentity> {
    None
}

/// Not known.
pub fn writers(_: &Metadata) -> Writers {
    Writers::Unknown
}

/// Makes a folder, and those that it is in.
///
/// # Errors
/// Those of the system.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Makes a file that is not there yet.
///
/// # Errors
/// Those of the system.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

/// There are none.
///
/// # Errors
/// Always.
pub fn create_unnamed_file(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There are none to be named.
///
/// # Errors
/// Always.
pub fn name_file(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not known.
pub fn boot_id() -> Option<[u8; 16]> {
    None
}

/// None is known.
pub fn file_bytes_max() -> Option<u64> {
    None
}
