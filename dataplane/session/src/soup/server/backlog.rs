//! Whether a client reads too slowly: how much lies unsent, and whether it gets less.
//!
//! A client that logged in from an old sequence number is behind on purpose. So being behind alone
//! is no fault: until it has read what was there when it logged in, any message read is progress;
//! afterwards only a smaller backlog than ever since it grew too large.

use super::ServerConfig;
use crate::sessions::Outgoing;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backlog {
    /// Sequence number after the last message that was there at login.
    replay_end: u64,
    /// The place of the last progress.
    cursor: u64,
    /// Messages unsent at the last progress.
    messages: u64,
    /// Since when too much is unsent without progress.
    since_ns: Option<u64>,
}

/// The messages that are unsent, where these or their bytes are more than may be.
#[inline]
pub(super) fn is_large(config: &ServerConfig, cursor: u64, outgoing: Outgoing<'_>) -> Option<u64> {
    let messages = outgoing.next_seq().saturating_sub(cursor);
    let above = |count: u64, max: u64| max > 0 && count > max;
    let bytes_above = || match outgoing {
        Outgoing::Store(store, _) => above(store.bytes_from(cursor), config.backlog_bytes_max),
        Outgoing::Image(..) => false,
    };
    (above(messages, config.backlog_messages_max) || bytes_above()).then_some(messages)
}

impl Backlog {
    pub(super) fn new(replay_end: u64) -> Backlog {
        Backlog { replay_end, ..Backlog::default() }
    }

    /// Whether too much has been unsent for too long.
    #[inline]
    pub(super) fn is_stuck(
        &mut self,
        now_ns: u64,
        config: &ServerConfig,
        cursor: u64,
        outgoing: Outgoing<'_>,
    ) -> bool {
        // What is held is not for the client to read.
        let large = is_large(config, cursor, outgoing).filter(|_| !outgoing.is_held(cursor));
        let Some(messages) = large else {
            self.since_ns = None;
            return false;
        };
        let replays = self.cursor < self.replay_end;
        let progress = messages < self.messages || (replays && cursor > self.cursor);
        match self.since_ns {
            Some(since_ns) if !progress => now_ns.saturating_sub(since_ns) >= config.stall_ns_max,
            _ => {
                *self = Backlog { cursor, messages, since_ns: Some(now_ns), ..*self };
                false
            }
        }
    }
}
