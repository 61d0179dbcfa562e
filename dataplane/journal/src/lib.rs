//! The sequenced log of inputs: everything that changes a venue's state, on disk beside the lcore
//! that is told it, and read back after a crash.
//!
//! Why it exists: a venue is a pure function of its inputs, so whoever has them has its state. An
//! order that is on disk before it is acknowledged survives the process and the machine. The lcore
//! never waits for that: it pushes each [`Entry`] into a ring ([`queue()`]) and goes on; a writer
//! thread ([`start()`]) empties the ring into segments, and [`Status::durable`] tells how far the
//! disk is. [`Journal::replay`] reads it back, [`Journal::replay_after`] what came after a
//! [`Snapshot`].
//!
//! # Layout on disk
//!
//! A folder has a file `LOCK`, held by the one writer, segments `segment-0000000001.journal` and
//! on, and snapshots (`snapshot.rs` has their layout). A segment is preallocated, and blank (zero)
//! where nothing was written yet. No byte of it is written twice: a batch begins at a block of its
//! own, and every start of a writer begins a segment of its own. Integers are little endian, CRC is
//! CRC32C, times are nanoseconds.
//!
//! ```text
//! segment  | header | batch | batch ............ | batch | blank ............... |
//! batch    | header | record | record | ... | footer | zeros up to a whole block |
//! ```
//!
//! The header of a segment, one block of 4,096 bytes:
//!
//! | at | bytes | what |
//! |---:|---:|---|
//! | 0 | 8 | magic `PEREJNL1` |
//! | 8 | 4 | version, 2; here in every version to come, as the magic and the CRC |
//! | 12 | 4 | CRC of the block's other 4,092 bytes |
//! | 16 | 16 | the cluster's identity |
//! | 32 | 8 | the node's number in it |
//! | 40 | 8 | the segment's number, from 1, as in its name |
//! | 48 | 8 | first sequence: all before it is on disk, in segments before this one |
//! | 56 | 4 | epoch at its beginning |
//! | 60 | 4 | size of a block, 4,096 |
//! | 64 | 8 | size of the segment when it was made |
//! | 72 | 8 | when it was made, since 1970 |
//! | 80 | 32 | chain behind the record before its first |
//! | 112 | 3,984 | zeros |
//!
//! A batch, which is one write: whole blocks, at a whole block.
//!
//! | at | bytes | what |
//! |---:|---:|---|
//! | 0 | 4 | CRC of bytes 4 to 64 |
//! | 4 | 4 | magic `PJB1` |
//! | 8 | 4 | bytes used, from the batch's beginning to the footer's end |
//! | 12 | 4 | records; 0 makes it a *seal*, which is there for what it says is durable |
//! | 16 | 8 | sequence of its first record, or of the next one to come |
//! | 24 | 8 | durable through: the highest sequence known to be on disk when it was handed over |
//! | 32 | 8 | its offset in the segment |
//! | 40 | 8 | the segment's number |
//! | 48 | 8 | when the segment was made |
//! | 56 | 4 | flags: 1, the segment was closed with it |
//! | 60 | 4 | zeros |
//! | 64 | … | records, and the footer `PJE1` |
//!
//! A record:
//!
//! | at | bytes | what |
//! |---:|---:|---|
//! | 0 | 4 | CRC of the rest |
//! | 4 | 8 | the first bytes of its link of the chain |
//! | 12 | 2 | length, from the record's beginning to its end, 36 to 256 |
//! | 14 | 1 | kind |
//! | 15 | 1 | zero |
//! | 16 | 8 | sequence, from 1, without a gap |
//! | 24 | 8 | the stamp that the venue was given, since midnight |
//! | 32 | 4 | epoch, never falling |
//! | 36 | … | what is kept (`codec.rs`) |
//!
//! | kind | what | |
//! |---:|---|---|
//! | 1, 2 | enter, replace | fields, and what replies repeat: three letters, optional fields |
//! | 3 to 7 | cancel, modify, mass cancel, permit, refused | fixed fields |
//! | 8, 9 | operate, now or as scheduled | an rkyv archive |
//! | 10 | account query | the session |
//! | 11, 12 | the day opens, closes | whether it trades, the date, what tells the configuration |
//! | 13 | nothing | |
//! | 14, 15 | opaque, membership | up to 208 bytes that are the replication's business |
//! | 16 | hard state: term, vote, commit | takes no sequence |
//!
//! Link `n` of the chain is BLAKE3 of bytes 12 and on of record `n`, keyed with link `n - 1`; link
//! 0 is BLAKE3 of the cluster's identity. It does not depend on batches and segments, so nodes of a
//! cluster compare their histories by it. It is no signature: whoever writes the files can write a
//! chain, and is found out by a link that was noted elsewhere. A hard state has the sequence of the
//! record before it and a link behind that one's which is in nobody's chain: each node has its own.
//! Every segment begins with the last one, so that older segments can go.
//!
//! # Records that others take the place of
//!
//! What a new leader decided otherwise is not overwritten. An entry whose sequence is not above the
//! last one's, of *another* epoch than the record with that sequence, begins a segment; the header
//! says which record it follows. In what is left epochs never fall, so that its epoch is not below
//! that one's; but it may be below those of the records that it takes the place of. So the headers
//! alone tell which records count: those of a segment that no later one begins at or before. Others
//! are not handed over by [`Journal::replay`]. An earlier sequence of the same epoch is an error.
//!
//! # A torn tail, a lost write, a flipped bit
//!
//! A crash leaves sectors (512 bytes) that never arrived. They are blank, as they were before, and
//! no batch has a blank sector up to its last byte: records are shorter than half a sector and have
//! bytes that are not zero, and so has the footer. So:
//!
//! | the bytes | what it is | recovery |
//! |---|---|---|
//! | a sector is blank, or beyond the file; nothing later says it was there | a torn tail | cuts |
//! | the same, and a later batch or segment says that it was | a lost write | refuses |
//! | every sector is there, a CRC or a zero is wrong | altered: a flipped bit, or more | refuses |
//! | a CRC is right, the number, the chain or the epoch is not | another history's | refuses |
//!
//! A tail is cut at the first record that is not whole. Each is named by segment, offset and
//! sequence.
//!
//! The last batch is claimed by the seal that follows it 100 ms later, or at the end. A disk that
//! acknowledges a batch and loses sectors of it before anything claims it leaves what reads as a
//! torn tail: of that only another node knows better. A sector that
//! is not blank behind a torn batch may be of a batch whose beginning did not arrive, or altered:
//! it is cut, and named ([`Torn::stray`]). A disk that garbles the sectors it was writing when the
//! power went is refused like any altered one: nothing here guesses.
//!
//! This is how etcd tells a torn record (blank sectors), and what *Protocol-Aware Recovery*
//! (Alagappan et al., FAST 2018) asks of a log: never to take a flipped bit for a crash, as cutting
//! there drops what was acknowledged.
//!
//! # Limits
//!
//! A batch is a whole block at least: one command at a time takes 4 KiB on disk. Segments are
//! 32 KiB to 4 GiB ([`SEGMENT_BYTES_MIN`], [`SEGMENT_BYTES_MAX`]); one is in memory when it is
//! read, and one more read ahead. Segments are removed by [`Journal::remove_before`] alone.
//!
//! # Failure modes
//!
//! The writer stops at the first [`Fault`] (a full disk, an I/O error, a short write, a gap in the
//! sequence), writes nothing more, and counts what it drops; it never tries again, as what is on
//! disk after a failed fdatasync is not known. What was durable stays so, and a new start goes on
//! from there. What a host does not give (io_uring, O_DIRECT, hugepages, preallocation) is done
//! without, and told of ([`Running::notes`]).
#![forbid(unsafe_code)]

mod batch;
mod codec;
mod device;
mod error;
mod identity;
mod joints;
mod layout;
mod links;
pub mod memory;
mod proposal;
mod queue;
mod read;
mod record;
#[cfg(test)]
mod sample;
mod scan;
mod snapshot;
mod start;
mod status;
mod store;
mod writer;

pub use codec::{OPAQUE_BYTES_MAX, OPTIONAL_BYTES_MAX};
pub use error::JournalError;
pub use identity::Identity;
pub use layout::{
    BLOCK_BYTES, SECTOR_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SegmentHeader, VERSION,
};
pub use proposal::{PROPOSAL_BYTES_MAX, decode_proposal, encode_proposal};
pub use queue::{Drain, Feeder, NotTaken, queue};
pub use read::{Held, Journal, Place, Recovered, Segment, Torn, Verdict};
pub use record::{Chain, Entry, HardState, Payload};
pub use scan::{Damage, End, What, read_segment};
pub use snapshot::Snapshot;
pub use start::{BATCH_BYTES_MAX, BATCHES_MAX, Running, WriterConfig, start};
pub use status::{Counted, Counts, Fault, Status};
