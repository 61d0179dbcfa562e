//! The trader's gate: every order passes it before it leaves, every answer is told to it.
//!
//! Layout: one row a symbol ([`Row`]: limits, open orders, holding, and what the account's sums
//! hold of it), the account's sums, two token buckets, the last orders, the last fills. Sums follow
//! each row as it changes, so every check is O(1); only a bust or a correction walks anything.
//!
//! Worst case: a symbol is counted as if every open order of the worse side filled and none of the
//! other. It is worth that many shares at the mark; before the first mark, what is held counts at
//! cost and an order at its limit, where a market order's is OUCH's market price ($214,748). While
//! a replacement is under way, shares and worth of both orders count; the number of orders does
//! not change, since a venue never has both.
//!
//! Failure modes: a reference that is missing refuses. What is held gains in worth by itself, so a
//! bound on worth can be passed without an order; then orders pass that do not add to it. Sums stop
//! at the ends of their types and never wrap. The kill switch stays on until [`Gate::revive`].

mod checks;
mod row;

use crate::firm::SHARE_MAX;
use crate::history::{FILLS_KEPT, History};
use crate::rate::Bucket;
use crate::recent::Recent;
use crate::{
    Ask, Firm, GateLimits, KillReason, LimitError, LimitName, OpenOrder, Position, Profit, Quote,
    Refusal, Restriction, TickerLimitName, TickerLimits, holding,
};
use row::Row;
use std::sync::Arc;
use types::{Price, Qty, Side, Ticker};

/// Sums over the rows.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// Sums of at most 65,536 eight-byte numbers: they cannot overflow.
    exposure: u128,
    gross: u128,
    realised: i128,
    open_profit: i128,
    open_orders: u32,
    /// What the firm's sum holds of this account.
    firm_share: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Gate {
    limits: GateLimits,
    rows: Box<[Row]>,
    account: Account,
    orders: Bucket,
    messages: Bucket,
    recent: Recent,
    history: History,
    firm: Option<Arc<Firm>>,
    killed: Option<(KillReason, u64)>,
    /// The latest time told, for what happens without one.
    seen_ns: u64,
    refusals_in_a_row: u32,
    rejects_in_a_row: u32,
    refused: [u64; Refusal::COUNT],
}

impl Gate {
    /// A gate for the symbols `0..tickers.len()`, counting towards `firm`. All memory is taken
    /// here: about 170 bytes a symbol and 800 KB.
    pub fn new(limits: GateLimits, tickers: &[TickerLimits], firm: Option<Arc<Firm>>) -> Gate {
        Gate::remembering(FILLS_KEPT, limits, tickers, firm)
    }

    fn remembering(
        fills_kept: usize,
        limits: GateLimits,
        tickers: &[TickerLimits],
        firm: Option<Arc<Firm>>,
    ) -> Gate {
        Gate {
            limits,
            rows: tickers.iter().copied().map(Row::new).collect(),
            account: Account::default(),
            orders: Bucket::full(),
            messages: Bucket::full(),
            recent: Recent::new(),
            history: History::new(tickers.len(), fills_kept),
            firm,
            killed: None,
            seen_ns: 0,
            refusals_in_a_row: 0,
            rejects_in_a_row: 0,
            refused: [0; Refusal::COUNT],
        }
    }

    /// Checks an order; on `Ok` it counts as open from here on. The checks and their order are
    /// listed in the module `checks`.
    #[inline]
    pub fn admit(&mut self, now_ns: u64, ask: &Ask, at: &Quote) -> Result<(), Refusal> {
        match self.check_new(now_ns, ask, at) {
            Ok(()) => {
                self.refusals_in_a_row = 0;
                Ok(())
            }
            Err(refusal) => Err(self.refuse(now_ns, refusal)),
        }
    }

    /// Checks a replacement of `old` by `qty` shares at `price`. On `Ok` the shares of both count
    /// as open until [`Gate::on_replaced`] or [`Gate::on_replace_failed`] says which one lives.
    #[inline]
    pub fn admit_replace(
        &mut self,
        now_ns: u64,
        old: &OpenOrder,
        qty: Qty,
        price: Price,
        at: &Quote,
    ) -> Result<(), Refusal> {
        match self.check_replacement(now_ns, old, qty, price, at) {
            Ok(()) => {
                self.refusals_in_a_row = 0;
                Ok(())
            }
            Err(refusal) => Err(self.refuse(now_ns, refusal)),
        }
    }

    /// Counts a refusal, of the gate or of its caller (not connected, no such order), and trips the
    /// kill switch when there were too many in a row. Gives it back.
    #[cold]
    pub fn refuse(&mut self, now_ns: u64, refusal: Refusal) -> Refusal {
        self.refused[refusal as usize] += 1;
        // Neither says anything of the strategy.
        if !matches!(refusal, Refusal::Killed | Refusal::NotConnected) {
            self.refusals_in_a_row = self.refusals_in_a_row.saturating_add(1);
            self.trip_runaway(now_ns, self.refusals_in_a_row);
        }
        refusal
    }

    /// The venue took an order: rejects are no longer in a row.
    #[inline]
    pub fn on_accepted(&mut self) {
        self.rejects_in_a_row = 0;
    }

    /// The venue rejected an order or a replacement; too many in a row trip the kill switch. What
    /// was open of it is still to be released.
    #[cold]
    pub fn on_rejected(&mut self, now_ns: u64) {
        self.rejects_in_a_row = self.rejects_in_a_row.saturating_add(1);
        self.trip_runaway(now_ns, self.rejects_in_a_row);
    }

    fn trip_runaway(&mut self, now_ns: u64, in_a_row: u32) {
        let max = self.limits.runaway_refusals_max;
        if max > 0 && in_a_row >= max {
            self.kill(KillReason::Runaway, now_ns);
        }
    }

    /// The replacement took `old`'s place: what `old` has left (as given here) is open no more.
    #[inline]
    pub fn on_replaced(&mut self, old: &OpenOrder) {
        self.release(old.ticker, old.side.side(), old.leaves, old.price);
    }

    /// The replacement failed: its `qty` shares at `price`, as admitted, are open no more.
    #[inline]
    pub fn on_replace_failed(&mut self, old: &OpenOrder, qty: Qty, price: Price) {
        self.release(old.ticker, old.side.side(), qty, price);
    }

    /// A cancel goes out: it counts as a message, and is never refused.
    #[inline]
    pub fn on_cancel_sent(&mut self, now_ns: u64) {
        self.seen_ns = self.seen_ns.max(now_ns);
        let rate = self.limits.messages_per_second_max;
        self.messages.has_token(self.seen_ns, rate);
        self.messages.take(rate);
    }

    /// `qty` shares of an open order, counted at `limit_price`, traded at `fill_price`.
    #[inline]
    pub fn on_fill(
        &mut self,
        ticker: Ticker,
        side: Side,
        qty: Qty,
        fill_price: Price,
        limit_price: Price,
    ) {
        let Some(row) = self.rows.get_mut(usize::from(ticker.0)) else { return };
        debug_assert!(row.working.shares(side) >= u64::from(qty.0), "filled more than was open");
        row.working.remove(side, qty, limit_price);
        let realised = row.holding.realised;
        row.holding.trade(side, qty, fill_price);
        self.account.realised += i128::from(row.holding.realised) - i128::from(realised);
        self.history.note(ticker, side, qty, fill_price);
        self.settle(ticker);
    }

    /// `qty` shares of an open order, counted at `limit_price`, are no longer working, without
    /// having traded.
    #[inline]
    pub fn release(&mut self, ticker: Ticker, side: Side, qty: Qty, limit_price: Price) {
        let Some(row) = self.rows.get_mut(usize::from(ticker.0)) else { return };
        debug_assert!(row.working.shares(side) >= u64::from(qty.0), "released more than was open");
        row.working.remove(side, qty, limit_price);
        self.settle(ticker);
    }

    /// The venue put `qty` open shares at another price, sliding or restating the order.
    pub fn on_repriced(&mut self, ticker: Ticker, side: Side, qty: Qty, was: Price, is: Price) {
        let Some(row) = self.rows.get_mut(usize::from(ticker.0)) else { return };
        row.working.remove(side, qty, was);
        row.working.add(side, qty, is);
        self.settle(ticker);
    }

    /// An order is done: filled, canceled or rejected. Once an order; a replacement continues it.
    #[inline]
    pub fn on_done(&mut self, ticker: Ticker) {
        let Some(row) = self.rows.get_mut(usize::from(ticker.0)) else { return };
        debug_assert!(row.open_orders > 0, "an order ended twice");
        // Both or none, so that the account's number stays the sum of the rows'.
        if row.open_orders > 0 {
            row.open_orders -= 1;
            self.account.open_orders -= 1;
        }
    }

    /// An order that the venue knew and we did not, as after a restart: open from here on, without
    /// checks.
    pub fn adopt(&mut self, ticker: Ticker, side: Side, qty: Qty, price: Price) {
        let Some(row) = self.rows.get_mut(usize::from(ticker.0)) else { return };
        row.working.add(side, qty, price);
        if let Some(open_orders) = self.account.open_orders.checked_add(1) {
            self.account.open_orders = open_orders;
            row.open_orders += 1;
        }
        self.settle(ticker);
    }

    /// A fill of `qty` shares at `price` was broken: it never was. Position and profit are as if it
    /// had not been; of a fill older than the last 65,536, shares and the sum of profit are.
    #[cold]
    pub fn on_broken(&mut self, ticker: Ticker, side: Side, qty: Qty, price: Price) {
        if usize::from(ticker.0) >= self.rows.len() || qty == Qty::ZERO {
            return;
        }
        let held = self
            .history
            .amend((ticker, side, qty, price), None)
            .unwrap_or_else(|| self.history.rebase(ticker, |base| base.reverse(side, qty, price)));
        self.hold(ticker, held);
    }

    /// A fill's price was put right. As exact as [`Gate::on_broken`].
    #[cold]
    pub fn on_corrected(&mut self, ticker: Ticker, side: Side, qty: Qty, was: Price, is: Price) {
        if usize::from(ticker.0) >= self.rows.len() || qty == Qty::ZERO {
            return;
        }
        let held = self.history.amend((ticker, side, qty, was), Some(is)).unwrap_or_else(|| {
            self.history.rebase(ticker, |base| {
                base.reverse(side, qty, was);
                base.trade(side, qty, is);
            })
        });
        self.hold(ticker, held);
    }

    fn hold(&mut self, ticker: Ticker, held: holding::Holding) {
        let Some(row) = self.rows.get_mut(usize::from(ticker.0)) else { return };
        self.account.realised += i128::from(held.realised) - i128::from(row.holding.realised);
        row.holding = held;
        self.settle(ticker);
    }

    /// A share is now worth `price`. Trips the loss limit, at the latest time told. What is no
    /// price (zero, or above the wire's highest) is passed over.
    #[inline]
    pub fn mark(&mut self, ticker: Ticker, price: Price) {
        let Some(row) = self.rows.get_mut(usize::from(ticker.0)) else { return };
        if row.mark == price || price.0 == 0 || price > Price::LIMIT_MAX {
            return;
        }
        row.mark = price;
        self.settle(ticker);
    }

    /// Brings the account's and the firm's sums up to a row that has changed, and looks at the loss
    /// limit.
    #[inline]
    fn settle(&mut self, ticker: Ticker) {
        let Some(row) = self.rows.get_mut(usize::from(ticker.0)) else { return };
        let weight = row.weigh(&row.working);
        let open_profit = row.profit_at_mark();
        let account = &mut self.account;
        account.open_profit += i128::from(open_profit) - i128::from(row.open_profit);
        row.open_profit = open_profit;
        if weight != row.weight {
            account.exposure =
                account.exposure - u128::from(row.weight.exposure) + u128::from(weight.exposure);
            account.gross = account.gross - u128::from(row.weight.gross) + u128::from(weight.gross);
            row.weight = weight;
            self.settle_firm();
        }
        let account = &self.account;
        let loss_max = i128::from(self.limits.loss_max);
        if loss_max > 0 && account.realised + account.open_profit < -loss_max {
            self.kill(KillReason::Loss, self.seen_ns);
        }
    }

    #[inline]
    fn settle_firm(&mut self) {
        let Some(firm) = &self.firm else { return };
        let share = firm_share(self.account.exposure);
        firm.restate(self.account.firm_share, share);
        self.account.firm_share = share;
    }

    /// What is held and working in a symbol.
    #[inline]
    pub fn position(&self, ticker: Ticker) -> Position {
        self.rows.get(usize::from(ticker.0)).map(Row::position).unwrap_or_default()
    }

    /// What the account has made.
    #[inline]
    pub fn profit(&self) -> Profit {
        Profit {
            realised: holding::clamp(self.account.realised),
            open: holding::clamp(self.account.open_profit),
        }
    }

    /// Worst-case worth of the account's positions and orders, in 1/10000 dollar.
    #[inline]
    pub fn exposure(&self) -> u64 {
        u64::try_from(self.account.exposure).unwrap_or(u64::MAX)
    }

    /// Worst-case shares of the account, long and short alike.
    #[inline]
    pub fn gross_shares(&self) -> u64 {
        u64::try_from(self.account.gross).unwrap_or(u64::MAX)
    }

    /// Orders that may still trade.
    #[inline]
    pub fn open_orders(&self) -> u32 {
        self.account.open_orders
    }

    /// Stops entry; the first reason and its time stand until [`Gate::revive`]. To cancel what is
    /// open is the caller's.
    #[cold]
    pub fn kill(&mut self, reason: KillReason, now_ns: u64) {
        self.killed.get_or_insert((reason, now_ns));
    }

    /// Why nothing goes out, and since when.
    #[inline]
    pub fn killed(&self) -> Option<(KillReason, u64)> {
        self.killed
    }

    /// Allows entry again; for the operator only. Nothing is forgiven: a loss still beyond its
    /// limit trips again at the next change of a mark, a fill or an order's end.
    #[cold]
    pub fn revive(&mut self) {
        self.killed = None;
        self.refusals_in_a_row = 0;
        self.rejects_in_a_row = 0;
    }

    /// Restricts a symbol, or lifts that. Open orders stay out.
    pub fn restrict(&mut self, ticker: Ticker, restriction: Restriction) {
        if let Some(row) = self.rows.get_mut(usize::from(ticker.0)) {
            row.limits.restriction = restriction;
        }
    }

    /// Changes one of the account's limits; it holds from the next order, and a loss limit at once.
    ///
    /// # Errors
    /// When the value does not fit; the limit stands as it was.
    pub fn set_limit(&mut self, limit: LimitName, value: u64) -> Result<(), LimitError> {
        self.limits.set(limit, value)?;
        let profit = self.account.realised + self.account.open_profit;
        if self.limits.loss_max > 0 && profit < -i128::from(self.limits.loss_max) {
            self.kill(KillReason::Loss, self.seen_ns);
        }
        Ok(())
    }

    /// Changes one of a symbol's limits; it holds from the next order.
    ///
    /// # Errors
    /// When the value does not fit or there is no such symbol; the limit stands as it was.
    pub fn set_ticker_limit(
        &mut self,
        ticker: Ticker,
        limit: TickerLimitName,
        value: u64,
    ) -> Result<(), LimitError> {
        let row = self.rows.get_mut(usize::from(ticker.0)).ok_or(LimitError::UnknownSymbol)?;
        row.limits.set(limit, value)
    }

    /// Changes the bound over all traders of the firm, in 1/10000 dollar.
    ///
    /// # Errors
    /// When this gate counts towards none.
    pub fn set_firm_exposure_max(&self, value: u64) -> Result<(), LimitError> {
        self.firm.as_ref().map(|firm| firm.set_exposure_max(value)).ok_or(LimitError::NoFirm)
    }

    /// What the firm stands to and may stand to, in 1/10000 dollar, where it has a bound.
    pub fn firm_exposure(&self) -> Option<(u64, u64)> {
        self.firm.as_ref().map(|firm| (firm.exposure(), firm.exposure_max()))
    }

    /// The account's limits as they stand.
    pub fn limits(&self) -> &GateLimits {
        &self.limits
    }

    /// A symbol's limits as they stand.
    pub fn ticker_limits(&self, ticker: Ticker) -> Option<&TickerLimits> {
        self.rows.get(usize::from(ticker.0)).map(|row| &row.limits)
    }

    /// Refusals so far, by code.
    pub fn refused(&self) -> &[u64; Refusal::COUNT] {
        &self.refused
    }
}

/// What an account counts for in the firm's sum.
#[inline]
fn firm_share(exposure: u128) -> u64 {
    exposure.min(u128::from(SHARE_MAX)) as u64
}

impl Drop for Gate {
    /// The firm stands to nothing by a gate that is gone.
    fn drop(&mut self) {
        if let Some(firm) = &self.firm {
            firm.restate(self.account.firm_share, 0);
        }
    }
}

#[cfg(test)]
mod tests;
