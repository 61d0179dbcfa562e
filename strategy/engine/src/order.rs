//! What a resting order carries, and how its price becomes a rank in a book.
//!
//! An instrument has five books (`Zone`). Within one, orders are served by rank: the better price
//! first, and at one price those that are shown before those that are not. A rank is twice the
//! price and a bit; it fits 32 bits because the highest price does 31.

use crate::engine::value_of;
use book::{BookId, OrderView, Slot};
use rkyv::{Archive, Deserialize, Serialize};
use types::{
    AccountId, ClOrdId, CrossKind, Display, Enter, Firm, OrderCapacity, OrderId, OrderSide, Party,
    Price, Qty, Replace, SessionId, Side, SymbolId, Terms, TimeInForce, UserRef,
};

/// No entry.
pub(crate) const NIL: u32 = u32::MAX;

/// Which of an instrument's books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
#[repr(u32)]
pub(crate) enum Zone {
    /// The continuous market.
    Main = 0,
    /// Orders pegged to the midpoint, ranked by their limits.
    Peg = 1,
    /// For the opening cross alone.
    Opening = 2,
    /// For the closing cross alone.
    Closing = 3,
    /// For the cross after a halt alone.
    Halt = 4,
}

/// Books an instrument.
pub(crate) const ZONES: u32 = 5;

impl Zone {
    pub(crate) const ALL: [Zone; ZONES as usize] =
        [Zone::Main, Zone::Peg, Zone::Opening, Zone::Closing, Zone::Halt];

    pub(crate) const fn book(self, symbol: SymbolId) -> BookId {
        BookId(symbol.0 as u32 * ZONES + self as u32)
    }

    pub(crate) const fn of(book: BookId) -> (Zone, SymbolId) {
        (Zone::ALL[(book.0 % ZONES) as usize], SymbolId((book.0 / ZONES) as u16))
    }

    pub(crate) const fn for_cross(kind: CrossKind) -> Zone {
        match kind {
            CrossKind::None => Zone::Main,
            CrossKind::Opening => Zone::Opening,
            CrossKind::Closing => Zone::Closing,
            CrossKind::Halt => Zone::Halt,
        }
    }
}

/// A price as the books order it. A market order outranks every limit.
#[inline]
pub(crate) fn rank(side: Side, price: Price, shown: bool) -> Price {
    let raw = if price.is_market() && side == Side::Sell { 0 } else { price.0 };
    Price(raw << 1 | u32::from(shown == (side == Side::Buy)))
}

/// The price of a rank, and whether its orders are shown.
#[inline]
pub(crate) fn unrank(side: Side, rank: Price) -> (Price, bool) {
    let price = if rank.0 >> 1 == 0 { Price::MARKET } else { Price(rank.0 >> 1) };
    (price, (rank.0 & 1 == 1) == (side == Side::Buy))
}

/// What a resting order carries: 48 bytes, 64 with the book's links.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) order_id: OrderId,
    pub(crate) user_ref: UserRef,
    /// Shares of the chain that have executed.
    pub(crate) executed: u32,
    /// Its entry among the conditional orders, or [`NIL`].
    pub(crate) extra: u32,
    pub(crate) session: SessionId,
    pub(crate) account: AccountId,
    pub(crate) firm: Firm,
    pub(crate) cl_ord_id: ClOrdId,
    pub(crate) side: OrderSide,
    pub(crate) tif: TimeInForce,
    pub(crate) capacity: OrderCapacity,
    pub(crate) display: Display,
}

const _: () = assert!(book::BookCore::<Owner, 1>::order_bytes() <= 64);

impl Default for Owner {
    fn default() -> Owner {
        Owner {
            order_id: OrderId(0),
            user_ref: UserRef(0),
            executed: 0,
            extra: NIL,
            session: SessionId(0),
            account: AccountId(0),
            firm: Firm::BLANK,
            cl_ord_id: ClOrdId::default(),
            side: OrderSide::Buy,
            tif: TimeInForce::Day,
            capacity: OrderCapacity::Other,
            display: Display::Visible,
        }
    }
}

impl Owner {
    /// Of an order that comes in anew.
    #[inline]
    pub(crate) fn entered(c: &Enter, terms: &Terms, order_id: OrderId) -> Owner {
        Owner {
            order_id,
            user_ref: c.user_ref,
            executed: 0,
            extra: NIL,
            session: c.session,
            account: c.account,
            firm: c.firm,
            cl_ord_id: c.cl_ord_id,
            side: c.side,
            tif: terms.tif,
            capacity: c.capacity,
            display: terms.display,
        }
    }

    /// Of an order that comes in this one's place.
    #[inline]
    pub(crate) fn replaced(&self, c: &Replace, terms: &Terms) -> Owner {
        let Replace { user_ref, cl_ord_id, .. } = *c;
        Owner { user_ref, cl_ord_id, tif: terms.tif, display: terms.display, ..*self }
    }

    pub(crate) fn party(&self) -> Party {
        Party { session: self.session, user_ref: self.user_ref, order_id: self.order_id }
    }
}

/// An order on its way through the engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub(crate) owner: Owner,
    pub(crate) symbol: SymbolId,
    /// Its limit, within the bands; or the market's price.
    pub(crate) price: Price,
    /// What the ledger values it at, from its acceptance to its end.
    pub(crate) value: Price,
    pub(crate) leaves: Qty,
    pub(crate) terms: Terms,
    pub(crate) zone: Zone,
    /// The shown order it takes the place of, told to the tape in one message if it rests at once.
    pub(crate) replaces: Option<OrderId>,
}

impl Incoming {
    /// An order that comes in anew; its number is still to be given.
    #[inline]
    pub(crate) fn entered(
        c: &Enter,
        symbol: SymbolId,
        price: Price,
        terms: Terms,
        zone: Zone,
    ) -> Incoming {
        let owner = Owner::entered(c, &terms, OrderId(0));
        let (value, leaves) = (value_of(price), c.qty);
        Incoming { owner, symbol, price, value, leaves, terms, zone, replaces: None }
    }

    /// An order that comes in the place of a live one.
    #[inline]
    pub(crate) fn replacing(
        c: &Replace,
        live: &Resting,
        price: Price,
        leaves: Qty,
        terms: Terms,
    ) -> Incoming {
        let owner = live.owner.replaced(c, &terms);
        let (value, replaces) = (value_of(price), live.shown.then_some(live.owner.order_id));
        let Resting { symbol, zone, .. } = *live;
        Incoming { owner, symbol, price, value, leaves, terms, zone, replaces }
    }

    #[inline]
    pub(crate) fn side(&self) -> Side {
        self.owner.side.side()
    }

    /// Whether it is on the tape once it rests: what is for a cross alone is not.
    pub(crate) fn is_shown(&self) -> bool {
        self.zone == Zone::Main && self.terms.display.is_shown()
    }

    /// Whether what does not trade at once stays.
    pub(crate) fn rests(&self) -> bool {
        rests(&self.terms, self.price, self.zone)
    }
}

/// Whether what does not trade at once stays: a market order does only where it waits for a cross,
/// or follows the midpoint.
pub(crate) fn rests(terms: &Terms, price: Price, zone: Zone) -> bool {
    terms.tif != TimeInForce::Ioc && !(price.is_market() && zone == Zone::Main)
}

/// Whether a limit allows a price.
#[inline]
pub(crate) fn allows(side: Side, limit: Price, price: Price) -> bool {
    limit.is_market()
        || match side {
            Side::Buy => price <= limit,
            Side::Sell => price >= limit,
        }
}

/// A resting order, its rank taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resting {
    pub(crate) slot: Slot,
    pub(crate) owner: Owner,
    pub(crate) symbol: SymbolId,
    pub(crate) zone: Zone,
    pub(crate) side: Side,
    pub(crate) price: Price,
    /// On the tape.
    pub(crate) shown: bool,
    /// Shares in the book, without the reserve.
    pub(crate) qty: Qty,
}

impl Resting {
    #[inline]
    pub(crate) fn new(slot: Slot, view: OrderView<Owner>) -> Resting {
        let (zone, symbol) = Zone::of(view.book);
        let (price, shown) = unrank(view.side, view.price);
        let OrderView { side, qty, payload: owner, .. } = view;
        Resting { slot, owner, symbol, zone, side, price, shown: shown && zone == Zone::Main, qty }
    }

    /// What the ledger values it at.
    pub(crate) fn value(&self) -> Price {
        if self.price.is_market() { Price(0) } else { self.price }
    }
}
