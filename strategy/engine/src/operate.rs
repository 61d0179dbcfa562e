//! What an operator does, and what time does.

use crate::Engine;
use crate::ledger::{OUTSIDE, TransferError};
use crate::order::Zone;
use types::{
    AccountId, Broken, CancelReason, Corrected, CrossKind, Event, EventSink, MatchId, Nanos,
    Obstacle, Operation, Phase, Price, Side, State, SymbolId, TimeInForce, TradingState,
};

impl Engine {
    pub(crate) fn operate<S: EventSink>(&mut self, operation: &Operation, sink: &mut S) {
        let done = match *operation {
            Operation::Clock => Ok(()),
            Operation::Phase { symbol, phase } => self.set_phase(symbol, phase, sink),
            Operation::Halt { symbol, reason } => self.each(symbol, |engine, id| {
                engine.set_state(id, TradingState::Halted, reason, sink);
            }),
            Operation::Quote { symbol, release_s, price } => {
                self.quote(symbol, release_s, price, sink)
            }
            Operation::Resume { symbol } => self.each(symbol, |engine, id| engine.resume(id, sink)),
            Operation::Cross { symbol, kind } => self.cross_now(symbol, kind, sink),
            Operation::Imbalance { symbol } => {
                self.each(symbol, |engine, id| engine.tell_imbalance(id, sink))
            }
            Operation::Reference { symbol, price } => self.set_reference(symbol, price),
            Operation::Bands { symbol, lower, upper } => self.set_bands(symbol, lower, upper, sink),
            Operation::Breaker { level } => self.trip(level, sink),
            Operation::Bust { match_id, reason } => self.bust(match_id, reason, sink),
            Operation::Adjust { match_id, price, reason } => {
                self.adjust(match_id, price, reason, sink)
            }
            Operation::TransferCash { from, to, amount } => {
                self.move_value(Some(from), to, SymbolId(0), amount, sink)
            }
            // Without a symbol it would be a move of cash.
            Operation::TransferShares { symbol: SymbolId(0), .. } => Err(Obstacle::UnknownSymbol),
            Operation::TransferShares { from, to, symbol, qty } => {
                self.move_value(Some(from), to, symbol, qty, sink)
            }
            Operation::Deposit { to, amount } => {
                self.move_value(None, to, SymbolId(0), amount, sink)
            }
            Operation::CancelSession { session } => {
                self.cancel_session(session, CancelReason::Supervisory, sink, |_| true);
                Ok(())
            }
        };
        if let Err(obstacle) = done {
            self.counters.obstacles += 1;
            sink.on_event(&Event::Obstacle(obstacle));
        }
    }

    /// Does something to the instruments that an operator means.
    fn each(
        &mut self,
        symbol: SymbolId,
        mut what: impl FnMut(&mut Engine, SymbolId),
    ) -> Result<(), Obstacle> {
        if symbol.0 > 0 && !self.instruments.is_listed(symbol) {
            return Err(Obstacle::UnknownSymbol);
        }
        for id in self.instruments.meant(symbol) {
            if self.instruments.is_listed(id) {
                what(self, id);
            }
        }
        Ok(())
    }

    fn set_phase<S: EventSink>(
        &mut self,
        symbol: SymbolId,
        phase: Phase,
        sink: &mut S,
    ) -> Result<(), Obstacle> {
        if symbol.0 == 0 {
            sink.on_event(&Event::Phase { symbol, phase });
        }
        self.each(symbol, |engine, id| {
            let before = engine.instruments.get(id).phase;
            if symbol.0 > 0 {
                sink.on_event(&Event::Phase { symbol, phase });
            }
            match (before, phase) {
                (Phase::Continuous, Phase::Continuous) => {}
                // From wherever it comes: what gathered must be crossed before orders match.
                (_, Phase::Continuous) => engine.open(id, sink),
                (before, Phase::Closed) if before < Phase::Closed => engine.close(id, sink),
                (_, Phase::End) => engine.end(id, sink),
                _ => engine.enter_phase(id, phase),
            }
            engine.after_change(id, sink);
        })
    }

    fn enter_phase(&mut self, symbol: SymbolId, phase: Phase) {
        if let Some(instrument) = self.instruments.get_mut(symbol) {
            instrument.phase = phase;
        }
    }

    /// The opening cross, and from then on continuous trading; an instrument that is halted waits
    /// for its resumption.
    fn open<S: EventSink>(&mut self, symbol: SymbolId, sink: &mut S) {
        let trading = self.instruments.get(symbol).state == TradingState::Trading;
        if trading {
            self.cross(symbol, CrossKind::Opening, sink);
        } else {
            self.clear(symbol, Zone::Opening, CancelReason::Halted, sink);
        }
        self.enter_phase(symbol, Phase::Continuous);
        self.after_change(symbol, sink);
    }

    /// The closing cross; day orders end with it.
    fn close<S: EventSink>(&mut self, symbol: SymbolId, sink: &mut S) {
        if self.instruments.get(symbol).state == TradingState::Trading {
            self.cross(symbol, CrossKind::Closing, sink);
        }
        for zone in [Zone::Closing, Zone::Halt, Zone::Opening, Zone::Peg] {
            self.clear(symbol, zone, CancelReason::Closed, sink);
        }
        self.enter_phase(symbol, Phase::Closed);
        for side in [Side::Buy, Side::Sell] {
            self.clear_but_extended(symbol, side, sink);
        }
        self.after_change(symbol, sink);
    }

    /// Takes off all orders of the continuous book that do not live until the end of the day.
    fn clear_but_extended<S: EventSink>(&mut self, symbol: SymbolId, side: Side, sink: &mut S) {
        let book = Zone::Main.book(symbol);
        loop {
            let mut served = self.book.served(book, side);
            let Some((slot, _)) = served.find(|(_, o)| o.payload.tif != TimeInForce::Gtx) else {
                return;
            };
            self.expel(slot, CancelReason::Closed, sink);
        }
    }

    fn end<S: EventSink>(&mut self, symbol: SymbolId, sink: &mut S) {
        self.enter_phase(symbol, Phase::End);
        for zone in Zone::ALL {
            self.clear(symbol, zone, CancelReason::Closed, sink);
        }
    }

    fn set_state<S: EventSink>(
        &mut self,
        symbol: SymbolId,
        state: TradingState,
        reason: [u8; 4],
        sink: &mut S,
    ) {
        if let Some(instrument) = self.instruments.get_mut(symbol) {
            instrument.state = state;
            instrument.limit_since_ns = 0;
            instrument.resume_ns = 0;
            sink.on_event(&Event::State(State { symbol, state, reason }));
        }
    }

    fn quote<S: EventSink>(
        &mut self,
        symbol: SymbolId,
        release_s: u32,
        price: Price,
        sink: &mut S,
    ) -> Result<(), Obstacle> {
        if price > Price::LIMIT_MAX {
            return Err(Obstacle::BadValue);
        }
        self.each(symbol, |engine, id| {
            engine.set_state(id, TradingState::Quotation, *b"IPOQ", sink);
            if price > Price(0) {
                if let Some(instrument) = engine.instruments.get_mut(id) {
                    instrument.reference = price;
                }
                sink.on_event(&Event::Offering { symbol: id, release_s, price });
            }
        })
    }

    /// Trading goes on with a cross; before the open it only becomes possible again.
    fn resume<S: EventSink>(&mut self, symbol: SymbolId, sink: &mut S) {
        let instrument = self.instruments.get(symbol);
        if instrument.state == TradingState::Trading {
            return;
        }
        if instrument.phase == Phase::Continuous {
            self.cross(symbol, CrossKind::Halt, sink);
        }
        self.set_state(symbol, TradingState::Trading, *b"    ", sink);
        self.after_change(symbol, sink);
    }

    /// A cross at the operator's word: the open, the close, or the end of a halt of each instrument
    /// that is meant.
    fn cross_now<S: EventSink>(
        &mut self,
        symbol: SymbolId,
        kind: CrossKind,
        sink: &mut S,
    ) -> Result<(), Obstacle> {
        let mut held = 0;
        self.each(symbol, |engine, id| {
            let instrument = engine.instruments.get(id);
            let kind = if kind == CrossKind::None { instrument.next_cross() } else { kind };
            let halted = instrument.state != TradingState::Trading;
            held += 1;
            match kind {
                CrossKind::Opening if instrument.phase < Phase::Continuous => engine.open(id, sink),
                CrossKind::Halt if halted => engine.resume(id, sink),
                CrossKind::Closing if instrument.takes_orders() => engine.close(id, sink),
                _ => held -= 1,
            }
        })?;
        if held > 0 { Ok(()) } else { Err(Obstacle::WrongState) }
    }

    fn set_reference(&mut self, symbol: SymbolId, price: Price) -> Result<(), Obstacle> {
        if price > Price::LIMIT_MAX {
            return Err(Obstacle::BadValue);
        }
        self.each(symbol, |engine, id| {
            if let Some(instrument) = engine.instruments.get_mut(id) {
                instrument.reference = price;
            }
        })
    }

    /// New bands hold for what comes from now on. Orders that stand beyond them cannot trade: they
    /// are taken off.
    fn set_bands<S: EventSink>(
        &mut self,
        symbol: SymbolId,
        lower: Price,
        upper: Price,
        sink: &mut S,
    ) -> Result<(), Obstacle> {
        if lower > upper || upper > Price::LIMIT_MAX {
            return Err(Obstacle::BadValue);
        }
        self.each(symbol, |engine, id| {
            if let Some(instrument) = engine.instruments.get_mut(id) {
                (instrument.lower, instrument.upper) = (lower, upper);
                instrument.limit_since_ns = 0;
            }
            if upper > Price(0) {
                for side in [Side::Buy, Side::Sell] {
                    engine.clear_beyond(id, side, lower, upper, sink);
                }
            }
            engine.after_change(id, sink);
        })
    }

    fn clear_beyond<S: EventSink>(
        &mut self,
        symbol: SymbolId,
        side: Side,
        lower: Price,
        upper: Price,
        sink: &mut S,
    ) {
        while let Some(slot) = self.book.front(Zone::Main.book(symbol), side) {
            let price = self.resting(slot).price;
            let inside = match side {
                Side::Buy => price <= upper,
                Side::Sell => price >= lower,
            };
            if inside {
                return;
            }
            self.expel(slot, CancelReason::CannotBeExecuted, sink);
        }
    }

    fn trip<S: EventSink>(&mut self, level: u8, sink: &mut S) -> Result<(), Obstacle> {
        if !(1..=3).contains(&level) {
            return Err(Obstacle::BadValue);
        }
        sink.on_event(&Event::Breaker { level });
        let reason = [b'M', b'W', b'C', b'0' + level];
        self.each(SymbolId(0), |engine, id| {
            engine.set_state(id, TradingState::Halted, reason, sink);
            if level == 3 {
                engine.close(id, sink);
            }
        })
    }

    fn bust<S: EventSink>(
        &mut self,
        match_id: MatchId,
        reason: u8,
        sink: &mut S,
    ) -> Result<(), Obstacle> {
        let trade = *self.trades.get_mut(match_id).ok_or(Obstacle::UnknownMatch)?;
        let (buyer, seller) = trade.accounts();
        if let Some(ledger) = &mut self.ledger {
            let (symbol, price, qty) = (trade.symbol, trade.price, trade.qty);
            let fill = crate::ledger::Fill { buyer, seller, symbol, price, qty };
            ledger.unsettle(&fill).map_err(obstacle)?;
        }
        if let Some(trade) = self.trades.get_mut(match_id) {
            trade.broken = true;
        }
        sink.on_event(&Event::Broken(Broken {
            parties: trade.parties.map(|p| (p.session, p.user_ref)),
            cl_ord_ids: trade.parties.map(|p| p.cl_ord_id),
            symbol: trade.symbol,
            match_id,
            reason,
        }));
        Ok(())
    }

    fn adjust<S: EventSink>(
        &mut self,
        match_id: MatchId,
        price: Price,
        reason: u8,
        sink: &mut S,
    ) -> Result<(), Obstacle> {
        if price == Price(0) || price > Price::LIMIT_MAX {
            return Err(Obstacle::BadValue);
        }
        let trade = *self.trades.get_mut(match_id).ok_or(Obstacle::UnknownMatch)?;
        let (buyer, seller) = trade.accounts();
        if let Some(ledger) = &mut self.ledger {
            let (symbol, qty) = (trade.symbol, trade.qty);
            let fill = |price| crate::ledger::Fill { buyer, seller, symbol, price, qty };
            ledger.unsettle(&fill(trade.price)).map_err(obstacle)?;
            ledger.settle(&fill(price));
        }
        if let Some(trade) = self.trades.get_mut(match_id) {
            trade.price = price;
        }
        sink.on_event(&Event::Corrected(Corrected {
            parties: trade.parties.map(|p| (p.session, p.user_ref)),
            cl_ord_ids: trade.parties.map(|p| p.cl_ord_id),
            liquidity: trade.parties.map(|p| p.liquidity),
            resting_side: trade.side,
            symbol: trade.symbol,
            match_id,
            qty: trade.qty,
            price,
            reason,
        }));
        Ok(())
    }

    /// Moves cash (symbol 0) or shares between accounts; `None` is the outside.
    fn move_value<S: EventSink>(
        &mut self,
        from: Option<AccountId>,
        to: AccountId,
        symbol: SymbolId,
        amount: u64,
        sink: &mut S,
    ) -> Result<(), Obstacle> {
        let ledger = self.ledger.as_mut().ok_or(Obstacle::UnknownAccount)?;
        let moved = match from {
            _ if to == OUTSIDE || from == Some(OUTSIDE) => Err(TransferError::UnknownAccount(to)),
            None => ledger.deposit(to, amount),
            Some(from) if symbol.0 == 0 => ledger.transfer_cash(from, to, amount),
            Some(_) if !self.instruments.is_listed(symbol) => return Err(Obstacle::UnknownSymbol),
            Some(from) => ledger.transfer_shares(from, to, symbol, amount),
        };
        moved.map_err(obstacle)?;
        sink.on_event(&Event::Moved { from, to, amount, symbol });
        Ok(())
    }

    /// Time passed: orders expire, limit states become pauses, pauses end.
    #[cold]
    pub(crate) fn pass_time<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        self.now_ns = self.now_ns.max(now.0);
        let second = self.second().min(crate::extras::DAY_S - 1);
        while self.clock_s < second && self.extras.expiring() > 0 {
            self.clock_s += 1;
            while let Some(slot) = self.extras.due(self.clock_s) {
                let symbol = self.resting(slot).symbol;
                self.expel(slot, CancelReason::Timeout, sink);
                self.after_change(symbol, sink);
            }
        }
        self.clock_s = self.clock_s.max(second);
        if now.0 >= self.deadline_ns {
            self.deadline_ns = u64::MAX;
            for id in self.instruments.meant(SymbolId(0)) {
                self.pass_time_of(id, sink);
            }
        }
    }

    fn pass_time_of<S: EventSink>(&mut self, symbol: SymbolId, sink: &mut S) {
        let instrument = self.instruments.get(symbol);
        let limit_state_ns = self.config.limit_state_ns;
        let limit_ends = instrument.limit_since_ns.saturating_add(limit_state_ns);
        if instrument.limit_since_ns > 0 && self.now_ns >= limit_ends {
            self.pause(symbol, sink);
        } else if instrument.resume_ns > 0 && self.now_ns >= instrument.resume_ns {
            self.resume(symbol, sink);
        }
        let instrument = self.instruments.get(symbol);
        if instrument.limit_since_ns > 0 {
            let ends = instrument.limit_since_ns.saturating_add(limit_state_ns);
            self.deadline_ns = self.deadline_ns.min(ends);
        }
        if instrument.resume_ns > 0 {
            self.deadline_ns = self.deadline_ns.min(instrument.resume_ns);
        }
    }

    /// The market stood at a band for too long.
    fn pause<S: EventSink>(&mut self, symbol: SymbolId, sink: &mut S) {
        self.set_state(symbol, TradingState::Paused, *b"LUDP", sink);
        let resume_ns = self.now_ns.saturating_add(self.config.pause_ns);
        let Some(instrument) = self.instruments.get_mut(symbol) else { return };
        instrument.resume_ns = resume_ns;
        let (lower, upper) = (instrument.lower, instrument.upper);
        let reference = Price(lower.0 / 2 + upper.0 / 2 + (lower.0 & upper.0 & 1));
        sink.on_event(&Event::Collar { symbol, reference, lower, upper });
    }

    /// Notes when the best bid comes to stand at the upper band, or the best offer at the lower.
    pub(crate) fn watch_bands(&mut self, symbol: SymbolId) {
        let top = self.top(symbol);
        let (now_ns, limit_state_ns) = (self.now_ns, self.config.limit_state_ns);
        let Some(instrument) = self.instruments.get_mut(symbol) else { return };
        let at_upper = top.bid.is_some_and(|bid| bid.price >= instrument.upper);
        let at_lower = top.ask.is_some_and(|ask| ask.price <= instrument.lower);
        if !(at_upper || at_lower) || !instrument.matches() {
            instrument.limit_since_ns = 0;
        } else if instrument.limit_since_ns == 0 {
            // A stamp of 0 means no limit state; the first ns of a day will do as well.
            instrument.limit_since_ns = now_ns.max(1);
            let ends = instrument.limit_since_ns.saturating_add(limit_state_ns);
            self.deadline_ns = self.deadline_ns.min(ends);
        }
    }
}

fn obstacle(error: TransferError) -> Obstacle {
    match error {
        TransferError::UnknownAccount(_) => Obstacle::UnknownAccount,
        TransferError::CashShort { .. } | TransferError::SharesShort { .. } => {
            Obstacle::ShortBalance
        }
        TransferError::OutOfRange(_) => Obstacle::BadValue,
        TransferError::PositionsFull => Obstacle::Full,
    }
}
