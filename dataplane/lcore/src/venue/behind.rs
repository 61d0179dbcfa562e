//! What stands behind the order ports, as a connection sees it on its way in.

use super::{Core, JournalLine, VenueStage as Stage};
use crate::agent::Now;
use crate::laps::Laps;
use engine::Engine;
use net::ConnId;
use session::{DisconnectReason, ImageWriter, MoldPublisher, ServerHandler, Sessions};
use types::{Input, Nanos, SessionId};
use venue::{Beside, Stores};

/// Where a session's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which order port.
    pub(crate) endpoint: usize,
    /// Which connection on it.
    pub(crate) conn: ConnId,
}

/// What the core is watched by: stage clocks, and a journal where there is one.
#[derive(Debug)]
pub(crate) struct Watchers {
    pub(crate) laps: Laps<Stage>,
    pub(crate) journal: Option<JournalLine>,
}

impl Watchers {
    pub(crate) fn new(laps: Laps<Stage>, journal: Option<JournalLine>) -> Watchers {
        Watchers { laps, journal }
    }

    /// Whether an input could be taken now.
    #[inline]
    pub(crate) fn has_room(&mut self) -> bool {
        self.journal.as_mut().is_none_or(JournalLine::has_room)
    }
}

impl Beside for Watchers {
    #[inline]
    fn lap(&mut self, stage: Stage) {
        self.laps.lap(stage);
    }

    #[inline]
    fn note(&mut self, sequence: u64, stamp: Nanos, input: &Input<'_>) {
        if let Some(journal) = &mut self.journal {
            journal.note(sequence, stamp, input);
        }
    }
}

/// Who takes what comes in by the order ports: a venue that stands alone, or a node of a cluster.
pub(crate) trait Desk {
    /// The engine, for what is read ahead.
    fn engine(&self) -> &Engine;

    /// A client's TCP connection was accepted.
    fn connected(&self);

    /// A session has something to be sent.
    fn mark_dirty(&mut self, who: SessionId);

    /// Whether a message could be taken now; where not, it waits in its connection.
    #[inline]
    fn has_room(&mut self, watchers: &mut Watchers) -> bool {
        watchers.has_room()
    }

    /// One OUCH message of a logged-in session.
    fn on_message(
        &mut self,
        now: Now,
        stores: Stores<'_>,
        who: SessionId,
        message: &[u8],
        watchers: &mut Watchers,
    );

    /// Everything that a late joiner needs; see [`Core::write_snapshot`].
    fn write_snapshot(
        &self,
        now: Now,
        publisher: &MoldPublisher,
        image: &mut ImageWriter<'_>,
    ) -> Option<u64>;
}

impl Desk for Core {
    #[inline]
    fn engine(&self) -> &Engine {
        Core::engine(self)
    }

    fn connected(&self) {
        Core::connected(self);
    }

    #[inline]
    fn mark_dirty(&mut self, who: SessionId) {
        Core::mark_dirty(self, who);
    }

    #[inline]
    fn on_message(
        &mut self,
        now: Now,
        stores: Stores<'_>,
        who: SessionId,
        message: &[u8],
        watchers: &mut Watchers,
    ) {
        Core::on_message(self, Nanos(now.ns), stores, who, message, watchers);
    }

    fn write_snapshot(
        &self,
        now: Now,
        publisher: &MoldPublisher,
        image: &mut ImageWriter<'_>,
    ) -> Option<u64> {
        Core::write_snapshot(self, Nanos(now.ns), publisher, image)
    }
}

/// All that is not a port.
#[derive(Debug)]
pub(crate) struct Behind<'a, D> {
    pub(crate) core: &'a mut D,
    pub(crate) publisher: &'a mut MoldPublisher,
    pub(crate) places: &'a mut [Option<Place>],
    pub(crate) watchers: &'a mut Watchers,
    /// What stamps are ahead of the lcore's time.
    pub(crate) ahead_ns: u64,
}

impl<D> Behind<'_, D> {
    /// The time that stamps are of.
    fn stamped(&self, now: Now) -> Now {
        Now { ns: now.ns + self.ahead_ns, ..now }
    }
}

/// One connection's messages on their way into the core.
pub(crate) struct Inbound<'a, 'b, D> {
    pub(crate) behind: &'a mut Behind<'b, D>,
    pub(crate) now: Now,
    pub(crate) place: Place,
}

impl<D: Desk> ServerHandler for Inbound<'_, '_, D> {
    fn on_login(&mut self, _sessions: &mut Sessions, who: SessionId) {
        if let Some(place) = self.behind.places.get_mut(usize::from(who.0)) {
            *place = Some(self.place);
        }
        self.behind.core.mark_dirty(who);
    }

    #[inline]
    fn may_take(&mut self) -> bool {
        let Behind { core, watchers, .. } = &mut *self.behind;
        core.has_room(watchers)
    }

    #[inline]
    fn on_message(&mut self, sessions: &mut Sessions, who: SessionId, message: &[u8]) {
        let now = self.behind.stamped(self.now);
        let Behind { core, publisher, watchers, .. } = &mut *self.behind;
        let stores = Stores { sessions, publisher };
        core.on_message(now, stores, who, message, watchers);
    }

    fn on_snapshot(&mut self, image: &mut ImageWriter<'_>) -> Option<u64> {
        let Behind { core, publisher, .. } = &*self.behind;
        core.write_snapshot(self.behind.stamped(self.now), publisher, image)
    }

    fn on_logout(&mut self, _sessions: &mut Sessions, who: SessionId, _why: DisconnectReason) {
        if let Some(place) = self.behind.places.get_mut(usize::from(who.0)) {
            *place = None;
        }
    }
}
