//! A prober's outages, told as they end.

use super::house_thread::HouseThread;
use anyhow::Result;
use lcore::prober::Outage;
use serde_json::json;
use spsc::Consumer;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// How often the thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Prints each outage as a line of JSON on stderr.
///
/// # Errors
/// The system has no thread left.
pub(super) fn tell(prober: String, mut heard: Consumer<Outage>) -> Result<HouseThread> {
    HouseThread::start("outages", move |stop| {
        while !stop.load(Ordering::Relaxed) {
            while let Some(Outage { from_ns, to_ns }) = heard.pop() {
                eprintln!(
                    "{}",
                    json!({"prober": prober, "outage_from_ns": from_ns, "to_ns": to_ns})
                );
            }
            thread::sleep(LOOK_EVERY);
        }
    })
}
