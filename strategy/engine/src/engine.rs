//! The engine's state, and what each command does before and after matching.

use book::{BookCore, Capacity, LevelView, RefMap, Slot, Top};
use types::{
    Accepted, Cancel, CancelReason, Canceled, Command, Enter, Event, EventSink, Modify, Nanos,
    OrderCapacity, OrderId, OrderSide, Party, Price, Qty, RejectReason, Rejected, Replace,
    Replaced, SessionId, Side, Symbol, SymbolId, TimeInForce, UserRef,
};

/// How large an engine is.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The symbols that are traded; ids below `u16::MAX`.
    pub symbols: Vec<(SymbolId, Symbol)>,
    /// Client sessions are `0..sessions`.
    pub sessions: u16,
    /// Orders resting at once.
    pub orders: u32,
    /// Price levels at once.
    pub levels: u32,
}

/// What an engine counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineCounters {
    /// Commands taken.
    pub commands: u64,
    /// Orders accepted, replacements included.
    pub accepted: u64,
    /// Commands rejected.
    pub rejected: u64,
    /// Matches.
    pub matches: u64,
    /// Commands whose number was not above the session's last, ignored.
    pub duplicates: u64,
    /// Cancels and modifies of orders that are not live, ignored.
    pub superfluous: u64,
    /// Commands of sessions beyond the capacity, ignored.
    pub unknown_session: u64,
    /// Orders rejected because a table was full.
    pub full: u64,
}

/// What a resting order carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) order_id: OrderId,
    pub(crate) user_ref: UserRef,
    /// Shares of the chain that have executed.
    pub(crate) executed: u32,
    pub(crate) session: SessionId,
    pub(crate) side: OrderSide,
    pub(crate) tif: TimeInForce,
    pub(crate) capacity: OrderCapacity,
}

impl Default for Owner {
    fn default() -> Owner {
        Owner {
            order_id: OrderId(0),
            user_ref: UserRef(0),
            executed: 0,
            session: SessionId(0),
            side: OrderSide::Buy,
            tif: TimeInForce::Day,
            capacity: OrderCapacity::Other,
        }
    }
}

const _: () = assert!(BookCore::<Owner>::order_bytes() <= 64);

impl Owner {
    pub(crate) fn party(&self) -> Party {
        Party { session: self.session, user_ref: self.user_ref, order_id: self.order_id }
    }
}

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
    /// Shares left.
    pub leaves: Qty,
    /// Shares of the chain that have executed.
    pub executed: Qty,
}

/// The matching engine; see the [crate](crate).
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) book: BookCore<Owner>,
    pub(crate) live: RefMap,
    symbols: RefMap,
    last_refs: Box<[UserRef]>,
    next_order: u64,
    pub(crate) next_match: u64,
    pub(crate) counters: EngineCounters,
}

/// An order on its way through the engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub(crate) owner: Owner,
    pub(crate) symbol: SymbolId,
    pub(crate) price: Price,
    pub(crate) leaves: Qty,
    /// The resting order it takes the place of, told to the tape in one message if it rests at
    /// once.
    pub(crate) replaces: Option<OrderId>,
}

#[inline]
pub(crate) fn live_key(session: SessionId, user_ref: UserRef) -> u64 {
    u64::from(session.0) << 32 | u64::from(user_ref.0)
}

impl Engine {
    /// Takes all the memory the engine will ever use.
    pub fn new(config: &EngineConfig) -> Engine {
        let highest = config.symbols.iter().map(|(id, _)| id.0).max().unwrap_or(0);
        let mut symbols = RefMap::with_capacity(config.symbols.len());
        for (id, name) in &config.symbols {
            symbols.insert(name.key(), u32::from(id.0));
        }
        let capacity = Capacity {
            orders: config.orders,
            levels: config.levels,
            symbols: highest.saturating_add(1),
        };
        Engine {
            book: BookCore::new(capacity),
            live: RefMap::with_capacity(config.orders as usize),
            symbols,
            last_refs: vec![UserRef(0); usize::from(config.sessions)].into_boxed_slice(),
            next_order: 1,
            next_match: 1,
            counters: EngineCounters::default(),
        }
    }

    /// Applies one command; what comes of it goes to `sink` in the order it happens. `_now` is the
    /// command's stamp: nothing here depends on it yet but what the sink writes.
    #[inline]
    pub fn apply<S: EventSink>(&mut self, command: &Command, _now: Nanos, sink: &mut S) {
        self.counters.commands += 1;
        if usize::from(command.session().0) >= self.last_refs.len() {
            self.counters.unknown_session += 1;
            return;
        }
        match command {
            Command::Enter(c) => self.enter(c, sink),
            Command::Replace(c) => self.replace(c, sink),
            Command::Cancel(c) => self.cancel(c, sink),
            Command::Modify(c) => self.modify(c, sink),
            Command::Refused(c) => {
                if self.is_new(c.session, c.user_ref) {
                    self.reject(c.session, c.user_ref, c.reason, c.cl_ord_id, sink);
                }
            }
        }
    }

    /// Whether a number is above the session's last; it is the last from then on.
    ///
    /// OUCH 5.0, 2.1: UserRefNum "must be day-unique and strictly increasing", repeats are ignored.
    fn is_new(&mut self, session: SessionId, user_ref: UserRef) -> bool {
        let last = &mut self.last_refs[usize::from(session.0)];
        if user_ref <= *last {
            self.counters.duplicates += 1;
            return false;
        }
        *last = user_ref;
        true
    }

    fn enter<S: EventSink>(&mut self, c: &Enter, sink: &mut S) {
        if !self.is_new(c.session, c.user_ref) {
            return;
        }
        let symbol = match self.check(c) {
            Ok(symbol) => symbol,
            Err(reason) => return self.reject(c.session, c.user_ref, reason, c.cl_ord_id, sink),
        };
        let owner = Owner {
            order_id: self.take_order_id(),
            user_ref: c.user_ref,
            executed: 0,
            session: c.session,
            side: c.side,
            tif: c.tif,
            capacity: c.capacity,
        };
        self.counters.accepted += 1;
        sink.on_event(&Event::Accepted(Accepted {
            party: owner.party(),
            side: c.side,
            qty: c.qty,
            symbol,
            price: c.price,
            tif: c.tif,
        }));
        let order = Incoming { owner, symbol, price: c.price, leaves: c.qty, replaces: None };
        self.trade(order, sink);
    }

    fn check(&mut self, c: &Enter) -> Result<SymbolId, RejectReason> {
        let symbol = self.symbol_id(&c.symbol).ok_or(RejectReason::InvalidSymbol)?;
        if c.qty == Qty::ZERO || c.qty > Qty::ORDER_MAX {
            return Err(RejectReason::InvalidQuantity);
        }
        check_price(c.price)?;
        if rests(c.tif, c.price) {
            self.check_room(symbol, c.side.side(), c.price)?;
        }
        Ok(symbol)
    }

    fn check_room(
        &mut self,
        symbol: SymbolId,
        side: Side,
        price: Price,
    ) -> Result<(), RejectReason> {
        self.book.has_room(symbol, side, price).map_err(|_| {
            self.counters.full += 1;
            RejectReason::ProcessingError
        })
    }

    fn replace<S: EventSink>(&mut self, c: &Replace, sink: &mut S) {
        if !self.is_new(c.session, c.user_ref) {
            return;
        }
        let Some(slot) = self.slot(c.session, c.orig) else {
            let reason = RejectReason::ReplaceNotAllowed;
            return self.reject(c.session, c.user_ref, reason, c.cl_ord_id, sink);
        };
        let live = self.book.order(slot);
        let leaves = Qty(c.qty.0.saturating_sub(live.payload.executed));
        let verdict = if c.qty > Qty::ORDER_MAX {
            Err(RejectReason::InvalidQuantity)
        } else {
            check_price(c.price)
        };
        if let Err(reason) = verdict {
            return self.reject(c.session, c.user_ref, reason, c.cl_ord_id, sink);
        }
        if leaves == Qty::ZERO {
            return self.take_off(slot, live.qty, CancelReason::UserRequested, sink);
        }
        if c.price == live.price && leaves <= live.qty && c.tif == live.payload.tif {
            return self.replace_in_place(c, slot, leaves, sink);
        }
        if rests(c.tif, c.price) && self.book.has_room_instead(slot, c.price).is_err() {
            self.counters.full += 1;
            let reason = RejectReason::ProcessingError;
            return self.reject(c.session, c.user_ref, reason, c.cl_ord_id, sink);
        }
        self.replace_anew(c, slot, leaves, sink);
    }

    /// The same price and no more shares: the order stays where it stands, under a new client
    /// number.
    fn replace_in_place<S: EventSink>(
        &mut self,
        c: &Replace,
        slot: Slot,
        leaves: Qty,
        sink: &mut S,
    ) {
        let live = self.book.order(slot);
        self.live.remove(live_key(c.session, c.orig));
        self.live.insert(live_key(c.session, c.user_ref), slot.index());
        self.book.payload_mut(slot).user_ref = c.user_ref;
        let party = Party { user_ref: c.user_ref, ..live.payload.party() };
        let owner = Owner { user_ref: c.user_ref, ..live.payload };
        self.tell_replaced(c, &owner, live.symbol, leaves, sink);
        let off = Qty(live.qty.0 - leaves.0);
        if off > Qty::ZERO {
            self.book.reduce(slot, off);
            sink.on_event(&Event::BookReduce(types::BookReduce {
                order_id: party.order_id,
                symbol: live.symbol,
                qty: off,
            }));
        }
    }

    /// The old order leaves, the new one comes in as if entered, under a new number.
    fn replace_anew<S: EventSink>(&mut self, c: &Replace, slot: Slot, leaves: Qty, sink: &mut S) {
        let live = self.book.order(slot);
        self.live.remove(live_key(c.session, c.orig));
        self.book.remove(slot);
        let owner = Owner {
            order_id: self.take_order_id(),
            user_ref: c.user_ref,
            tif: c.tif,
            ..live.payload
        };
        self.tell_replaced(c, &owner, live.symbol, leaves, sink);
        let replaces = Some(live.payload.order_id);
        let order = Incoming { owner, symbol: live.symbol, price: c.price, leaves, replaces };
        self.trade(order, sink);
    }

    fn tell_replaced<S: EventSink>(
        &mut self,
        c: &Replace,
        owner: &Owner,
        symbol: SymbolId,
        qty: Qty,
        sink: &mut S,
    ) {
        self.counters.accepted += 1;
        sink.on_event(&Event::Replaced(Replaced {
            party: owner.party(),
            orig: c.orig,
            side: owner.side,
            qty,
            symbol,
            price: c.price,
            tif: c.tif,
            capacity: owner.capacity,
        }));
    }

    fn cancel<S: EventSink>(&mut self, c: &Cancel, sink: &mut S) {
        let Some(slot) = self.slot(c.session, c.user_ref) else {
            self.counters.superfluous += 1;
            return;
        };
        let live = self.book.order(slot);
        let stays = c.qty.0.saturating_sub(live.payload.executed).min(live.qty.0);
        let off = Qty(live.qty.0 - stays);
        if off == Qty::ZERO {
            self.counters.superfluous += 1;
            return;
        }
        self.take_off(slot, off, CancelReason::UserRequested, sink);
    }

    fn modify<S: EventSink>(&mut self, c: &Modify, sink: &mut S) {
        let slot = self.slot(c.session, c.user_ref);
        let Some((slot, live)) = slot.map(|s| (s, self.book.order(s))) else {
            self.counters.superfluous += 1;
            return;
        };
        let stays = c.qty.0.saturating_sub(live.payload.executed).min(live.qty.0);
        // OUCH 5.0: a modification may change the kind of sale, never the side of the book, and may
        // take shares off but not all.
        if c.side.side() != live.side || stays == 0 {
            self.counters.superfluous += 1;
            return;
        }
        let reduced = Qty(live.qty.0 - stays);
        self.book.payload_mut(slot).side = c.side;
        let party = live.payload.party();
        let qty = Qty(live.payload.executed.saturating_add(stays));
        sink.on_event(&Event::Modified { party, side: c.side, qty, reduced });
        if reduced > Qty::ZERO {
            self.book.reduce(slot, reduced);
            sink.on_event(&Event::BookReduce(types::BookReduce {
                order_id: party.order_id,
                symbol: live.symbol,
                qty: reduced,
            }));
        }
    }

    /// Takes shares off a resting order.
    fn take_off<S: EventSink>(&mut self, slot: Slot, off: Qty, reason: CancelReason, sink: &mut S) {
        let live = self.book.order(slot);
        let leaves = Qty(live.qty.0 - off.0);
        self.book.reduce(slot, off);
        if leaves == Qty::ZERO {
            self.live.remove(live_key(live.payload.session, live.payload.user_ref));
        }
        sink.on_event(&Event::Canceled(Canceled {
            party: live.payload.party(),
            symbol: live.symbol,
            qty: off,
            leaves,
            rested: true,
            reason,
        }));
    }

    #[cold]
    fn reject<S: EventSink>(
        &mut self,
        session: SessionId,
        user_ref: UserRef,
        reason: RejectReason,
        cl_ord_id: types::ClOrdId,
        sink: &mut S,
    ) {
        self.counters.rejected += 1;
        sink.on_event(&Event::Rejected(Rejected { session, user_ref, reason, cl_ord_id }));
    }

    fn take_order_id(&mut self) -> OrderId {
        let id = OrderId(self.next_order);
        self.next_order += 1;
        id
    }

    fn slot(&self, session: SessionId, user_ref: UserRef) -> Option<Slot> {
        self.live.get(live_key(session, user_ref)).map(Slot::from_index)
    }

    /// The id of a symbol's name.
    #[inline]
    pub fn symbol_id(&self, name: &Symbol) -> Option<SymbolId> {
        self.symbols.get(name.key()).map(|id| SymbolId(id as u16))
    }

    /// A client's live order.
    #[inline]
    pub fn order(&self, session: SessionId, user_ref: UserRef) -> Option<LiveOrder> {
        let order = self.book.order(self.slot(session, user_ref)?);
        Some(LiveOrder {
            party: order.payload.party(),
            side: order.payload.side,
            symbol: order.symbol,
            price: order.price,
            leaves: order.qty,
            executed: Qty(order.payload.executed),
        })
    }

    /// The session's highest `UserRefNum` so far; 0 before the first.
    pub fn last_user_ref(&self, session: SessionId) -> UserRef {
        self.last_refs.get(usize::from(session.0)).copied().unwrap_or_default()
    }

    /// The best of both sides.
    #[inline]
    pub fn top(&self, symbol: SymbolId) -> Top {
        self.book.top(symbol)
    }

    /// A side's levels, the best first.
    pub fn levels(&self, symbol: SymbolId, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        self.book.levels(symbol, side)
    }

    /// The orders resting at a price, in the order they are served, with their shares.
    pub fn queue(
        &self,
        symbol: SymbolId,
        side: Side,
        price: Price,
    ) -> impl Iterator<Item = (OrderId, Qty)> + '_ {
        self.book.orders(symbol, side, price).map(|o| (o.payload.order_id, o.qty))
    }

    /// Orders resting.
    pub fn live_orders(&self) -> usize {
        self.book.len()
    }

    /// What was counted.
    pub fn counters(&self) -> &EngineCounters {
        &self.counters
    }

    /// A hash of all state that can influence what comes: books, owners, numbers given out.
    pub fn state_hash(&self) -> u64 {
        let books = self.book.state_hash(|o| {
            let who = live_key(o.session, o.user_ref);
            let kind = (o.capacity as u64) << 16 | (o.side as u64) << 8 | o.tif as u64;
            let terms = u64::from(o.executed) << 24 | kind;
            mix(mix(o.order_id.0, who), terms)
        });
        let numbers = mix(self.next_order, self.next_match);
        let refs = self.last_refs.iter().fold(0, |hash, r| mix(hash, u64::from(r.0)));
        mix(mix(books, numbers), refs)
    }
}

/// Whether what does not trade at once stays.
pub(crate) fn rests(tif: TimeInForce, price: Price) -> bool {
    tif == TimeInForce::Day && !price.is_market()
}

fn check_price(price: Price) -> Result<(), RejectReason> {
    let ok = price.is_market() || (price > Price(0) && price <= Price::LIMIT_MAX);
    if ok { Ok(()) } else { Err(RejectReason::InvalidPrice) }
}

/// Folds a word into a hash (multiply and rotate; for telling states apart, not for secrets).
fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (hash >> 29)
}
