//! The deterministic matching engine.
#![forbid(unsafe_code)]
