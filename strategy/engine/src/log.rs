//! The command log of one run: what the engine was told, kept so that it can be told again.
//!
//! Layout of the bytes: `PERECMD1`, the number of records (8 bytes, little endian), the FNV-1a hash
//! of the archive (8), then an rkyv archive of a vector of records, 16-byte aligned.
//!
//! Limits: a fixed number of records, taken at construction; one more is refused, and the log then
//! no longer tells the whole run (`is_whole`).
//!
//! Failure modes: any flipped or missing byte is an error of [`replay`]; nothing is applied then.

use crate::Engine;
use rkyv::rancor::Error as RkyvError;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Deserialize, Serialize};
use types::{Command, EventSink, Nanos};

const MAGIC: &[u8; 8] = b"PERECMD1";
const HEADER_LEN: usize = 24;

/// One command and its stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Record {
    /// When it was applied.
    pub now: Nanos,
    /// What was applied.
    pub command: Command,
}

/// A bounded log in memory.
#[derive(Debug)]
pub struct CommandLog {
    records: Vec<Record>,
    capacity: usize,
    refused: u64,
}

/// Why bytes are no command log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Too short, or another file.
    #[error("not a command log: no PERECMD1 header of 24 bytes")]
    Header,
    /// The archive's bytes are not those that were written.
    #[error("damaged command log: checksum {found:#018x}, expected {expected:#018x}")]
    Checksum {
        /// What the bytes give.
        found: u64,
        /// What the header says.
        expected: u64,
    },
    /// The checksum is right and the archive is not: written by another version.
    #[error("command log of another version: {0}")]
    Archive(String),
    /// The header and the archive disagree.
    #[error("damaged command log: {found} records, the header says {expected}")]
    Count {
        /// Records in the archive.
        found: u64,
        /// Records announced.
        expected: u64,
    },
}

impl CommandLog {
    /// Room for `capacity` commands.
    pub fn with_capacity(capacity: usize) -> CommandLog {
        CommandLog { records: Vec::with_capacity(capacity), capacity, refused: 0 }
    }

    /// Adds a command; `false`, counted, when the log is full.
    #[inline]
    pub fn push(&mut self, now: Nanos, command: &Command) -> bool {
        if self.records.len() >= self.capacity {
            self.refused += 1;
            return false;
        }
        self.records.push(Record { now, command: *command });
        true
    }

    /// Commands held.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether every command found room.
    pub fn is_whole(&self) -> bool {
        self.refused == 0
    }

    /// The log as bytes for a file.
    ///
    /// # Errors
    /// The archive could not be made.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LogError> {
        let archive = rkyv::to_bytes::<RkyvError>(&self.records)
            .map_err(|e| LogError::Archive(e.to_string()))?;
        let mut bytes = Vec::with_capacity(HEADER_LEN + archive.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(self.records.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&fnv(&archive).to_le_bytes());
        bytes.extend_from_slice(&archive);
        Ok(bytes)
    }
}

/// Applies a log's commands to an engine; how many there were.
///
/// # Errors
/// Bytes that are no log, or not the bytes that were written. The engine is untouched then.
pub fn replay<S: EventSink>(
    bytes: &[u8],
    engine: &mut Engine,
    sink: &mut S,
) -> Result<u64, LogError> {
    let header = bytes.get(..HEADER_LEN).filter(|h| h.starts_with(MAGIC));
    let header = header.ok_or(LogError::Header)?;
    let word = |at: usize| header[at..].first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
    let (count, expected) = (word(8), word(16));
    let mut archive: AlignedVec = AlignedVec::new();
    archive.extend_from_slice(&bytes[HEADER_LEN..]);
    let found = fnv(&archive);
    if found != expected {
        return Err(LogError::Checksum { found, expected });
    }
    let records: Vec<Record> = rkyv::from_bytes::<Vec<Record>, RkyvError>(&archive)
        .map_err(|e| LogError::Archive(e.to_string()))?;
    if records.len() as u64 != count {
        return Err(LogError::Count { found: records.len() as u64, expected: count });
    }
    for record in &records {
        engine.apply(&record.command, record.now, sink);
    }
    Ok(count)
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}
