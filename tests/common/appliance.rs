//! The binary under test: a configuration with edits, its run in a folder of its own, and the
//! report that it leaves.
//!
//! Only tests of the root package can take this in, since only they know where the binary is:
//!
//! ```ignore
//! mod common;
//! #[path = "common/appliance.rs"]
//! mod appliance;
//! ```
//!
//! A run polls on every CPU it has. Tests of one file therefore take turns ([`Scenario::start`]
//! holds the machine until the run has ended), and nothing here asserts how long anything took:
//! time limits only tell a run that hangs.

// Each test binary uses its own part of this, and reaches it by its private module.
#![allow(dead_code, unreachable_pub)]

use crate::common;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Longer than any run here takes, even on a machine that has much else to do.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// How often something that is waited for is looked at.
pub const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Held by the test whose runs have the machine.
static MACHINE: Mutex<()> = Mutex::new(());
/// Counts folders and prefixes of this process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The machine for one test; the runs of others wait.
pub fn machine() -> MutexGuard<'static, ()> {
    // A test that failed while it had the machine has ended its runs, too.
    MACHINE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Waits until `done` holds; panics with `what` when that takes too long.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "waited in vain for: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The first and the last CPU that this process may use.
pub fn cpus() -> [usize; 2] {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:")).unwrap_or("0");
    let number = |text: Option<&str>| text.and_then(|t| t.trim().parse().ok()).unwrap_or(0);
    let mut numbers = line.split([',', '-']);
    let first = number(numbers.next());
    [first, numbers.next_back().map_or(first, |last| number(Some(last)))]
}

/// A folder that goes with the value.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty folder.
    pub fn new() -> Scratch {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("peregrine-test-{}-{n}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Scratch(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A configuration of the repository, edited, and the arguments it will be run with.
#[derive(Debug)]
pub struct Scenario {
    prefix: String,
    text: String,
    arguments: Vec<String>,
    folder: Scratch,
}

impl Scenario {
    /// The configuration at `path`, from the top of the repository.
    pub fn new(path: &str) -> Scenario {
        let root = common::repo_root();
        let text = fs::read_to_string(root.join(path)).expect("a configuration");
        let data = format!("\"{}/data/", root.display());
        let text = text.replace("\"../../data/", &data).replace("\"../data/", &data);
        // A name has at most 12 characters; Linux process ids at most 7 digits.
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("p{}x{n}", std::process::id());
        let old = text.lines().find(|line| line.starts_with("file_prefix")).expect("a file_prefix");
        let text = text.replacen(old, &format!("file_prefix = \"{prefix}\""), 1);
        Scenario { prefix, text, arguments: Vec::new(), folder: Scratch::new() }
    }

    /// Puts `new` where `old` stands; an edit that edits nothing is a mistake of the test.
    pub fn edit(mut self, old: &str, new: &str) -> Scenario {
        assert!(self.text.contains(old), "no {old:?} in the configuration");
        self.text = self.text.replace(old, new);
        self
    }

    /// Takes out what stands from `from` to before the first `to` behind it.
    pub fn cut(mut self, from: &str, to: &str) -> Scenario {
        let start = self.text.find(from).unwrap_or_else(|| panic!("no {from:?} to cut from"));
        let end = self.text[start..].find(to).unwrap_or_else(|| panic!("no {to:?} to cut to"));
        self.text.replace_range(start..start + end, "");
        self
    }

    /// Adds arguments, split at spaces.
    pub fn args(mut self, words: &str) -> Scenario {
        self.arguments.extend(words.split(' ').map(String::from));
        self
    }

    /// The folder that the run works in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// EAL's file prefix, which no other process has.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What the console of one of its roles answers, and whether all of it was done.
    pub fn tell(&self, socket: &str, commands: &[Value]) -> (bool, Vec<Value>) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_peregrine"));
        program.arg("tell").arg(self.folder().join(socket));
        let output = program.args(commands.iter().map(Value::to_string)).output();
        let output = output.expect("the binary starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        (output.status.success(), lines)
    }

    /// Starts it. The temporary folder that it is told of is one of its own, too.
    pub fn start(&self) -> Running<'_> {
        let at = |name: &str| self.folder().join(name);
        fs::write(at("run.toml"), &self.text).expect("the configuration is written");
        fs::create_dir_all(at("tmp")).expect("a folder for temporary files");
        let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
        command.args(["run", "run.toml", "--report", "report"]).args(&self.arguments);
        Running::launch(command.env("TMPDIR", at("tmp")), self.folder())
    }

    /// Runs it to its end.
    pub fn run(&self) -> Ended {
        self.start().wait()
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        // Without hugepages EAL makes this folder and leaves it, empty. One that is not stays.
        let _ = fs::remove_dir(Path::new("/run/dpdk").join(&self.prefix));
    }
}

/// A run under way; killed with the value.
#[derive(Debug)]
pub struct Running<'s> {
    child: Child,
    folder: &'s Path,
}

impl<'s> Running<'s> {
    /// Starts a command in a folder, where its output stays. Its report, if it leaves one, is
    /// `report/report.json` there.
    pub fn launch(command: &mut Command, folder: &'s Path) -> Running<'s> {
        let output = |name: &str| File::create(folder.join(name)).expect("a file for output");
        command.current_dir(folder).stdin(Stdio::null());
        command.stdout(output("stdout")).stderr(output("stderr"));
        Running { child: command.spawn().expect("the binary starts"), folder }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends the signals of these names, one right after the other.
    pub fn signal(&self, names: &str) {
        let kills = names.split(' ').map(|name| format!("kill -{name} {}", self.pid()));
        let script = kills.collect::<Vec<_>>().join("; ");
        let status = Command::new("sh").args(["-c", &script]).status().expect("a shell");
        assert!(status.success(), "{script}");
    }

    /// Waits until its lcores are hot, which their threads' names tell; or until it has ended.
    pub fn wait_hot(&mut self) {
        let tasks = PathBuf::from(format!("/proc/{}/task", self.pid()));
        let is_hot = || {
            let tasks = fs::read_dir(&tasks).into_iter().flatten().flatten();
            let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
            names.filter(|name| name.trim_end().ends_with("-hot")).count() > 0
        };
        wait_until("a hot lcore", || is_hot() || self.is_over());
        assert!(!self.is_over(), "it ended at once: {}", self.told());
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("the child's status").is_some()
    }

    /// What it has written to stderr so far.
    pub fn told(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        wait_until("the end of the run", || self.is_over());
        let status = self.child.wait().expect("the child's status");
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        let report = serde_json::from_str(&read("report/report.json")).ok();
        Ended {
            status,
            stdout: read("stdout"),
            stderr: read("stderr"),
            page: read("report/index.html"),
            report: report.map(Report),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Both fail when it is gone already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run left.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
    /// `index.html`; empty if there is none.
    pub page: String,
    /// `report.json`, if there is one.
    pub report: Option<Report>,
}

impl Ended {
    /// Its report; panics with what it said when there is none.
    pub fn report(&self) -> &Report {
        match &self.report {
            Some(report) => report,
            None => panic!("no report: {:?}\n{}{}", self.status, self.stdout, self.stderr),
        }
    }

    /// Its report, of a run that must have ended well with every verdict passed.
    pub fn passed(&self) -> &Report {
        let counted = self.report.as_ref().map_or_else(String::new, Report::counted);
        let told = format!("{:?}\n{}{}{counted}", self.status, self.stdout, self.stderr);
        assert!(self.status.success(), "{told}");
        self.report().all_ok();
        self.report()
    }
}

/// `report.json`.
#[derive(Debug)]
pub struct Report(pub Value);

impl Report {
    /// Panics unless there are verdicts and all of them passed.
    pub fn all_ok(&self) {
        let verdicts = self.0["verdicts"].as_array().expect("verdicts");
        assert!(!verdicts.is_empty(), "a run without verdicts");
        for verdict in verdicts {
            assert_eq!(verdict["ok"], true, "{verdict}\n{}", self.counted());
        }
    }

    /// Every counter that is not zero, to be shown with a failure.
    pub fn counted(&self) -> String {
        let mut text = String::new();
        for role in self.0["roles"].as_array().expect("roles") {
            let counters = role["counters"].as_array().expect("counters").iter();
            for counter in counters.filter(|c| c["value"] != 0) {
                let [group, name] = ["group", "name"].map(|k| counter[k].as_str().unwrap_or(""));
                text += &format!("{} {group} {name} {}\n", role["name"], counter["value"]);
            }
        }
        text
    }

    /// Whether the verdict of this name passed.
    pub fn is_ok(&self, name: &str) -> bool {
        let mut verdicts = self.0["verdicts"].as_array().expect("verdicts").iter();
        let verdict = verdicts.find(|v| v["name"] == name);
        verdict.unwrap_or_else(|| panic!("no verdict {name:?}"))["ok"] == true
    }

    /// A figure of the summary.
    pub fn summary(&self, name: &str) -> u64 {
        self.0["summary"][name].as_u64().unwrap_or_else(|| panic!("no {name:?} in the summary"))
    }

    /// A counter of a role. One that is not there was zero: some are told only when they are not.
    pub fn counter(&self, role: &str, group: &str, name: &str) -> u64 {
        let mut roles = self.0["roles"].as_array().expect("roles").iter();
        let role = roles.find(|r| r["name"] == role).unwrap_or_else(|| panic!("no role {role:?}"));
        let mut counters = role["counters"].as_array().expect("counters").iter();
        let counter = counters.find(|c| c["group"] == group && c["name"] == name);
        counter.map_or(0, |c| c["value"].as_u64().expect("a number"))
    }

    /// A role's note that begins so, whole.
    pub fn note(&self, role: &str, begins: &str) -> String {
        let mut roles = self.0["roles"].as_array().expect("roles").iter();
        let role = roles.find(|r| r["name"] == role).unwrap_or_else(|| panic!("no role {role:?}"));
        let mut notes = role["notes"].as_array().expect("notes").iter().filter_map(Value::as_str);
        let note = notes.find(|note| note.starts_with(begins));
        note.unwrap_or_else(|| panic!("no note {begins:?}\n{}", self.counted())).to_owned()
    }

    /// Messages of each type that were decoded on `feed`, by the letter on the wire.
    pub fn types(&self, feed: &str) -> std::collections::BTreeMap<char, u64> {
        let rows = self.0["messages_by_type"].as_array().expect("types").iter();
        let letter = |row: &Value| row["code"].as_str().and_then(|s| s.chars().next());
        rows.filter(|row| row["feed"] == feed)
            .map(|row| (letter(row).expect("a letter"), row["count"].as_u64().expect("a count")))
            .collect()
    }
}
