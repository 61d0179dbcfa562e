//! What the tests ask of the machine, and the network they build on it.
//!
//! A test that needs root, network namespaces, hugepages or a tool asks here first and returns when
//! the answer is no:
//!
//! ```ignore
//! if !common::need_netns("venue_serves_a_kernel_client") { return; }
//! ```
//!
//! The answer "no" is printed as `PEREGRINE-SKIP: <test>: <why>` and appended to the file that
//! `PEREGRINE_SKIP_LOG` names, where `scripts/test.sh` finds it: a skip never passes for a success
//! unnoticed. Nothing here depends on any crate, so that a member's own tests can take it in with
//! `#[path]`.

// Each test binary uses its own part of this, and reaches it by its private module.
#![allow(dead_code, unreachable_pub)]

pub mod netns;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Says that `test` did not run, and why, to the terminal and to the skip log.
pub fn skip(test: &str, why: &str) {
    let line = format!("PEREGRINE-SKIP: {test}: {why}\n");
    // stderr of a passing test is swallowed by the runner: the file is what counts.
    eprint!("{line}");
    if let Some(path) = std::env::var_os("PEREGRINE_SKIP_LOG") {
        // One write of a short line to a file opened for appending: lines of parallel tests do not
        // mix.
        let log = fs::OpenOptions::new().create(true).append(true).open(path);
        let written = log.and_then(|mut file| file.write_all(line.as_bytes()));
        assert!(written.is_ok(), "the skip log cannot be written: {written:?}");
    }
}

/// True when `have` is fine; else notes the skip.
pub fn need(test: &str, have: Result<(), String>) -> bool {
    match have {
        Ok(()) => true,
        Err(why) => {
            skip(test, &why);
            false
        }
    }
}

/// Whether this process runs as root; notes a skip of `test` where not.
pub fn need_root(test: &str) -> bool {
    need(test, if is_root() { Ok(()) } else { Err("needs root".into()) })
}

/// Whether network namespaces, veth pairs and their tools work here; notes a skip where not.
pub fn need_netns(test: &str) -> bool {
    static HAVE: OnceLock<Result<(), String>> = OnceLock::new();
    need(test, HAVE.get_or_init(netns::probe).clone())
}

/// Whether `pages` hugepages of 2 MB are free and a hugetlbfs is mounted; notes a skip where not.
pub fn need_hugepages(test: &str, pages: u64) -> bool {
    need(test, have_hugepages(pages))
}

/// Whether every one of `tools` is on the `PATH`; notes a skip where not.
pub fn need_tools(test: &str, tools: &[&str]) -> bool {
    let lacking: Vec<&str> = tools.iter().copied().filter(|t| find_tool(t).is_none()).collect();
    let have =
        if lacking.is_empty() { Ok(()) } else { Err(format!("needs {}", lacking.join(", "))) };
    need(test, have)
}

/// Whether the effective user of this process is root.
pub fn is_root() -> bool {
    // "Uid: real effective saved filesystem"
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("Uid:"));
    line.and_then(|line| line.split_whitespace().nth(2)) == Some("0")
}

fn have_hugepages(pages: u64) -> Result<(), String> {
    let path = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";
    let free: u64 =
        fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    if free < pages {
        return Err(format!("needs {pages} free hugepages of 2 MB, there are {free}"));
    }
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    if !mounts.lines().any(|line| line.split(' ').nth(2) == Some("hugetlbfs")) {
        return Err("needs a mounted hugetlbfs".into());
    }
    if is_root() { Ok(()) } else { Err("needs root to use hugepages".into()) }
}

/// The full path of a tool, looked up as a shell does, and in the administrator's folders besides.
pub fn find_tool(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(usual).map(|dir| dir.join(tool)).find(|file| file.is_file())
}

/// The top of the repository. `CARGO_MANIFEST_DIR` is a member's folder when a member's tests take
/// this module in, so walk up to the lock file.
pub fn repo_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let top = here.ancestors().find(|dir| dir.join("Cargo.lock").is_file());
    top.expect("a Cargo.lock above the tests").to_path_buf()
}

/// A child process that does not outlive the test, however that ends.
pub struct Proc(Child);

impl Proc {
    /// Starts `command` with its standard output kept for [`Proc::finish`].
    pub fn start(command: &mut Command) -> Proc {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        Proc(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// The running child.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits for the end; returns whether it succeeded and what it printed.
    pub fn finish(mut self) -> (bool, String) {
        let mut text = String::new();
        if let Some(mut out) = self.0.stdout.take() {
            std::io::Read::read_to_string(&mut out, &mut text).expect("UTF-8 from the child");
        }
        let status = self.0.wait().expect("the child's status");
        (status.success(), text)
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        // Both fail when the child is gone already, which is what we want.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
