//! `peregrine decode` as a user runs it: every real capture, line by line, against an independent
//! dissector's reading of it (`tests/data/decoded.jsonl`).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

fn decode(args: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.arg("decode").args(args).output().expect("peregrine runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("output is text")
}

fn captures() -> Vec<PathBuf> {
    let entries = data("captures").read_dir().expect("captures are there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_capture_reads_as_the_dissectors_read_it() {
    let expected = std::fs::read_to_string(data("decoded.jsonl")).expect("expectation is there");
    let mut expected = expected.lines();
    for path in captures() {
        let output = decode(&[&path]);
        assert_eq!(output.status.code(), Some(0), "{path:?}: {}", text(&output.stderr));
        for line in text(&output.stdout).lines() {
            assert_eq!(Some(line), expected.next(), "{path:?}");
        }
    }
    assert_eq!(expected.next(), None);
}

#[test]
fn several_files_and_standard_input_are_read_in_order() {
    let all = captures();
    let output = decode(&all.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, std::fs::read(data("decoded.jsonl")).expect("readable"));

    let mut child = Command::new(env!("CARGO_BIN_EXE_peregrine"))
        .args(["decode", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("peregrine runs");
    let bytes = std::fs::read(&all[0]).expect("readable");
    child.stdin.take().expect("piped").write_all(&bytes).expect("taken in");
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(0));
    let direct = decode(&[&all[0]]);
    let name = all[0].file_name().expect("a file").to_string_lossy().into_owned();
    assert_eq!(text(&output.stdout), text(&direct.stdout).replace(&name, "-"));
}

#[test]
fn a_cut_file_is_an_error_line_and_status_1() {
    let whole = std::fs::read(&captures()[0]).expect("readable");
    let path = std::env::temp_dir().join(format!("peregrine-cut-{}.pcap", std::process::id()));
    std::fs::write(&path, &whole[..whole.len() - 1]).expect("written");
    let output = decode(&[&path]);
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(output.status.code(), Some(1));
    let last = text(&output.stdout).lines().last().expect("a line");
    assert!(last.contains("\"error\": \"at offset "), "{last}");
}

#[test]
fn unusable_arguments_are_named_and_status_2() {
    let missing = Path::new("/nonexistent/feed.pcap");
    let output = decode(&[&captures()[0], missing]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nonexistent/feed.pcap"));
    assert!(output.stdout.is_empty());
    assert_eq!(decode(&[]).status.code(), Some(2));
}
