//! What a role has beside its lcore, for as long as the run lasts.

use anyhow::{Context, Result};
use journal::Running;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// A thread of the house, and the writer of a journal where there is one. Dropping it ends both;
/// what the journal's ring holds is written first.
#[derive(Debug)]
pub(crate) struct HouseThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    writer: Option<Running>,
}

impl HouseThread {
    /// Starts a thread that ends soon after the flag it is given is set.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn start(
        name: &str,
        work: impl FnOnce(&AtomicBool) + Send + 'static,
    ) -> Result<HouseThread> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name(name.into())
            .spawn(move || work(&seen))
            .with_context(|| format!("starting the thread {name:?}"))?;
        Ok(HouseThread { stop, thread: Some(thread), writer: None })
    }

    /// Keeps a journal's writer as well.
    pub(super) fn with_writer(mut self, writer: Running) -> HouseThread {
        self.writer = Some(writer);
        self
    }
}

impl Drop for HouseThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing more to say.
            let _ = thread.join();
        }
        if let Some(writer) = self.writer.take() {
            writer.stop();
        }
    }
}
