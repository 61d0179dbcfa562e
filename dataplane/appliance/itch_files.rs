//! Reads ITCH files (`length[2] message`, plain or gzip), or a made-up flow, ahead of a loadgen, on
//! a thread of its own.
//!
//! The files are replayed one after the other as one stream, `repeat` times over. Memory is bounded
//! by the source's chunks, so a whole day of ten gigabytes needs no more than a sample. A message
//! is never split over two chunks. A file that ends inside a message ends the stream as failed,
//! after everything that was whole; the reader's result names the file and the offset.

use flate2::read::MultiGzDecoder;
use lcore::loadgen::{Chunk, SourceTx, Synthetic, synthetic};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadFacts {
    /// Messages passed on.
    pub(crate) messages: u64,
    /// Bytes of the decompressed stream.
    pub(crate) bytes: u64,
}

/// Why reading ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The file could not be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file ends inside a message.
    #[error("{path}: ends inside the message at byte {offset}: {missing} more bytes were expected")]
    Truncated {
        /// Which file.
        path: PathBuf,
        /// Where the message's length stands.
        offset: u64,
        /// Bytes that are not there.
        missing: u64,
    },
    /// A message of length 0, which the format does not have.
    #[error(
        "{path}: a message of length 0 at byte {offset}: not an ITCH file of length-prefixed \
         messages"
    )]
    EmptyMessage {
        /// Which file.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
}

/// Chunks in flight between the reader and the lcore.
pub(crate) const CHUNKS: usize = 8;
/// Bytes of a chunk; above the longest message (65,535 and its length).
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// What a gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Files up to this size are counted before a run, for the progress bar.
const COUNT_BYTES_MAX: u64 = 1 << 28;

/// What a loadgen replays.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Files, one after the other.
    Files(Vec<PathBuf>),
    /// A flow from a seed.
    Synthetic(Synthetic),
}

/// How many messages there are over all repeats; `None` when that would take long to find out.
pub(crate) fn count(input: &Input, repeat: u32) -> Option<u64> {
    let Input::Files(files) = input else { return None };
    let once = files.iter().try_fold(0, |sum, path| {
        let small = path.metadata().is_ok_and(|m| m.len() <= COUNT_BYTES_MAX);
        let bytes = small.then(|| std::fs::read(path).ok()).flatten()?;
        let zipped = bytes.starts_with(&GZIP);
        (!zipped).then(|| whole_messages(&bytes).map(|(_, n)| sum + n).ok())?
    })?;
    Some(once * u64::from(repeat))
}

/// Starts the reader.
pub(crate) fn spawn(
    input: Input,
    repeat: u32,
    tx: SourceTx,
) -> std::io::Result<JoinHandle<Result<ReadFacts, ReadError>>> {
    thread::Builder::new().name("itch-reader".into()).spawn(move || {
        let mut feeder = Feeder { tx, facts: ReadFacts::default(), spare: None };
        let result = feeder.input(&input, repeat);
        feeder.tx.end(result.is_err());
        result.map(|()| feeder.facts)
    })
}

/// Counts what is read from the disk, before decompression.
struct Counting<R> {
    inner: R,
    read: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.read += n as u64;
        Ok(n)
    }
}

struct Feeder {
    tx: SourceTx,
    facts: ReadFacts,
    /// A chunk that the end of a file left empty: there are only so many.
    spare: Option<Chunk>,
}

impl Feeder {
    fn input(&mut self, input: &Input, repeat: u32) -> Result<(), ReadError> {
        match input {
            Input::Files(files) => {
                (0..repeat).try_for_each(|_| files.iter().try_for_each(|f| self.file(f)))
            }
            Input::Synthetic(flow) => {
                let made = synthetic(flow);
                let name = Path::new("synthetic");
                (0..repeat).try_for_each(|_| self.stream(name, &made[..], |_| 0))
            }
        }
    }

    fn file(&mut self, path: &Path) -> Result<(), ReadError> {
        let io = |source| ReadError::Io { path: path.to_owned(), source };
        let mut magic = [0u8; 2];
        let gzip =
            File::open(path).and_then(|mut f| f.read_exact(&mut magic)).is_ok() && magic == GZIP;
        let mut disk = Counting { inner: File::open(path).map_err(io)?, read: 0 };
        if gzip {
            self.stream(path, MultiGzDecoder::new(BufReader::with_capacity(1 << 16, disk)), |d| {
                d.get_ref().get_ref().read
            })
        } else {
            self.stream(path, &mut disk, |d| d.read)
        }
    }

    /// Cuts a stream into chunks of whole messages; `on_disk` tells how far the file has been read.
    fn stream<R: Read>(
        &mut self,
        path: &Path,
        mut input: R,
        on_disk: impl Fn(&R) -> u64,
    ) -> Result<(), ReadError> {
        let mut carry: Vec<u8> = Vec::new();
        let (mut offset, mut told) = (0u64, 0u64);
        loop {
            let Some(mut chunk) = self.wait_empty() else { return Ok(()) };
            chunk.bytes.append(&mut carry);
            let room = (CHUNK_BYTES - chunk.bytes.len()) as u64;
            let read = input
                .by_ref()
                .take(room)
                .read_to_end(&mut chunk.bytes)
                .map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
            let (whole, messages) = whole_messages(&chunk.bytes)
                .map_err(|at| ReadError::EmptyMessage { path: path.into(), offset: offset + at })?;
            if read == 0 && whole == 0 {
                if chunk.bytes.is_empty() {
                    self.spare = Some(chunk);
                    return Ok(());
                }
                return Err(truncated(path, offset, &chunk.bytes));
            }
            carry.extend_from_slice(&chunk.bytes[whole..]);
            chunk.bytes.truncate(whole);
            offset += whole as u64;
            self.facts.messages += messages;
            self.facts.bytes += whole as u64;
            let at = on_disk(&input);
            chunk.input_bytes = at - told;
            told = at;
            self.tx.pass(chunk);
        }
    }

    /// Waits for the lcore to hand a chunk back; `None` when it is gone.
    fn wait_empty(&mut self) -> Option<Chunk> {
        loop {
            if let Some(chunk) = self.spare.take().or_else(|| self.tx.take_empty()) {
                return Some(chunk);
            }
            if self.tx.is_abandoned() {
                return None;
            }
            thread::sleep(Duration::from_micros(100));
        }
    }
}

/// How many leading bytes are whole messages, and how many; `Err` is where a length is 0.
fn whole_messages(bytes: &[u8]) -> Result<(usize, u64), u64> {
    let (mut at, mut messages) = (0, 0);
    while let Some(length) = bytes.get(at..at + 2) {
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if length == 0 {
            return Err(at as u64);
        }
        if at + 2 + length > bytes.len() {
            break;
        }
        at += 2 + length;
        messages += 1;
    }
    Ok((at, messages))
}

fn truncated(path: &Path, offset: u64, left: &[u8]) -> ReadError {
    let need = match left {
        [hi, lo, ..] => 2 + u64::from(u16::from_be_bytes([*hi, *lo])),
        _ => 2,
    };
    ReadError::Truncated { path: path.into(), offset, missing: need - left.len() as u64 }
}

#[cfg(test)]
mod tests;
