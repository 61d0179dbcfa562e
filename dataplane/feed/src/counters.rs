//! What a feed saw and did, all of it with names.

use session::MoldError;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a feed saw and did since its birth.
        ///
        /// Of every session's messages from the first wanted on, those before the next expected
        /// were `delivered`, `lost_messages` or `snapshot_covered`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct FeedCounters {
            $($(#[$doc])* pub $name: u64,)*
            /// Packets of the lines refused, by [`MoldError`].
            pub refused: [u64; MoldError::ALL.len()],
            /// Retransmission replies refused, by [`MoldError`].
            pub replies_refused: [u64; MoldError::ALL.len()],
        }

        impl FeedCounters {
            /// Every counter with its name.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
                [$((stringify!($name), self.$name),)*]
                    .into_iter()
                    .chain(MoldError::ALL.map(|e| (e.name(), self.refused[e as usize])))
                    .chain(MoldError::ALL.map(|e| {
                        (reply_name(e), self.replies_refused[e as usize])
                    }))
            }
        }
    };
}

counters! {
    /// Packets of both lines, the refused included.
    packets,
    /// Messages handed on, but those of snapshots.
    delivered,
    /// Messages of the lines that were there before, or came too late.
    duplicates,
    /// Gaps noticed.
    gaps,
    /// Messages missing in them.
    missing,
    /// Gaps that closed while they were merely waited for.
    waited_out,
    /// Missing messages that a line brought after all.
    late_messages,
    /// Retransmission requests.
    requests,
    /// Retransmission replies, the refused included.
    replies,
    /// Requests whose answer did not come in time.
    request_timeouts,
    /// Messages of replies that were there before, or came too late.
    reply_duplicates,
    /// Missing messages that replies brought.
    recovered_messages,
    /// Snapshots asked for.
    snapshots_begun,
    /// Snapshots joined.
    snapshots_done,
    /// Snapshots that broke off, took too long, ended badly or were too old.
    snapshots_failed,
    /// Of these, the ones too old for what was held.
    snapshots_stale,
    /// Snapshots no longer needed: what was missing had come.
    snapshots_cancelled,
    /// Snapshot messages handed on.
    snapshot_messages,
    /// Snapshot messages that nobody wanted any more.
    snapshot_unwanted,
    /// Live messages that a snapshot stands for: never delivered, not lost.
    snapshot_covered,
    /// Gaps given up.
    lost_gaps,
    /// Messages in them.
    lost_messages,
    /// The most messages held at once.
    held_high_water,
    /// Times that what is held was full.
    hold_overflows,
    /// Messages that were held, or should have been, and were dropped: missing again.
    held_dropped,
    /// Heartbeats.
    heartbeats,
    /// End of session packets.
    ends,
    /// Sessions that replaced another.
    session_changes,
}

const fn reply_name(error: MoldError) -> &'static str {
    match error {
        MoldError::Short => "reply_short",
        MoldError::Malformed => "reply_malformed",
        MoldError::OtherSession => "reply_other_session",
        MoldError::SequenceRange => "reply_sequence_range",
        MoldError::SequenceJump => "reply_sequence_jump",
    }
}
