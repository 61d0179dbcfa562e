//! The engine in JSON lines: commands in, events out. `docs/match.md` documents both.
//!
//! Why it exists: anyone can script the engine, and an operator says the same words to a live venue
//! (`peregrine tell`) as to a bare engine (`peregrine match`).

mod lines;
mod names;
mod play;
mod words;

pub(crate) use lines::Lines;
pub(crate) use names::Names;
pub(crate) use play::play;
pub(crate) use words::Words;

#[cfg(test)]
mod tests;
