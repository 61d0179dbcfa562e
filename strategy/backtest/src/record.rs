//! What is written down while a backtest runs: fills with what became of the price after them, and
//! the curves of profit and inventory.
//!
//! Bounds: fills are as many as the settings say; a curve's points are [`POINTS_MAX`] at most, for
//! whenever they would be more, every other one goes and they are twice as far apart from then on.

use crate::answers::Filled;
use crate::settings::HORIZONS_MAX;
use crate::{Fees, Settings};
use risk::{Position, Profit};
use std::collections::VecDeque;
use types::{Price, Side, Ticker};

/// Points of a curve at most.
pub const POINTS_MAX: usize = 1 << 12;

/// Shares of ours that traded, and what came after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillRecord {
    /// When, by the exchange's clock, in ns since midnight.
    pub at_ns: u64,
    /// Our number of the order.
    pub user_ref: u32,
    /// Which symbol.
    pub ticker: Ticker,
    /// Which side we were on.
    pub side: Side,
    /// How many shares.
    pub qty: u32,
    /// At which price.
    pub price: Price,
    /// OUCH's liquidity flag.
    pub liquidity: u8,
    /// The venue's number of it.
    pub match_id: u64,
    /// What the venue took, in 1/1000000 dollar.
    pub fee_e6: i64,
    /// Twice the middle of the book at the trade, in 1/10000 dollar.
    pub middle_twice: Option<u64>,
    /// The same after each horizon; `None` where the book had one side, or the recording ended.
    pub later_twice: [Option<u64>; HORIZONS_MAX],
    /// Shares held once we knew of it.
    pub held: i64,
    /// Profit, fees taken off, once we knew of it, in 1/10000 dollar.
    pub total: i64,
}

impl FillRecord {
    /// How far the price went our way after a horizon, a share, in 1/20000 dollar.
    pub fn mark_out_twice(&self, horizon: usize) -> Option<i64> {
        self.gain_twice(*self.later_twice.get(horizon)?)
    }

    /// How much better than the middle we traded, a share, in 1/20000 dollar.
    pub fn edge_twice(&self) -> Option<i64> {
        self.gain_twice(self.middle_twice)
    }

    fn gain_twice(&self, middle_twice: Option<u64>) -> Option<i64> {
        let middle = i64::try_from(middle_twice?).ok()?;
        let paid = 2 * i64::from(self.price.0);
        Some(match self.side {
            Side::Buy => middle - paid,
            Side::Sell => paid - middle,
        })
    }
}

/// The account at a moment, as the strategy knows it. Money in 1/10000 dollar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// When, in ns since midnight.
    pub at_ns: u64,
    /// Profit of shares bought and sold again.
    pub realised: i64,
    /// Profit of shares held, at their marks.
    pub open: i64,
    /// What the venue took so far.
    pub fees: i64,
    /// Shares held, by symbol.
    pub held: Box<[i64]>,
}

impl Point {
    /// All profit, what the venue took taken off.
    pub fn total(&self) -> i64 {
        self.realised.saturating_add(self.open).saturating_sub(self.fees)
    }
}

/// A fill whose mark-out is due.
#[derive(Clone, Copy, Debug)]
struct Due {
    at_ns: u64,
    fill: usize,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Record {
    fees: Fees,
    fills_max: usize,
    pub(crate) fills: Vec<FillRecord>,
    /// Fills that the strategy knows of.
    known: usize,
    horizons_ns: Vec<u64>,
    due: Vec<VecDeque<Due>>,
    next_due_ns: u64,
    pub(crate) curve: Vec<Point>,
    grid_ns: u64,
    next_grid_ns: u64,
    /// Fees of the fills that the strategy knows of, in 1/1000000 dollar.
    fees_e6: i64,
    pub(crate) best_total: i64,
    /// The deepest fall from a former best, and when it was deepest.
    pub(crate) drawdown: (i64, u64),
}

impl Record {
    pub(crate) fn new(settings: &Settings) -> Record {
        let horizons_ns: Vec<u64> =
            settings.horizons_ns.iter().copied().take(HORIZONS_MAX).collect();
        Record {
            fees: settings.fees,
            fills_max: settings.fills_max as usize,
            fills: Vec::new(),
            known: 0,
            due: vec![VecDeque::new(); horizons_ns.len()],
            horizons_ns,
            next_due_ns: u64::MAX,
            curve: Vec::with_capacity(POINTS_MAX),
            grid_ns: settings.grid_ns.max(1),
            next_grid_ns: 0,
            fees_e6: 0,
            best_total: 0,
            drawdown: (0, 0),
        }
    }

    /// Notes a fill; `false` when there is no room.
    pub(crate) fn fill(&mut self, filled: &Filled) -> bool {
        if self.fills.len() >= self.fills_max {
            return false;
        }
        let fill = self.fills.len();
        for (due, horizon_ns) in self.due.iter_mut().zip(&self.horizons_ns) {
            let at_ns = filled.at_ns.saturating_add(*horizon_ns);
            due.push_back(Due { at_ns, fill });
            self.next_due_ns = self.next_due_ns.min(at_ns);
        }
        let Filled { at_ns, user_ref, ticker, side, qty, price, liquidity, match_id, .. } = *filled;
        self.fills.push(FillRecord {
            at_ns,
            user_ref,
            ticker,
            side,
            qty,
            price,
            liquidity,
            match_id,
            fee_e6: self.fees.of(liquidity, qty),
            middle_twice: filled.middle_twice,
            later_twice: [None; HORIZONS_MAX],
            held: 0,
            total: 0,
        });
        true
    }

    /// The books stand as they are until `now_ns`, when the next message comes: marks out what is
    /// due before.
    #[inline]
    pub(crate) fn mark_out(&mut self, now_ns: u64, middle_twice: impl Fn(Ticker) -> Option<u64>) {
        if self.next_due_ns < now_ns {
            self.mark_out_due(now_ns, middle_twice);
        }
    }

    #[cold]
    fn mark_out_due(&mut self, now_ns: u64, middle_twice: impl Fn(Ticker) -> Option<u64>) {
        self.next_due_ns = u64::MAX;
        for (horizon, due) in self.due.iter_mut().enumerate() {
            while let Some(Due { at_ns, fill }) = due.front().copied() {
                if at_ns >= now_ns {
                    self.next_due_ns = self.next_due_ns.min(at_ns);
                    break;
                }
                let fill = &mut self.fills[fill];
                fill.later_twice[horizon] = middle_twice(fill.ticker);
                due.pop_front();
            }
        }
    }

    /// Whether mark-outs are still to come.
    pub(crate) fn awaits_marks(&self) -> bool {
        self.next_due_ns != u64::MAX
    }

    /// The strategy knows of one more fill; `position` is the symbol's then.
    pub(crate) fn know_fill(&mut self, position: impl Fn(Ticker) -> Position, profit: Profit) {
        let Some(fill) = self.fills.get_mut(self.known) else { return };
        self.known += 1;
        self.fees_e6 = self.fees_e6.saturating_add(fill.fee_e6);
        fill.held = position(fill.ticker).shares;
        let at_ns = fill.at_ns;
        let total = self.total(profit);
        self.fills[self.known - 1].total = total;
        self.watch_drawdown(at_ns, total);
    }

    fn total(&self, profit: Profit) -> i64 {
        profit.realised.saturating_add(profit.open).saturating_sub(self.fees_e6 / 100)
    }

    fn watch_drawdown(&mut self, at_ns: u64, total: i64) {
        self.best_total = self.best_total.max(total);
        let fall = self.best_total.saturating_sub(total);
        if fall > self.drawdown.0 {
            self.drawdown = (fall, at_ns);
        }
    }

    /// Whether a point of the curves is due.
    #[inline]
    pub(crate) fn is_point_due(&self, now_ns: u64) -> bool {
        now_ns >= self.next_grid_ns
    }

    /// Adds a point to the curves.
    pub(crate) fn point(
        &mut self,
        now_ns: u64,
        tickers: usize,
        position: impl Fn(Ticker) -> Position,
        profit: Profit,
    ) {
        if self.curve.len() >= POINTS_MAX {
            let mut at = 0;
            self.curve.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.grid_ns = self.grid_ns.saturating_mul(2);
        }
        let held = (0..tickers).map(|at| position(Ticker(at as u16)).shares).collect();
        let fees = self.fees_e6 / 100;
        let Profit { realised, open } = profit;
        self.curve.push(Point { at_ns: now_ns, realised, open, fees, held });
        self.next_grid_ns = (now_ns / self.grid_ns + 1).saturating_mul(self.grid_ns);
        self.watch_drawdown(now_ns, self.total(profit));
    }

    /// What the venue took of the fills known, in 1/1000000 dollar.
    pub(crate) fn fees_e6(&self) -> i64 {
        self.fees_e6
    }

    /// How far apart points are now, in ns.
    pub(crate) fn grid_ns(&self) -> u64 {
        self.grid_ns
    }
}
