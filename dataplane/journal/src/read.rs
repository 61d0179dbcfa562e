//! A journal's folder, read: its segments in order, replayed or looked over. Nothing is changed.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use crate::error::{JournalError, io_error};
use crate::identity::Identity;
use crate::joints::Joints;
use crate::layout::{BLOCK_BYTES, SegmentHeader};
use crate::links::Link;
use crate::record::{Chain, Cursor, Entry, HardState, Payload};
use crate::scan::{self, At, Damage, End, Scanned, What};
use crate::snapshot::{self, Snapshot};
use crate::store;

/// Segments that are in memory at a time: one is checked while the next one is read.
const READ_AHEAD: usize = 1;

/// What comes of looking at a segment: whether there is to be another.
type Looked = Result<ControlFlow<()>, JournalError>;

/// A segment on disk, of which the header was read.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The file.
    pub path: PathBuf,
    /// Its first block.
    pub header: SegmentHeader,
}

/// The segments of one node's journal.
#[derive(Clone, Debug)]
pub struct Journal {
    dir: PathBuf,
    identity: Identity,
    segments: Vec<Segment>,
}

/// Where a journal ends: what the next writer goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The sequence of the next record.
    pub next_sequence: u64,
    /// The last record's epoch.
    pub epoch: u32,
    /// The chain behind the last record.
    pub chain: Chain,
    /// The number of the last segment; 0 when there is none.
    pub last_segment: u64,
    /// Records that were read.
    pub records: u64,
    /// A tail that was cut off the last segment.
    pub torn: Option<Torn>,
    /// The last hard state that was read.
    pub hard_state: Option<HardState>,
}

/// Where a record is.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its segment.
    pub segment: &'a Segment,
    /// Where in it, in bytes from its beginning.
    pub offset: u64,
    /// Whether a record of a later epoch has taken its place.
    pub superseded: bool,
}

/// The tail of a segment that was not written whole, and never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub path: PathBuf,
    /// The first byte that is cut.
    pub offset: u64,
    /// The sequence that it may have had.
    pub sequence: u64,
    /// See [`End::Torn`].
    pub stray: Option<u64>,
}

/// What was found in a segment.
#[derive(Debug)]
pub struct Verdict {
    /// Its file; the folder, for a segment that is missing.
    pub path: PathBuf,
    /// What it holds, or the first thing that is wrong with it.
    pub result: Result<Held, JournalError>,
}

/// What a segment without damage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Records.
    pub records: u64,
    /// Batches, those without a record among them.
    pub batches: u64,
    /// Bytes up to the end of the last batch.
    pub used_bytes: u64,
    /// The sequence of its first record, if it has one.
    pub first_sequence: u64,
    /// The sequence behind the last record's.
    pub next_sequence: u64,
    /// The chain behind the last record.
    pub chain: Chain,
    /// How it ends.
    pub end: End,
}

impl Journal {
    /// Looks at the folder's segments and their headers. A folder that is not there, or holds none,
    /// is a journal without a record.
    ///
    /// # Errors
    /// A file that cannot be read; a header that is damaged, newer, or of someone else; a segment
    /// that is missing.
    pub fn open(dir: &Path, identity: Identity) -> Result<Journal, JournalError> {
        let mut segments: Vec<Segment> = Vec::new();
        for (index, path) in store::list(dir, index_of)? {
            let header = read_header(&path)?;
            check_owner(&path, index, &header, identity)?;
            let due = segments.last().map_or(index, |last| last.header.index + 1);
            if index != due {
                return Err(JournalError::Missing { path: dir.into(), index: due });
            }
            segments.push(Segment { path, header });
        }
        Ok(Journal { dir: dir.into(), identity, segments })
    }

    /// Whose journal the folder holds, by its first segment; `None` when it holds none.
    ///
    /// # Errors
    /// A file that cannot be read, a header that is damaged or newer.
    pub fn owner(dir: &Path) -> Result<Option<Identity>, JournalError> {
        let first = store::list(dir, index_of)?.into_iter().next();
        first.map(|(_, path)| read_header(&path).map(|header| header.identity)).transpose()
    }

    /// The segments, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Reads every record, and hands over those from sequence `from` on and what takes no sequence.
    /// Segments that end before it are not read. Records that were superseded are left out. A tail
    /// that was torn off is left out, and told of.
    ///
    /// # Errors
    /// Any damage, named by segment, offset and sequence; what came before it was handed over.
    /// `from` before the journal's first record, or behind the one that is next.
    pub fn replay(
        &self,
        from: u64,
        sink: impl FnMut(&Entry<'_>),
    ) -> Result<Recovered, JournalError> {
        self.read_from(from, None, sink)
    }

    /// As [`replay`](Self::replay), of what came after a snapshot; only if the snapshot is of this
    /// very history.
    ///
    /// # Errors
    /// As [`replay`](Self::replay); a record of the snapshot's number with another chain.
    pub fn replay_after(
        &self,
        snapshot: &Snapshot,
        sink: impl FnMut(&Entry<'_>),
    ) -> Result<Recovered, JournalError> {
        self.read_from(snapshot.sequence.saturating_add(1), Some(snapshot.chain), sink)
    }

    /// The newest snapshot that is whole, and what is wrong with those that are newer.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn newest_snapshot(&self) -> Result<(Option<Snapshot>, Vec<JournalError>), JournalError> {
        snapshot::newest(&self.dir, self.identity)
    }

    /// The chain behind a record, as of now.
    ///
    /// # Errors
    /// Damage before it in its segment; no such record.
    pub fn chain_behind(&self, sequence: u64) -> Result<Chain, JournalError> {
        self.link_behind(sequence).map(|link| link.chain)
    }

    /// As [`chain_behind`](Self::chain_behind), with the record's epoch; 0 where the record itself
    /// is there no longer.
    pub(crate) fn link_behind(&self, sequence: u64) -> Result<Link, JournalError> {
        let mut found = (sequence == 0).then(|| Link { chain: self.genesis().chain, epoch: 0 });
        let segment = self.from(sequence).first().filter(|_| sequence > 0);
        if let Some(segment) = segment {
            let start = begins_at(&segment.header);
            let before = start.next_sequence == sequence.saturating_add(1);
            found = before.then_some(Link { chain: start.chain, epoch: 0 });
            let bytes = std::fs::read(&segment.path).map_err(io_error("read", &segment.path))?;
            let scanned = scan_file(segment, &bytes, start, |entry, at| {
                if entry.sequence == sequence && entry.payload.is_numbered() {
                    found = Some(Link { chain: at.chain, epoch: entry.epoch });
                }
            });
            // What comes behind it does not matter.
            if found.is_none() {
                scanned?;
            }
        }
        let (from, first) = (sequence, self.first_sequence());
        found.ok_or_else(|| JournalError::NotThere { path: self.dir.clone(), from, first })
    }

    /// Without the last segment, which a writer may be writing to.
    pub fn without_last(mut self) -> Journal {
        self.segments.pop();
        self
    }

    /// The sequence of the oldest snapshot that there is, whole or not.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn oldest_snapshot(&self) -> Result<Option<u64>, JournalError> {
        Ok(snapshot::list(&self.dir)?.first().map(|(sequence, _)| *sequence))
    }

    /// Removes snapshots but for the last `kept` of them.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove_snapshots(&self, kept: usize) -> Result<(), JournalError> {
        let found = snapshot::list(&self.dir)?;
        for (_, path) in &found[..found.len().saturating_sub(kept)] {
            std::fs::remove_file(path).map_err(io_error("remove", path))?;
        }
        Ok(())
    }

    /// Removes the segments that nobody who has the state behind `sequence` needs, but for the last
    /// `kept` of them; the oldest first. Gives the files that are gone.
    ///
    /// # Errors
    /// A file that cannot be removed; those before it are.
    pub fn remove_before(&self, sequence: u64, kept: usize) -> Result<Vec<PathBuf>, JournalError> {
        let needed = self.from(sequence.saturating_add(1)).len();
        let superfluous = self.segments.len() - needed;
        let gone = &self.segments[..superfluous.saturating_sub(kept)];
        for segment in gone {
            std::fs::remove_file(&segment.path).map_err(io_error("remove", &segment.path))?;
        }
        Ok(gone.iter().map(|segment| segment.path.clone()).collect())
    }

    fn first_sequence(&self) -> u64 {
        self.segments.first().map_or(1, |segment| segment.header.first_sequence)
    }

    /// Reads the segments that have records from `from` on. `chain` is what is known of the chain
    /// before it.
    fn read_from(
        &self,
        from: u64,
        chain: Option<Chain>,
        mut sink: impl FnMut(&Entry<'_>),
    ) -> Result<Recovered, JournalError> {
        let first = self.first_sequence();
        if from < first {
            return Err(JournalError::NotThere { path: self.dir.clone(), from, first });
        }
        let mut recovered = self.genesis();
        let mut cursor: Option<Cursor> = None;
        let mut joints = Joints::new(self.from(from));
        read_each(self.from(from), |segment, bytes| {
            let start = begins_at(&segment.header);
            if let Some(cursor) = cursor {
                check_joint(segment, cursor, recovered.torn.take(), &joints)?;
            }
            joints.begin(start);
            // The chain before `from`, as the journal has it.
            let mut met = (start.next_sequence == from).then_some((start.chain, 0));
            let scanned = scan_file(segment, bytes?, start, |entry, at| {
                if let Payload::HardState(state) = entry.payload {
                    recovered.hard_state = Some(state);
                    return sink(entry);
                }
                joints.pass(entry.sequence, entry.epoch, at.chain);
                if entry.sequence >= from && !joints.is_superseded(entry.sequence) {
                    sink(entry);
                } else if entry.sequence + 1 == from {
                    met = Some((at.chain, at.offset));
                }
            })?;
            if let (Some(chain), Some((met, offset))) = (chain, met)
                && chain != met
            {
                let damage = Damage { offset, sequence: from - 1, what: What::Chain };
                return Err(JournalError::Damaged { path: segment.path.clone(), damage });
            }
            cursor = Some(scanned.cursor);
            recovered.absorb(segment, &scanned);
            Ok(ControlFlow::Continue(()))
        })?;
        if from > recovered.next_sequence {
            return Err(JournalError::NotThere { path: self.dir.clone(), from, first });
        }
        Ok(recovered)
    }

    /// Reads every segment by itself, so that damage in one does not hide what is in another. The
    /// journal is to be of whom the first header that can be read says.
    ///
    /// # Errors
    /// The folder cannot be listed; whatever is wrong with a segment is its verdict.
    pub fn verify(dir: &Path, mut told: impl FnMut(Verdict)) -> Result<(), JournalError> {
        let (mut run, mut owner, mut due) = (Vec::new(), None, None);
        for (index, path) in store::list(dir, index_of)? {
            if let Some(due) = due.replace(index + 1).filter(|due| *due != index) {
                verify_run(&std::mem::take(&mut run), &mut told);
                let missing = JournalError::Missing { path: dir.into(), index: due };
                told(Verdict { path: dir.into(), result: Err(missing) });
            }
            let header = read_header(&path).and_then(|header| {
                check_owner(&path, index, &header, *owner.get_or_insert(header.identity))?;
                Ok(header)
            });
            match header {
                Ok(header) => run.push(Segment { path, header }),
                Err(error) => {
                    verify_run(&std::mem::take(&mut run), &mut told);
                    told(Verdict { path, result: Err(error) });
                }
            }
        }
        verify_run(&run, &mut told);
        Ok(())
    }

    /// Hands records over from sequence `from` on as they lie, superseded ones among them, until
    /// `sink` has enough or the journal ends; segments that end before `from` are not read.
    ///
    /// # Errors
    /// As [`replay`](Self::replay), but for a `from` that is not there: nothing is handed over.
    pub fn dump(
        &self,
        from: u64,
        mut sink: impl FnMut(Place<'_>, &Entry<'_>) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let mut flow = ControlFlow::Continue(());
        let mut before: Option<(Cursor, Option<Torn>)> = None;
        let mut joints = Joints::new(self.from(from));
        read_each(self.from(from), |segment, bytes| {
            if flow.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if let Some((cursor, torn)) = before.take() {
                check_joint(segment, cursor, torn, &joints)?;
            }
            let start = begins_at(&segment.header);
            joints.begin(start);
            let scanned = scan_file(segment, bytes?, start, |entry, at| {
                let superseded =
                    joints.is_superseded(entry.sequence) && entry.payload.is_numbered();
                joints.pass(entry.sequence, entry.epoch, at.chain);
                if entry.sequence >= from && flow.is_continue() {
                    flow = sink(Place { segment, offset: at.offset, superseded }, entry);
                }
            })?;
            before = Some((scanned.cursor, torn(segment, &scanned)));
            Ok(flow)
        })
    }

    /// The segments without those that have nothing of the history from sequence `from` on: the
    /// last that begins no later has `from`, whatever it supersedes.
    fn from(&self, from: u64) -> &[Segment] {
        let begins = |segment: &Segment| segment.header.first_sequence <= from;
        let skipped = self.segments.iter().rposition(begins).unwrap_or(0);
        &self.segments[skipped..]
    }

    /// Before the first record of all.
    fn genesis(&self) -> Recovered {
        Recovered {
            next_sequence: 1,
            epoch: 0,
            chain: Chain::genesis(&self.identity.cluster),
            last_segment: 0,
            records: 0,
            torn: None,
            hard_state: None,
        }
    }
}

impl Recovered {
    fn absorb(&mut self, segment: &Segment, scanned: &Scanned) {
        let Cursor { next_sequence, epoch, chain } = scanned.cursor;
        *self = Recovered {
            next_sequence,
            epoch,
            chain,
            last_segment: segment.header.index,
            records: self.records + scanned.records,
            torn: torn(segment, scanned),
            hard_state: self.hard_state,
        };
    }
}

impl Held {
    fn of(header: &SegmentHeader, scanned: &Scanned) -> Held {
        Held {
            first_sequence: header.first_sequence,
            records: scanned.records,
            batches: scanned.batches,
            used_bytes: scanned.used_bytes,
            next_sequence: scanned.cursor.next_sequence,
            chain: scanned.cursor.chain,
            end: scanned.end,
        }
    }
}

/// Verifies segments that follow each other.
fn verify_run(segments: &[Segment], told: &mut impl FnMut(Verdict)) {
    let mut before: Option<(Cursor, Option<Torn>)> = None;
    let mut joints = Joints::new(segments);
    let read = read_each(segments, |segment, bytes| {
        let joint = match before.take() {
            Some((cursor, torn)) => check_joint(segment, cursor, torn, &joints),
            None => Ok(()),
        };
        let start = begins_at(&segment.header);
        joints.begin(start);
        let result = joint.and(bytes).and_then(|bytes| {
            let scanned = scan_file(segment, bytes, start, |entry, at| {
                joints.pass(entry.sequence, entry.epoch, at.chain);
            })?;
            before = Some((scanned.cursor, torn(segment, &scanned)));
            Ok(Held::of(&segment.header, &scanned))
        });
        told(Verdict { path: segment.path.clone(), result });
        Ok(ControlFlow::Continue(()))
    });
    debug_assert!(read.is_ok(), "every error is a segment's verdict");
}

/// Whether a segment is of whom it is to be, and of its name's number.
fn check_owner(
    path: &Path,
    index: u64,
    header: &SegmentHeader,
    expected: Identity,
) -> Result<(), JournalError> {
    if header.identity != expected {
        return Err(JournalError::Foreign { path: path.into(), found: header.identity, expected });
    }
    if header.index != index {
        return Err(JournalError::Misnamed { path: path.into(), found: header.index });
    }
    Ok(())
}

fn torn(segment: &Segment, scanned: &Scanned) -> Option<Torn> {
    let End::Torn { offset, stray } = scanned.end else { return None };
    let sequence = scanned.cursor.next_sequence;
    Some(Torn { path: segment.path.clone(), offset, sequence, stray })
}

/// What a segment's header says comes before it.
fn begins_at(header: &SegmentHeader) -> Cursor {
    Cursor { next_sequence: header.first_sequence, epoch: header.epoch, chain: Chain(header.chain) }
}

/// Holds a segment's beginning against the end of the one before it. A segment is begun when all
/// before it is on disk: what its header says was there, and is not, was lost. One of another epoch
/// may begin earlier: what it begins with takes the place of what was there.
fn check_joint(
    segment: &Segment,
    cursor: Cursor,
    torn: Option<Torn>,
    joints: &Joints,
) -> Result<(), JournalError> {
    let header = &segment.header;
    let (first, epoch) = (header.first_sequence, header.epoch);
    let what = match () {
        () if first < cursor.next_sequence => {
            let (behind, replaced) = (joints.behind(first - 1), joints.behind(first));
            match (behind, replaced) {
                // What takes a record's place is of another epoch, and follows what is before it.
                (_, Some(replaced)) if replaced.epoch == epoch => What::Sequence(first),
                (Some(behind), _) if behind.epoch > epoch => What::Epoch(epoch),
                (Some(behind), _) if header.chain != behind.chain.0 => What::Chain,
                _ => return Ok(()),
            }
        }
        () if header.first_sequence > cursor.next_sequence => What::Lost,
        () if header.epoch < cursor.epoch => What::Epoch(header.epoch),
        () if header.chain != cursor.chain.0 => What::Chain,
        () => return Ok(()),
    };
    let (path, offset) = match torn {
        Some(torn) if what == What::Lost => (torn.path, torn.offset),
        _ => (segment.path.clone(), 0),
    };
    let damage = Damage { offset, sequence: cursor.next_sequence, what };
    Err(JournalError::Damaged { path, damage })
}

fn scan_file(
    segment: &Segment,
    bytes: &[u8],
    start: Cursor,
    sink: impl FnMut(&Entry<'_>, At),
) -> Result<Scanned, JournalError> {
    let path = || segment.path.clone();
    // Read a second time: it may have changed since.
    let header = SegmentHeader::decode(bytes).map_err(|f| JournalError::header(path(), f))?;
    if header != segment.header {
        return Err(JournalError::Header { path: path(), what: "it was changed just now" });
    }
    if bytes.len() as u64 > header.segment_bytes {
        return Err(JournalError::Header { path: path(), what: "the file is longer than it says" });
    }
    scan::scan(bytes, &header, start, sink)
        .map_err(|damage| JournalError::Damaged { path: path(), damage })
}

/// Reads the segments one after the other, the next one while `each` looks at one, until it has
/// enough.
fn read_each(
    segments: &[Segment],
    mut each: impl FnMut(&Segment, Result<&[u8], JournalError>) -> Looked,
) -> Result<(), JournalError> {
    let (full, filled) = mpsc::sync_channel::<(io::Result<()>, Vec<u8>)>(READ_AHEAD);
    let (give_back, empty) = mpsc::channel::<Vec<u8>>();
    thread::scope(|scope| {
        scope.spawn(move || {
            for segment in segments {
                let mut bytes = empty.try_recv().unwrap_or_default();
                let result = read_whole(&segment.path, &mut bytes);
                if full.send((result, bytes)).is_err() {
                    return;
                }
            }
        });
        for (segment, (result, bytes)) in segments.iter().zip(&filled) {
            let result = result.map_err(io_error("read", &segment.path));
            if each(segment, result.map(|()| &bytes[..]))?.is_break() {
                break;
            }
            // The reader may be through, and no longer want it.
            let _ = give_back.send(bytes);
        }
        drop(filled);
        Ok(())
    })
}

fn read_whole(path: &Path, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    File::open(path)?.read_to_end(bytes).map(drop)
}

fn read_header(path: &Path) -> Result<SegmentHeader, JournalError> {
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    let read =
        File::open(path).and_then(|file| file.take(BLOCK_BYTES as u64).read_to_end(&mut block));
    read.map_err(io_error("read", path))?;
    SegmentHeader::decode(&block).map_err(|fault| JournalError::header(path.into(), fault))
}

/// The name of a segment's file.
pub(crate) fn segment_name(index: u64) -> String {
    format!("segment-{index:010}.journal")
}

fn index_of(name: &str) -> Option<u64> {
    let index = name.strip_prefix("segment-")?.strip_suffix(".journal")?.parse().ok()?;
    // Only as we write it: not `+1`, nor `1` without its zeros, which would be there twice.
    (segment_name(index) == name).then_some(index)
}
