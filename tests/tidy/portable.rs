//! What is built without further words runs on any x86-64-v2: nothing in the tree asks rustc for a
//! newer CPU. The variants that do are asked for by name, of `scripts/build.sh`.

use crate::expect_none;
use crate::tree;

/// The only files that may name a CPU to the compiler, or read which one it was told.
const ASKED: &[&str] = &["scripts/build.sh", "build.rs"];
/// What asks for one: rustc's options, and the C compiler's.
const OPTIONS: &[&str] =
    &[concat!("target-", "cpu"), concat!("target-", "feature"), concat!("-mar", "ch="), "-mtune="];

#[test]
fn no_file_asks_for_a_newer_cpu_unasked() {
    let mut broken = Vec::new();
    for file in tree::files() {
        let builds = matches!(file.extension(), "toml" | "sh" | "py" | "c" | "h")
            || file.path.ends_with("build.rs")
            || file.path.split('/').any(|part| part == ".cargo" || part == ".ci");
        if !builds || ASKED.contains(&file.path.as_str()) {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            if let Some(option) = OPTIONS.iter().find(|option| line.contains(*option)) {
                broken.push(format!("{}:{}: `{option}` asks for a CPU", file.path, index + 1));
            }
        }
    }
    expect_none(&broken);
}

/// What x86-64-v2 lacks and later levels have, of that for which rustc was told to compile. A build
/// for a CPU that its flags name may have all of it.
#[test]
fn the_default_build_has_no_instructions_beyond_v2() {
    if env!("PEREGRINE_TARGET_CPU") != "generic" {
        return;
    }
    let newer = [
        ("avx", cfg!(target_feature = "avx")),
        ("avx2", cfg!(target_feature = "avx2")),
        ("avx512f", cfg!(target_feature = "avx512f")),
        ("bmi1", cfg!(target_feature = "bmi1")),
        ("bmi2", cfg!(target_feature = "bmi2")),
        ("f16c", cfg!(target_feature = "f16c")),
        ("fma", cfg!(target_feature = "fma")),
        ("lzcnt", cfg!(target_feature = "lzcnt")),
        ("movbe", cfg!(target_feature = "movbe")),
    ];
    let broken: Vec<_> = newer.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    assert!(broken.is_empty(), "the default build uses {broken:?}, which x86-64-v2 has not");
}
