//! io_uring as a writer of one file at a time uses it: writes from fixed buffers, and fdatasync.
//!
//! A disk is kept busy by having several writes under way while the next one is being filled, which
//! `pwrite` on one thread cannot do. io_uring can, and with buffers that the kernel knows already
//! it neither looks up nor pins a page for a write.
//!
//! # Layout
//!
//! [`Buffers`] is one slab on hugepages, where there are any, cut into buffers of whole 4 KiB
//! blocks, aligned to them as O_DIRECT wants it. A [`WriteRing`] owns the buffers and the file.
//!
//! # Failure modes
//!
//! The kernel may have no io_uring, or refuse it (a container's seccomp filter, the sysctl
//! `kernel.io_uring_disabled`): [`WriteRing::new`] gives the buffers back with the reason. Buffers
//! that it will not register (RLIMIT_MEMLOCK) are written from all the same:
//! [`WriteRing::unregistered`] tells why.
//!
//! # Why unsafe
//!
//! The kernel reads a buffer, and uses a file's descriptor, after the call that asked for it has
//! returned. So the ring owns both, lends a buffer out only while no write from it is under way,
//! changes the file only while nothing is, and frees neither before everything has completed.

mod buffers;

pub use buffers::{BLOCK_BYTES, Buffers};

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;

use io_uring::{IoUring, opcode, types};

/// `user_data` of an fdatasync; those of writes are their buffers' numbers.
const SYNC: u64 = u64::MAX;

/// Why there is no ring.
#[derive(Debug, thiserror::Error)]
#[error("the kernel gives no io_uring (kernel.io_uring_disabled, seccomp): {source}")]
pub struct Refused {
    /// What the kernel said.
    pub source: io::Error,
    /// The buffers, for another way of writing.
    pub buffers: Buffers,
}

/// What was completed.
#[derive(Debug)]
pub enum Completion {
    /// A write.
    Write {
        /// From which buffer; it can be filled again.
        buffer: usize,
        /// How many bytes were written: those that were asked for, or fewer.
        written: io::Result<usize>,
    },
    /// An fdatasync.
    Sync(io::Result<()>),
}

/// Writes and fdatasyncs of one file, several under way at a time.
pub struct WriteRing {
    /// Dropped first: the kernel forgets the buffers with it.
    ring: ManuallyDrop<IoUring>,
    buffers: ManuallyDrop<Buffers>,
    file: ManuallyDrop<File>,
    /// Which buffers the kernel may be reading.
    busy: Vec<bool>,
    under_way: usize,
    unregistered: Option<io::Error>,
}

impl WriteRing {
    /// A ring over `buffers`, writing to `file`. With `sqpoll_idle_ms` a thread of the kernel takes
    /// what is submitted, without a system call, until it was idle for so long: for hosts that have
    /// a CPU for it.
    ///
    /// # Errors
    /// The kernel's, with the buffers.
    ///
    /// # Panics
    /// With more than 4,095 buffers.
    pub fn new(
        buffers: Buffers,
        file: File,
        sqpoll_idle_ms: Option<u32>,
    ) -> Result<WriteRing, Refused> {
        assert!(buffers.count() < 4096, "{} buffers, 4,095 at most", buffers.count());
        // Every buffer's write, and a sync.
        let entries = (buffers.count() as u32 + 1).next_power_of_two();
        let mut builder = IoUring::builder();
        if let Some(idle_ms) = sqpoll_idle_ms {
            builder.setup_sqpoll(idle_ms);
        }
        let ring: IoUring = match builder.build(entries) {
            Ok(ring) => ring,
            Err(source) => return Err(Refused { source, buffers }),
        };
        let spans = buffers.spans();
        // SAFETY: the buffers are ours for as long as the ring is; they are freed after it.
        let registered = unsafe { ring.submitter().register_buffers(&spans) };
        Ok(WriteRing {
            ring: ManuallyDrop::new(ring),
            busy: vec![false; buffers.count()],
            buffers: ManuallyDrop::new(buffers),
            file: ManuallyDrop::new(file),
            under_way: 0,
            unregistered: registered.err(),
        })
    }

    /// Why the kernel did not register the buffers, when it did not.
    pub fn unregistered(&self) -> Option<&io::Error> {
        self.unregistered.as_ref()
    }

    /// A buffer to fill; `None` while a write from it is under way.
    pub fn buffer(&mut self, buffer: usize) -> Option<&mut [u8]> {
        let is_free = self.busy.get(buffer).is_some_and(|&busy| !busy);
        if is_free { self.buffers.get_mut(buffer) } else { None }
    }

    /// Writes and syncs that are not completed, or whose completion was not taken.
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Goes on with another file; gives the one before.
    ///
    /// # Panics
    /// While anything is under way.
    pub fn set_file(&mut self, file: File) -> File {
        assert!(self.under_way == 0, "{} writes are under way", self.under_way);
        std::mem::replace(&mut self.file, file)
    }

    /// Starts writing the first `len` bytes of a buffer to `offset`.
    ///
    /// # Errors
    /// The kernel's; the write may be under way nonetheless, and completes as any other.
    ///
    /// # Panics
    /// When there is no such buffer, it is shorter, or a write from it is under way.
    pub fn write(&mut self, buffer: usize, len: usize, offset: u64) -> io::Result<()> {
        assert!(len <= self.buffers.buffer_bytes(), "{len} bytes of a buffer");
        assert!(!self.busy[buffer], "buffer {buffer} is being written");
        let (fd, from) = (types::Fd(self.file.as_raw_fd()), self.buffers.address(buffer));
        let entry = match self.unregistered {
            None => {
                opcode::WriteFixed::new(fd, from, len as u32, buffer as u16).offset(offset).build()
            }
            Some(_) => opcode::Write::new(fd, from, len as u32).offset(offset).build(),
        };
        self.busy[buffer] = true;
        self.push(entry.user_data(buffer as u64))
    }

    /// Starts an fdatasync: of what was written when it starts, which is only certain of writes
    /// whose completion was taken.
    ///
    /// # Errors
    /// The kernel's; it may be under way nonetheless.
    pub fn sync(&mut self) -> io::Result<()> {
        let fd = types::Fd(self.file.as_raw_fd());
        let entry = opcode::Fsync::new(fd).flags(types::FsyncFlags::DATASYNC).build();
        self.push(entry.user_data(SYNC))
    }

    fn push(&mut self, entry: io_uring::squeue::Entry) -> io::Result<()> {
        // SAFETY: the descriptor and the memory that the entry names are ours until it completes:
        // the buffer is busy, the file is not changed, and `drop` waits.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        // There is an entry for every buffer, which is busy no more than once, and for a sync; a
        // second sync at a time may find none.
        pushed.map_err(|_| io::Error::from(io::ErrorKind::WouldBlock))?;
        self.under_way += 1;
        self.ring.submit().map(|_| ())
    }

    /// Waits until something is completed. Returns at once when nothing is under way.
    ///
    /// # Errors
    /// The kernel's.
    pub fn wait(&mut self) -> io::Result<()> {
        while self.under_way > 0 && self.ring.completion().is_empty() {
            match self.ring.submit_and_wait(1) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Something that was completed.
    pub fn next_completion(&mut self) -> Option<Completion> {
        let entry = self.ring.completion().next()?;
        self.under_way -= 1;
        let result = match entry.result() {
            done @ 0.. => Ok(done as usize),
            errno => Err(io::Error::from_raw_os_error(-errno)),
        };
        if entry.user_data() == SYNC {
            return Some(Completion::Sync(result.map(|_| ())));
        }
        let buffer = entry.user_data() as usize;
        self.busy[buffer] = false;
        Some(Completion::Write { buffer, written: result })
    }
}

impl Drop for WriteRing {
    fn drop(&mut self) {
        while self.under_way > 0 {
            if self.wait().is_err() {
                // Whatever the kernel still reads stays where it is.
                return;
            }
            while self.next_completion().is_some() {}
        }
        // SAFETY: nothing is under way, and none of the three is used after this.
        unsafe {
            ManuallyDrop::drop(&mut self.ring);
            ManuallyDrop::drop(&mut self.file);
            ManuallyDrop::drop(&mut self.buffers);
        }
    }
}

impl std::fmt::Debug for WriteRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let under_way = self.under_way;
        f.debug_struct("WriteRing").field("under_way", &under_way).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
