//! A segment of a journal that anyone may have written: a whole one with changes, its checksums
//! made right again or not. Reading never panics, and what is read is of records that could be
//! there.
#![no_main]

use std::sync::OnceLock;

use journal::{
    Entry, HardState, Identity, Journal, Payload, WriterConfig, queue, read_segment, start,
};
use libfuzzer_sys::fuzz_target;
use types::{Echo, Input, Nanos, Open, Operation, SessionId};

const IDENTITY: Identity = Identity { cluster: *b"fuzzed by anyone", node: 1 };
const BLOCK: usize = 4096;

/// A segment with a record of most kinds.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let dir = std::env::temp_dir().join(format!("fuzz-journal-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let nothing = Journal::open(&dir, IDENTITY).expect("none").replay(1, |_| ()).expect("none");
        let (mut push, pop) = queue(256);
        let running = start(&WriterConfig::new(dir.clone(), IDENTITY), &nothing, pop);
        let running = running.expect("a writer");
        let open = Open { trades: true, date: 20_000, config: 7 };
        let kinds = [
            Payload::Input(Input::Open(open)),
            Payload::Input(Input::operate(Operation::Clock)),
            Payload::Input(Input::AccountQuery(SessionId(3))),
            Payload::Input(Input::Scheduled(Operation::Breaker { level: 2 })),
            Payload::Opaque(b"opaque"),
            Payload::Membership(&[7; 200]),
            Payload::Input(Input::Nothing),
            Payload::Input(Input::Close),
        ];
        for (sequence, payload) in (1..100).zip(kinds.iter().cycle()) {
            let entry = Entry { sequence, epoch: 0, now: Nanos(sequence), payload: *payload };
            push.push(&entry).expect("room");
            let state = HardState { term: sequence, vote: 1, commit: sequence };
            let entry = Entry { payload: Payload::HardState(state), ..entry };
            push.push(&entry).expect("room");
        }
        drop(running);
        let bytes = std::fs::read(dir.join("segment-0000000001.journal")).expect("a segment");
        let _ = std::fs::remove_dir_all(&dir);
        bytes
    })
}

fn read(bytes: &[u8]) {
    let mut last = 0;
    let _ = read_segment(bytes, |entry, offset| {
        assert!((offset as usize) < bytes.len());
        let numbered = entry.payload.is_numbered();
        assert!(if numbered { entry.sequence > last } else { entry.sequence >= last });
        last = entry.sequence;
        if let Payload::Input(Input::Command(_, Echo { optional, .. })) = entry.payload {
            assert!(optional.len() <= journal::OPTIONAL_BYTES_MAX);
        }
    });
}

/// Checksums of the record at `at` made right: CRC32C of all behind it.
fn reseal(bytes: &mut [u8], at: usize) {
    let Some(len) = bytes.get(at + 12..at + 14).map(|b| u16::from_le_bytes([b[0], b[1]])) else {
        return;
    };
    let Some(record) = bytes.get_mut(at..at + usize::from(len)).filter(|r| r.len() > 4) else {
        return;
    };
    let sum = crc32c::crc32c(&record[4..]);
    record[..4].copy_from_slice(&sum.to_le_bytes());
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    // Changes to a whole one: where (two bytes, behind the header), how, and if it is resealed.
    let mut changed = whole().to_vec();
    for change in bytes.chunks_exact(4) {
        let at = BLOCK + usize::from(u16::from_le_bytes([change[0], change[1]]));
        if let Some(byte) = changed.get_mut(at) {
            *byte ^= change[2];
        }
        if change[3] & 1 == 1 {
            reseal(&mut changed, at.saturating_sub(usize::from(change[3] >> 1)));
        }
    }
    read(&changed);
});
