//! Line arbitration and gap detection.
#![forbid(unsafe_code)]
