//! How Rust reads here.

use std::collections::BTreeSet;

use crate::lexer::{self, Line, has_word};
use crate::{expect_none, tree};

const COLUMNS_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;
/// How far above an `unsafe` its SAFETY comment may start when other code stands between.
const SAFETY_LINES_MAX: usize = 3;

/// What deciding and protocol code never names: time, chance and input come in as parameters, and a
/// hash map's order differs from run to run.
const PURE_FOLDERS: &[&str] =
    &["strategy/types/", "strategy/book/", "strategy/engine/", "dataplane/wire/"];
const NOT_IN_PURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
    "HashMap",
    "HashSet",
    "Instant::now",
    "SystemTime",
    "println!",
    "eprintln!",
    "dbg!",
];
/// Code that takes time and frames as parameters, though it may print or hash.
const SANS_IO_FOLDERS: &[&str] = &[
    "strategy/",
    "dataplane/wire/",
    "dataplane/session/",
    "dataplane/feed/",
    "dataplane/net/",
    "dataplane/replica/",
];
const NOT_IN_SANS_IO: &[&str] =
    &["Instant::now", "SystemTime", "TcpStream", "TcpListener", "UdpSocket", "thread::sleep"];

/// A Rust file, taken apart.
struct Source {
    path: String,
    lines: Vec<Line>,
    /// Whether the line is compiled for tests alone.
    test: Vec<bool>,
}

impl Source {
    fn at(&self, index: usize) -> String {
        format!("{}:{}", self.path, index + 1)
    }

    /// Lines of code that end up in the product, with their index.
    fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        let shipped = |index: &usize| !self.test[*index];
        (0..self.lines.len()).filter(shipped).map(|index| (index, self.lines[index].code.as_str()))
    }
}

/// Every Rust file of ours. The fuzz targets are no members, but read as the rest does.
fn sources() -> Vec<Source> {
    let files: Vec<tree::File> =
        tree::files().into_iter().filter(|file| file.extension() == "rs").collect();
    let mut sources: Vec<Source> = files
        .into_iter()
        .map(|file| {
            let lines = lexer::lines(&file.text);
            let test = vec![is_test_path(&file.path); lines.len()];
            Source { path: file.path, lines, test }
        })
        .collect();
    let mut modules = BTreeSet::new();
    for source in &mut sources {
        mark_test_items(source, &mut modules);
    }
    // A module that is declared under #[cfg(test)] is a test file wherever it lies.
    for source in &mut sources {
        let path = source.path.as_str();
        let inside = |module: &String| {
            path == format!("{module}.rs") || path.starts_with(&format!("{module}/"))
        };
        if modules.iter().any(inside) {
            source.test.fill(true);
        }
    }
    sources
}

fn is_test_path(path: &str) -> bool {
    path.ends_with("/tests.rs")
        || path.split('/').any(|part| ["tests", "benches", "examples", "fuzz"].contains(&part))
}

fn indent(code: &str) -> usize {
    code.len() - code.trim_start().len()
}

/// Marks items under `#[cfg(test)]`, and collects the modules declared there: paths without `.rs`.
fn mark_test_items(source: &mut Source, modules: &mut BTreeSet<String>) {
    let mut index = 0;
    while index < source.lines.len() {
        let code = source.lines[index].code.trim();
        let gated = code.starts_with("#[cfg(") && has_word(code, "test") && !code.contains("not(");
        if !gated {
            index += 1;
            continue;
        }
        let mut item = index + 1;
        while source.lines.get(item).is_some_and(|line| is_between_attributes(&line.code)) {
            item += 1;
        }
        let end = item_end(&source.lines, item);
        for line in index..=end.min(source.lines.len() - 1) {
            source.test[line] = true;
        }
        let code = source.lines.get(item).map_or("", |line| line.code.trim());
        let declared = code.strip_suffix(';').and_then(|code| code.rsplit_once("mod "));
        if let Some((_, name)) = declared {
            modules.insert(format!("{}/{name}", module_folder(&source.path)));
        }
        index = end + 1;
    }
}

fn is_between_attributes(code: &str) -> bool {
    code.trim().is_empty() || code.trim_start().starts_with("#[")
}

/// Where the modules that `path` declares lie: beside `lib.rs`, below `foo/` for `foo.rs`.
fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_string(),
        _ => format!("{folder}/{}", name.trim_end_matches(".rs")),
    }
}

/// The last line of the item that starts at `start`. Leans on rustfmt: what ends an item of several
/// lines stands at the item's own indent.
fn item_end(lines: &[Line], start: usize) -> usize {
    let Some(first) = lines.get(start) else { return start };
    let code = first.code.trim_end();
    let opens = code.matches(['{', '(', '[']).count();
    let closes = code.matches(['}', ')', ']']).count();
    if opens == closes && code.ends_with([';', '}', ',']) {
        return start;
    }
    for (index, line) in lines.iter().enumerate().skip(start + 1) {
        let code = line.code.trim_end();
        if code.is_empty() || indent(code) != indent(&first.code) {
            continue;
        }
        let code = code.trim_start();
        if code.starts_with('}') || (code.starts_with([')', ']']) && code.ends_with(';')) {
            return index;
        }
    }
    lines.len() - 1
}

fn is_function(code: &str) -> bool {
    let mut code = code.trim_start();
    if let Some(rest) = code.strip_prefix("pub") {
        code = rest.trim_start();
        if code.starts_with('(') {
            code = code.split_once(')').map_or("", |(_, rest)| rest).trim_start();
        }
    }
    for word in ["default ", "const ", "async ", "unsafe ", "extern ", "\" \" ", "\"C\" "] {
        code = code.strip_prefix(word).unwrap_or(code).trim_start();
    }
    code.starts_with("fn ")
}

#[test]
fn crates_outside_ffi_forbid_unsafe_code() {
    let mut broken = Vec::new();
    for source in sources() {
        let path = source.path.as_str();
        let is_root = path.ends_with("/src/lib.rs") || path.ends_with("/main.rs");
        if !is_root || path.starts_with("ffi/") || is_test_path(path) {
            continue;
        }
        let attribute = "#![forbid(unsafe_code)]";
        if !source.lines.iter().any(|line| line.code.trim() == attribute) {
            broken.push(format!("{path}:1: a crate outside ffi/ starts with {attribute}"));
        }
    }
    expect_none(&broken);
}

#[test]
fn every_unsafe_says_why_it_is_sound() {
    let mut broken = Vec::new();
    for source in sources() {
        for (index, line) in source.lines.iter().enumerate() {
            let code = line.code.as_str();
            // Declarations promise nothing by themselves; the bodies and the callers do.
            let opens = ["unsafe {", "unsafe impl"].iter().any(|what| code.contains(what));
            if opens && has_word(code, "unsafe") && !says_safety(&source.lines, index) {
                broken.push(format!("{}: `unsafe` without a SAFETY comment", source.at(index)));
            }
        }
    }
    expect_none(&broken);
}

/// Looks at the line, at the few above it, and through a comment that reaches up from there.
fn says_safety(lines: &[Line], index: usize) -> bool {
    let says = |line: &Line| line.comment.contains("SAFETY:");
    let mut above = index;
    for distance in 0.. {
        if says(&lines[above]) {
            return true;
        }
        let commented = distance > 0 && !lines[above].comment.trim().is_empty();
        if above == 0 || (distance >= SAFETY_LINES_MAX && !commented) {
            return false;
        }
        above -= 1;
    }
    false
}

#[test]
fn nothing_is_left_for_later_and_nothing_unwraps() {
    let mut broken = Vec::new();
    for source in sources() {
        for (index, code) in source.product() {
            for what in ["todo!", "unimplemented!", "dbg!"] {
                if code.contains(what) {
                    broken.push(format!("{}: `{what}` is not finished code", source.at(index)));
                }
            }
            if code.contains(".unwrap()") {
                broken.push(format!("{}: `.unwrap()` outside tests", source.at(index)));
            }
        }
    }
    expect_none(&broken);
}

#[test]
fn lines_functions_and_files_fit_a_screen() {
    let mut broken = Vec::new();
    for source in sources() {
        for (index, line) in source.lines.iter().enumerate() {
            // Both halves keep every column of the line, as blanks where it is the other's.
            let columns = line.code.chars().count();
            if columns > COLUMNS_MAX && !line.comment.contains("://") {
                let at = source.at(index);
                broken.push(format!("{at}: {columns} columns, {COLUMNS_MAX} at most"));
            }
        }
        for (index, code) in source.product() {
            let long = item_end(&source.lines, index) + 1 - index;
            if is_function(code) && long > FUNCTION_LINES_MAX {
                let at = source.at(index);
                broken.push(format!("{at}: {long} lines, a function has {FUNCTION_LINES_MAX}"));
            }
        }
        let long = source.product().count();
        if long > FILE_LINES_MAX {
            let path = &source.path;
            broken.push(format!("{path}:1: {long} lines, a file has {FILE_LINES_MAX} at most"));
        }
    }
    expect_none(&broken);
}

#[test]
fn modules_are_named_after_their_file() {
    let mod_rs = |source: &Source| source.path.ends_with("/mod.rs") && !is_test_path(&source.path);
    let broken: Vec<String> = sources()
        .iter()
        .filter(|source| mod_rs(source))
        .map(|source| format!("{}:1: `foo.rs` with `foo/`, not `foo/mod.rs`", source.path))
        .collect();
    expect_none(&broken);
}

#[test]
fn time_chance_and_input_are_parameters() {
    let mut broken = Vec::new();
    for source in sources() {
        let below = |folders: &[&str]| folders.iter().any(|dir| source.path.starts_with(dir));
        let never = match () {
            () if below(PURE_FOLDERS) => NOT_IN_PURE,
            () if below(SANS_IO_FOLDERS) => NOT_IN_SANS_IO,
            () => continue,
        };
        for (index, code) in source.product() {
            for what in never.iter().filter(|what| has_word(code, what)) {
                let at = source.at(index);
                broken.push(format!("{at}: `{what}` in code whose inputs are its parameters"));
            }
        }
    }
    expect_none(&broken);
}

#[test]
fn the_load_generators_oracle_is_not_the_engine() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path.contains("/loadgen")) {
        for (index, code) in source.product() {
            if code.contains("engine::") {
                let at = source.at(index);
                broken.push(format!("{at}: an oracle that asks the engine proves nothing of it"));
            }
        }
    }
    expect_none(&broken);
}

#[test]
fn items_end_where_rustfmt_puts_their_brace() {
    let text = "fn a() {}\nfn b(\n    c: u8,\n) -> u8\nwhere\n    u8: Sized,\n{\n    c\n}\n\
                #[cfg(test)]\nmod d {\n    fn e() {}\n}\n    pub(crate) const fn f() {\n    }\n";
    let lines = lexer::lines(text);
    assert_eq!(item_end(&lines, 0), 0);
    assert_eq!(item_end(&lines, 1), 8);
    assert!(is_function(&lines[13].code) && !is_function("let fn_x = 1;"));
    let mut source = Source { path: "x/src/lib.rs".into(), test: vec![false; lines.len()], lines };
    mark_test_items(&mut source, &mut BTreeSet::new());
    let marked: Vec<usize> = (0..source.test.len()).filter(|&i| source.test[i]).collect();
    assert_eq!(marked, [9, 10, 11, 12]);
}
