//! The poll loops: venue, trader, loadgen.
#![forbid(unsafe_code)]
