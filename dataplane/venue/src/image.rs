//! All that is replicated, as bytes: what a journal's snapshot keeps, so that a venue goes on from
//! it and not from the first input of all.
//!
//! Layout: the magic `PEREVEN1`, then numbers of eight bytes, little endian: how many inputs it is
//! behind, the day (opened or not, when, date, configuration, scheduled commands done, closed or
//! not), the length of the engine's snapshot and that; then sessions and feed (`session::image`).
//! Whoever keeps it sees to it that it is the bytes that were written.

use crate::core::{Core, Day};
use engine::{Engine, EngineConfig, SnapshotError};
use session::image::{Reader, put};
use session::{MoldPublisher, Sessions};
use types::Nanos;

const MAGIC: &[u8; 8] = b"PEREVEN1";

/// Why bytes are no venue's, or not this one's.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// They are of something else.
    #[error("no venue's image")]
    Magic,
    /// The engine's part.
    #[error(transparent)]
    Engine(#[from] SnapshotError),
    /// Another part.
    #[error(transparent)]
    Stores(#[from] session::image::ImageError),
}

impl Core {
    /// All that is replicated, with the stores that belong to it.
    ///
    /// # Errors
    /// The engine's part cannot be made.
    pub fn save(
        &self,
        sessions: &Sessions,
        publisher: &MoldPublisher,
    ) -> Result<Vec<u8>, ImageError> {
        let engine = self.engine.snapshot()?;
        let mut out = MAGIC.to_vec();
        let Day { opened, date, config, scheduled, closed } = self.day;
        for number in [
            self.inputs,
            u64::from(opened.is_some()),
            opened.unwrap_or_default().0,
            u64::from(date),
            config,
            u64::from(scheduled),
            u64::from(closed),
            engine.len() as u64,
        ] {
            put(&mut out, number);
        }
        out.extend_from_slice(&engine);
        sessions.save(&mut out);
        publisher.save(&mut out);
        Ok(out)
    }

    /// Becomes what was saved, as do the stores. The command log, if there was one, is gone.
    ///
    /// # Errors
    /// Bytes that are no image, or of a venue of another configuration; this one and its stores are
    /// not to be used then.
    pub fn load(
        &mut self,
        config: &EngineConfig,
        bytes: &[u8],
        sessions: &mut Sessions,
        publisher: &mut MoldPublisher,
    ) -> Result<(), ImageError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ImageError::Magic)?;
        let mut from = Reader(rest);
        let [inputs, is_opened, opened, date, hash, scheduled, closed, len] = from.numbers()?;
        let engine = from.bytes(usize::try_from(len).unwrap_or(usize::MAX))?;
        self.engine = Engine::restore(config, engine)?;
        sessions.load(&mut from)?;
        publisher.load(&mut from)?;
        if !from.0.is_empty() {
            return Err(session::image::ImageError::Contradiction.into());
        }
        self.inputs = inputs;
        self.day = Day {
            opened: (is_opened != 0).then_some(Nanos(opened)),
            date: date as u32,
            config: hash,
            scheduled: scheduled as u32,
            closed: closed != 0,
        };
        self.log = None;
        Ok(())
    }
}
