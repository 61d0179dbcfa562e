//! What a long run holds, looked at again and again: `--samples FILE`, a line of JSON a look.
//!
//! A soak is over when these stop growing, which [`Samples::steady`] judges: the median of the last
//! quarter against that of the second, the first being the time in which tables are touched.

use anyhow::{Context, Result};
use lcore::control::Control;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Resident memory may come to this much more: the progress bar, the log, a page here and there.
const GROWTH_KB_MAX: u64 = 2_048;
/// Mbufs in use may come to half as many again and so many: bursts under way.
const MBUFS_SLACK: u64 = 256;
/// Fewer looks say nothing about growth.
const LOOKS_MIN: usize = 8;
/// What a page of `/proc/self/statm` is.
const PAGE_KB: u64 = 4;

/// One look.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Look {
    /// Seconds since the run became hot.
    pub(super) at_s: f64,
    /// Resident memory of the process, hugepages of hugetlbfs aside.
    pub(super) resident_kb: u64,
    /// Mbufs that are not in the pool: on rings, with devices, at hand at the lcores.
    pub(super) mbufs_in_use: u32,
    /// Messages replayed so far.
    pub(super) messages: u64,
    /// Fills of traders so far.
    pub(super) fills: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Samples {
    file: BufWriter<File>,
    every: Duration,
    began: Option<Instant>,
    looks: Vec<Look>,
}

impl Samples {
    /// Looks `every` so often, into a file that is made anew.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(super) fn open(path: &Path, every: Duration) -> Result<Samples> {
        let place = || format!("samples {}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(place)?;
        }
        let file = BufWriter::new(File::create(path).with_context(place)?);
        Ok(Samples { file, every, began: None, looks: Vec::new() })
    }

    /// Looks, when it is time.
    pub(super) fn look(&mut self, control: &Control, mbufs_in_use: impl FnOnce() -> u32) {
        let began = *self.began.get_or_insert_with(Instant::now);
        let elapsed = began.elapsed();
        if elapsed < self.every * self.looks.len() as u32 {
            return;
        }
        let look = Look {
            at_s: (elapsed.as_secs_f64() * 1_000.0).round() / 1_000.0,
            resident_kb: resident_kb(),
            mbufs_in_use: mbufs_in_use(),
            messages: control.messages_replayed.load(Ordering::Relaxed),
            fills: control.fills.load(Ordering::Relaxed),
        };
        self.looks.push(look);
        // A disk that is full must not end a run; that lines are missing shows in the file.
        if let Ok(line) = serde_json::to_string(&look) {
            let _ = writeln!(self.file, "{line}").and_then(|()| self.file.flush());
        }
    }

    /// Whether memory and mbufs stayed where they were, and what was seen.
    pub(super) fn steady(&self) -> (bool, String) {
        let looks = &self.looks;
        if looks.len() < LOOKS_MIN {
            return (false, format!("{} looks are too few to judge by", looks.len()));
        }
        let quarter = looks.len() / 4;
        let (second, last) = (&looks[quarter..2 * quarter], &looks[looks.len() - quarter..]);
        let memory = |looks: &[Look]| median(looks, |look| look.resident_kb);
        let mbufs = |looks: &[Look]| median(looks, |look| u64::from(look.mbufs_in_use));
        let most = looks.iter().map(|look| look.mbufs_in_use).max().unwrap_or(0);
        let detail = format!(
            "resident {} kB, then {} kB; mbufs in use {}, then {}, {most} at most; {} looks",
            memory(second),
            memory(last),
            mbufs(second),
            mbufs(last),
            looks.len()
        );
        let grown_kb = memory(last).saturating_sub(memory(second));
        // A leak of mbufs goes on; what waits in rings comes and goes.
        let mbufs_hold = mbufs(last) <= mbufs(second) * 3 / 2 + MBUFS_SLACK;
        (grown_kb <= GROWTH_KB_MAX && mbufs_hold, detail)
    }
}

fn median(looks: &[Look], of: impl Fn(&Look) -> u64) -> u64 {
    let mut values: Vec<u64> = looks.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// Resident memory as the kernel counts it; 0 where it does not say.
fn resident_kb() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE_KB
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(name: &str, looks: impl Iterator<Item = (u64, u32)>) -> Samples {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        let mut samples = Samples::open(&path, Duration::from_secs(1)).unwrap();
        let _ = fs::remove_file(path);
        samples.looks = looks
            .map(|(resident_kb, mbufs_in_use)| Look {
                resident_kb,
                mbufs_in_use,
                ..Look::default()
            })
            .collect();
        samples
    }

    #[test]
    fn what_grows_is_told_from_what_warms_up_and_comes_and_goes() {
        let warm =
            (0..40).map(|at: u64| (100_000 + 1_000 * at.min(8), 900 - (at % 3) as u32 * 300));
        assert!(samples("warm", warm).steady().0);
        let leak = (0..40).map(|at| (100_000 + 200 * at, 500));
        let (steady, told) = samples("leak", leak).steady();
        assert!(!steady && told.contains("resident"), "{told}");
        let mbufs = (0..40).map(|at| (100_000, 500 + 100 * at as u32));
        assert!(!samples("mbufs", mbufs).steady().0);
        assert!(!samples("few", (0..4).map(|_| (1, 1))).steady().0);
    }

    #[test]
    fn memory_is_read_from_the_kernel() {
        assert!(resident_kb() > 1_000);
    }
}
