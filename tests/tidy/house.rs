//! Every other text in the tree: scripts, configurations, manifests, documents.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use crate::lexer::has_word;
use crate::tree::{self, File};
use crate::{expect_none, lexer};

/// Folders of one machine. In pieces, so that this file does not break its own rule.
const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/")];
/// Hosts of package registries: which one serves is the business of the machine's own settings.
const REGISTRY_HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("py", "pi.org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("deb.debian", ".org"),
    concat!("snapshot.debian", ".org"),
    concat!("archive.ubuntu", ".com"),
    concat!("proxy.golang", ".org"),
    concat!("pkg", ".dev/"),
];
const UNFINISHED: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X"), concat!("TO", "DO")];

/// Texts that people write: not the lock file, which names its registry, and not data.
fn written() -> Vec<File> {
    let kinds = ["rs", "toml", "md", "sh", "py", "c", "h", "json", "yml", "yaml", "asl", ""];
    let mut files = tree::files();
    files.retain(|file| {
        kinds.contains(&file.extension())
            && !file.path.contains("data/")
            && !file.path.starts_with("LICENSE")
    });
    files
}

fn file<'a>(files: &'a [File], path: &str) -> &'a File {
    files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no file {path}"))
}

/// Calls `find` with every line of every file; it answers with the rule that the line breaks.
fn check_lines(files: &[File], find: impl Fn(&File, &str) -> Option<String>) -> Vec<String> {
    let mut broken = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(rule) = find(file, line) {
                broken.push(format!("{}:{}: {rule}", file.path, index + 1));
            }
        }
    }
    broken
}

#[test]
fn nothing_names_one_machine_or_a_registry_host() {
    expect_none(&check_lines(&written(), |_, line| {
        let found = MACHINE_PATHS.iter().find(|path| names_path(line, path));
        if let Some(path) = found {
            return Some(format!("`{path}` is a folder of one machine"));
        }
        let host = REGISTRY_HOSTS.iter().find(|host| line.contains(*host))?;
        Some(format!("`{host}` is a package registry's host"))
    }));
}

/// Whether an absolute path below `path` stands in `line`, and not `a/srv/b` or `$X/srv/`.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.}])*\\/".contains(c))
    })
}

#[test]
fn nothing_is_marked_as_unfinished() {
    expect_none(&check_lines(&written(), |_, line| {
        let word = UNFINISHED.iter().find(|word| has_word(line, word))?;
        Some(format!("`{word}`: finish it or file it, do not leave it here"))
    }));
}

#[test]
fn scripts_are_strict_executable_and_within_100_columns() {
    let mut files = written();
    files.retain(|file| file.extension() == "sh" || file.path == ".ci/run");
    let mut broken = check_lines(&files, |_, line| {
        let long = line.chars().count();
        (long > 100 && !line.contains("://")).then(|| format!("{long} columns, 100 at most"))
    });
    for file in &files {
        let path = &file.path;
        let mode = std::fs::metadata(tree::top().join(path)).map(|data| data.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o111 == 0) {
            broken.push(format!("{path}:1: a script is executable"));
        }
        if !file.text.lines().any(|line| line == "set -euo pipefail") {
            broken.push(format!("{path}:1: a script says `set -euo pipefail`"));
        }
        if !file.text.starts_with("#!/") {
            broken.push(format!("{path}:1: a script starts with #!"));
        }
    }
    expect_none(&broken);
}

#[test]
fn members_share_the_workspaces_lints_and_are_not_published() {
    let mut files = written();
    let is_apart = |path: &str| path.starts_with("fuzz/") || path.starts_with("tests/bench/peers/");
    files.retain(|file| file.path.ends_with("Cargo.toml") && !is_apart(&file.path));
    let mut broken = Vec::new();
    for file in &files {
        let path = &file.path;
        let manifest: toml::Table = file.text.parse().unwrap_or_else(|e| panic!("{path}: {e}"));
        let inherits = |table: &toml::Value| {
            table.get("workspace").and_then(toml::Value::as_bool) == Some(true)
        };
        if !manifest.get("lints").is_some_and(inherits) {
            broken.push(format!("{path}:1: needs [lints] workspace = true"));
        }
        let package = manifest.get("package");
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            if !package.and_then(|package| package.get(key)).is_some_and(inherits) {
                broken.push(format!("{path}:1: needs {key}.workspace = true"));
            }
        }
        if package.and_then(|package| package.get("description")).is_none() {
            broken.push(format!("{path}:1: says in `description` what it is"));
        }
    }
    expect_none(&broken);
}

#[test]
fn configurations_are_explained_and_the_readme_names_both_commands() {
    let files = written();
    let told: String = files
        .iter()
        .filter(|file| file.extension() == "md")
        .map(|file| file.text.as_str())
        .collect();
    let mut broken = Vec::new();
    for file in &files {
        let config = file.path.strip_prefix("config/").filter(|_| file.extension() == "toml");
        if let Some(name) = config.filter(|name| !told.contains(*name)) {
            broken.push(format!("config/{name}:1: mentioned in neither README.md nor docs/"));
        }
    }
    let readme = file(&files, "README.md");
    for command in ["scripts/quickstart.sh", "scripts/test.sh"] {
        if !readme.text.contains(command) {
            broken.push(format!("README.md:1: names {command}"));
        }
    }
    expect_none(&broken);
}

#[test]
fn documents_link_to_files_that_are_there() {
    let mut files = written();
    files.retain(|file| file.extension() == "md");
    let broken = check_lines(&files, |file, line| {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        links(line).find_map(|target| {
            let target = target.split('#').next().unwrap_or_default();
            let outside = target.is_empty() || target.contains("://");
            let there = tree::top().join(folder).join(target).exists();
            (!outside && !there).then(|| format!("links to {target}, which is not there"))
        })
    });
    expect_none(&broken);
}

/// The targets of `[text](target)` in a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// What the documents tell the reader to make.
const TO_BE_MADE: &[&str] = &["strategy/algos/src/dip.rs"];

#[test]
fn paths_in_documents_are_there() {
    let files = tree::files();
    let tops: BTreeSet<&str> =
        files.iter().filter_map(|file| Some(file.path.split_once('/')?.0)).collect();
    let mut broken = Vec::new();
    for file in &files {
        if file.path != "README.md" && !(file.path.starts_with("docs/") && file.extension() == "md")
        {
            continue;
        }
        let mut fenced = false;
        for (index, line) in file.text.lines().enumerate() {
            fenced ^= line.starts_with("```");
            let missing = |path: &&str| {
                is_path_below(&tops, path)
                    && !TO_BE_MADE.contains(path)
                    && !tree::top().join(path).exists()
            };
            for path in line.split('`').skip(1).step_by(2).filter(|_| !fenced).filter(missing) {
                let at = format!("{}:{}", file.path, index + 1);
                broken.push(format!("{at}: names `{path}`, which is not in the repository"));
            }
        }
    }
    expect_none(&broken);
}

/// Whether it is a path, and no pattern or command, below one of the folders at the top.
fn is_path_below(tops: &BTreeSet<&str>, text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    text.chars().all(plain) && text.split_once('/').is_some_and(|(top, _)| tops.contains(top))
}

#[test]
fn c_and_python_stay_within_100_columns() {
    let mut files = written();
    files.retain(|file| ["c", "h", "py", "toml"].contains(&file.extension()));
    expect_none(&check_lines(&files, |file, line| {
        let long = line.chars().count();
        // The workspace's dependency table is one line a dependency.
        let exempt = line.contains("://") || file.path == "Cargo.toml";
        (long > 100 && !exempt).then(|| format!("{long} columns, 100 at most"))
    }));
}

#[test]
fn every_member_says_what_it_is_for() {
    let mut broken = Vec::new();
    for file in tree::files() {
        if file.path.ends_with("/src/lib.rs") || file.path.ends_with("appliance/main.rs") {
            let first = lexer::lines(&file.text).into_iter().next().unwrap_or_default();
            if !first.comment.starts_with("//!") {
                let path = &file.path;
                broken.push(format!("{path}:1: a crate starts with `//!` and says why it exists"));
            }
        }
    }
    expect_none(&broken);
}
