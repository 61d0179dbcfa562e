//! Strategies against recorded markets, with a queue-position fill model.
#![forbid(unsafe_code)]
