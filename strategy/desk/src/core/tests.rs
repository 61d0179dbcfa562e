//! The core, driven by hand: who hears what, what stops it, and what it must survive.

mod commands;
mod gate;
mod hearing;
mod hostile;
mod kills;
mod rig;
mod snapshots;
mod storm;
mod suspects;
mod times;
mod twice;
mod views;

/// Messages in words, as the market's own tests tell them.
#[path = "../../../market/tests/say/mod.rs"]
mod say;
