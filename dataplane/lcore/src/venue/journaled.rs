//! The venue's end of its journal: inputs go in and are never waited for, and how far they are kept
//! comes back. What came of an input does not leave before.

use journal::{Entry, Feeder, Payload, Status};
use std::sync::Arc;
use types::{Echo, Input, Nanos};

/// See the module.
#[derive(Debug)]
pub struct JournalLine {
    feeder: Feeder,
    status: Arc<Status>,
    epoch: u32,
    not_taken: u64,
}

impl JournalLine {
    /// Inputs go to `feeder`'s writer, whose status this is, in its epoch.
    pub fn new(feeder: Feeder, status: Arc<Status>, epoch: u32) -> JournalLine {
        JournalLine { feeder, status, epoch, not_taken: 0 }
    }

    /// What the writer tells.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Inputs that found no room though there was some a moment ago; the aim is 0. Nothing that
    /// came of one, or of any behind it, is ever sent.
    pub fn not_taken(&self) -> u64 {
        self.not_taken
    }

    /// Whether an input would be kept: there is room, and the writer writes.
    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        self.feeder.has_room() && !self.has_stopped()
    }

    /// Whether nothing more will be kept.
    #[inline]
    pub(super) fn has_stopped(&self) -> bool {
        self.status.fault().is_some()
    }

    #[inline]
    pub(super) fn note(&mut self, sequence: u64, stamp: Nanos, input: &Input<'_>) {
        match input {
            Input::Command(command, echo) if !echo.optional.is_empty() => {
                // What the replies repeat, and no more of what a client may say.
                let kept = venue::repeated(echo);
                let echo = Echo { optional: kept.as_bytes(), ..*echo };
                self.push(sequence, stamp, Input::Command(*command, echo));
            }
            other => self.push(sequence, stamp, *other),
        }
    }

    #[inline]
    fn push(&mut self, sequence: u64, now: Nanos, input: Input<'_>) {
        let entry = Entry { sequence, epoch: self.epoch, now, payload: Payload::Input(input) };
        if self.feeder.push(&entry).is_err() {
            // The writer stops at the gap.
            self.not_taken += 1;
        }
    }
}
