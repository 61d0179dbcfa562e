//! The pre-trade gate.
#![forbid(unsafe_code)]
