//! The ways between strategy and exchange: orders there, answers and feed back, each with its
//! latency; and what goes over them is noted.

use crate::answers::{Filled, Place, Sink};
use crate::delayed::{BYTES_MAX, Delayed, Jitter};
use crate::record::Record;
use crate::venue::{Heard, Venue};
use crate::{Overflow, Settings};
use desk::{OrderWire, Refused};
use market::Ahead;
use types::UserRef;
use wire::itch::Message;

/// Refusals that are kept to be listed.
const REFUSALS_MAX: usize = 1 << 16;
/// A feed message.
pub(crate) const ITCH: u8 = 0;
/// An order's place, which travels with the feed: the strategy learns of it no sooner.
pub(crate) const PLACE: u8 = 1;

/// Everything between the strategy and the recording.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) venue: Venue,
    pub(crate) ways: Ways,
    pub(crate) record: Record,
}

/// The ways, and what is known at our end.
#[derive(Debug)]
pub(crate) struct Ways {
    pub(crate) orders: Delayed,
    pub(crate) answers: Delayed,
    pub(crate) feed: Delayed,
    /// When what the venue does now is seen in the feed.
    seen_ns: u64,
    /// The places of our orders, as seen in the feed.
    places: Vec<Place>,
    pub(crate) overflow: Option<Overflow>,
    room: (u32, u32, u32),
    /// The first orders that the gate held back; all are counted there.
    pub(crate) refusals: Vec<Refused>,
}

impl Link {
    pub(crate) fn new(settings: &Settings) -> Link {
        let Settings { latencies, feed_in_flight_max: feed, orders_in_flight_max: orders, .. } =
            settings;
        let jitter = |way| Jitter::new(latencies.seed, way, latencies.jitter_ns);
        Link {
            venue: Venue::new(settings),
            ways: Ways {
                orders: Delayed::new(*orders, latencies.order_ns, jitter(1)),
                answers: Delayed::new(*orders, latencies.answer_ns, jitter(2)),
                feed: Delayed::new(*feed, latencies.feed_ns, jitter(0)),
                seen_ns: 0,
                places: Vec::new(),
                overflow: None,
                room: (*feed, *orders, settings.fills_max),
                refusals: Vec::new(),
            },
            record: Record::new(settings),
        }
    }

    /// The exchange says something.
    #[inline]
    pub(crate) fn on_itch(&mut self, now_ns: u64, message: &Message<'_>, bytes: &[u8]) -> Heard {
        let at_ns = self.ways.feed.arrival(now_ns);
        self.ways.seen_ns = at_ns;
        let mut sink = Noting { ways: &mut self.ways, record: &mut self.record };
        let heard = self.venue.on_itch(now_ns, message, &mut sink);
        if heard == Heard::Ours || heard == Heard::Full {
            self.ways.tell(at_ns, ITCH, bytes);
        }
        heard
    }

    /// Tells the strategy something without asking the venue.
    pub(crate) fn tell(&mut self, now_ns: u64, bytes: &[u8]) {
        let at_ns = self.ways.feed.arrival(now_ns);
        self.ways.tell(at_ns, ITCH, bytes);
    }

    /// An order of ours arrives at the exchange.
    pub(crate) fn on_order(&mut self, now_ns: u64) {
        let Some(message) = self.ways.orders.take() else { return };
        self.ways.seen_ns = self.ways.feed.earliest(now_ns);
        let mut sink = Noting { ways: &mut self.ways, record: &mut self.record };
        self.venue.on_ouch(now_ns, message.bytes(), &mut sink);
    }
}

impl Ways {
    #[inline]
    fn tell(&mut self, at_ns: u64, tag: u8, bytes: &[u8]) {
        if !self.feed.send(at_ns, tag, bytes) {
            self.overflow.get_or_insert(Overflow::Feed { max: self.room.0 });
        }
    }

    /// A place has been seen.
    pub(crate) fn see_place(&mut self, bytes: &[u8]) {
        let Some(place) = Place::read(bytes) else { return };
        let at = self.places.iter().position(|one| one.user_ref == place.user_ref);
        match (at, place.gone) {
            (Some(at), true) => {
                self.places.swap_remove(at);
            }
            (Some(at), false) => self.places[at] = place,
            (None, true) => {}
            (None, false) => self.places.push(place),
        }
    }
}

impl Place {
    fn write(&self) -> [u8; 17] {
        let mut bytes = [0; 17];
        bytes[..4].copy_from_slice(&self.user_ref.to_be_bytes());
        bytes[4..12].copy_from_slice(&self.shares.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.orders.to_be_bytes());
        bytes[16] = u8::from(self.gone);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Place> {
        let (user_ref, rest) = bytes.split_first_chunk()?;
        let (shares, rest) = rest.split_first_chunk()?;
        let (orders, rest) = rest.split_first_chunk()?;
        Some(Place {
            user_ref: u32::from_be_bytes(*user_ref),
            shares: u64::from_be_bytes(*shares),
            orders: u32::from_be_bytes(*orders),
            gone: *rest.first()? != 0,
        })
    }
}

/// What the venue does goes on its ways.
struct Noting<'a> {
    ways: &'a mut Ways,
    record: &'a mut Record,
}

impl Sink for Noting<'_> {
    fn answer(&mut self, now_ns: u64, message: &[u8]) {
        let at_ns = self.ways.answers.arrival(now_ns);
        if !self.ways.answers.send(at_ns, ITCH, message) {
            self.ways.overflow.get_or_insert(Overflow::Answers { max: self.ways.room.1 });
        }
    }

    fn filled(&mut self, fill: &Filled) {
        if !self.record.fill(fill) {
            self.ways.overflow.get_or_insert(Overflow::Fills { max: self.ways.room.2 });
        }
    }

    fn placed(&mut self, place: &Place) {
        self.ways.tell(self.ways.seen_ns, PLACE, &place.write());
    }
}

impl OrderWire for Ways {
    fn has_room(&self, len: usize) -> bool {
        len <= BYTES_MAX && !self.orders.is_full()
    }

    fn send(&mut self, now_ns: u64, message: &[u8]) -> bool {
        let at_ns = self.orders.arrival(now_ns);
        let sent = message.len() <= BYTES_MAX && self.orders.send(at_ns, ITCH, message);
        if !sent {
            self.overflow.get_or_insert(Overflow::Orders { max: self.room.1 });
        }
        sent
    }

    fn ahead(&self, user_ref: UserRef) -> Option<Ahead> {
        let place = self.places.iter().find(|place| place.user_ref == user_ref.0)?;
        Some(Ahead { shares: place.shares, orders: place.orders, at_least: false })
    }

    fn refused(&mut self, refused: &Refused) {
        if self.refusals.len() < REFUSALS_MAX {
            self.refusals.push(*refused);
        }
    }
}
