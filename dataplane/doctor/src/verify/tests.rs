use super::*;
use crate::fixture::Tree;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;

const PRINTED: &str = r#"{"schema": 1, "lines": [
 {"id": "thp", "what": "transparent hugepages", "state": "wrong", "found": "always",
  "wanted": "never", "mend": "echo never > x", "new": 3},
 {"id": "isolated", "state": "reboot"},
 {"id": "ksm", "what": "ksm", "state": "not offered here", "found": "no such file"}],
 "counts": {"ok": 0}, "broken_off": "at step x", "notes": ["a\u001bb"], "exit": 1}"#;

fn never() -> bool {
    false
}

#[test]
fn lines_are_taken_as_they_were_printed() {
    let verified = parse(PRINTED, "x").unwrap();
    let states: Vec<State> = verified.lines.iter().map(|line| line.state).collect();
    assert_eq!(states, [State::Wrong, State::Reboot, State::NotOffered, State::Wrong]);
    assert_eq!(
        (verified.lines[0].mend.as_str(), verified.lines[1].what.as_str()),
        ("echo never > x", "isolated")
    );
    assert_eq!(verified.notes, ["a?b"]);
}

#[test]
fn what_is_something_else_is_refused_by_name() {
    for bad in ["", "[]", "{}", r#"{"lines": [{"id": "x", "state": "splendid"}]}"#] {
        let told = parse(bad, "v.json").unwrap_err().to_string();
        assert!(told.starts_with("v.json: ") && told.contains("verify --json"), "{told}");
    }
    assert!(matches!(read(Path::new("/nowhere/v.json")), Err(VerifyError::Unreadable { .. })));
}

/// A program that does as the script says.
fn program(tree: &Tree, script: &str) -> Program {
    tree.write("provision.sh", &format!("#!/bin/sh\n{script}\n"));
    let path = tree.path().join("provision.sh");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Program { path, config: Some("host.toml".into()) }
}

/// Runs it, again where another test's child holds the file open for writing just then.
fn ran(program: &Program, stop: crate::Stop<'_>) -> Result<Verified, VerifyError> {
    loop {
        match run(program, stop) {
            Err(VerifyError::NotStarted { source, .. })
                if source.kind() == io::ErrorKind::ExecutableFileBusy => {}
            other => return other,
        }
    }
}

#[test]
fn a_program_is_asked_with_its_configuration() {
    let tree = Tree::new(&[("printed.json", PRINTED)]);
    let printed = tree.path().join("printed.json");
    let ask = format!(
        r#"[ "$*" = "verify --json --config host.toml" ] && cat {}; exit 1"#,
        printed.display()
    );
    assert_eq!(ran(&program(&tree, &ask), &never).unwrap().lines.len(), 4);
}

#[test]
fn a_program_that_fails_says_why_and_one_that_hangs_is_ended() {
    let tree = Tree::new(&[]);
    let told = ran(&program(&tree, "echo it is so >&2; exit 2"), &never).unwrap_err().to_string();
    assert!(told.ends_with("ended with status 2: it is so"), "{told}");
    let asked = program(&tree, "echo no NIC >&2; exit 2");
    let refused = ran(&asked, &never).unwrap_err();
    assert_eq!(failed(&asked, &refused).state, State::Warn);
    let plain = Program { config: None, ..asked };
    assert_eq!(failed(&plain, &refused).state, State::NotOffered);
    let silent = ran(&program(&tree, "exit 0"), &never).unwrap_err();
    assert!(matches!(silent, VerifyError::Failed { status: 0, .. }), "{silent}");
    let slow = ran(&program(&tree, "exec sleep 1000"), &|| true).unwrap_err();
    assert!(matches!(slow, VerifyError::TooSlow { .. }), "{slow}");
    let none = Program { path: tree.path().join("none.sh"), config: None };
    assert!(matches!(run(&none, &never), Err(VerifyError::NotStarted { .. })));
}

#[test]
fn the_script_is_found_from_where_the_binary_was_built() {
    let tree = Tree::new(&[("scripts/provision.sh", "")]);
    let script = Some(tree.path().join("scripts/provision.sh"));
    for binary in ["target/release/peregrine", "target/x86_64-unknown-linux-gnu/release/peregrine"]
    {
        let found = Program::find(Some(&tree.path().join(binary)));
        // On a host that is provisioned, what is installed goes first.
        if !Path::new("/usr/local/lib/peregrine/provision.pyz").is_file() {
            assert_eq!(found.map(|program| program.path), script, "{binary}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", at in 0..PRINTED.len(), byte in any::<u8>()) {
        let _ = parse(&text, "x");
        let mut bytes = PRINTED.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = parse(&String::from_utf8_lossy(&bytes), "x");
    }
}
