//! The trading day: time, the operator, and crosses at the best of all prices.

use super::{Naive, Order};
use types::{
    Broken, CancelReason, Corrected, CrossDone, CrossKind, Event, Imbalance, MatchId, Obstacle,
    Operation, Phase, Price, Print, Side, State, SymbolId, TimeInForce, TradingState,
};

impl Naive {
    pub(super) fn pass_time(&mut self) {
        let second = self.now_ns / 1_000_000_000;
        loop {
            let due = self
                .orders
                .iter()
                .filter(|o| o.terms.expire_s > 0 && u64::from(o.terms.expire_s) <= second);
            let Some(order) = due.min_by_key(|o| (o.terms.expire_s, o.rested)).copied() else {
                break;
            };
            self.take_off(order.party.order_id, order.live(), CancelReason::Timeout);
            self.after_change(order.symbol);
        }
        for instrument in self.instruments.clone() {
            let limit = self.config.limit_state_ns;
            if instrument.limit_since.is_some_and(|since| self.now_ns >= since + limit) {
                self.pause(instrument.id);
            } else if instrument.resume_at.is_some_and(|at| self.now_ns >= at) {
                self.resume(instrument.id);
            }
        }
    }

    fn pause(&mut self, symbol: SymbolId) {
        self.set_state(symbol, TradingState::Paused, *b"LUDP");
        let resume_at = self.now_ns + self.config.pause_ns;
        let instrument = self.instrument_mut(symbol);
        instrument.resume_at = Some(resume_at);
        let (lower, upper) = instrument.bands.expect("a limit state has bands");
        let reference = Price(((u64::from(lower.0) + u64::from(upper.0)) / 2) as u32);
        self.events.push(Event::Collar { symbol, reference, lower, upper });
    }

    pub(super) fn watch_bands(&mut self, symbol: SymbolId) {
        let (bid, ask) = (self.best(symbol, Side::Buy), self.best(symbol, Side::Sell));
        let now = self.now_ns.max(1);
        let instrument = self.instrument_mut(symbol);
        let at_band = instrument.bands.is_some_and(|(lower, upper)| {
            bid.is_some_and(|bid| bid >= upper) || ask.is_some_and(|ask| ask <= lower)
        });
        match (at_band && instrument.matches(), instrument.limit_since) {
            (false, _) => instrument.limit_since = None,
            (true, None) => instrument.limit_since = Some(now),
            _ => {}
        }
    }

    pub(super) fn operate(&mut self, operation: &Operation) {
        let done = match *operation {
            Operation::Clock => Ok(()),
            Operation::Phase { symbol, phase } => self.set_phase(symbol, phase),
            Operation::Halt { symbol, reason } => {
                self.each(symbol, |naive, id| naive.set_state(id, TradingState::Halted, reason))
            }
            Operation::Quote { symbol, release_s, price } => self.quote(symbol, release_s, price),
            Operation::Resume { symbol } => self.each(symbol, Naive::resume),
            Operation::Cross { symbol, kind } => self.cross_now(symbol, kind),
            Operation::Imbalance { symbol } => self.each(symbol, Naive::tell_imbalance),
            Operation::Reference { price, .. } if price > Price::LIMIT_MAX => {
                Err(Obstacle::BadValue)
            }
            Operation::Reference { symbol, price } => {
                self.each(symbol, |naive, id| naive.instrument_mut(id).reference = price)
            }
            Operation::Bands { symbol, lower, upper } => self.set_bands(symbol, lower, upper),
            Operation::Breaker { level } => self.trip(level),
            Operation::Bust { match_id, reason } => self.bust(match_id, reason),
            Operation::Adjust { match_id, price, reason } => self.adjust(match_id, price, reason),
            Operation::TransferShares { symbol: SymbolId(0), .. } => Err(Obstacle::UnknownSymbol),
            Operation::TransferCash { .. }
            | Operation::TransferShares { .. }
            | Operation::Deposit { .. } => Err(Obstacle::UnknownAccount),
            Operation::CancelSession { session } => {
                self.cancel_session(session, CancelReason::Supervisory, |_| true);
                Ok(())
            }
        };
        if let Err(obstacle) = done {
            self.obstacle(obstacle);
        }
    }

    fn each(
        &mut self,
        symbol: SymbolId,
        mut what: impl FnMut(&mut Naive, SymbolId),
    ) -> Result<(), Obstacle> {
        let all = self.instruments.iter().map(|i| i.id);
        let ids: Vec<_> = all.filter(|id| symbol.0 == 0 || *id == symbol).collect();
        ids.iter().for_each(|id| what(self, *id));
        if ids.is_empty() { Err(Obstacle::UnknownSymbol) } else { Ok(()) }
    }

    fn set_phase(&mut self, symbol: SymbolId, phase: Phase) -> Result<(), Obstacle> {
        if symbol.0 == 0 {
            self.events.push(Event::Phase { symbol, phase });
        }
        self.each(symbol, |naive, id| {
            if symbol.0 > 0 {
                naive.events.push(Event::Phase { symbol, phase });
            }
            let before = naive.instrument(id).phase;
            match phase {
                Phase::Continuous if before != phase => naive.open(id),
                Phase::Closed if before < phase => naive.close(id),
                Phase::End => {
                    naive.instrument_mut(id).phase = phase;
                    naive.clear(id, CancelReason::Closed, |_| true);
                }
                _ => naive.instrument_mut(id).phase = phase,
            }
            naive.after_change(id);
        })
    }

    fn open(&mut self, symbol: SymbolId) {
        if self.instrument(symbol).state == TradingState::Trading {
            self.cross(symbol, CrossKind::Opening);
        } else {
            self.clear(symbol, CancelReason::Halted, |o| o.cross == CrossKind::Opening);
        }
        self.instrument_mut(symbol).phase = Phase::Continuous;
        self.after_change(symbol);
    }

    fn close(&mut self, symbol: SymbolId) {
        if self.instrument(symbol).state == TradingState::Trading {
            self.cross(symbol, CrossKind::Closing);
        }
        for kind in [CrossKind::Closing, CrossKind::Halt, CrossKind::Opening] {
            self.clear(symbol, CancelReason::Closed, |o| o.cross == kind);
        }
        self.clear(symbol, CancelReason::Closed, |o| o.follows());
        self.instrument_mut(symbol).phase = Phase::Closed;
        self.clear(symbol, CancelReason::Closed, |o| o.terms.tif != TimeInForce::Gtx);
        self.after_change(symbol);
    }

    /// Takes orders off: those of the continuous book, of the midpoint, for the opening, the
    /// closing, the halt cross; bids before offers; as they would be served.
    fn clear(&mut self, symbol: SymbolId, reason: CancelReason, meant: impl Fn(&Order) -> bool) {
        let theirs = self.orders.iter().filter(|o| o.symbol == symbol && meant(o));
        let mut off: Vec<Order> = theirs.copied().collect();
        off.sort_by_key(|o| {
            let zone = match o.cross {
                CrossKind::None => u8::from(o.follows()),
                CrossKind::Opening => 2,
                CrossKind::Closing => 3,
                CrossKind::Halt => 4,
            };
            let age = if o.follows() { o.rested } else { o.party.order_id.0 };
            (zone, o.side.side() == Side::Sell, rank(o), age)
        });
        for order in off {
            self.take_off(order.party.order_id, order.live(), reason);
        }
    }

    fn set_state(&mut self, symbol: SymbolId, state: TradingState, reason: [u8; 4]) {
        let instrument = self.instrument_mut(symbol);
        (instrument.state, instrument.limit_since, instrument.resume_at) = (state, None, None);
        self.events.push(Event::State(State { symbol, state, reason }));
    }

    fn quote(&mut self, symbol: SymbolId, release_s: u32, price: Price) -> Result<(), Obstacle> {
        if price > Price::LIMIT_MAX {
            return Err(Obstacle::BadValue);
        }
        self.each(symbol, |naive, id| {
            naive.set_state(id, TradingState::Quotation, *b"IPOQ");
            if price > Price(0) {
                naive.instrument_mut(id).reference = price;
                naive.events.push(Event::Offering { symbol: id, release_s, price });
            }
        })
    }

    fn resume(&mut self, symbol: SymbolId) {
        let instrument = self.instrument(symbol);
        if instrument.state != TradingState::Trading {
            if instrument.phase == Phase::Continuous {
                self.cross(symbol, CrossKind::Halt);
            }
            self.set_state(symbol, TradingState::Trading, *b"    ");
            self.after_change(symbol);
        }
    }

    fn cross_now(&mut self, symbol: SymbolId, kind: CrossKind) -> Result<(), Obstacle> {
        let mut held = false;
        self.each(symbol, |naive, id| {
            let instrument = naive.instrument(id);
            let kind = if kind == CrossKind::None { naive.next_cross(id) } else { kind };
            match kind {
                CrossKind::Opening if instrument.phase < Phase::Continuous => naive.open(id),
                CrossKind::Halt if instrument.state != TradingState::Trading => naive.resume(id),
                CrossKind::Closing if instrument.takes_orders() => naive.close(id),
                _ => return,
            }
            held = true;
        })?;
        if held { Ok(()) } else { Err(Obstacle::WrongState) }
    }

    fn next_cross(&self, symbol: SymbolId) -> CrossKind {
        let instrument = self.instrument(symbol);
        match instrument.phase {
            Phase::Start | Phase::PreOpen => CrossKind::Opening,
            _ if instrument.state == TradingState::Trading => CrossKind::Closing,
            _ => CrossKind::Halt,
        }
    }

    fn set_bands(&mut self, symbol: SymbolId, lower: Price, upper: Price) -> Result<(), Obstacle> {
        if lower > upper || upper > Price::LIMIT_MAX {
            return Err(Obstacle::BadValue);
        }
        self.each(symbol, |naive, id| {
            let instrument = naive.instrument_mut(id);
            instrument.limit_since = None;
            instrument.bands = Some((lower, upper)).filter(|_| upper > Price(0));
            if upper > Price(0) {
                naive.clear(id, CancelReason::CannotBeExecuted, |o| {
                    let beyond = match o.side.side() {
                        Side::Buy => o.price > upper,
                        Side::Sell => o.price < lower,
                    };
                    o.is_plain() && beyond
                });
            }
            naive.after_change(id);
        })
    }

    fn trip(&mut self, level: u8) -> Result<(), Obstacle> {
        if level == 0 || level > 3 {
            return Err(Obstacle::BadValue);
        }
        self.events.push(Event::Breaker { level });
        self.each(SymbolId(0), |naive, id| {
            naive.set_state(id, TradingState::Halted, [b'M', b'W', b'C', b'0' + level]);
            if level == 3 {
                naive.close(id);
            }
        })
    }

    fn bust(&mut self, match_id: MatchId, reason: u8) -> Result<(), Obstacle> {
        let found = self.trades.iter_mut().find(|t| t.executed.match_id == match_id && !t.broken);
        let trade = found.ok_or(Obstacle::UnknownMatch)?;
        trade.broken = true;
        let (e, cl_ord_ids) = (trade.executed, trade.cl_ord_ids);
        let parties = [e.resting, e.aggressor].map(|p| (p.session, p.user_ref));
        let symbol = e.symbol;
        self.events.push(Event::Broken(Broken { parties, cl_ord_ids, symbol, match_id, reason }));
        Ok(())
    }

    fn adjust(&mut self, match_id: MatchId, price: Price, reason: u8) -> Result<(), Obstacle> {
        if price == Price(0) || price > Price::LIMIT_MAX {
            return Err(Obstacle::BadValue);
        }
        let found = self.trades.iter_mut().find(|t| t.executed.match_id == match_id && !t.broken);
        let trade = found.ok_or(Obstacle::UnknownMatch)?;
        trade.executed.price = price;
        let e = trade.executed;
        self.events.push(Event::Corrected(Corrected {
            parties: [e.resting, e.aggressor].map(|p| (p.session, p.user_ref)),
            cl_ord_ids: trade.cl_ord_ids,
            liquidity: e.liquidity,
            resting_side: e.resting_side,
            symbol: e.symbol,
            match_id,
            qty: e.qty,
            price,
            reason,
        }));
        Ok(())
    }

    /// Who takes part in a cross on a side, the first served first.
    fn waiting(&self, symbol: SymbolId, kind: CrossKind, side: Side) -> Vec<Order> {
        let theirs = self.orders.iter().filter(|o| o.symbol == symbol && o.side.side() == side);
        let mut waiting: Vec<_> =
            theirs.filter(|o| o.is_plain() || o.cross == kind).copied().collect();
        waiting.retain(|o| !o.follows());
        waiting.sort_by_key(|o| (rank(o), o.party.order_id));
        waiting
    }

    /// Shares that a price would buy and sell.
    fn shares_at(&self, symbol: SymbolId, kind: CrossKind, price: Price) -> (u64, u64) {
        let shares = |side| {
            let waiting = self.waiting(symbol, kind, side).into_iter();
            let allowed = waiting.filter(|o| crate::order::allows(side, o.price, price));
            allowed.map(|o| u64::from(o.live())).sum()
        };
        (shares(Side::Buy), shares(Side::Sell))
    }

    /// The best of all prices there may be: most shares, fewest left over, nearest to the
    /// reference, lowest.
    fn cross_price(&self, symbol: SymbolId, kind: CrossKind) -> Option<Price> {
        let instrument = self.instrument(symbol);
        let reference =
            if instrument.reference > Price(0) { instrument.reference } else { instrument.last };
        let reference = Some(reference.0).filter(|r| *r > 0);
        let sides = [Side::Buy, Side::Sell];
        let waiting = sides.iter().flat_map(|side| self.waiting(symbol, kind, *side));
        let limits: Vec<u32> =
            waiting.filter(|o| !o.price.is_market()).map(|o| o.price.0).collect();
        let ends = limits.iter().flat_map(|p| [p - 1, p + 1]);
        let near = ends.chain(limits.iter().copied()).chain(reference);
        let bands = instrument.bands.map(|(lower, upper)| lower.0..=upper.0);
        let far = bands.iter().flat_map(|b| [*b.start(), *b.end()]);
        let mut marks: Vec<u32> = near.chain(far).collect();
        marks.retain(|p| *p > 0 && *p <= Price::LIMIT_MAX.0);
        marks.retain(|p| bands.as_ref().is_none_or(|b| b.contains(p)));
        marks.sort();
        marks.dedup();
        let all = everything_between(&marks);
        let mut all: Vec<_> = all
            .map(|price| {
                let (buy, sell) = self.shares_at(symbol, kind, Price(price));
                (u64::MAX - buy.min(sell), buy.abs_diff(sell), price)
            })
            .collect();
        all.sort();
        let (paired, over, low) = *all.first()?;
        let same = all.iter().take_while(|(p, o, _)| (*p, *o) == (paired, over));
        let prices: Vec<u32> = same.map(|(_, _, price)| *price).collect();
        let high = *prices.last()?;
        // What remains has no gaps, so that its middle is one of it.
        let Some(wanted) = reference else { return Some(Price(low + (high - low) / 2)) };
        prices.into_iter().min_by_key(|p| (p.abs_diff(wanted), *p)).map(Price)
    }

    fn cross(&mut self, symbol: SymbolId, kind: CrossKind) {
        let price = self.cross_price(symbol, kind);
        let shares = price.map_or((0, 0), |p| self.shares_at(symbol, kind, p));
        let paired = shares.0.min(shares.1);
        let price = price.filter(|_| paired > 0).unwrap_or_default();
        let mut left = paired;
        while left > 0 {
            let buy = self.waiting(symbol, kind, Side::Buy)[0];
            let sell = self.waiting(symbol, kind, Side::Sell)[0];
            let qty = buy.qty.min(sell.qty);
            let flag = match kind {
                CrossKind::Opening => b'M',
                CrossKind::Closing => b'L',
                _ => b'K',
            };
            let print = [buy, sell].map(|o| if o.shown() { Print::Cross } else { Print::Quiet });
            self.tell_trade([buy, sell], price, qty, [flag; 2], print);
            self.fill(buy.party.order_id, qty);
            self.fill(sell.party.order_id, qty);
            left -= u64::from(qty);
        }
        let match_id = self.next_match();
        let done = CrossDone { symbol, kind, price, qty: paired, match_id };
        self.events.push(Event::CrossDone(done));
        if price > Price(0) {
            self.instrument_mut(symbol).reference = price;
        }
        self.clear(symbol, CancelReason::CrossCanceled, |o| o.cross == kind);
    }

    fn tell_imbalance(&mut self, symbol: SymbolId) {
        let kind = self.next_cross(symbol);
        let price = self.cross_price(symbol, kind);
        let (buy, sell) = price.map_or((0, 0), |p| self.shares_at(symbol, kind, p));
        let instrument = self.instrument(symbol);
        let reference =
            if instrument.reference > Price(0) { instrument.reference } else { instrument.last };
        let heavier = if buy > sell { Side::Buy } else { Side::Sell };
        self.events.push(Event::Imbalance(Imbalance {
            symbol,
            kind,
            paired: buy.min(sell),
            imbalance: buy.abs_diff(sell),
            side: Some(heavier).filter(|_| buy != sell),
            price: price.filter(|_| buy.min(sell) > 0).unwrap_or_default(),
            reference,
        }));
    }
}

/// Every price from the first mark to the last; where marks lie far apart nothing changes between
/// them, and their neighbourhoods stand for the rest.
fn everything_between(marks: &[u32]) -> impl Iterator<Item = u32> + '_ {
    const FAR: u32 = 300;
    marks.iter().enumerate().flat_map(|(at, from)| {
        let to = marks.get(at + 1).copied().unwrap_or(from + 1);
        let near = to - from <= FAR;
        let first = if near { *from..to } else { *from..from + 2 };
        first.chain(if near { 0..0 } else { to - 2..to })
    })
}

/// Lower is served earlier: market orders, the better price, shown before not.
fn rank(order: &Order) -> (bool, u32, bool) {
    let price = match order.side.side() {
        Side::Buy => !order.price.0,
        Side::Sell => order.price.0,
    };
    (!order.price.is_market(), price, !order.shown())
}
