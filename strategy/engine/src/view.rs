//! What can be asked of an engine, and what must always hold.

use crate::Engine;
use crate::engine::EngineCounters;
use crate::ledger::Ledger;
use crate::order::{Resting, Zone, rank, unrank};
use book::{LevelView, Top};
use types::{
    CrossKind, Firm, OrderId, OrderSide, Party, Peg, Phase, PostOnly, Price, Qty, SessionId, Side,
    Symbol, SymbolId, Terms, TradingState, UserRef,
};

/// A live order as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveOrder {
    /// Its parties' numbers.
    pub party: Party,
    /// Side and kind of sale.
    pub side: OrderSide,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Its limit.
    pub price: Price,
    /// Shares left, its reserve included.
    pub leaves: Qty,
    /// Shares in the book.
    pub displayed: Qty,
    /// Shares of the chain that have executed.
    pub executed: Qty,
    /// How it meets the book. A slide that was asked for is over once it rests.
    pub terms: Terms,
    /// For whom.
    pub firm: Firm,
    /// The cross it waits for, if it is for one alone.
    pub cross: CrossKind,
}

/// An instrument as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentView {
    /// Its name.
    pub name: Symbol,
    /// Where its day stands.
    pub phase: Phase,
    /// Whether it trades.
    pub state: TradingState,
    /// What crosses are held against; 0 for nothing.
    pub reference: Price,
    /// The last trade's price; 0 before the first.
    pub last: Price,
}

/// What must always hold and does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Shown orders of both sides could trade while orders match as they come.
    #[error("the book of symbol {} is crossed: bid {bid}, offer {ask}", symbol.0)]
    Crossed {
        /// Which instrument.
        symbol: SymbolId,
        /// The best bid.
        bid: Price,
        /// The best offer.
        ask: Price,
    },
    /// The tables of live orders and the books differ.
    #[error("{book} orders in the books, {live} in the table, {sessions} by session")]
    Count {
        /// Orders in books.
        book: usize,
        /// Orders by number.
        live: usize,
        /// Orders by session.
        sessions: usize,
    },
    /// An order is not where its number says.
    #[error("order {} is not found by its number", .0.0)]
    Lost(OrderId),
    /// Cash or shares appeared or vanished.
    #[error("the ledger: {0}")]
    Ledger(String),
}

impl Engine {
    /// The id of a symbol's name.
    #[inline]
    pub fn symbol_id(&self, name: &Symbol) -> Option<SymbolId> {
        self.instruments.find(name)
    }

    /// An instrument.
    pub fn instrument(&self, id: SymbolId) -> Option<InstrumentView> {
        let i = self.instruments.get(id);
        let view = InstrumentView {
            name: i.name,
            phase: i.phase,
            state: i.state,
            reference: i.reference,
            last: i.last,
        };
        i.listed.then_some(view)
    }

    /// Instruments' ids are below this.
    pub fn instrument_ids(&self) -> u32 {
        self.instruments.ids()
    }

    /// A client's live order.
    #[inline]
    pub fn order(&self, session: SessionId, user_ref: UserRef) -> Option<LiveOrder> {
        let order = self.resting(self.slot(session, user_ref)?);
        Some(self.live_order(&order))
    }

    fn live_order(&self, order: &Resting) -> LiveOrder {
        LiveOrder {
            party: order.owner.party(),
            side: order.owner.side,
            symbol: order.symbol,
            price: order.price,
            leaves: self.live_qty(order),
            displayed: if order.shown { order.qty } else { Qty::ZERO },
            executed: Qty(order.owner.executed),
            terms: self.terms_of(order),
            firm: order.owner.firm,
            cross: crate::change::cross_of(order.zone),
        }
    }

    fn terms_of(&self, order: &Resting) -> Terms {
        let extra = self.extras.get(order.owner.extra);
        Terms {
            tif: order.owner.tif,
            display: order.owner.display,
            peg: if order.zone == Zone::Peg { Peg::Midpoint } else { Peg::None },
            post_only: PostOnly::No,
            min_qty: extra.min_qty,
            max_floor: extra.max_floor,
            expire_s: extra.expire_s,
        }
    }

    /// The session's highest `UserRefNum` so far; 0 before the first.
    pub fn last_user_ref(&self, session: SessionId) -> UserRef {
        self.clients.get(session).last
    }

    /// A session's live orders.
    pub fn session_orders(&self, session: SessionId) -> u32 {
        self.clients.get(session).live
    }

    /// The best shown prices of both sides.
    #[inline]
    pub fn top(&self, symbol: SymbolId) -> Top {
        Top { bid: self.best_shown(symbol, Side::Buy), ask: self.best_shown(symbol, Side::Sell) }
    }

    #[inline]
    fn best_shown(&self, symbol: SymbolId, side: Side) -> Option<LevelView> {
        let book = Zone::Main.book(symbol);
        let best = self.book.best(book, side)?;
        let (price, shown) = unrank(side, best.price);
        if shown {
            return Some(LevelView { price, ..best });
        }
        self.levels(symbol, side).next()
    }

    /// A side's shown levels, the best first.
    pub fn levels(&self, symbol: SymbolId, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        self.book.levels(Zone::Main.book(symbol), side).filter_map(move |level| {
            let (price, shown) = unrank(side, level.price);
            shown.then_some(LevelView { price, ..level })
        })
    }

    /// The shown orders resting at a price, in the order they are served, with their shares.
    pub fn queue(
        &self,
        symbol: SymbolId,
        side: Side,
        price: Price,
    ) -> impl Iterator<Item = (OrderId, Qty)> + '_ {
        let at = rank(side, price, true);
        let orders = self.book.orders(Zone::Main.book(symbol), side, at);
        orders.map(|o| (o.payload.order_id, o.qty))
    }

    /// All live orders of an instrument, hidden ones too, in the order they are served.
    pub fn orders(&self, symbol: SymbolId) -> impl Iterator<Item = LiveOrder> + '_ {
        let places = Zone::ALL.into_iter().flat_map(|z| [(z, Side::Buy), (z, Side::Sell)]);
        places
            .flat_map(move |(zone, side)| self.book.served(zone.book(symbol), side))
            .map(|(slot, view)| self.live_order(&Resting::new(slot, view)))
    }

    /// Orders resting.
    pub fn live_orders(&self) -> usize {
        self.book.len()
    }

    /// Orders that the tape tells of. Walks all books: not for the hot path.
    pub fn shown_orders(&self, symbol: SymbolId) -> usize {
        self.orders(symbol).filter(|order| order.displayed > Qty::ZERO).count()
    }

    /// Cash and positions, where they are kept.
    pub fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()
    }

    /// What was counted.
    pub fn counters(&self) -> &EngineCounters {
        &self.counters
    }

    /// Checks one instrument: what is cheap enough to be asked after every command.
    ///
    /// # Errors
    /// The shown book is crossed while orders match as they come.
    pub fn check_symbol(&self, symbol: SymbolId) -> Result<(), Broken> {
        let top = self.top(symbol);
        match (top.bid, top.ask) {
            (Some(bid), Some(ask)) if self.is_matching(symbol) && bid.price >= ask.price => {
                Err(Broken::Crossed { symbol, bid: bid.price, ask: ask.price })
            }
            _ => Ok(()),
        }
    }

    /// Checks everything that must always hold. Walks all orders: not for the hot path.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self) -> Result<(), Broken> {
        let (clients, _) = self.clients.all();
        let sessions = clients.iter().map(|c| c.live as usize).sum();
        let (book, live) = (self.book.len(), self.places.len());
        if book != live || book != sessions {
            return Err(Broken::Count { book, live, sessions });
        }
        for symbol in (0..self.instruments.ids()).map(|id| SymbolId(id as u16)) {
            self.check_symbol(symbol)?;
            for order in self.orders(symbol) {
                let Party { session, user_ref, order_id } = order.party;
                if self.order(session, user_ref) != Some(order) {
                    return Err(Broken::Lost(order_id));
                }
            }
        }
        let audit = self.ledger.as_ref().map_or(Ok(()), Ledger::audit);
        audit.map_err(|e| Broken::Ledger(e.to_string()))
    }
}
