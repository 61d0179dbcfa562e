//! What the writer tells everyone else: how far it is on disk, what it counted, what went wrong.

use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why the writer stopped writing. It never goes on after one: what a disk holds after a failed
/// write or fdatasync is not known, and a second fdatasync would say that all is well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No room for another segment, or for a batch.
    #[error("the disk is full: cannot {what} {}: {source}", path.display())]
    DiskFull {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk failed.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk took a part of a batch.
    #[error("{}: {written} of {len} bytes were written at {offset}", path.display())]
    ShortWrite {
        /// The segment.
        path: PathBuf,
        /// Where the batch was to be.
        offset: u64,
        /// Its length.
        len: usize,
        /// What was written.
        written: usize,
    },
    /// Records were to be superseded whose link of the chain cannot be found again.
    #[error("cannot supersede sequence {sequence}: {reason}")]
    Supersede {
        /// The first that was to be superseded.
        sequence: u64,
        /// Why.
        reason: String,
    },
    /// An entry that is not the next one: one was lost before it came here.
    #[error("sequence {found} was handed over where {expected} was due")]
    Sequence {
        /// The next one.
        expected: u64,
        /// What came.
        found: u64,
    },
}

impl Fault {
    pub(crate) fn of_io(what: &'static str, path: PathBuf, source: io::Error) -> Fault {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Fault::DiskFull { what, path, source }
            }
            _ => Fault::Io { what, path, source },
        }
    }
}

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What was counted since the writer started. One writer; read by anyone, at any time.
        #[derive(Debug, Default)]
        pub struct Counts {
            $($(#[$doc])* $name: AtomicU64,)*
        }

        /// [`Counts`] at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counted {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counts {
            /// All of them now.
            pub fn read(&self) -> Counted {
                Counted { $($name: self.$name.load(Ordering::Relaxed),)* }
            }

            $(pub(crate) fn $name(&self, more: u64) {
                self.$name.fetch_add(more, Ordering::Relaxed);
            })*
        }
    };
}

counts!(
    /// Commands put into batches.
    commands,
    /// Batches handed to the disk, seals among them.
    batches,
    /// Bytes handed to the disk, padding among them.
    bytes,
    /// fdatasyncs completed.
    syncs,
    /// Segments begun.
    segments,
    /// Faults of a full disk.
    disk_full,
    /// Faults of the disk.
    io_errors,
    /// Faults of a write that was cut short.
    short_writes,
    /// Faults of an entry that was not the next one.
    sequence_gaps,
    /// Times that records were superseded by those of a later epoch.
    superseded,
    /// Entries of an epoch that was over, refused.
    past_epoch,
    /// Entries taken off the ring after a fault and written nowhere.
    dropped_after_fault,
);

/// What the writer and everyone else share.
#[derive(Debug)]
#[repr(align(64))]
pub struct Status {
    durable: AtomicU64,
    persisted: AtomicU64,
    fault: OnceLock<Fault>,
    /// What was counted.
    pub counts: Counts,
}

impl Status {
    pub(crate) fn new(durable: u64) -> Status {
        let fault = OnceLock::new();
        let (durable, persisted) = (AtomicU64::new(durable), AtomicU64::new(0));
        Status { durable, persisted, fault, counts: Counts::default() }
    }

    /// The highest sequence that is on disk, and all before it: an fdatasync that began after they
    /// were written has ended without an error. 0 before the first.
    #[inline]
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// How many of the entries that were handed over since the start are on disk, in their order,
    /// those without a sequence among them (and those of a past epoch, which are nowhere). It never
    /// falls, as [`durable`](Self::durable) does when records are superseded.
    #[inline]
    pub fn persisted(&self) -> u64 {
        self.persisted.load(Ordering::Acquire)
    }

    /// What the writer stopped at; `None` while it writes.
    #[inline]
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.get()
    }

    pub(crate) fn set_durable(&self, sequence: u64, entries: u64) {
        self.durable.store(sequence, Ordering::Release);
        self.persisted.store(entries, Ordering::Release);
    }

    /// Only the first fault stays: those behind it come of it.
    #[cold]
    pub(crate) fn fail(&self, fault: Fault) {
        let counts = &self.counts;
        match &fault {
            Fault::DiskFull { .. } => counts.disk_full(1),
            Fault::Io { .. } => counts.io_errors(1),
            Fault::ShortWrite { .. } => counts.short_writes(1),
            Fault::Sequence { .. } | Fault::Supersede { .. } => counts.sequence_gaps(1),
        }
        let _ = self.fault.set(fault);
    }
}
