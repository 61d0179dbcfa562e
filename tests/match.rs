//! `peregrine match`: scripts and what comes of them.
//!
//! `tests/match` holds scripts and their expected events; docs/match.md's examples are run as they
//! stand there; `tests/peers/match_model.py` is a second engine that predicts the events of scripts
//! made up from a seed.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

mod common;

/// What the document lists.
const EVENTS: &[&str] = &[
    "accepted",
    "replaced",
    "rejected",
    "executed",
    "trade",
    "canceled",
    "restated",
    "modified",
    "mass_canceled",
    "disabled",
    "enabled",
    "state",
    "imbalance",
    "collar",
    "offering",
    "breaker",
    "broken",
    "corrected",
    "moved",
    "refused",
    "error",
];

/// What came of a script.
struct Played {
    events: Vec<Value>,
    code: Option<i32>,
    stderr: String,
}

impl Played {
    fn of(output: &Output) -> Played {
        let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
        let event = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        Played {
            events: text.lines().map(event).collect(),
            code: output.status.code(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The events' names.
    fn names(&self) -> Vec<&str> {
        self.events.iter().filter_map(|event| event["event"].as_str()).collect()
    }

    /// The errors' line numbers.
    fn errors(&self) -> Vec<u64> {
        let errors = self.events.iter().filter(|event| event["event"] == "error");
        errors.map(|event| event["line"].as_u64().expect("a line")).collect()
    }
}

/// Plays a script from standard input.
fn play(script: impl AsRef<[u8]>, options: &[&str]) -> Played {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.args(["match", "-"]).args(options);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    // The whole script is read before the first event is written.
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(script.as_ref()).expect("it reads");
    drop(stdin);
    Played::of(&child.wait_with_output().expect("it ends"))
}

fn folder() -> PathBuf {
    common::repo_root().join("tests/match")
}

/// Plays `name`.jsonl and compares to `expected`.expected.jsonl, event by event.
fn check(name: &str, options: &[&str], expected: &str) {
    let script = folder().join(format!("{name}.jsonl"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    let output = command.arg("match").arg(script).args(options).output().expect("it starts");
    let played = Played::of(&output);
    let text = fs::read_to_string(folder().join(format!("{expected}.expected.jsonl")))
        .expect("the expected events");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("the expected events")).collect();
    for (at, (ours, theirs)) in played.events.iter().zip(&lines).enumerate() {
        assert_eq!(ours, theirs, "{expected}: event {}", at + 1);
    }
    assert_eq!(played.events.len(), lines.len(), "{expected}");
    assert_eq!((played.code, played.stderr.as_str()), (Some(0), ""), "{expected}");
}

#[test]
fn every_command_and_every_term_has_its_events() {
    for name in ["orders", "changes", "day", "ledger"] {
        check(name, &[], name);
    }
}

#[test]
fn every_option_shows() {
    check("self_match", &[], "self_match");
    check("self_match", &["--self-match", "newest"], "self_match");
    for mode in ["oldest", "decrement", "trade"] {
        check("self_match", &["--self-match", mode], &format!("self_match_{mode}"));
    }
    check("ticks", &[], "ticks_none");
    check("ticks", &["--ticks", "none"], "ticks_none");
    check("ticks", &["--ticks", "reg-nms"], "ticks_reg_nms");
    check("self_match", &["--orders", "1"], "orders_1");
}

#[test]
fn a_command_line_that_is_wrong_is_refused() {
    for options in [["--self-match", "both"], ["--ticks", "sub-penny"], ["--orders", "0"]] {
        let played = play("", &options);
        assert_eq!(played.code, Some(2), "{options:?}: {}", played.stderr);
        assert!(played.events.is_empty());
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    let output = command.args(["match", "no/such/script.jsonl"]).output().unwrap();
    let played = Played::of(&output);
    assert_eq!(played.code, Some(1));
    assert!(played.stderr.contains("no/such/script.jsonl"), "{}", played.stderr);
}

/// The document's examples: options, script, events.
fn examples(document: &str) -> Vec<(Vec<&str>, &str, &str)> {
    let mut found = Vec::new();
    for part in document.split("```sh\nperegrine match -").skip(1) {
        let (options, rest) = part.split_once("<<'END'\n").expect("a script");
        let (script, rest) = rest.split_once("END\n```\n").expect("its end");
        let told = rest.strip_prefix("\n```json\n").and_then(|rest| rest.split_once("```"));
        let (events, _) = told.expect("what comes of it");
        found.push((options.split_whitespace().collect(), script, events));
    }
    found
}

#[test]
fn the_documents_examples_are_true() {
    let document = fs::read_to_string(common::repo_root().join("docs/match.md")).unwrap();
    let examples = examples(&document);
    assert!(examples.len() >= 7, "{}", examples.len());
    for (options, script, events) in examples {
        let events: Vec<Value> =
            events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(play(script, &options).events, events, "{script}");
    }
    for event in EVENTS {
        assert!(document.contains(&format!("`{event}`")), "{event} is not documented");
    }
}

#[test]
fn the_document_names_every_word_and_every_op() {
    let document = fs::read_to_string(common::repo_root().join("docs/match.md")).unwrap();
    let told =
        |script: &str| play(script, &[]).events[0]["error"].as_str().expect("an error").to_owned();
    let words = told(r#"{"no such word":1}"#);
    let words = words.split("expected one of").nth(1).expect("the words").to_owned();
    let ops = told(r#"{"op":"no such op"}"#);
    let ops = ops.split("an op is").nth(1).expect("the ops").replace(" or ", ", ");
    let named = words.replace('`', "");
    let (named, ops) = (named.split(','), ops.split(','));
    for word in named.chain(ops).map(str::trim) {
        let found = document.contains(&format!("`{word}`")) || word == "op";
        assert!(found, "{word:?} is not documented");
    }
}

const GOOD: &str =
    r#"{"op":"enter","session":1,"ref":1,"side":"B","qty":1,"symbol":"XYZ","price":1}"#;

/// `GOOD` with another value for a word.
fn with(word: &str, value: &str) -> String {
    let mut words: serde_json::Map<String, Value> = serde_json::from_str(GOOD).expect("words");
    words.insert(word.to_owned(), json!("@"));
    serde_json::to_string(&words).expect("words").replace("\"@\"", value)
}

#[test]
fn a_line_that_is_wrong_is_told_and_the_others_go_on() {
    let wrong = [
        with("qtty", "1"),
        with("qty", "\"1\""),
        with("qty", "1.5"),
        with("qty", "99999999999999999999999"),
        with("qty", "1e300"),
        with("price", "[]"),
        with("price", "10.5"),
        with("session", "-1"),
        with("session", "65535"),
        with("session", "65536"),
        with("ref", "4294967296"),
        with("ref", "-1"),
        with("post_only", "1"),
        with("symbol", "7"),
        with("account", "-7"),
        with("capacity", "\"Z\""),
        with("op", "\"entre\""),
        with("side", "null"),
    ];
    let keys = [
        "qtty",
        "qty",
        "qty",
        "qty",
        "qty",
        "price",
        "price",
        "session",
        "session",
        "session",
        "ref",
        "ref",
        "post_only",
        "symbol",
        "account",
        "capacity",
        "entre",
        "side",
    ];
    let script = format!("{}\n{GOOD}\n", wrong.join("\n"));
    let played = play(script, &[]);
    assert_eq!(played.errors(), (1..=keys.len() as u64).collect::<Vec<_>>());
    for (event, key) in played.events.iter().zip(keys) {
        let told = event["error"].as_str().unwrap();
        assert!(told.contains(&format!("\"{key}\"")), "{key}: {told}");
    }
    assert_eq!(played.names().last(), Some(&"accepted"));
    assert_eq!(played.code, Some(2));
    assert!(played.stderr.contains("18 lines"), "{}", played.stderr);
}

#[test]
fn what_is_no_object_is_told() {
    for line in ["hello", "[]", "[\"clock\"]", "7", "null", "{", "{}", "\"op\"", "{\"op\":}"] {
        let played = play(format!("{line}\n{GOOD}"), &[]);
        assert_eq!(played.names(), ["error", "accepted"], "{line}");
        assert_eq!(played.code, Some(2), "{line}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(play(format!("{{\"op\":{deep}"), &[]).names(), ["error"]);
    let twice = r#"{"op":"clock","op":"clock","t_ns":1}"#;
    assert_eq!(play(twice, &[]).names(), ["error"]);
}

#[test]
fn each_op_names_the_word_that_it_lacks() {
    for (line, word) in [
        (r#"{"op":"enter","session":1,"ref":1,"side":"B","symbol":"XYZ"}"#, "qty"),
        (r#"{"op":"enter","session":1,"ref":1,"qty":1,"symbol":"XYZ"}"#, "side"),
        (r#"{"op":"enter","session":1,"ref":1,"side":"B","qty":1}"#, "symbol"),
        (r#"{"op":"enter","session":1,"side":"B","qty":1,"symbol":"XYZ"}"#, "ref"),
        (r#"{"op":"enter","ref":1,"side":"B","qty":1,"symbol":"XYZ"}"#, "session"),
        (r#"{"op":"replace","session":1,"ref":1,"qty":1}"#, "orig"),
        (r#"{"op":"cancel","session":1}"#, "ref"),
        (r#"{"op":"cancel","session":1,"ref":1,"qty":-1}"#, "qty"),
        (r#"{"op":"modify","session":1,"ref":1}"#, "qty"),
        (r#"{"op":"modify","session":1,"ref":1,"qty":1,"side":"Q"}"#, "side"),
        (r#"{"op":"mass_cancel","session":1}"#, "ref"),
        (r#"{"op":"disable","ref":1}"#, "session"),
        (r#"{"op":"phase"}"#, "phase"),
        (r#"{"op":"phase","phase":"lunch"}"#, "phase"),
        (r#"{"op":"cross","cross":"noon"}"#, "cross"),
        (r#"{"op":"halt","symbol":"NINELONGS"}"#, "symbol"),
        (r#"{"op":"reference"}"#, "price"),
        (r#"{"op":"breaker"}"#, "level"),
        (r#"{"op":"bust"}"#, "match"),
        (r#"{"op":"adjust","match":1}"#, "price"),
        (r#"{"op":"deposit","to":"a"}"#, "amount"),
        (r#"{"op":"transfer","from":"a","to":"b"}"#, "amount"),
        (r#"{"op":"transfer","from":"a","to":"b","symbol":"XYZ"}"#, "qty"),
        (r#"{"op":"transfer","from":"a","amount":1}"#, "to"),
        (r#"{"op":"cancel_session"}"#, "session"),
        (r#"{"op":"clock"}"#, "t_ns"),
    ] {
        let played = play(line, &[]);
        assert_eq!(played.names(), ["error"], "{line}");
        let told = played.events[0]["error"].as_str().unwrap();
        assert!(told.contains(&format!("\"{word}\"")), "{line}: {told}");
    }
}

#[test]
fn files_of_any_making_are_read() {
    let crlf = format!("\u{feff}{GOOD}\r\n\r\n  # a comment\r\n// another\r\n\t{GOOD}\t\r\n");
    let played = play(crlf, &[]);
    assert_eq!((played.names(), played.code), (vec!["accepted"], Some(0)));
    for nothing in ["", "\n", "\r\n\r\n", "\u{feff}", "# only words\n"] {
        let played = play(nothing, &[]);
        assert_eq!((played.names(), played.code), (vec![], Some(0)), "{nothing:?}");
    }
    let mut bytes = b"\xff\xfe\x00 not text\n".to_vec();
    bytes.extend(GOOD.as_bytes());
    let played = play(bytes, &[]);
    assert_eq!((played.names(), played.code), (vec!["error", "accepted"], Some(2)));
}

/// A busy market of so many lines.
fn busy(lines: u32) -> String {
    let line = |at: u32| {
        let (session, number) = (at % 50, at / 50 + 1);
        let (side, price) =
            (["B", "S"][(at / 20 % 2) as usize], 10_000 + at.wrapping_mul(7919) % 100);
        let (qty, symbol) = (at % 90 + 10, format!("SYM{}", at % 20));
        let enter = json!({"op":"enter","session":session,"ref":number,"side":side,
                           "qty":qty,"symbol":symbol,"price":price});
        match at % 5 {
            4 => json!({"op":"cancel","session":session - 1,"ref":number / 2}).to_string(),
            _ => enter.to_string(),
        }
    };
    (0..lines).map(|at| line(at) + "\n").collect()
}

#[test]
fn a_long_script_is_played_the_same_way_twice() {
    let script = busy(100_000);
    let [once, again] = [play(&script, &["--hash"]), play(&script, &["--hash"])];
    assert_eq!(once.code, Some(0));
    assert!(once.stderr.starts_with("state hash 0x"), "{}", once.stderr);
    assert_eq!(once.stderr, again.stderr);
    assert!(once.events == again.events, "the same script, other events");
    let shares = |name: &str| -> u64 {
        let of = once.events.iter().filter(|event| event["event"] == name);
        of.map(|event| event["qty"].as_u64().unwrap()).sum()
    };
    assert!(shares("trade") > 100_000, "{}", shares("trade"));
    assert_eq!(shares("executed"), 2 * shares("trade"));
    let less = play(busy(99_998), &["--hash"]);
    assert_ne!(less.stderr, once.stderr);
}

#[test]
fn accounts_beyond_the_bound_are_told() {
    let line = |at: u32| {
        json!({"op":"enter","session":1,"ref":at + 1,"side":"B","qty":1,"symbol":"A","price":1,
               "account":at})
        .to_string()
            + "\n"
    };
    let played = play((0..65_536).map(line).collect::<String>(), &[]);
    assert_eq!(played.errors(), [65_536]);
    assert_eq!(played.events.len(), 65_536);
}

/// A line as someone might write it: mostly a command, with values that are too large, of the wrong
/// kind, missing, or with a character lost.
fn any_line() -> impl Strategy<Value = String> {
    let ops = prop::sample::select(vec![
        "enter",
        "enter",
        "enter",
        "replace",
        "cancel",
        "modify",
        "mass_cancel",
        "disable",
        "enable",
        "phase",
        "halt",
        "resume",
        "quote",
        "cross",
        "imbalance",
        "reference",
        "bands",
        "breaker",
        "bust",
        "adjust",
        "transfer",
        "deposit",
        "cancel_session",
        "clock",
        "dance",
        "",
    ]);
    let keys = prop::sample::select(vec![
        "t_ns",
        "session",
        "ref",
        "orig",
        "side",
        "qty",
        "symbol",
        "price",
        "tif",
        "display",
        "post_only",
        "min_qty",
        "max_floor",
        "expire_s",
        "peg",
        "firm",
        "account",
        "cross",
        "capacity",
        "cl_ord_id",
        "phase",
        "reason",
        "match",
        "lower",
        "upper",
        "level",
        "release_s",
        "reference",
        "from",
        "to",
        "amount",
        "colour",
    ]);
    let value = prop_oneof![
        6 => (0i64..200).prop_map(|n| json!(n)),
        1 => any::<i64>().prop_map(|n| json!(n)),
        1 => any::<u64>().prop_map(|n| json!(n)),
        1 => any::<f64>().prop_map(|n| json!(n)),
        1 => any::<bool>().prop_map(|b| json!(b)),
        1 => Just(Value::Null),
        1 => Just(json!([1, {"a": 2}])),
        1 => any::<String>().prop_map(|s| json!(s)),
        4 => prop::sample::select(vec!["B", "S", "ioc", "fok", "open", "mid", "O", "C", "H", "N",
            "slide", "AAPL", "close", "preopen", "end", "start", "market"]).prop_map(|w| json!(w)),
    ];
    let base = (0u16..5, 1u32..400, prop::sample::select(vec!["B", "S"]), 1u32..100, 95u32..105);
    let changes = prop::collection::vec((keys, value), 0..4);
    let lost = prop::option::weighted(0.05, any::<prop::sample::Index>());
    (ops, base, changes, lost).prop_map(
        |(op, (session, number, side, qty, price), changes, lost)| {
            let mut line = json!({"op":op,"session":session,"ref":number,"side":side,"qty":qty,
            "symbol":"AAPL","price":price,"orig":number / 2,"phase":"open","match":qty,
            "level":1,"amount":qty,"from":"a","to":"b","t_ns":u64::from(number) * 1_000_000_000});
            for (key, value) in changes {
                line[key] = value;
            }
            let mut line = line.to_string();
            if let Some(at) = lost {
                let at = at.index(line.chars().count());
                line = line.chars().enumerate().filter(|(i, _)| *i != at).map(|(_, c)| c).collect();
            }
            line
        },
    )
}

#[test]
fn whatever_a_script_says_it_is_answered() {
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    let lines = prop::collection::vec(any_line(), 1..400);
    let verdict = runner.run(&lines, |lines| {
        let played = play(lines.join("\n"), &[]);
        let errors = played.errors();
        prop_assert!(!played.stderr.contains("panicked"), "{}", played.stderr);
        prop_assert_eq!(played.code, Some(if errors.is_empty() { 0 } else { 2 }));
        prop_assert!(errors.is_sorted_by(|a, b| a < b), "{errors:?}");
        for name in played.names() {
            prop_assert!(EVENTS.contains(&name), "{name}");
        }
        for (line, number) in lines.iter().zip(1..) {
            let object = serde_json::from_str::<serde_json::Map<String, Value>>(line);
            let known = object.is_ok_and(|words| !words.contains_key("colour"));
            prop_assert!(known || errors.contains(&number), "line {number}: {line}");
        }
        Ok(())
    });
    verdict.unwrap();
}

#[test]
fn a_second_engine_predicts_every_event() {
    if !common::need_tools("a_second_engine_predicts_every_event", &["python3"]) {
        return;
    }
    let model = common::repo_root().join("tests/peers/match_model.py");
    for seed in 1..=5 {
        for firms in [&[][..], &["--firms"]] {
            let mut command = Command::new("python3");
            command.arg(&model).arg(env!("CARGO_BIN_EXE_peregrine"));
            command.args(["--commands", "3000", "--seed"]).arg(seed.to_string()).args(firms);
            let output = command.output().expect("python3 starts");
            let told = String::from_utf8_lossy(&output.stdout);
            let failed = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{told}{failed}");
            let counts: Value = serde_json::from_str(&told).expect("its counts");
            for event in ["accepted", "executed", "canceled", "replaced", "restated", "rejected"] {
                assert!(counts["events"][event].as_u64() > Some(50), "{event}: {told}");
            }
        }
    }
}
