//! A venue's state between two runs: loaded at the start, saved at the end.
//!
//! What is kept is the engine: live orders, sessions' numbers, instruments, trades, the ledger.
//! What sessions were told is not: a client that comes back after a restart reads its replies from
//! a new session's first message.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};
use engine::Engine;

use super::wire_up::engine_config;
use crate::config::VenueConfig;

/// The engine as it was saved, where the configuration says so and there is such a file; else a new
/// one.
///
/// # Errors
/// A file that is no state, is damaged, or does not fit this venue.
pub(super) fn load(config: &VenueConfig) -> Result<Engine> {
    let fresh = || Engine::new(&engine_config(config));
    let Some(path) = &config.state_file else { return Ok(fresh()) };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(fresh()),
        Err(error) => return Err(error).with_context(|| shown(path)),
    };
    Engine::restore(&engine_config(config), &bytes)
        .with_context(|| format!("{}: remove the file to start without it", shown(path)))
}

/// Saves the engine where the configuration says so: beside the file first, then in its place, so
/// that there is always a whole one.
///
/// # Errors
/// The file cannot be written, or the engine is not whole and could not be restored; the file
/// before is untouched.
pub(super) fn save(config: &VenueConfig, engine: &Engine) -> Result<()> {
    let Some(path) = &config.state_file else { return Ok(()) };
    engine.check().with_context(|| format!("{}: not saved over the one before", shown(path)))?;
    let bytes = engine.snapshot().with_context(|| shown(path))?;
    let beside = path.with_extension("new");
    let mut file = fs::File::create(&beside).with_context(|| shown(&beside))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).with_context(|| shown(&beside))?;
    fs::rename(&beside, path).with_context(|| shown(path))
}

fn shown(path: &Path) -> String {
    format!("state_file {}", path.display())
}
