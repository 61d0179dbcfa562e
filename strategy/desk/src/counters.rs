//! What a desk counts.

use types::RejectReason;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a desk counts, since it was made.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct DeskCounters {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl DeskCounters {
            /// Every count with its name.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

counters! {
    /// New orders sent.
    sent,
    /// Replacements sent.
    replaces_sent,
    /// Cancels sent, those sent again included.
    cancels_sent,
    /// New orders the venue took.
    accepted,
    /// Replacements that took their order's place.
    replaced,
    /// New orders and replacements the venue rejected.
    rejected,
    /// Replacements whose order ended first, or that the venue passed over: they never lived.
    replaces_void,
    /// Fills.
    fills,
    /// Shares filled.
    shares_filled,
    /// Cancels, in whole or in part, whoever asked.
    canceled,
    /// Fills broken.
    broken,
    /// Fills corrected.
    corrected,
    /// Orders whose priority, price, kind or display the venue changed.
    restated,
    /// Orders and replacements of before a restart, learnt from the venue.
    recovered,
    /// Orders learnt from the venue in symbols that are not ours.
    foreign,
    /// Orders and replacements that never reached the venue.
    lost,
    /// Orders that a venue that started anew no longer knows.
    wiped,
    /// Answers about orders that have ended: legal races.
    late,
    /// Messages that were replayed although we had them.
    repeated,
    /// Answers that contradict us; the aim is 0.
    unexpected,
    /// Answers that could not be read; the aim is 0.
    unreadable,
    /// Times the venue's view and ours were compared to the end.
    reconciliations,
}

/// Codes counted one by one; the others share the last place.
const CODES: usize = 0x20;

/// The venue's rejects by OUCH's reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rejects([u64; CODES + 1]);

impl Rejects {
    pub(crate) fn new() -> Rejects {
        Rejects([0; CODES + 1])
    }

    #[inline]
    pub(crate) fn note(&mut self, reason: u16) {
        self.0[usize::from(reason).min(CODES)] += 1;
    }

    /// Every reason's name and count; what has no name counts as `Unknown`.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let name = |reason: &RejectReason| usize::from(reason.code());
        let known = RejectReason::ALL.iter().map(move |r| (r.text(), self.0[name(r).min(CODES)]));
        known.chain([("Unknown", self.0[0] + self.0[CODES])])
    }
}
