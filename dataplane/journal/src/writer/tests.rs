use super::*;
use crate::error::JournalError;
use crate::layout::{SegmentHeader, VERSION};
use crate::read::{Journal, Recovered};
use crate::record::{HardState, Payload};
use crate::sample::{IDENTITY, entry, kept, state};
use crate::scan::End;
use crate::start::{WriterConfig, open, start};
use crate::{Chain, Identity};
use hugemem::HugePolicy;
use proptest::prelude::*;
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

/// A folder of this test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("journal-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn config(dir: &Path) -> WriterConfig {
    let mut config = WriterConfig::new(dir.into(), IDENTITY);
    config.segment_bytes = 12 << 12;
    config.batch_bytes = 2 << 12;
    config.batches = 3;
    config.huge = HugePolicy::Off;
    config.epoch = 2;
    config
}

fn recover(dir: &Path) -> (Vec<Entry<'static>>, Recovered) {
    let mut entries = Vec::new();
    let journal = Journal::open(dir, IDENTITY).unwrap();
    let recovered = journal.replay(1, |entry| entries.push(kept(entry))).unwrap();
    (entries, recovered)
}

/// Pushes entries in pieces of different sizes, waiting for the ring where it is full.
fn push_all(ring: &mut crate::Feeder, entries: &[Entry], status: &Status) {
    for (index, entry) in entries.iter().enumerate() {
        while ring.push(entry).is_err() {
            assert!(status.fault().is_none(), "{:?}", status.fault());
            std::thread::yield_now();
        }
        if index % 97 == 96 {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

fn entries(range: std::ops::Range<u64>) -> Vec<Entry<'static>> {
    range.map(|sequence| entry(sequence, sequence.wrapping_mul(31))).collect()
}

#[test]
fn what_is_pushed_is_read_back_over_many_segments_and_starts() {
    for (uring, sqpoll_idle_ms) in [(true, None), (true, Some(5)), (false, None)] {
        let folder = Folder::new("whole");
        let all = entries(1..3001);
        for part in all.chunks(1000) {
            let (_, recovered) = recover(&folder.0);
            let (mut push, pop) = crate::queue(64);
            let config = WriterConfig { uring, sqpoll_idle_ms, ..config(&folder.0) };
            let writer = start(&config, &recovered, pop).unwrap();
            push_all(&mut push, part, writer.status());
            let status = writer.stop();
            assert!(status.fault().is_none(), "{:?}", status.fault());
            assert_eq!(status.durable(), part.last().unwrap().sequence);
            let counted = status.counts.read();
            assert_eq!((counted.commands, counted.dropped_after_fault), (1000, 0));
            assert!(counted.segments > 1 && counted.syncs > 0 && counted.batches > 1);
        }
        let (read, recovered) = recover(&folder.0);
        assert_eq!(read, all);
        assert_eq!((recovered.next_sequence, recovered.records), (3001, 3000));
        let journal = Journal::open(&folder.0, IDENTITY).unwrap();
        let mut records = 0;
        let verified = Journal::verify(&folder.0, |verdict| {
            let held = verdict.result.unwrap();
            assert_eq!((held.end, held.first_sequence), (End::Closed, records + 1));
            records += held.records;
        });
        assert_eq!((verified.is_ok(), records), (true, 3000));
        let mut late = Vec::new();
        journal.replay(2500, |entry| late.push(kept(entry))).unwrap();
        assert_eq!(late, all[2499..]);
    }
}

/// A record of an epoch.
fn of(epoch: u32, sequence: u64, seed: u64) -> Entry<'static> {
    Entry { epoch, ..entry(sequence, seed) }
}

/// What is on disk, through superseded records and several starts.
#[derive(Default)]
struct Naive {
    numbered: Vec<Entry<'static>>,
    state: Option<HardState>,
}

impl Naive {
    fn take(&mut self, entry: Entry<'static>) {
        match entry.payload {
            Payload::HardState(state) => self.state = Some(state),
            _ => {
                self.numbered.retain(|kept| kept.sequence < entry.sequence);
                self.numbered.push(entry);
            }
        }
    }

    fn check(&self, dir: &Path) -> Recovered {
        let (read, recovered) = recover(dir);
        let numbered: Vec<_> = read.iter().filter(|e| e.payload.is_numbered()).copied().collect();
        assert_eq!(numbered, self.numbered);
        assert_eq!(recovered.hard_state, self.state);
        assert_eq!(recovered.next_sequence, self.numbered.len() as u64 + 1);
        let journal = Journal::open(dir, IDENTITY).unwrap();
        let next = recovered.next_sequence;
        for from in [1, next.min(2), next.div_ceil(2), next] {
            let mut late = Vec::new();
            let again = journal.replay(from, |entry| late.push(kept(entry))).unwrap();
            late.retain(|entry| entry.payload.is_numbered());
            assert_eq!(late, numbered[from as usize - 1..]);
            assert_eq!((again.chain, again.hard_state), (recovered.chain, self.state));
        }
        let behind = recovered.next_sequence - 1;
        assert_eq!(journal.chain_behind(behind).unwrap(), recovered.chain);
        let whole = Journal::verify(dir, |verdict| {
            verdict.result.unwrap();
        });
        assert!(whole.is_ok());
        recovered
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn records_of_another_epoch_take_the_place_of_others(
        steps in proptest::collection::vec((0..5_u8, 1..200_u64, any::<u64>()), 1..24),
    ) {
        let folder = Folder::new("superseded");
        let mut naive = Naive::default();
        let mut recovered = recover(&folder.0).1;
        let (mut push, pop) = crate::queue(64);
        let mut running = start(&config(&folder.0), &recovered, pop).unwrap();
        let (mut epoch, mut next, mut pushed) = (2, 1, 0);
        for (what, many, seed) in steps {
            let mut entries = Vec::new();
            match what {
                0 => {
                    let status = running.stop();
                    prop_assert_eq!((status.persisted(), status.durable()), (pushed, next - 1));
                    recovered = naive.check(&folder.0);
                    let (again, pop) = crate::queue(64);
                    (push, pushed) = (again, 0);
                    let config = WriterConfig { epoch, ..config(&folder.0) };
                    running = start(&config, &recovered, pop).unwrap();
                }
                1 => entries.push(state(0, seed)),
                2 if next > 1 => {
                    next = 1 + seed % (next - 1);
                    let at = next as usize - 1;
                    // Not below what it follows, whatever it takes the place of.
                    let least = at.checked_sub(1).map_or(2, |at| naive.numbered[at].epoch);
                    let replaced = naive.numbered[at].epoch;
                    let wanted = least + (seed >> 32) as u32 % 3;
                    epoch = if wanted == replaced { wanted + 1 } else { wanted };
                    entries.push(of(epoch, next, seed));
                    next += 1;
                }
                _ => {
                    entries.extend((next..next + many).map(|at| of(epoch, at, at ^ seed)));
                    next += many;
                }
            }
            push_all(&mut push, &entries, running.status());
            pushed += entries.len() as u64;
            entries.into_iter().for_each(|entry| naive.take(entry));
        }
        let status = running.stop();
        prop_assert_eq!((status.persisted(), status.durable()), (pushed, next - 1));
        naive.check(&folder.0);
    }
}

#[test]
fn an_earlier_number_of_the_same_or_a_past_epoch_is_none() {
    let folder = Folder::new("not-later");
    let (mut push, mut pop) = crate::queue(64);
    let (mut writer, _) = open(&config(&folder.0), &recover(&folder.0).1).unwrap();
    for entry in entries(1..4) {
        push.push(&entry).unwrap();
    }
    step_until_durable(&mut writer, &mut pop, 3);
    // It would follow a record of epoch 2.
    push.push(&of(1, 3, 9)).unwrap();
    writer.step(&mut pop).unwrap();
    assert_eq!(writer.status.counts.read().past_epoch, 1);
    push.push(&entry(2, 9)).unwrap();
    let fault = writer.step(&mut pop).unwrap_err();
    assert_eq!(fault.to_string(), "sequence 2 was handed over where 4 was due");
}

#[test]
fn damage_ends_a_replay_and_no_more_is_read() {
    let folder = Folder::new("ends");
    let (mut push, pop) = crate::queue(64);
    let running = start(&config(&folder.0), &recover(&folder.0).1, pop).unwrap();
    push_all(&mut push, &entries(1..3001), running.status());
    running.stop();
    let journal = Journal::open(&folder.0, IDENTITY).unwrap();
    assert!(journal.segments().len() > 4);
    let mut dumped = Vec::new();
    let dump = journal.dump(2, |_, entry| {
        dumped.push(kept(entry));
        if dumped.len() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(dump.is_ok() && dumped == entries(2..5));
    let path = &journal.segments()[0].path;
    let mut bytes = fs::read(path).unwrap();
    bytes[BLOCK_BYTES + 100] ^= 1;
    fs::write(path, bytes).unwrap();
    assert!(matches!(journal.replay(1, |_| ()), Err(JournalError::Damaged { .. })));
    let mut verdicts = Vec::new();
    Journal::verify(&folder.0, |verdict| verdicts.push(verdict.result.is_ok())).unwrap();
    assert_eq!(verdicts.iter().filter(|ok| !**ok).count(), 1, "the first alone");
    let late = journal.segments()[2].header.first_sequence;
    assert_eq!(journal.replay(late, |_| ()).unwrap().next_sequence, 3001);
    fs::write(&journal.segments()[1].path, b"a header that is gone").unwrap();
    fs::remove_file(&journal.segments()[3].path).unwrap();
    let mut wrong = Vec::new();
    let verified = Journal::verify(&folder.0, |verdict| match verdict.result {
        Ok(_) => wrong.push(String::new()),
        Err(error) => wrong.push(error.to_string()),
    });
    assert!(verified.is_ok() && wrong[0].contains("the record is not as it was written"));
    assert!(wrong[1].contains("too short") && wrong[2].is_empty(), "{wrong:?}");
    assert!(wrong[3].contains("segment 4 is missing"), "{wrong:?}");
    assert!(wrong[4..].iter().all(String::is_empty) && wrong.len() > 4, "{wrong:?}");
}

/// Run by the test below: writes until it is killed, and tells what is on disk.
#[test]
#[ignore = "run by what_was_acknowledged_survives_a_kill in a process of its own"]
fn write_until_killed() {
    let Some(dir) = std::env::var_os("JOURNAL_KILLED") else { return };
    let dir = PathBuf::from(dir);
    let recovered = recover(&dir).1;
    let config = WriterConfig { segment_bytes: 1 << 20, ..config(&dir) };
    let (mut push, pop) = crate::queue(1024);
    let running = start(&config, &recovered, pop).unwrap();
    let (mut sequence, mut told) = (recovered.next_sequence, 0);
    loop {
        let durable = running.status().durable();
        if durable > told {
            told = durable;
            println!("durable {durable}");
        }
        if push.push(&entry(sequence, sequence.wrapping_mul(31))).is_ok() {
            sequence += 1;
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::new("kill");
    let mut acknowledged = 0;
    for tellings in [3, 40, 150] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer::tests::write_until_killed", "--ignored", "--nocapture"])
            .env("JOURNAL_KILLED", &folder.0)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let durable = lines.map_while(Result::ok).filter_map(|line| {
            line.split_once("durable ").and_then(|(_, number)| number.parse::<u64>().ok())
        });
        acknowledged = durable.take(tellings).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let (read, recovered) = recover(&folder.0);
        assert!(recovered.next_sequence > acknowledged, "{acknowledged} was acknowledged");
        assert!(read == entries(1..recovered.next_sequence));
    }
    assert!(acknowledged > 1);
}

#[test]
fn the_chain_depends_on_the_records_alone() {
    let mut ends: Vec<Chain> = Vec::new();
    for (uring, batches, pieces) in [(true, 3, 500), (false, 1, 7)] {
        let folder = Folder::new("chain");
        for part in entries(1..501).chunks(pieces) {
            let (_, recovered) = recover(&folder.0);
            let (mut push, pop) = crate::queue(64);
            let idle = Duration::from_micros(if uring { 0 } else { 50 });
            let config = WriterConfig { uring, batches, idle, ..config(&folder.0) };
            let writer = start(&config, &recovered, pop).unwrap();
            push_all(&mut push, part, writer.status());
        }
        ends.push(recover(&folder.0).1.chain);
    }
    assert_eq!(ends[0], ends[1]);
}

/// Steps a writer by hand, until all is durable.
fn step_until_durable(writer: &mut Writer, pop: &mut crate::queue::Drain, sequence: u64) {
    while writer.durable.sequence < sequence {
        writer.step(pop).unwrap();
    }
}

#[test]
fn a_writer_that_was_killed_is_followed_by_another_and_its_segment_stays_as_it_was() {
    let folder = Folder::new("killed");
    let (mut push, mut pop) = crate::queue(64);
    let (mut writer, _) = open(&config(&folder.0), &recover(&folder.0).1).unwrap();
    for entry in entries(1..31) {
        push.push(&entry).unwrap();
    }
    step_until_durable(&mut writer, &mut pop, 30);
    let path = writer.path.clone();
    drop(writer);
    let before = fs::read(&path).unwrap();
    let (_, recovered) = recover(&folder.0);
    assert_eq!((recovered.next_sequence, recovered.last_segment), (31, 1));
    let (mut push, pop) = crate::queue(64);
    let running = start(&config(&folder.0), &recovered, pop).unwrap();
    push_all(&mut push, &entries(31..41), running.status());
    assert_eq!(running.stop().durable(), 40);
    assert_eq!(recover(&folder.0).0, entries(1..41));
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn records_that_the_next_segment_says_were_on_disk_are_missed() {
    let folder = Folder::new("missed");
    for range in [1..31, 31..61] {
        let (_, recovered) = recover(&folder.0);
        let (mut push, pop) = crate::queue(64);
        let running = start(&config(&folder.0), &recovered, pop).unwrap();
        push_all(&mut push, &entries(range), running.status());
    }
    let journal = Journal::open(&folder.0, IDENTITY).unwrap();
    let first = &journal.segments()[0].path;
    let bytes = fs::read(first).unwrap();
    fs::write(first, &bytes[..BLOCK_BYTES + 100]).unwrap();
    let error = Journal::open(&folder.0, IDENTITY).unwrap().replay(1, |_| ()).unwrap_err();
    let JournalError::Damaged { path, damage } = &error else { panic!("{error}") };
    assert_eq!((path, damage.what), (first, crate::What::Lost), "{error}");
    let mut verdicts = Vec::new();
    Journal::verify(&folder.0, |verdict| verdicts.push(verdict.result.is_ok())).unwrap();
    assert_eq!(verdicts, [true, false], "the first ends in a tail, the second misses it");
}

#[test]
fn a_quiet_writer_seals_its_last_batch() {
    let folder = Folder::new("seal");
    let (mut push, pop) = crate::queue(64);
    let running = start(&config(&folder.0), &recover(&folder.0).1, pop).unwrap();
    push_all(&mut push, &entries(1..4), running.status());
    // The batch that was acknowledged is lost. Until the seal is there nothing tells.
    let path = folder.0.join("segment-0000000001.journal");
    let other = Folder::new("sealed-copy");
    let error = loop {
        let mut bytes = fs::read(&path).unwrap();
        bytes[BLOCK_BYTES..2 * BLOCK_BYTES].fill(0);
        fs::write(other.0.join("segment-0000000001.journal"), bytes).unwrap();
        match Journal::open(&other.0, IDENTITY).unwrap().replay(1, |_| ()) {
            Ok(_) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("sequence 1: never written, or lost"), "{error}");
}

/// What is to go wrong, and at which call from now.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Short(usize),
    WriteError(usize, i32),
    SyncError(usize, i32),
}

/// A real device whose completions are changed on their way.
struct Faulty {
    inner: Box<dyn Device>,
    wrong: Wrong,
    writes: usize,
    syncs: usize,
}

impl Device for Faulty {
    fn buffer(&mut self, buffer: usize) -> Option<&mut [u8]> {
        self.inner.buffer(buffer)
    }
    fn write(&mut self, buffer: usize, len: usize, offset: u64) -> io::Result<()> {
        self.inner.write(buffer, len, offset)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.inner.sync()
    }
    fn wait(&mut self) -> io::Result<()> {
        self.inner.wait()
    }
    fn next_completion(&mut self) -> Option<Completion> {
        let mut completion = self.inner.next_completion()?;
        match &mut completion {
            Completion::Write { written, .. } => {
                self.writes += 1;
                match self.wrong {
                    Wrong::Short(at) if at == self.writes => *written = Ok(512),
                    Wrong::WriteError(at, errno) if at == self.writes => {
                        *written = Err(io::Error::from_raw_os_error(errno));
                    }
                    _ => {}
                }
            }
            Completion::Sync(result) => {
                self.syncs += 1;
                if let Wrong::SyncError(at, errno) = self.wrong
                    && at == self.syncs
                {
                    *result = Err(io::Error::from_raw_os_error(errno));
                }
            }
        }
        Some(completion)
    }
    fn set_file(&mut self, file: File) -> File {
        self.inner.set_file(file)
    }
    fn file(&self) -> &File {
        self.inner.file()
    }
}

#[test]
fn a_fault_is_named_counted_and_final() {
    for wrong in [
        Wrong::Short(2),
        Wrong::WriteError(2, libc::EIO),
        Wrong::WriteError(2, libc::ENOSPC),
        Wrong::SyncError(2, libc::EIO),
    ] {
        let folder = Folder::new("fault");
        let (mut push, mut pop) = crate::queue(64);
        let (mut writer, _) = open(&config(&folder.0), &recover(&folder.0).1).unwrap();
        let nothing = Box::new(crate::device::Calls::new(
            uring::Buffers::new(1, 4096, HugePolicy::Off).unwrap(),
            File::open("/dev/null").unwrap(),
        ));
        let inner = std::mem::replace(&mut writer.device, nothing);
        writer.device = Box::new(Faulty { inner, wrong, writes: 0, syncs: 0 });
        push.push(&entry(1, 1)).unwrap();
        step_until_durable(&mut writer, &mut pop, 1);
        let status = writer.status.clone();
        for entry in entries(2..32) {
            push.push(&entry).unwrap();
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || writer.run(pop, &stopped));
        while status.fault().is_none() {
            std::thread::yield_now();
        }
        push.push(&entry(32, 1)).unwrap();
        stop.store(true, Ordering::Release);
        thread.join().unwrap();
        let (text, counted) = (status.fault().unwrap().to_string(), status.counts.read());
        assert_eq!(status.durable(), 1, "{wrong:?}");
        assert!(counted.dropped_after_fault >= 1, "{counted:?}");
        let is = |full, io, short| {
            (counted.disk_full, counted.io_errors, counted.short_writes) == (full, io, short)
        };
        assert!(text.contains("segment-0000000001.journal"), "{text}");
        match wrong {
            Wrong::Short(_) => assert!(is(0, 0, 1) && text.contains("512 of 4096"), "{text}"),
            Wrong::WriteError(_, libc::ENOSPC) => assert!(is(1, 0, 0) && text.contains("full")),
            Wrong::WriteError(..) => assert!(is(0, 1, 0) && text.contains("cannot write")),
            Wrong::SyncError(..) => assert!(is(0, 1, 0) && text.contains("cannot sync")),
        }
        // What was acknowledged is there, and a writer can follow.
        let (read, recovered) = recover(&folder.0);
        assert!(
            !read.is_empty() && read[..] == entries(1..32)[..read.len()] || read[0] == entry(1, 1)
        );
        let (_push, pop) = crate::queue(64);
        start(&config(&folder.0), &recovered, pop).unwrap();
    }
}

#[test]
fn entries_out_of_turn_or_of_a_past_epoch_are_refused() {
    let folder = Folder::new("turn");
    let (mut push, mut pop) = crate::queue(64);
    let (mut writer, _) = open(&config(&folder.0), &recover(&folder.0).1).unwrap();
    push.push(&entry(1, 1)).unwrap();
    push.push(&Entry { epoch: 1, ..entry(2, 1) }).unwrap();
    push.push(&Entry { epoch: 3, ..entry(2, 1) }).unwrap();
    step_until_durable(&mut writer, &mut pop, 2);
    assert_eq!(writer.status.counts.read().past_epoch, 1);
    push.push(&Entry { epoch: 3, ..entry(4, 1) }).unwrap();
    let fault = writer.step(&mut pop).unwrap_err();
    assert_eq!(fault.to_string(), "sequence 4 was handed over where 3 was due");
    drop(writer);
    let (read, recovered) = recover(&folder.0);
    assert_eq!((read.len(), recovered.epoch), (2, 3));
    let (_push, pop) = crate::queue(64);
    let error = start(&config(&folder.0), &recovered, pop).unwrap_err();
    assert_eq!(error.to_string(), "epoch 2 is over: the journal is in epoch 3");
}

#[test]
fn a_journal_that_is_not_ours_is_refused_and_left_alone() {
    let folder = Folder::new("refused");
    let (mut push, pop) = crate::queue(64);
    let running = start(&config(&folder.0), &recover(&folder.0).1, pop).unwrap();
    let (_push, pop) = crate::queue(64);
    let error = start(&config(&folder.0), &recover(&folder.0).1, pop).unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }), "{error}");
    push_all(&mut push, &entries(1..31), running.status());
    running.stop();
    let path = folder.0.join("segment-0000000001.journal");
    let whole = fs::read(&path).unwrap();
    let refused = |identity| Journal::open(&folder.0, identity).unwrap_err().to_string();
    let stranger = refused(Identity { node: 4, ..IDENTITY });
    assert!(stranger.contains("node 3, not of cluster"), "{stranger}");
    assert!(refused(Identity { cluster: [0; 16], ..IDENTITY }).contains("the journal of cluster"));

    let resealed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..BLOCK_BYTES]);
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        refused(IDENTITY)
    };
    let newer = resealed(&|bytes| bytes[8] = VERSION as u8 + 1);
    assert!(newer.contains("version 3 of the format; this program reads 2"), "{newer}");
    let older = resealed(&|bytes| bytes[8] = 1);
    assert!(older.contains("version 1 of the format, which is read no longer"), "{older}");
    assert!(resealed(&|bytes| bytes[40] = 2).contains("says that it is segment 2"));
    assert!(resealed(&|bytes| bytes[0] = b'X').contains("no segment of a journal"));
    assert!(resealed(&|bytes| bytes[200] = 1).contains("damaged (unused part)"));
    fs::write(&path, &whole[..100]).unwrap();
    assert!(refused(IDENTITY).contains("too short"));
    fs::write(&path, b"").unwrap();
    assert!(refused(IDENTITY).contains("too short"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(refused(IDENTITY).contains("cannot read"), "a segment that cannot be read");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, &whole).unwrap();
    let third = SegmentHeader { index: 3, ..SegmentHeader::decode(&whole).unwrap() };
    fs::write(folder.0.join("segment-0000000003.journal"), third.encode()).unwrap();
    assert!(refused(IDENTITY).contains("segment 2 is missing"));
}

#[test]
fn settings_that_cannot_be_are_named() {
    let folder = Folder::new("settings");
    let nothing = recover(&folder.0).1;
    let refused = |change: &dyn Fn(&mut WriterConfig)| {
        let mut config = config(&folder.0);
        change(&mut config);
        open(&config, &nothing).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused(&|c| c.batch_bytes = 5000).contains("batch_bytes = 5000: a multiple of 4096"));
    assert!(refused(&|c| c.batches = 0).contains("batches = 0: 1..=256"));
    assert!(refused(&|c| c.segment_bytes = 4096).contains("segment_bytes = 4096"));
    assert!(!folder.0.join("LOCK").exists(), "nothing is made before the settings are right");
}

/// Run by the test below, on a file system of 400 KiB.
#[test]
#[ignore = "run by a_full_disk_is_survived in a mount namespace of its own"]
fn on_a_small_disk() {
    let Some(dir) = std::env::var_os("JOURNAL_SMALL_DISK") else { return };
    let dir = PathBuf::from(dir);
    let (mut push, pop) = crate::queue(64);
    let running = start(&config(&dir), &recover(&dir).1, pop).unwrap();
    let mut sequence = 1;
    while running.status().fault().is_none() {
        if push.push(&entry(sequence, sequence)).is_ok() {
            sequence += 1;
        }
    }
    let status = running.stop();
    let fault = status.fault().unwrap();
    assert!(matches!(fault, Fault::DiskFull { .. }), "{fault}");
    let counted = status.counts.read();
    assert!(counted.disk_full == 1 && counted.dropped_after_fault > 0, "{counted:?}");
    let (read, recovered) = recover(&dir);
    assert!(read.len() as u64 >= status.durable() && status.durable() > 0);
    assert!(read.iter().enumerate().all(|(i, read)| *read == entry(i as u64 + 1, i as u64 + 1)));
    let (_push, pop) = crate::queue(64);
    let again = start(&config(&dir), &recovered, pop).unwrap_err();
    assert!(again.to_string().contains("No space left"), "{again}");
    println!("full disk: survived");
}

#[test]
fn a_full_disk_is_survived() {
    let folder = Folder::new("small");
    let script = "mount -t tmpfs -o size=400k tmpfs \"$JOURNAL_SMALL_DISK\" && exec \"$0\" \
                  --exact writer::tests::on_a_small_disk --ignored --nocapture";
    let child = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("JOURNAL_SMALL_DISK", &folder.0)
        .output();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match child {
        Ok(output) if said(&output.stdout).contains("running 1 test") => {
            assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
            assert!(said(&output.stdout).contains("full disk: survived"));
        }
        Ok(output) => eprintln!("skipped: no mount namespace: {}", said(&output.stderr)),
        Err(error) => eprintln!("skipped: {error}"),
    }
}

/// Run by the test below, with little memory that may be locked: the notes, and a journal all the
/// same.
#[test]
#[ignore = "run by a_kernel_that_refuses_is_done_without under limits of its own"]
fn write_under_limits() {
    let Some(dir) = std::env::var_os("JOURNAL_LIMITED") else { return };
    let dir = PathBuf::from(dir);
    let (mut push, pop) = crate::queue(64);
    let recovered = recover(&dir).1;
    let running = start(&config(&dir), &recovered, pop).unwrap();
    for note in running.notes() {
        println!("note: {note}");
    }
    let next = recovered.next_sequence;
    push_all(&mut push, &entries(next..next + 200), running.status());
    assert_eq!(running.stop().durable(), next + 199);
    assert_eq!(recover(&dir).0, entries(1..next + 200));
    println!("limits: survived");
}

#[test]
fn a_kernel_that_refuses_is_done_without() {
    let folder = Folder::new("limits");
    fs::set_permissions(&folder.0, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    // Without any the kernel gives no ring, with a little no room to register the buffers.
    for (limit, note) in [(0, "note: no io_uring"), (24 << 10, "note: no registered buffers")] {
        let child = std::process::Command::new("prlimit")
            .arg(format!("--memlock={limit}:{limit}"))
            .args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "writer::tests::write_under_limits", "--ignored", "--nocapture"])
            .env("JOURNAL_LIMITED", &folder.0)
            .output();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match child {
            Ok(output) if said(&output.stdout).contains("running 1 test") => {
                let (out, err) = (said(&output.stdout), said(&output.stderr));
                assert!(output.status.success() && out.contains("limits: survived"), "{out}{err}");
                // Kernels differ in what they count against the limit.
                if !out.contains(note) {
                    eprintln!("not seen: {note}");
                }
            }
            Ok(output) => eprintln!("skipped: {}", said(&output.stderr)),
            Err(error) => eprintln!("skipped: {error}"),
        }
    }
}
