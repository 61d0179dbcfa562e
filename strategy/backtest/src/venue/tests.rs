//! The venue against hand-computed fills, a naive twin, and bytes that mean nothing.

mod golden;
mod naive;
mod twin;

use super::*;
use types::{OrderSide, Symbol};
use wire::IntoBytes;
use wire::itch as feed;
use wire::ouch::outbound;

pub(super) const NAME: [u8; 8] = *b"AAPL    ";
pub(super) const LOCATE: u16 = 13;

/// What the venue said and did.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) fills: Vec<Filled>,
    pub(super) answers: Vec<Vec<u8>>,
    pub(super) places: Vec<Place>,
}

impl Sink for Notes {
    fn answer(&mut self, _: u64, message: &[u8]) {
        assert!(outbound::parse(message).is_ok(), "{message:?}");
        self.answers.push(message.to_vec());
    }

    fn filled(&mut self, fill: &Filled) {
        self.fills.push(*fill);
    }

    fn placed(&mut self, place: &Place) {
        self.places.push(*place);
    }
}

impl Notes {
    /// Fills as (order, shares, price, flag).
    pub(super) fn told(&self) -> Vec<(u32, u32, u32, char)> {
        let one = |f: &Filled| (f.user_ref, f.qty, f.price.0, char::from(f.liquidity));
        self.fills.iter().map(one).collect()
    }

    /// The letters of the answers, with a cancel's reason.
    pub(super) fn letters(&self) -> String {
        let letter = |answer: &Vec<u8>| match answer[0] {
            b'C' => format!("C{}", char::from(answer[17])),
            letter => char::from(letter).to_string(),
        };
        self.answers.iter().map(letter).collect::<Vec<_>>().join(" ")
    }
}

/// A venue with its symbol listed, and a way to talk to it.
pub(super) struct Market {
    pub(super) venue: Venue,
    pub(super) notes: Notes,
    pub(super) now_ns: u64,
}

impl Market {
    pub(super) fn new(fills: crate::FillModel, hidden: HiddenPrints) -> Market {
        let mut settings = Settings::of(vec![Symbol(NAME)]);
        settings.capacity = book::Capacity { orders: 1 << 12, levels: 1 << 10, books: 0 };
        (settings.fills, settings.hidden) = (fills, hidden);
        let mut market =
            Market { venue: Venue::new(&settings), notes: Notes::default(), now_ns: 0 };
        let mut listing = [b' '; 39];
        listing[0] = b'R';
        listing[1..3].copy_from_slice(&LOCATE.to_be_bytes());
        listing[11..19].copy_from_slice(&NAME);
        market.hear(&listing);
        market
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) -> Heard {
        self.now_ns += 1;
        let message = feed::parse(bytes).unwrap();
        self.venue.on_itch(self.now_ns, &message, &mut self.notes)
    }

    pub(super) fn add(&mut self, id: u64, side: Side, qty: u32, price: u32) -> Heard {
        let head = feed::AddOrder::head(LOCATE, self.now_ns);
        let message = feed::AddOrder {
            head,
            order_reference_number: id.into(),
            buy_sell_indicator: side.letter(),
            shares: qty.into(),
            stock: NAME,
            price: price.into(),
        };
        self.hear(message.as_bytes())
    }

    pub(super) fn execute(&mut self, id: u64, qty: u32) -> Heard {
        let message = feed::OrderExecuted {
            head: feed::OrderExecuted::head(LOCATE, self.now_ns),
            order_reference_number: id.into(),
            executed_shares: qty.into(),
            match_number: 1.into(),
        };
        self.hear(message.as_bytes())
    }

    pub(super) fn reduce(&mut self, id: u64, qty: u32) -> Heard {
        let message = feed::OrderCancel {
            head: feed::OrderCancel::head(LOCATE, self.now_ns),
            order_reference_number: id.into(),
            canceled_shares: qty.into(),
        };
        self.hear(message.as_bytes())
    }

    pub(super) fn delete(&mut self, id: u64) -> Heard {
        let message = feed::OrderDelete {
            head: feed::OrderDelete::head(LOCATE, self.now_ns),
            order_reference_number: id.into(),
        };
        self.hear(message.as_bytes())
    }

    pub(super) fn replace(&mut self, old: u64, new: u64, qty: u32, price: u32) -> Heard {
        let message = feed::OrderReplace {
            head: feed::OrderReplace::head(LOCATE, self.now_ns),
            original_order_reference_number: old.into(),
            new_order_reference_number: new.into(),
            shares: qty.into(),
            price: price.into(),
        };
        self.hear(message.as_bytes())
    }

    pub(super) fn print(&mut self, qty: u32, price: u32) -> Heard {
        let message = feed::Trade {
            head: feed::Trade::head(LOCATE, self.now_ns),
            order_reference_number: 0.into(),
            buy_sell_indicator: b'B',
            shares: qty.into(),
            stock: NAME,
            price: price.into(),
            match_number: 1.into(),
        };
        self.hear(message.as_bytes())
    }

    pub(super) fn cross(&mut self, qty: u64, price: u32, kind: u8) -> Heard {
        let message = feed::CrossTrade {
            head: feed::CrossTrade::head(LOCATE, self.now_ns),
            cross_shares: qty.into(),
            stock: NAME,
            cross_price: price.into(),
            match_number: 1.into(),
            cross_type: kind,
        };
        self.hear(message.as_bytes())
    }

    pub(super) fn state(&mut self, letter: u8) {
        let mut message = [b' '; 25];
        message[0] = b'H';
        message[1..3].copy_from_slice(&LOCATE.to_be_bytes());
        message[11..19].copy_from_slice(&NAME);
        message[19] = letter;
        self.hear(&message);
    }

    pub(super) fn say(&mut self, message: &[u8]) {
        self.now_ns += 1;
        self.venue.on_ouch(self.now_ns, message, &mut self.notes);
    }

    pub(super) fn enter(&mut self, number: u32, side: Side, qty: u32, price: u32) {
        self.enter_as(number, side, qty, price, TimeInForce::Day, false);
    }

    pub(super) fn enter_as(
        &mut self,
        number: u32,
        side: Side,
        qty: u32,
        price: u32,
        tif: TimeInForce,
        post_only: bool,
    ) {
        let side = if side == Side::Buy { OrderSide::Buy } else { OrderSide::Sell };
        let mut order = desk::requests::enter(number, side, qty, NAME, price, tif);
        order.display = desk::requests::display(post_only);
        self.say(order.as_bytes());
    }

    pub(super) fn instead(&mut self, old: u32, new: u32, qty: u32, price: u32) {
        self.say(desk::requests::replace(old, new, qty, price).as_bytes());
    }

    pub(super) fn cancel(&mut self, number: u32) {
        self.say(desk::requests::cancel(number, 0).as_bytes());
    }

    /// What stands before an order, as told last.
    pub(super) fn place(&self, number: u32) -> Option<(u64, u32)> {
        let last = self.notes.places.iter().rev().find(|place| place.user_ref == number)?;
        (!last.gone).then_some((last.shares, last.orders))
    }
}
