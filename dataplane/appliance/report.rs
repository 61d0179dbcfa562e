//! What a run leaves behind: a table on the terminal, `report.json`, and one page to look at.
//!
//! A run ends with one [`model::RunReport`], plain data that the wiring fills from counters and
//! histograms when the lcores have stopped. Everything that is shown is derived from it here:
//!
//! * [`mod@terminal`]: tables of at most 100 columns, for the person who started the run;
//! * `report.json`: everything, histogram buckets included, for scripts and for comparing runs;
//! * `index.html`: one file without any outside resource, light or dark, with a picture of every
//!   latency, to open, to mail and to keep.
//!
//! The terminal and the page show the same [`sections`], so they cannot disagree.
//!
//! # Limits
//!
//! The terminal lists [`sections::TERMINAL_ROWS_MAX`] books and message types at most and says how
//! many more there are; the page [`sections::PAGE_ROWS_MAX`]; the JSON all of them.
//!
//! # Failure modes
//!
//! Names come from configurations and from the wire: they are escaped in the page and stripped of
//! control characters on the terminal. Files are written beside their final name and renamed, so a
//! reader never sees half of one; an error names the path.

mod chart;
pub(crate) mod files;
pub(crate) mod format;
pub(crate) mod html;
pub(crate) mod model;
mod progress;
pub(crate) mod sections;
pub(crate) mod terminal;

pub(crate) use files::write;
pub(crate) use progress::Progress;
pub(crate) use terminal::render as terminal;

#[cfg(test)]
pub(crate) mod fixture;
