//! The two ways of writing to a segment: io_uring, and one call after the other.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use uring::{Buffers, Completion, WriteRing};

/// What the writer needs of a disk. What is started completes later, in any order.
pub(crate) trait Device: Send {
    /// A buffer from which no write is under way.
    fn buffer(&mut self, buffer: usize) -> Option<&mut [u8]>;
    /// Starts writing a buffer's first `len` bytes.
    fn write(&mut self, buffer: usize, len: usize, offset: u64) -> io::Result<()>;
    /// Starts an fdatasync.
    fn sync(&mut self) -> io::Result<()>;
    /// Waits until something is completed, when something is under way.
    fn wait(&mut self) -> io::Result<()>;
    /// Something that was completed.
    fn next_completion(&mut self) -> Option<Completion>;
    /// Goes on with another file; nothing is under way.
    fn set_file(&mut self, file: File) -> File;
    /// The file.
    fn file(&self) -> &File;
}

impl Device for WriteRing {
    fn buffer(&mut self, buffer: usize) -> Option<&mut [u8]> {
        WriteRing::buffer(self, buffer)
    }

    fn write(&mut self, buffer: usize, len: usize, offset: u64) -> io::Result<()> {
        WriteRing::write(self, buffer, len, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        WriteRing::sync(self)
    }

    fn wait(&mut self) -> io::Result<()> {
        WriteRing::wait(self)
    }

    fn next_completion(&mut self) -> Option<Completion> {
        WriteRing::next_completion(self)
    }

    fn set_file(&mut self, file: File) -> File {
        WriteRing::set_file(self, file)
    }

    fn file(&self) -> &File {
        WriteRing::file(self)
    }
}

/// pwrite and fdatasync on the thread that asks for them.
#[derive(Debug)]
pub(crate) struct Calls {
    buffers: Buffers,
    file: File,
    completed: VecDeque<Completion>,
}

impl Calls {
    pub(crate) fn new(buffers: Buffers, file: File) -> Calls {
        Calls { buffers, file, completed: VecDeque::new() }
    }
}

impl Device for Calls {
    fn buffer(&mut self, buffer: usize) -> Option<&mut [u8]> {
        self.buffers.get_mut(buffer)
    }

    fn write(&mut self, buffer: usize, len: usize, offset: u64) -> io::Result<()> {
        let bytes = self.buffers.get_mut(buffer).and_then(|bytes| bytes.get(..len));
        let bytes = bytes.ok_or(io::ErrorKind::InvalidInput)?;
        let written = loop {
            match self.file.write_at(bytes, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written,
            }
        };
        self.completed.push_back(Completion::Write { buffer, written });
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let synced = self.file.sync_data();
        self.completed.push_back(Completion::Sync(synced));
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn next_completion(&mut self) -> Option<Completion> {
        self.completed.pop_front()
    }

    fn set_file(&mut self, file: File) -> File {
        std::mem::replace(&mut self.file, file)
    }

    fn file(&self) -> &File {
        &self.file
    }
}
