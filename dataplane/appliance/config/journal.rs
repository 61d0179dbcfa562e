//! `[venue.journal]`: where a venue's inputs are kept before what came of them leaves.

use std::path::PathBuf;

use super::exchange;
use super::raw;
use super::scope::{Scope, span_of};

/// Where a venue's inputs are kept, and how.
#[derive(Clone, Debug)]
pub(crate) struct JournalConfig {
    /// The folder.
    pub(crate) dir: PathBuf,
    /// The cluster's name, at most 16 characters.
    pub(crate) cluster: String,
    /// The node's number in it.
    pub(crate) node: u64,
    /// The size of a segment in bytes.
    pub(crate) segment_bytes: u64,
    /// Whether to go around the page cache.
    pub(crate) direct: bool,
    /// Whether to use io_uring.
    pub(crate) uring: bool,
    /// Where the writer's thread runs; `None` for the CPUs that no lcore has.
    pub(crate) cpu: Option<usize>,
    /// How long the writer sleeps when there is nothing to do, in us; 0 polls.
    pub(crate) idle_us: u64,
    /// Inputs under way to the writer at most.
    pub(crate) ring: usize,
    /// How often a snapshot is made, in s; 0 for at the end only.
    pub(crate) snapshot_every_s: u64,
    /// Segments kept that a snapshot has made superfluous.
    pub(crate) segments_kept: usize,
}

/// Reads the table, where there is one.
pub(super) fn journal(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &raw::Venue,
) -> Option<JournalConfig> {
    let table = &format!("{table}.journal");
    let read = raw.journal.as_ref()?;
    if let Some(state_file) = &raw.state_file {
        let problem = "the journal keeps what `state_file` would, and more; give one of them";
        scope.fault((table, "dir"), state_file.span(), problem);
    }
    let cluster = read.cluster.as_ref();
    let segment_mb: u64 = scope.int((table, "segment_mb"), read.segment_mb.as_ref(), 256, 2..=4096);
    let cpu = read.cpu.as_ref();
    let ring = scope.int((table, "ring"), read.ring.as_ref(), 1 << 16, 64..=1 << 22);
    let idle_us = scope.int((table, "idle_us"), read.idle_us.as_ref(), 50, 0..=10_000);
    if idle_us == 0 && cpu.is_none() {
        let problem = "a writer that polls wants a CPU of its own; give `cpu`";
        scope.fault((table, "idle_us"), span_of(read.idle_us.as_ref()), problem);
    }
    let snapshot_every_s = read.snapshot_every_s.as_ref();
    let segments_kept = read.segments_kept.as_ref();
    Some(JournalConfig {
        dir: exchange::written_path(scope, (table, "dir"), &read.dir),
        cluster: cluster.map_or("standalone".into(), |c| scope.field((table, "cluster"), c, 16)),
        node: scope.int((table, "node"), read.node.as_ref(), 1, 1..=i64::MAX),
        segment_bytes: segment_mb << 20,
        direct: read.direct.unwrap_or(true),
        uring: read.uring.unwrap_or(true),
        cpu: cpu.map(|cpu| scope.int((table, "cpu"), Some(cpu), 0, 0..=1023)),
        idle_us,
        ring,
        snapshot_every_s: scope.int((table, "snapshot_every_s"), snapshot_every_s, 300, 0..=86_400),
        segments_kept: scope.int((table, "segments_kept"), segments_kept, 2, 0..=1_000_000),
    })
}
