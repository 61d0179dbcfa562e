use super::*;
use crate::Entry;
use crate::read::Journal;
use crate::record::Cursor;
use crate::sample::{IDENTITY, entry, kept};
use crate::scan::What;
use crate::start::{WriterConfig, start};

/// A folder with records 1 to 500 in several segments, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("snapshot-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let nothing = Journal::open(&path, IDENTITY).unwrap().replay(1, |_| ()).unwrap();
        let mut config = WriterConfig::new(path.clone(), IDENTITY);
        (config.segment_bytes, config.batch_bytes, config.epoch) = (8 << 12, 1 << 12, 2);
        let (mut push, pop) = crate::queue(512);
        let running = start(&config, &nothing, pop).unwrap();
        (1..501).for_each(|sequence| push.push(&entry(sequence, sequence)).unwrap());
        assert_eq!(running.stop().durable(), 500);
        Folder(path)
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.0, IDENTITY).unwrap()
    }

    /// What a follower would make: the state behind `sequence` is, here, that number.
    fn snapshot(&self, sequence: u64) -> Snapshot {
        let chain = chain_behind(&self.journal(), sequence);
        Snapshot { sequence, epoch: 2, chain, state: sequence.to_le_bytes().repeat(100) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// By the naive way: a chain of every record from the first.
fn chain_behind(journal: &Journal, sequence: u64) -> Chain {
    let chain = Chain::genesis(&IDENTITY.cluster);
    let mut cursor = Cursor { next_sequence: 1, epoch: 0, chain };
    let mut out = [0; 256];
    journal
        .replay(1, |entry| {
            if entry.sequence <= sequence {
                crate::record::encode(entry, &mut cursor, &mut out);
            }
        })
        .unwrap();
    assert_eq!(journal.chain_behind(sequence).unwrap(), cursor.chain);
    cursor.chain
}

fn after(journal: &Journal, snapshot: &Snapshot) -> Result<Vec<Entry<'static>>, JournalError> {
    let mut entries = Vec::new();
    journal.replay_after(snapshot, |entry| entries.push(kept(entry))).map(|_| entries)
}

#[test]
fn replay_goes_on_behind_any_snapshot_of_this_history() {
    let folder = Folder::new("behind");
    let journal = folder.journal();
    assert!(journal.segments().len() >= 2);
    assert_eq!(journal.newest_snapshot().unwrap().0, None);
    let begins = journal.segments()[1].header.first_sequence;
    for sequence in [1, begins - 1, begins, 499, 500] {
        let snapshot = folder.snapshot(sequence);
        snapshot.save(&folder.0, IDENTITY).unwrap();
        let (newest, passed_over) = journal.newest_snapshot().unwrap();
        assert_eq!((newest.as_ref(), passed_over.len()), (Some(&snapshot), 0));
        let expected: Vec<Entry<'static>> = (sequence + 1..501).map(|s| entry(s, s)).collect();
        assert_eq!(after(&journal, &snapshot).unwrap(), expected);
        let foreign = Snapshot { chain: Chain([1; 32]), ..snapshot };
        let error = after(&journal, &foreign).unwrap_err();
        let JournalError::Damaged { damage, .. } = &error else { panic!("{error}") };
        assert_eq!((damage.sequence, damage.what), (sequence, What::Chain), "{error}");
    }
    let ahead = Snapshot { sequence: 501, ..folder.snapshot(500) };
    assert!(matches!(after(&journal, &ahead), Err(JournalError::NotThere { .. })));
}

#[test]
fn one_that_is_not_whole_is_passed_over_and_told_of() {
    let folder = Folder::new("passed");
    let old = folder.snapshot(100);
    old.save(&folder.0, IDENTITY).unwrap();
    let path = folder.snapshot(200).save(&folder.0, IDENTITY).unwrap();
    let again = folder.snapshot(200).save(&folder.0, IDENTITY).unwrap_err();
    assert!(again.to_string().contains("File exists"), "{again}");
    let whole = fs::read(&path).unwrap();
    let passed_over = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let (newest, passed_over) = folder.journal().newest_snapshot().unwrap();
        assert_eq!(newest.as_ref(), Some(&old));
        assert!(passed_over.len() == 1, "{passed_over:?}");
        passed_over[0].to_string()
    };
    for bit in (0..whole.len() * 8).step_by(7) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(passed_over(&bytes).contains("as it was written"), "bit {bit}");
    }
    for len in [0, 100, BLOCK_BYTES - 1, BLOCK_BYTES, whole.len() - 1] {
        assert!(passed_over(&whole[..len]).contains("no snapshot: its") || len < BLOCK_BYTES);
    }
    let stranger = Identity { node: 4, ..IDENTITY };
    fs::remove_file(&path).unwrap();
    folder.snapshot(200).save(&folder.0, stranger).unwrap();
    let (newest, errors) = folder.journal().newest_snapshot().unwrap();
    assert!(newest == Some(old) && matches!(errors[..], [JournalError::Foreign { .. }]));
}
