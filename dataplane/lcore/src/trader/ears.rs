//! What the feed delivers, on its way into the core.

use super::clocks::{TraderStage, Way};
use algos::Strategy;
use desk::Core;
use feed::{FeedHandler, Gap};
use market::Currency;
use wire::moldudp64::Session;

/// See the module.
pub(super) struct Ears<'a, 'e, S> {
    pub(super) core: &'a mut Core<S>,
    /// Messages were lost for good, and no snapshot has mended it since.
    pub(super) lossy: &'a mut bool,
    pub(super) way: Way<'a, 'e>,
}

impl<S: Strategy> Ears<'_, '_, S> {
    fn feed_is(&mut self, currency: Currency) {
        self.core.on_feed(self.way.now.ns, currency, &mut self.way);
    }
}

impl<S: Strategy> FeedHandler for Ears<'_, '_, S> {
    #[inline]
    fn on_message(&mut self, _seq: u64, message: &[u8]) {
        self.way.clocks.laps.lap(TraderStage::Packet);
        self.core.on_itch(self.way.now.ns, message, &mut self.way);
    }

    fn on_behind(&mut self, _gap: Gap) {
        self.feed_is(Currency::Behind);
    }

    fn on_whole(&mut self) {
        self.feed_is(if *self.lossy { Currency::Lossy } else { Currency::Current });
    }

    fn on_lost(&mut self, _gap: Gap) {
        *self.lossy = true;
        self.feed_is(Currency::Lossy);
    }

    fn on_snapshot_begin(&mut self) {
        self.core.on_snapshot_begin();
    }

    fn on_snapshot_message(&mut self, message: &[u8]) {
        self.core.on_snapshot(self.way.now.ns, message);
    }

    fn on_snapshot_end(&mut self, _next_seq: u64) {
        *self.lossy = false;
    }

    fn on_session(&mut self, _session: &Session) {
        *self.lossy = false;
        self.core.on_feed_session(self.way.now.ns, &mut self.way);
    }

    fn on_end_of_session(&mut self, _next_seq: u64) {
        self.core.on_feed_end(self.way.now.ns, &mut self.way);
    }
}
