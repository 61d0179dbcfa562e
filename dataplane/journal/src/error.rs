//! Why a journal is not read, or not opened for writing.

use std::io;
use std::path::PathBuf;

use crate::identity::Identity;
use crate::layout::HeaderFault;
use crate::scan::Damage;

/// Why a journal is not read, or not opened for writing. Nothing was changed on disk then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A file or the folder could not be read, made or locked.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process writes it.
    #[error("{}: another process has the journal open for writing", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A file has a segment's name and is none.
    #[error("{}: no segment of a journal (its first bytes are not PEREJNL1)", path.display())]
    NoSegment {
        /// The file.
        path: PathBuf,
    },
    /// The first block is not what was written.
    #[error("{}: offset 0: the segment's header is damaged ({what})", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// Written by a newer program.
    #[error("{}: version {found} of the format; this program reads {known}", path.display())]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest that is read.
        known: u32,
    },
    /// Written by a program of long ago.
    #[error("{}: version {found} of the format, which is read no longer", path.display())]
    OlderVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Another cluster's or node's.
    #[error("{}: the journal of {found}, not of {expected}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: Identity,
        /// Whose it was to be.
        expected: Identity,
    },
    /// The header has another number than the name.
    #[error("{}: says that it is segment {found}", path.display())]
    Misnamed {
        /// The file.
        path: PathBuf,
        /// The header's number.
        found: u64,
    },
    /// One of the segments is not there.
    #[error("{}: segment {index} is missing between others that are there", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// Its number.
        index: u64,
    },
    /// A segment holds what was not written, or not all that was.
    #[error("{}: {damage}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where and what.
        damage: Damage,
    },
    /// A snapshot is not what was written.
    #[error("{}: no snapshot: {what}", path.display())]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// Records before the first that there is were asked for.
    #[error("{}: sequence {from} is not in it; it begins with {first}", path.display())]
    NotThere {
        /// The folder.
        path: PathBuf,
        /// What was asked for.
        from: u64,
        /// The first that there is.
        first: u64,
    },
    /// A writer of an epoch that was over.
    #[error("epoch {asked} is over: the journal is in epoch {current}")]
    PastEpoch {
        /// The writer's.
        asked: u32,
        /// The journal's.
        current: u32,
    },
    /// The settings cannot be.
    #[error("{field} = {value}: {right}")]
    Setting {
        /// Which.
        field: &'static str,
        /// What it was.
        value: u64,
        /// What would be right.
        right: String,
    },
    /// No memory for the buffers.
    #[error("no memory for the journal's buffers: {0}")]
    Memory(#[from] hugemem::Error),
}

impl JournalError {
    pub(crate) fn header(path: PathBuf, fault: HeaderFault) -> JournalError {
        match fault {
            HeaderFault::Short => JournalError::Header { path, what: "the file is too short" },
            HeaderFault::Checksum => JournalError::Header { path, what: "its checksum" },
            HeaderFault::Field(what) => JournalError::Header { path, what },
            HeaderFault::Magic => JournalError::NoSegment { path },
            HeaderFault::Version(found) if found < crate::layout::VERSION => {
                JournalError::OlderVersion { path, found }
            }
            HeaderFault::Version(found) => {
                JournalError::NewerVersion { path, found, known: crate::layout::VERSION }
            }
        }
    }
}

/// For `map_err`: names what was tried, and with what.
pub(crate) fn io_error(
    what: &'static str,
    path: &std::path::Path,
) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_path_buf();
    move |source| JournalError::Io { what, path, source }
}
