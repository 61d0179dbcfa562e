//! The files of the repository, read once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A text file of the tree.
pub(crate) struct File {
    /// The path below the top, with `/`.
    pub(crate) path: String,
    /// Its text; files that are not UTF-8 are not in the list.
    pub(crate) text: String,
}

impl File {
    /// The extension, or nothing.
    pub(crate) fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// The top of the repository: the root package's folder.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file that belongs to the project: what git tracks or would, if there is a git.
pub(crate) fn files() -> Vec<File> {
    let mut paths = listed_by_git().unwrap_or_else(|| {
        let mut found = Vec::new();
        walk(top(), &mut found);
        found
    });
    paths.sort();
    let read = |path: String| {
        let text = fs::read_to_string(top().join(&path)).ok()?;
        Some(File { path, text })
    };
    paths.into_iter().filter_map(read).collect()
}

/// None in a source archive, and where git refuses a tree that another user owns.
fn listed_by_git() -> Option<Vec<String>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").arg("-C").arg(top()).args(arguments).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.split('\0').filter(|path| !path.is_empty()).map(String::from).collect())
}

fn walk(dir: &Path, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_symlink() || is_made(&path) {
            continue;
        } else if path.is_dir() {
            walk(&path, found);
        } else if let Ok(below) = path.strip_prefix(top()) {
            found.push(below.to_string_lossy().into_owned());
        }
    }
}

/// Folders that hold what tools made.
fn is_made(path: &Path) -> bool {
    let made: Vec<PathBuf> = [".git", "target", "fuzz/target", "fuzz/corpus", "fuzz/artifacts"]
        .map(|name| top().join(name))
        .into();
    made.iter().any(|dir| dir == path) || path.ends_with("__pycache__")
}
