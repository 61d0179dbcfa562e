//! What stands behind the order ports, as a connection sees it on its way in.

use super::{Core, VenueStage as Stage};
use crate::agent::Now;
use crate::laps::Laps;
use net::ConnId;
use session::{DisconnectReason, ImageWriter, MoldPublisher, ServerHandler, Sessions};
use types::{Nanos, SessionId};
use venue::{Beside, Stores};

/// Where a session's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Which order port.
    pub(super) endpoint: usize,
    /// Which connection on it.
    pub(super) conn: ConnId,
}

/// What the core is watched by: stage clocks.
#[derive(Debug)]
pub(super) struct Watchers {
    pub(super) laps: Laps<Stage>,
}

impl Beside for Watchers {
    #[inline]
    fn lap(&mut self, stage: Stage) {
        self.laps.lap(stage);
    }
}

/// All that is not a port.
#[derive(Debug)]
pub(super) struct Behind<'a> {
    pub(super) core: &'a mut Core,
    pub(super) publisher: &'a mut MoldPublisher,
    pub(super) places: &'a mut [Option<Place>],
    pub(super) watchers: &'a mut Watchers,
}

/// One connection's messages on their way into the core.
pub(super) struct Inbound<'a, 'b> {
    pub(super) behind: &'a mut Behind<'b>,
    pub(super) now: Now,
    pub(super) place: Place,
}

impl ServerHandler for Inbound<'_, '_> {
    fn on_login(&mut self, _sessions: &mut Sessions, who: SessionId) {
        if let Some(place) = self.behind.places.get_mut(usize::from(who.0)) {
            *place = Some(self.place);
        }
        self.behind.core.mark_dirty(who);
    }

    #[inline]
    fn on_message(&mut self, sessions: &mut Sessions, who: SessionId, message: &[u8]) {
        let Behind { core, publisher, watchers, .. } = &mut *self.behind;
        let stores = Stores { sessions, publisher };
        core.on_message(Nanos(self.now.ns), stores, who, message, *watchers);
    }

    fn on_snapshot(&mut self, image: &mut ImageWriter<'_>) -> Option<u64> {
        let Behind { core, publisher, .. } = &*self.behind;
        core.write_snapshot(Nanos(self.now.ns), publisher, image)
    }

    fn on_logout(&mut self, _sessions: &mut Sessions, who: SessionId, _why: DisconnectReason) {
        if let Some(place) = self.behind.places.get_mut(usize::from(who.0)) {
            *place = None;
        }
    }
}
