//! Counters and histograms that one poll loop writes and anyone may read.
//!
//! A loop must be able to say what it did without paying for it: a [`Counter`] is a relaxed load
//! and a relaxed store, a [`Histogram`] record a shift and three such pairs. Nothing here locks,
//! allocates after construction, formats, reads a clock or enters the kernel.
//!
//! * [`Counter`], and by name: [`CounterSet`] (keyed by an enum, see [`keys!`]) and
//!   [`CounterTable`] (keyed by a number, for codes that come from elsewhere);
//! * [`Histogram`]: nanoseconds in log-linear buckets, within 1/128 of the truth;
//! * [`StageSet`] and [`StageClock`]: how long each stage of a pipeline took, in laps of the TSC.
//!
//! # One writer, many readers
//!
//! Each structure belongs to one writing thread. All of it is atomics and so a second writer is
//! never undefined behaviour, but it loses counts: share them by `Arc` to *read*. Readers see each
//! word at some recent value, not all words at one instant; a total read in the middle of a run may
//! be a record ahead of its parts. After the writer has been joined, everything is exact.
//!
//! Structures that different lcores write start on cache lines of their own (128 bytes, as
//! prefetchers fetch pairs), so that one loop's counting never stalls another's.
#![forbid(unsafe_code)]

mod counter;
mod histogram;
mod key;
mod stage;

pub use counter::{Counter, CounterSet, CounterTable, Reading};
pub use histogram::{BUCKETS, Bucket, Histogram, VALUE_NS_MAX};
pub use key::Key;
pub use stage::{StageClock, StageSet, StageSnapshot};

pub use hostcpu::TickScale;
