//! A journal's folder, as its one writer has it: locked, and given new segments.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{FallocateFlags, FlockOperation};

use crate::error::{JournalError, io_error};
use crate::identity::Identity;
use crate::layout::SegmentHeader;
use crate::read::{Journal, segment_name};
use crate::record::Cursor;

/// The folder, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    identity: Identity,
    segment_bytes: u64,
    direct: bool,
    _lock: File,
}

/// Ways of writing that were asked for and cannot be had here, with the reason.
pub(crate) type Notes = Vec<String>;

impl Store {
    /// Locks the folder; makes it where it is not there.
    pub(crate) fn open(
        dir: &Path,
        identity: Identity,
        segment_bytes: u64,
    ) -> Result<Store, JournalError> {
        fs::create_dir_all(dir).map_err(io_error("make", dir))?;
        let path = dir.join("LOCK");
        let lock = File::options().create(true).append(true).open(&path);
        let lock = lock.map_err(io_error("open", &path))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(JournalError::Locked { path: dir.into() });
            }
            Err(error) => return Err(io_error("lock", &path)(error.into())),
        }
        Ok(Store { dir: dir.into(), identity, segment_bytes, direct: false, _lock: lock })
    }

    /// The journal as it is on disk now.
    pub(crate) fn journal(&self) -> Result<Journal, JournalError> {
        Journal::open(&self.dir, self.identity)
    }

    /// Finds out whether the file system takes O_DIRECT, for the segments to come.
    pub(crate) fn try_direct(&mut self, notes: &mut Notes) -> Result<(), JournalError> {
        let path = self.dir.join("LOCK");
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(&path);
        match opened {
            Ok(_) => self.direct = true,
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                let dir = self.dir.display();
                notes.push(format!("no O_DIRECT: the file system of {dir} refuses it"));
            }
            Err(error) => return Err(io_error("open", &path)(error)),
        }
        Ok(())
    }

    /// Sees to it that a segment of a writer before this one is on disk, if there is one.
    pub(crate) fn settle(&self, index: u64) -> Result<(), JournalError> {
        let path = self.dir.join(segment_name(index));
        match File::open(&path).and_then(|file| file.sync_all()) {
            Err(error) if index == 0 && error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(io_error("sync", &path)),
        }
    }

    /// A new segment that goes on at `cursor`, on disk with its header before it has its name.
    /// No file is ever replaced.
    pub(crate) fn create(
        &self,
        index: u64,
        cursor: Cursor,
        notes: &mut Notes,
    ) -> Result<(File, SegmentHeader, PathBuf), (PathBuf, io::Error)> {
        let path = self.dir.join(segment_name(index));
        let header = SegmentHeader {
            identity: self.identity,
            index,
            first_sequence: cursor.next_sequence,
            epoch: cursor.epoch,
            segment_bytes: self.segment_bytes,
            created_ns: unix_ns(),
            chain: cursor.chain.0,
        };
        let made = self.make(&path, &header, notes);
        made.map(|file| (file, header, path.clone())).map_err(|error| (path, error))
    }

    fn make(&self, path: &Path, header: &SegmentHeader, notes: &mut Notes) -> io::Result<File> {
        create_whole(&self.dir, path, |file| self.fill(file, header, notes))?;
        let flags = if self.direct { libc::O_DIRECT } else { 0 };
        OpenOptions::new().write(true).custom_flags(flags).open(path)
    }

    fn fill(&self, file: &mut File, header: &SegmentHeader, notes: &mut Notes) -> io::Result<()> {
        match rustix::fs::fallocate(&*file, FallocateFlags::empty(), 0, self.segment_bytes) {
            Ok(()) => {}
            Err(rustix::io::Errno::OPNOTSUPP) => {
                file.set_len(self.segment_bytes)?;
                let dir = self.dir.display();
                notes.push(format!("not preallocated: the file system of {dir} cannot"));
            }
            Err(error) => return Err(error.into()),
        }
        file.write_all(&header.encode())
    }
}

/// Makes a file that is there with all that `fill` writes, on disk, or not at all. Never replaces
/// one: the name must be free.
pub(crate) fn create_whole(
    dir: &Path,
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let unnamed = path.with_extension("new");
    // Of a process that stopped right here; nobody was told of it.
    match fs::remove_file(&unnamed) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&unnamed)?;
    let filled = fill(&mut file).and_then(|()| file.sync_all());
    let linked = filled.and_then(|()| fs::hard_link(&unnamed, path));
    let removed = fs::remove_file(&unnamed);
    linked.and(removed)?;
    File::open(dir)?.sync_all()
}

/// The files of a folder whose names have a number in `number_of`'s form, by that number. A folder
/// that is not there has none.
pub(crate) fn list(
    dir: &Path,
    number_of: impl Fn(&str) -> Option<u64>,
) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    let entries = match dir.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io_error("list", dir))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(io_error("list", dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(number) = number_of(name) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Nanoseconds since 1970; 0 for a clock that is before it.
pub(crate) fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
