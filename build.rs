//! Where a binary comes from, for `peregrine --version`, and the link arguments that only the root
//! package can give.
//!
//! Sets for the compiler: PEREGRINE_GIT_REV (`unknown` outside a repository; `-dirty` when tracked
//! files differ from it), PEREGRINE_DPDK_VERSION (that of the headers), PEREGRINE_TARGET,
//! PEREGRINE_TARGET_CPU and PEREGRINE_PROFILE.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let git_rev = git_revision();
    rerun_when_git_moves();
    let dpdk_version = pkg_config("--modversion").unwrap_or_else(|| "unknown".to_owned());
    export("PEREGRINE_GIT_REV", &git_rev);
    export("PEREGRINE_DPDK_VERSION", &dpdk_version);
    export("PEREGRINE_TARGET", &variable("TARGET"));
    export("PEREGRINE_TARGET_CPU", &target_cpu());
    export("PEREGRINE_PROFILE", &variable("PROFILE"));
    link_arguments();
}

fn export(name: &str, value: &str) {
    println!("cargo::rustc-env={name}={value}");
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| "unknown".to_owned())
}

/// What a command prints; none when it cannot be run or fails.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn git(arguments: &[&str]) -> Option<String> {
    output("git", arguments)
}

fn pkg_config(question: &str) -> Option<String> {
    let tool = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    output(&tool, &[question, "libdpdk"])
}

fn git_revision() -> String {
    let Some(revision) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    match git(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if changes.is_empty() => revision,
        _ => format!("{revision}-dirty"),
    }
}

/// A commit moves HEAD or the branch it names; adding files touches the index. Only files that are
/// there may be named, for a missing one would run this each time.
fn rerun_when_git_moves() {
    let Some(dir) = git(&["rev-parse", "--absolute-git-dir"]).map(PathBuf::from) else { return };
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let files = ["HEAD", "index", "packed-refs"].into_iter().map(str::to_owned);
    for file in files.chain(branch) {
        let path = dir.join(file);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
}

/// The CPU that rustc was told to compile for; without one it is the target's oldest.
fn target_cpu() -> String {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    flags
        .split('\x1f')
        .rev()
        .find_map(|flag| flag.strip_prefix("-C").unwrap_or(flag).strip_prefix("target-cpu="))
        .unwrap_or("generic")
        .to_owned()
}

/// A DPDK that was installed outside the loader's directories, from source for example, is found
/// at run time where it was found at build time.
fn link_arguments() {
    let Some(libdir) = pkg_config("--variable=libdir") else { return };
    let libdir = Path::new(&libdir);
    let known = ["/usr/lib", "/lib", "/usr/lib64", "/lib64"];
    if !known.iter().any(|dir| libdir.starts_with(dir)) {
        println!("cargo::rustc-link-arg-bins=-Wl,-rpath,{}", libdir.display());
    }
}
