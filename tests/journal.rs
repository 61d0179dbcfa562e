//! `peregrine journal`: a journal on disk, as an operator looks at it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

#[path = "common/appliance.rs"]
mod appliance;
mod common;

use appliance::Scratch;
use journal::{Entry, HardState, Identity, Journal, Payload, WriterConfig, queue, start};
use serde_json::Value;
use types::{Cancel, Echo, Input, Nanos, Operation, Qty, SessionId, UserRef};

const IDENTITY: Identity = Identity { cluster: *b"a cluster of one", node: 7 };

fn entry(sequence: u64) -> Entry<'static> {
    let (user_ref, qty) = (UserRef(sequence as u32), Qty(0));
    let command = match sequence % 10 {
        0 => types::Command::Operate(Operation::Clock),
        _ => types::Command::Cancel(Cancel { session: SessionId(3), user_ref, qty }),
    };
    let payload = Payload::Input(Input::Command(command, Echo::default()));
    Entry { sequence, epoch: 1, now: Nanos(sequence), payload }
}

/// Adds records, as one run of a writer does; segments are as small as they can be.
fn write(dir: &Path, sequences: std::ops::Range<u64>) {
    let journal = Journal::open(dir, IDENTITY).expect("a journal");
    let recovered = journal.replay(1, |_| ()).expect("a whole one");
    let mut config = WriterConfig::new(dir.into(), IDENTITY);
    (config.segment_bytes, config.batch_bytes, config.epoch) = (8 << 12, 1 << 12, 1);
    let (mut push, pop) = queue(64);
    let running = start(&config, &recovered, pop).expect("a writer");
    for sequence in sequences {
        while push.push(&entry(sequence)).is_err() {
            assert!(running.status().fault().is_none());
        }
    }
    assert!(running.stop().fault().is_none());
}

fn look(what: &str, dir: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.args(["journal", what]).arg(dir).args(more);
    command.output().expect("the binary starts")
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_whole_journal_is_verified_counted_and_printed() {
    let folder = Scratch::new();
    let dir = folder.path().join("journal");
    write(&dir, 1..1001);
    write(&dir, 1001..1501);
    let output = look("verify", &dir, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("\nwhole: 1500 records in "), "{}", told(&output));

    let output = look("stat", &dir, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    for line in ["node 7\n", "1500\n", "cancel      1350\n", "operate     150\n", "1 to 1500\n"] {
        assert!(told(&output).contains(line), "{line:?} in {}", told(&output));
    }

    let output = look("export", &dir, &[]);
    let lines: Vec<Value> = told(&output).lines().map(|l| l.parse().unwrap()).collect();
    assert_eq!(lines.len(), 1500);
    for (line, sequence) in lines.iter().zip(1..) {
        assert_eq!((&line["sequence"], &line["epoch"]), (&sequence.into(), &1.into()));
    }
    assert_eq!((&lines[6]["kind"], &lines[6]["user_ref"]), (&"cancel".into(), &7.into()));
    assert_eq!(lines[9]["operation"], "Clock");

    let output = look("dump", &dir, &["--from", "1000", "--count", "2"]);
    let text = told(&output);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("sequence 1000 epoch 1 at 1000 ns: Operate(Clock)"), "{text}");
    assert!(text.contains("sequence 1001 epoch 1"), "{text}");
}

#[test]
fn a_flipped_bit_is_named_by_segment_offset_and_sequence() {
    let folder = Scratch::new();
    let dir = folder.path().join("journal");
    write(&dir, 1..301);
    let path = dir.join("segment-0000000001.journal");
    let whole = fs::read(&path).unwrap();
    let output = look("export", &dir, &["--from", "2", "--count", "1"]);
    let place: Value = told(&output).parse().unwrap();
    let at = place["offset"].as_u64().unwrap();
    let mut bytes = whole.clone();
    bytes[at as usize + 40] ^= 4;
    fs::write(&path, &bytes).unwrap();
    for what in ["verify", "stat", "export", "dump"] {
        let output = look(what, &dir, &[]);
        assert_eq!(output.status.code(), Some(1), "{what}: {}", told(&output));
        let name = format!("segment-0000000001.journal: offset {at}, sequence 2: ");
        assert!(told(&output).contains(&name), "{what}: {}", told(&output));
    }
    assert!(told(&look("verify", &dir, &[])).contains("WRONG: 1 of "));
    assert_eq!(fs::read(&path).unwrap(), bytes, "looked at, not touched");
}

#[test]
fn a_torn_tail_is_cut_and_what_is_no_journal_is_refused() {
    let folder = Scratch::new();
    let dir = folder.path().join("journal");
    let output = look("verify", &dir, &[]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("no journal"), "{}", told(&output));

    write(&dir, 1..11);
    let path = dir.join("segment-0000000001.journal");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..4096 + 100]).unwrap();
    let output = look("verify", &dir, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("torn tail cut at offset 4096"), "{}", told(&output));

    fs::write(&path, b"something else").unwrap();
    let output = look("stat", &dir, &[]);
    assert_eq!(output.status.code(), Some(1), "too short for a header: {}", told(&output));
    fs::write(&path, [7; 8192]).unwrap();
    let output = look("stat", &dir, &[]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("no segment of a journal"), "{}", told(&output));
}

#[test]
fn what_others_took_the_place_of_is_shown_and_not_counted() {
    let folder = Scratch::new();
    let dir = folder.path().join("journal");
    write(&dir, 1..11);
    let recovered = Journal::open(&dir, IDENTITY).unwrap().replay(1, |_| ()).unwrap();
    let config = WriterConfig { epoch: 1, ..WriterConfig::new(dir.clone(), IDENTITY) };
    let (mut push, pop) = queue(64);
    let running = start(&config, &recovered, pop).expect("a writer");
    let state = HardState { term: 2, vote: 7, commit: 6 };
    push.push(&Entry { payload: Payload::HardState(state), ..entry(10) }).unwrap();
    push.push(&Entry { epoch: 2, payload: Payload::Opaque(b""), ..entry(8) }).unwrap();
    let membership = Payload::Membership(b"\x01\x02");
    push.push(&Entry { epoch: 2, payload: membership, ..entry(9) }).unwrap();
    let status = running.stop();
    assert_eq!((status.durable(), status.persisted()), (9, 3));
    assert!(told(&look("verify", &dir, &[])).contains("whole: "));

    let text = told(&look("stat", &dir, &[]));
    for line in ["1 to 9\n", "term 2, vote 7, commit 6\n", "cancel      7\n", "opaque      1\n"] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    let text = told(&look("export", &dir, &[]));
    let lines: Vec<Value> = text.lines().map(|l| l.parse().unwrap()).collect();
    let superseded = |line: &&Value| line["superseded"] == true;
    let gone: Vec<_> = lines.iter().filter(superseded).map(|l| l["sequence"].clone()).collect();
    assert_eq!(gone, [8, 9, 10]);
    let last = &lines[lines.len() - 1];
    assert_eq!((&last["kind"], &last["bytes"]), (&"membership".into(), &"0102".into()));
    assert!(told(&look("dump", &dir, &[])).contains("sequence 10 epoch 1 at 10 ns superseded: "));
}
