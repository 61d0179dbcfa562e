//! Counters and histograms in shared memory.
#![forbid(unsafe_code)]
