//! The command log of one run: what the engine was told, kept so that it can be told again.
//!
//! A log begins where its engine stood: with no command taken, or where a snapshot was. It tells
//! after how many commands, so that it is not replayed onto another state.
//!
//! Layout of the bytes: the header with the magic `PERECMD1`, the version and the number of records
//! (`sealed.rs`), then an rkyv archive of the first command's number and the records.
//!
//! Limits: a fixed number of records, taken at construction; one more is refused, and the log then
//! no longer tells the whole run (`is_whole`).
//!
//! Failure modes: any flipped or missing byte is an error of [`replay`]; nothing is applied then.

use crate::Engine;
use crate::sealed::{self, Kind, SealedError};
use rkyv::rancor::Error as RkyvError;
use rkyv::{Archive, Deserialize, Serialize};
use types::{Command, EventSink, Nanos, Operation, Phase, SymbolId};

const KIND: Kind = Kind { magic: *b"PERECMD1", version: 2 };

/// One command and its stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Record {
    /// When it was applied.
    pub now: Nanos,
    /// What was applied.
    pub command: Command,
}

/// A bounded log in memory.
#[derive(Debug, Archive, Serialize)]
pub struct CommandLog {
    /// Commands that the engine had taken before the first record.
    first: u64,
    records: Vec<Record>,
    #[rkyv(with = rkyv::with::Skip)]
    capacity: usize,
    #[rkyv(with = rkyv::with::Skip)]
    refused: u64,
}

/// Why a log cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The bytes are no log, or not the bytes that were written.
    #[error("command log: {0}")]
    Sealed(#[from] SealedError),
    /// It was begun by an engine in another state.
    #[error("the log goes on after {log} commands and the engine took {engine}")]
    Gap {
        /// Commands before the log's first.
        log: u64,
        /// Commands that the engine took.
        engine: u64,
    },
}

impl CommandLog {
    /// Room for `capacity` commands of an engine that took none yet, written to from end to end:
    /// a page is faulted in here, and not under an order.
    pub fn with_capacity(capacity: usize) -> CommandLog {
        let phase = Operation::Phase { symbol: SymbolId(0), phase: Phase::PreOpen };
        let filler = Record { now: Nanos(0), command: Command::Operate(phase) };
        let mut records = vec![filler; capacity];
        records.clear();
        CommandLog { first: 0, records, capacity, refused: 0 }
    }

    /// Room for `capacity` commands that follow what `engine` took so far: the log of an engine
    /// that was restored, or whose snapshot was just taken.
    pub fn after(engine: &Engine, capacity: usize) -> CommandLog {
        CommandLog { first: engine.counters.commands, ..CommandLog::with_capacity(capacity) }
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
        let bytes = sealed::begin(self.records.len() * size_of::<ArchivedRecord>() + 64);
        let bytes = rkyv::api::high::to_bytes_in::<_, RkyvError>(self, bytes);
        let mut bytes = bytes.map_err(SealedError::from)?;
        sealed::seal(KIND, self.records.len(), &mut bytes);
        Ok(bytes)
    }
}

/// Applies a log's commands to an engine; how many there were. All are checked before the first is
/// applied, and read one by one where they lie.
///
/// # Errors
/// Bytes that are no log, or not the bytes that were written; an engine that is not where the log
/// begins. The engine is untouched then.
pub fn replay<S: EventSink>(
    bytes: &[u8],
    engine: &mut Engine,
    sink: &mut S,
) -> Result<u64, LogError> {
    let opened = sealed::open(KIND, bytes)?;
    let log = rkyv::access::<ArchivedCommandLog, RkyvError>(opened.archive());
    let log = log.map_err(SealedError::from)?;
    opened.expect(log.records.len())?;
    let (first, taken) = (log.first.to_native(), engine.counters.commands);
    if first != taken {
        return Err(LogError::Gap { log: first, engine: taken });
    }
    for record in log.records.iter() {
        // A checked record of plain numbers is always read.
        let record = rkyv::deserialize::<Record, RkyvError>(record).map_err(SealedError::from)?;
        engine.apply(&record.command, record.now, sink);
    }
    Ok(log.records.len() as u64)
}
