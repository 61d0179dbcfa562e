//! `peregrine backtest`, from the command line to the report's bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_peregrine");
const FILES: [&str; 4] = ["report.json", "index.html", "fills.csv", "refusals.jsonl"];

/// A folder of its own for each test, under the build's.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("backtest").join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn backtest(args: &[&str]) -> Output {
    Command::new(BINARY).arg("backtest").args(args).output().expect("the binary starts")
}

/// Runs over the sample, whose directory is in one file and whose orders are in another.
fn sample(report: &Path, args: &[&str]) -> Value {
    let mut all = vec!["--itch", "data/sample/sod.itch", "--itch", "data/sample/aapl.itch"];
    let report = report.to_str().expect("a path of text");
    all.extend(["--symbols", "AAPL", "--report", report, "--json", "--quiet"]);
    all.extend(args);
    let output = backtest(&all);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a report")
}

/// Arguments that make a strategy trade on the sample.
const TRADING: [(&str, &[&str]); 4] = [
    ("echo", &["--set", "every_ticks=20", "--locate-shares", "100000"]),
    ("market-maker", &["--locate-shares", "5000"]),
    ("executor", &["--set", "total_shares=2000", "--set", "start_s=34530", "--set", "end_s=34740"]),
    // The sample has orders of one symbol, and a follower needs another: it runs, and waits.
    ("follower", &["--symbols", "AACG"]),
];

#[test]
fn two_runs_give_the_same_bytes() {
    for (strategy, args) in TRADING {
        let folders = [folder(&format!("{strategy}-1")), folder(&format!("{strategy}-2"))];
        for folder in &folders {
            let mut all = vec!["--strategy", strategy, "--jitter-us", "20"];
            all.extend(args);
            sample(folder, &all);
        }
        for file in FILES {
            let [a, b] = folders.each_ref().map(|folder| fs::read(folder.join(file)).unwrap());
            // A strategy may well be refused nothing.
            assert!((!a.is_empty() || file == "refusals.jsonl") && a == b, "{strategy}: {file}");
        }
    }
}

#[test]
fn what_traded_adds_up() {
    for (strategy, args) in TRADING {
        let mut all = vec!["--strategy", strategy];
        all.extend(args);
        let report = sample(&folder(&format!("{strategy}-sums")), &all);
        let (result, symbol) = (&report["result"], &report["symbols"][0]);
        assert_eq!(result["reconciled"], true, "{strategy}");
        assert_eq!(result["live_orders"], 0, "{strategy}");
        let fills = report["fills"].as_array().unwrap();
        let (mut held, mut cash) = (0, 0.0);
        for fill in fills {
            let shares = fill["shares"].as_i64().unwrap();
            let signed = if fill["side"] == "buy" { shares } else { -shares };
            held += signed;
            cash -= signed as f64 * fill["price_dollars"].as_f64().unwrap();
        }
        assert_eq!(symbol["held_shares"], held, "{strategy}");
        if strategy != "follower" {
            assert!(fills.len() > 10, "{strategy} has {} fills", fills.len());
        }
        // Cash and what is held at the mark are the profit, there being no fees.
        let mark = symbol["mark_dollars"].as_f64().unwrap();
        let total = result["total_dollars"].as_f64().unwrap();
        assert!((cash + held as f64 * mark - total).abs() < 0.001, "{strategy}: {cash} {total}");
    }
}

#[test]
fn latency_model_and_seed_matter() {
    let hash = |name: &str, args: &[&str]| {
        let mut all = vec!["--locate-shares", "5000"];
        all.extend(args);
        sample(&folder(name), &all)["result"]["state_hash"].as_str().unwrap().to_owned()
    };
    let usual = hash("usual", &[]);
    assert_eq!(usual, hash("usual-again", &[]));
    let others = [
        hash("slow", &["--order-latency-us", "500"]),
        hash("late", &["--feed-latency-us", "500"]),
        hash("touch", &["--fill-model", "touch"]),
        hash("seed-1", &["--jitter-us", "100"]),
        hash("seed-2", &["--jitter-us", "100", "--seed", "2"]),
    ];
    for (at, one) in others.iter().enumerate() {
        assert_ne!(one, &usual, "{at}");
        assert!(!others[..at].contains(one), "{at}");
    }
}

#[test]
fn fees_and_times_are_heeded() {
    let free = sample(&folder("free"), &["--locate-shares", "5000"]);
    let paid = sample(&folder("paid"), &["--locate-shares", "5000", "--fee-add", "-2000"]);
    let fees = paid["result"]["fees_dollars"].as_f64().unwrap();
    let shares = paid["result"]["traded"]["added_shares"].as_f64().unwrap();
    assert!((fees + shares * 0.002).abs() < 1e-6, "{fees} for {shares} shares");
    assert_eq!(free["fills"].as_array().unwrap().len(), paid["fills"].as_array().unwrap().len());
    let window = ["--from", "09:36", "--to", "09:37:30", "--locate-shares", "5000"];
    let report = sample(&folder("window"), &window);
    let fills = report["fills"].as_array().unwrap();
    let second = |at: &Value| at["at_ns"].as_u64().unwrap() / 1_000_000_000;
    assert!(!fills.is_empty());
    assert!(fills.iter().all(|fill| (34_560..=34_650).contains(&second(fill))));
}

#[test]
fn the_page_stands_alone() {
    let folder = folder("page");
    let report = sample(&folder, &["--locate-shares", "0"]);
    let page = fs::read_to_string(folder.join("index.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 3, "profit, inventory, gain");
    assert!(page.contains("default-src 'none'") && !page.contains("<script"));
    assert!(!page.replace("http://www.w3.org/2000/svg", "").contains("://"));
    let refused = report["refused"].as_object().unwrap().values().map(|n| n.as_u64().unwrap());
    let listed = fs::read_to_string(folder.join("refusals.jsonl")).unwrap();
    assert_eq!(listed.lines().count() as u64, refused.sum::<u64>());
    let csv = fs::read_to_string(folder.join("fills.csv")).unwrap();
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().count() > 10 && csv.lines().all(|line| line.split(',').count() == columns));
}

#[test]
fn what_cannot_be_is_refused_with_a_remedy() {
    let sod = ["--itch", "data/sample/sod.itch"];
    let cases: [(&[&str], &[&str]); 9] = [
        (&[], &["--itch"]),
        (&["--itch", "/nowhere.itch", "--symbols", "A"], &["--itch", "/nowhere.itch"]),
        (&["--itch", "Cargo.toml", "--symbols", "A"], &["Cargo.toml"]),
        (&["--itch", "data/sample/sod.itch"], &["--symbols", "AAPL,MSFT", "993"]),
        (&["--symbols", "AAPLX"], &["--symbols", "AAPLX", "directory"]),
        (&["--symbols", "AAPL", "--strategy", "guess"], &["--strategy", "guess", "market-maker"]),
        (&["--symbols", "AAPL", "--set", "fairness=1"], &["--set", "fairness", "quote_shares"]),
        (&["--symbols", "AAPL", "--from", "25:00"], &["--from", "25:00", "09:30"]),
        (&["--symbols", "AAPL", "--fill-model", "best"], &["--fill-model", "best", "queue"]),
    ];
    for (at, (args, told)) in cases.into_iter().enumerate() {
        let mut all = if at < 4 { Vec::new() } else { sod.to_vec() };
        all.extend(args);
        let output = backtest(&all);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{all:?}: {text}");
        assert!(told.iter().all(|word| text.contains(word)), "{all:?}: {text}");
    }
}

#[test]
fn the_strategies_are_listed() {
    let output = backtest(&["--list"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success());
    for name in ["echo", "market-maker", "follower", "executor", "quote_shares = 100"] {
        assert!(text.contains(name), "{name}");
    }
}
