//! Snapshots beside the segments: the state behind one record, to replay from there and not from
//! the beginning.
//!
//! What the state is, is the engine's business: its bytes are kept as they are. A snapshot tells
//! which record it is behind and what the chain was there, so that it is never taken for one of
//! another history. Who makes one need not be the lcore: another engine that replays the journal
//! comes to the same state.
//!
//! Layout of `snapshot-00000000000000001000.state`, a block and then the state's bytes:
//!
//! | at | bytes | what |
//! |---:|---:|---|
//! | 0 | 8 | magic `PERESTA1` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | CRC of the block's other 4,092 bytes |
//! | 16 | 16 | the cluster's identity |
//! | 32 | 8 | the node's number in it |
//! | 40 | 8 | the sequence of the last record that is in the state, as in the name |
//! | 48 | 4 | that record's epoch |
//! | 52 | 4 | CRC of the state |
//! | 56 | 8 | bytes of the state |
//! | 64 | 8 | when it was made, since 1970 |
//! | 72 | 32 | the chain behind that record |
//! | 104 | 3,992 | zeros |
//!
//! Failure modes: a snapshot that is not whole is passed over for the one before it, and told of.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{JournalError, io_error};
use crate::identity::Identity;
use crate::layout::{BLOCK_BYTES, array_at, header_checksum, is_blank, u32_at, u64_at};
use crate::record::Chain;
use crate::store;

const MAGIC: [u8; 8] = *b"PERESTA1";
const VERSION: u32 = 1;

/// A state, and which record it is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record that is in it.
    pub sequence: u64,
    /// That record's epoch.
    pub epoch: u32,
    /// The chain behind that record, as [`Recovered::chain`](crate::Recovered) has it there.
    pub chain: Chain,
    /// The engine's bytes.
    pub state: Vec<u8>,
}

impl Snapshot {
    /// Writes it to a journal's folder, on disk before it has its name. Its file.
    ///
    /// # Errors
    /// It cannot be written, or there is one of that sequence: none is replaced.
    pub fn save(&self, dir: &Path, identity: Identity) -> Result<PathBuf, JournalError> {
        let path = dir.join(file_name(self.sequence));
        let header = self.header(identity);
        store::create_whole(dir, &path, |file| {
            file.write_all(&header).and_then(|()| file.write_all(&self.state))
        })
        .map_err(io_error("make", &path))?;
        Ok(path)
    }

    fn header(&self, identity: Identity) -> [u8; BLOCK_BYTES] {
        let mut block = [0; BLOCK_BYTES];
        block[..8].copy_from_slice(&MAGIC);
        block[8..12].copy_from_slice(&VERSION.to_le_bytes());
        block[16..32].copy_from_slice(&identity.cluster);
        block[32..40].copy_from_slice(&identity.node.to_le_bytes());
        block[40..48].copy_from_slice(&self.sequence.to_le_bytes());
        block[48..52].copy_from_slice(&self.epoch.to_le_bytes());
        block[52..56].copy_from_slice(&crc32c::crc32c(&self.state).to_le_bytes());
        block[56..64].copy_from_slice(&(self.state.len() as u64).to_le_bytes());
        block[64..72].copy_from_slice(&store::unix_ns().to_le_bytes());
        block[72..104].copy_from_slice(&self.chain.0);
        let sum = header_checksum(&block);
        block[12..16].copy_from_slice(&sum.to_le_bytes());
        block
    }

    fn load(path: &Path, sequence: u64, identity: Identity) -> Result<Snapshot, JournalError> {
        let bytes = fs::read(path).map_err(io_error("read", path))?;
        let wrong = |what| JournalError::Snapshot { path: path.into(), what };
        let (block, state) = bytes
            .split_first_chunk::<BLOCK_BYTES>()
            .ok_or_else(|| wrong("it is shorter than its header"))?;
        if header_checksum(block) != u32_at(block, 12) {
            return Err(wrong("its header is not as it was written"));
        }
        if block[..8] != MAGIC {
            return Err(wrong("its first bytes are not PERESTA1"));
        }
        let found = u32_at(block, 8);
        if found != VERSION {
            let path = path.into();
            return Err(JournalError::NewerVersion { path, found, known: VERSION });
        }
        let owner = Identity { cluster: array_at(block, 16), node: u64_at(block, 32) };
        if owner != identity {
            let path = path.into();
            return Err(JournalError::Foreign { path, found: owner, expected: identity });
        }
        if u64_at(block, 40) != sequence || !is_blank(&block[104..]) {
            return Err(wrong("its header is of another snapshot"));
        }
        if state.len() as u64 != u64_at(block, 56) || crc32c::crc32c(state) != u32_at(block, 52) {
            return Err(wrong("its state is not as it was written"));
        }
        let chain = Chain(array_at(block, 72));
        Ok(Snapshot { sequence, epoch: u32_at(block, 48), chain, state: state.to_vec() })
    }
}

/// Those that there are, whole or not, by their sequence.
pub(crate) fn list(dir: &Path) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    store::list(dir, sequence_of)
}

/// The newest that is whole, and what is wrong with those that are newer.
pub(crate) fn newest(
    dir: &Path,
    identity: Identity,
) -> Result<(Option<Snapshot>, Vec<JournalError>), JournalError> {
    let mut passed_over = Vec::new();
    let mut found = list(dir)?;
    while let Some((sequence, path)) = found.pop() {
        match Snapshot::load(&path, sequence, identity) {
            Ok(snapshot) => return Ok((Some(snapshot), passed_over)),
            Err(error) => passed_over.push(error),
        }
    }
    Ok((None, passed_over))
}

fn file_name(sequence: u64) -> String {
    format!("snapshot-{sequence:020}.state")
}

fn sequence_of(name: &str) -> Option<u64> {
    let sequence = name.strip_prefix("snapshot-")?.strip_suffix(".state")?.parse().ok()?;
    (file_name(sequence) == name).then_some(sequence)
}

#[cfg(test)]
mod tests;
