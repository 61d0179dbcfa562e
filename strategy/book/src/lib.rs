//! Order books over fixed slabs.
#![forbid(unsafe_code)]
