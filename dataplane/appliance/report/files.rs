//! Putting a report into a folder.

use super::html;
use super::model::RunReport;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

/// Where a report was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Everything, for programs.
    pub(crate) json: PathBuf,
    /// The page.
    pub(crate) html: PathBuf,
}

/// A report that could not be put into its folder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The folder could not be made.
    #[error("cannot create the report folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    File {
        /// The file, under its final name.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A figure has no form in JSON.
    #[error("cannot put the report into JSON")]
    Json(#[from] serde_json::Error),
}

/// Writes `report.json` and `index.html` into `folder`, which is made if it is not there. Each file
/// appears under its name only when it is complete; an older report is replaced.
///
/// # Errors
/// [`WriteError`], which names the path.
pub(crate) fn write(folder: &Path, report: &RunReport) -> Result<Written, WriteError> {
    let mut json = serde_json::to_string_pretty(report)?;
    json.push('\n');
    fs::create_dir_all(folder)
        .map_err(|source| WriteError::Folder { path: folder.to_owned(), source })?;
    let written = Written { json: folder.join("report.json"), html: folder.join("index.html") };
    write_whole(&written.json, json.as_bytes())?;
    write_whole(&written.html, html::page(report).as_bytes())?;
    Ok(written)
}

/// Writes beside `path` and renames, which replaces the old file in one step.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    let beside = path.with_extension(format!("{}.partial", process::id()));
    let result = (|| {
        let mut file = File::create(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    result.map_err(|source| {
        // The partial file is of no use to anyone; that it may not be there is no second error.
        let _ = fs::remove_file(&beside);
        WriteError::File { path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests;
