use super::*;
use flate2::{Compression, write::GzEncoder};
use lcore::loadgen::{Peek, source};
use std::io::Write;

fn temp(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("peregrine-itch-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn framed(count: u32, len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for i in 0..count {
        let mut message = vec![0u8; len];
        message[..4].copy_from_slice(&i.to_be_bytes());
        bytes.extend((len as u16).to_be_bytes());
        bytes.extend(message);
    }
    bytes
}

/// Reads everything; the first four bytes of each message, and whether the end was good.
fn drain(files: Vec<PathBuf>, repeat: u32) -> (Vec<u32>, bool, Result<ReadFacts, ReadError>) {
    let (tx, mut rx) = source(CHUNKS, CHUNK_BYTES);
    let reader = spawn(Input::Files(files), repeat, tx).unwrap();
    let mut got = Vec::new();
    let good = loop {
        match rx.peek() {
            Peek::Message(m) => got.push(u32::from_be_bytes(m[..4].try_into().unwrap())),
            Peek::Wait => {
                std::thread::yield_now();
                continue;
            }
            Peek::End => break true,
            Peek::Failed => break false,
        }
        rx.advance();
    };
    (got, good, reader.join().unwrap())
}

#[test]
fn plain_and_gzip_give_the_same_over_many_chunks() {
    let bytes = framed(90_000, 33);
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(&bytes).unwrap();
    let plain = temp("plain", &bytes);
    let zipped = temp("zipped.gz", &gz.finish().unwrap());
    let want: Vec<u32> = (0..90_000).chain(0..90_000).collect();
    for (files, repeat) in [(vec![plain.clone()], 2), (vec![zipped.clone(), plain.clone()], 1)] {
        let (got, good, facts) = drain(files, repeat);
        assert!(good);
        assert_eq!(got, want);
        assert_eq!(facts.unwrap(), ReadFacts { messages: 180_000, bytes: 2 * bytes.len() as u64 });
    }
    let _ = (std::fs::remove_file(plain), std::fs::remove_file(zipped));
}

#[test]
fn a_file_is_read_more_often_than_there_are_chunks() {
    let path = temp("often", &framed(5, 10));
    let repeat = 3 * CHUNKS as u32;
    let (got, good, facts) = drain(vec![path.clone()], repeat);
    assert!(good && facts.is_ok());
    assert_eq!(got.len(), 5 * repeat as usize);
    let _ = std::fs::remove_file(path);
}

#[test]
fn every_truncation_is_told_and_loses_nothing_whole() {
    let bytes = framed(3, 10);
    for cut in 1..bytes.len() {
        let path = temp(&format!("cut{cut}"), &bytes[..cut]);
        let (got, good, facts) = drain(vec![path.clone()], 1);
        assert_eq!(got.len(), cut / 12, "cut at {cut}");
        if cut % 12 == 0 {
            assert!(good);
        } else {
            assert!(!good);
            let text = facts.unwrap_err().to_string();
            assert!(text.contains(&format!("at byte {}", cut / 12 * 12)), "{text}");
        }
        let _ = std::fs::remove_file(path);
    }
}

#[test]
fn a_missing_file_and_an_empty_message_are_named() {
    let (_, good, facts) = drain(vec!["no/such.itch".into()], 1);
    assert!(!good && facts.unwrap_err().to_string().contains("no/such.itch"));
    let path = temp("empty", &[0, 0, 1, 2]);
    let (_, good, facts) = drain(vec![path.clone()], 1);
    assert!(!good && facts.unwrap_err().to_string().contains("byte 0"));
    let _ = std::fs::remove_file(path);
}
