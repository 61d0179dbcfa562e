//! The [`Strategy`] trait and the built-in strategies.
#![forbid(unsafe_code)]

pub mod old;
