//! What looks on at a run besides its supervisor: samples of memory, profiles of the heap.

use super::pprof::HeapProfile;
use super::samples::Samples;
use super::supervise::Moment;
use crate::cli::RunOptions;
use crate::report::model::Verdict;
use anyhow::Result;
use lcore::control::Control;

/// Bytes by which the heap may have grown over a run: its own progress bar and log.
const HEAP_GROWTH_MAX: i64 = 256 << 10;

/// See the module.
#[derive(Debug)]
pub(super) struct Witness {
    samples: Option<Samples>,
    heap: Option<HeapProfile>,
}

impl Witness {
    /// As the command line asks for; before anything is allocated that matters.
    ///
    /// # Errors
    /// A file or folder that cannot be made.
    pub(super) fn start(options: &RunOptions) -> Result<Witness> {
        let samples = options.samples.as_ref();
        Ok(Witness {
            heap: options.heap_profile.as_deref().map(HeapProfile::start).transpose()?,
            samples: samples.map(|(file, every)| Samples::open(file, *every)).transpose()?,
        })
    }

    /// Looks.
    pub(super) fn see(
        &mut self,
        moment: Moment,
        control: &Control,
        mbufs_in_use: impl FnOnce() -> u32,
    ) {
        match (moment, &mut self.heap) {
            (Moment::Hot, Some(heap)) => heap.before(),
            (Moment::Over, Some(heap)) => heap.after(),
            _ => {}
        }
        if let (Moment::Look, Some(samples)) = (moment, &mut self.samples) {
            samples.look(control, mbufs_in_use);
        }
    }

    /// Whether anything grew.
    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        let memory = self.samples.as_ref().map(|samples| {
            let (ok, detail) = samples.steady();
            Verdict { name: "memory does not grow".into(), ok, detail }
        });
        let heap = self.heap.as_ref().map(|heap| {
            let grown = heap.grown_bytes();
            let detail = format!("{grown} bytes more are live than when the run became hot");
            Verdict { name: "heap does not grow".into(), ok: grown <= HEAP_GROWTH_MAX, detail }
        });
        memory.into_iter().chain(heap).collect()
    }

    /// Writes what is not written yet.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn finish(&self) -> Result<()> {
        self.heap.as_ref().map_or(Ok(()), HeapProfile::write)
    }
}
