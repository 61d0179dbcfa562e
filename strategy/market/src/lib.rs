//! The trader's picture of the market, rebuilt from ITCH.
#![forbid(unsafe_code)]
