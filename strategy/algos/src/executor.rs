//! `executor`: works one parent order passively, and crosses the spread when it must.
//!
//! The parent is so many shares of one symbol, bought or sold within a window of time. A clip of it
//! rests at the near touch. When the touch moves away, the order keeps its place while few shares
//! stand before it and the distance is within a bound, and is moved otherwise. Clips are taken at
//! the far touch when the parent is behind its schedule, when the far touch has grown thin, or when
//! the queue is too long near the end. The schedule is a straight line over the window, steeper by
//! `urgency_pct`, or a share of the volume; in the last `finish_s` all of it is due.
//!
//! Bounds: executed and working shares never pass the parent. Executed is the larger of the fills
//! told and the change of the position, which may run ahead of them after a reconnect; working is
//! what the gate counts. Orders are moved by canceling and entering, never by replacing: whether a
//! fill on the way counts against the replacement is the venue's business. A broken trade is not
//! made up for: whether to is the operator's decision (raise `total_shares`).
//!
//! Changed in flight, `total_shares` and the window amend the parent. Another `symbol` or `side`
//! ends it, once nothing of it works any more, and begins another with nothing executed. So does a
//! restart: set `total_shares` to what is left.
//!
//! Failure modes: orders are taken off while the market cannot be relied on or the symbol does not
//! trade, and after the window; what is not done by then stays undone.

mod schedule;

use crate::held::{Held, Strays, take_off};
use crate::look::{
    DAY_S, MS_NS, S_NS, both_sides, is_sound, order_qty, order_side, passed, time_of_day_ns,
};
use crate::values::{Values, param_methods, params};
use crate::{Context, Fill, OrderReport, OrderState, OrderView, SessionEvent, Strategy, What};
use book::LevelView;
use market::News;
use risk::Ask;
use schedule::Schedule;
use types::{Price, Qty, Side, Ticker, TimeInForce};

params! {
    Symbol = "symbol", 0, 65_534, 0, "which of the symbols, from 0";
    Side = "side", 0, 1, 0, "0 buys, 1 sells";
    Total = "total_shares", 0, 1_000_000_000, 0, "the parent order; 0 for nothing to do";
    Start = "start_s", 0, DAY_S, 34_200, "begin at this time of day, in seconds";
    End = "end_s", 0, DAY_S, 57_540, "be done by this time of day, in seconds";
    Limit = "limit_e4_dollars", 0, 1_999_999_900, 0, "worst price, in 1/10000 dollar; 0 for any";
    Clip = "clip_shares", 1, 999_999, 100, "most shares in an order";
    Urgency = "urgency_pct", 1, 10_000, 100, "slope of the schedule; 100 is done at the end";
    Participation = "participation_pct", 0, 100, 0,
        "share of the volume that is due instead; 0 for the straight line";
    Behind = "behind_shares_max", 0, 1_000_000_000, 200, "cross when more than this is overdue";
    Finish = "finish_s", 0, DAY_S, 10, "all is due so many seconds before the end";
    Patience = "patience_s", 0, DAY_S, 60, "a long queue counts so many seconds before the end";
    AheadMax = "ahead_shares_max", 0, 1_000_000_000, 5_000, "a queue longer than this is too long";
    Keep = "keep_ahead_shares", 0, 1_000_000_000, 500,
        "keep a place with no more before it when the touch moves away";
    Away = "away_ticks_max", 0, 10_000, 2, "but not when the touch is further than this";
    Thin = "thin_far_pct", 0, 100, 0,
        "cross with shares due when the far touch is below this part of the near one; 0 never";
    Rejoin = "rejoin_ms_min", 0, 3_600_000, 50, "least time between two passive orders";
    Cross = "cross_ms_min", 0, 3_600_000, 50, "least time between two crossing orders";
    Tick = "tick_e4_dollars", 1, 1_000_000, 100, "what prices are multiples of, in 1/10000 dollar";
    Timer = "timer_ms", 1, 10_000, 10, "how often the schedule is looked at without news";
}

/// The parent order under way.
#[derive(Clone, Copy, Debug)]
struct Parent {
    ticker: Ticker,
    side: Side,
    /// Shares held when it began.
    held_before: i64,
    /// Shares that anyone had traded when it began.
    volume_before: u64,
    /// Shares of the fills told.
    filled: i64,
}

/// How far the parent is, and the market it is worked in.
#[derive(Clone, Copy, Debug)]
struct Stand {
    parent: Parent,
    /// The touch on the parent's side.
    near: LevelView,
    /// The other.
    far: LevelView,
    /// Shares executed.
    executed: i64,
    /// Shares neither executed nor working.
    free: i64,
    /// Shares that should have been executed by now.
    due: i64,
    /// Whether a long queue counts.
    near_end: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Executor {
    values: Values<{ PARAMS.len() }>,
    tickers: u16,
    parent: Option<Parent>,
    passive: Held,
    crossing: Held,
    strays: Strays,
    /// When a passive order was last asked for, granted or not.
    joined_ns: u64,
    /// The same of a crossing one.
    crossed_ns: u64,
    feed_ended: bool,
}

impl Executor {
    /// Works an order in one of `tickers` symbols. Values are in the order of the parameters.
    pub fn new(tickers: u16, values: &[i64]) -> Executor {
        Executor {
            values: Values::new(&PARAMS, values),
            tickers,
            parent: None,
            passive: Held::default(),
            crossing: Held::default(),
            strays: Strays::default(),
            joined_ns: 0,
            crossed_ns: 0,
            feed_ended: false,
        }
    }

    #[inline]
    fn value(&self, param: Param) -> i64 {
        self.values.get(param as usize)
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            total: self.value(Param::Total),
            start_ns: self.value(Param::Start).unsigned_abs() * S_NS,
            end_ns: self.value(Param::End).unsigned_abs() * S_NS,
            finish_ns: self.value(Param::Finish).unsigned_abs() * S_NS,
            urgency_pct: self.value(Param::Urgency),
            participation_pct: self.value(Param::Participation),
        }
    }

    /// The parent under way, begun when it is time; `None` when there is nothing to do.
    fn parent<C: Context>(&mut self, ctx: &mut C) -> Option<Parent> {
        let ticker = Ticker(self.value(Param::Symbol) as u16);
        let side = if self.value(Param::Side) == 0 { Side::Buy } else { Side::Sell };
        if let Some(parent) = self.parent {
            if (parent.ticker, parent.side) == (ticker, side) {
                return Some(parent);
            }
            if !self.withdraw(ctx) {
                return None;
            }
            self.parent = None;
        }
        let wanted = ticker.0 < self.tickers && self.value(Param::Total) > 0;
        let open = time_of_day_ns(ctx).is_some_and(|now_ns| self.schedule().is_open(now_ns));
        if !wanted || !ctx.can_trade() || !open {
            return None;
        }
        let held_before = ctx.position(ticker).shares;
        let volume_before = ctx.status(ticker).volume;
        self.parent = Some(Parent { ticker, side, held_before, volume_before, filled: 0 });
        self.parent
    }

    /// Takes everything off; whether nothing works any more.
    fn withdraw<C: Context>(&mut self, ctx: &mut C) -> bool {
        let views = [self.passive.look(ctx), self.crossing.look(ctx)];
        for view in views.iter().flatten() {
            take_off(view, ctx);
        }
        views == [None, None]
    }

    fn act<C: Context>(&mut self, ctx: &mut C) {
        self.strays.sweep(ctx);
        let Some(parent) = self.parent(ctx) else { return };
        let Some(stand) = self.stand(parent, ctx) else {
            self.withdraw(ctx);
            return;
        };
        let passive = self.passive.look(ctx);
        if !self.cross(&stand, passive.as_ref(), ctx) {
            self.rest(&stand, passive, ctx);
        }
    }

    /// `None` when nothing should work: nothing is left, the window is over or the market cannot be
    /// relied on.
    fn stand<C: Context>(&mut self, parent: Parent, ctx: &C) -> Option<Stand> {
        let schedule = self.schedule();
        let status = ctx.status(parent.ticker);
        let now_ns = time_of_day_ns(ctx)?;
        let open = schedule.is_open(now_ns) && !self.feed_ended;
        if !open || !ctx.can_trade() || !is_sound(status) {
            return None;
        }
        let (bid, ask) = both_sides(&ctx.top(parent.ticker))?;
        let (near, far) = match parent.side {
            Side::Buy => (bid, ask),
            Side::Sell => (ask, bid),
        };
        let position = ctx.position(parent.ticker);
        let moved = position.shares.saturating_sub(parent.held_before);
        let moved = if parent.side == Side::Buy { moved } else { moved.saturating_neg() };
        let executed = parent.filled.max(moved);
        let open = match parent.side {
            Side::Buy => position.open_buy,
            Side::Sell => position.open_sell,
        };
        let open = i64::try_from(open).unwrap_or(i64::MAX);
        let free = schedule.total.saturating_sub(executed).saturating_sub(open);
        let volume = status.volume.saturating_sub(parent.volume_before);
        let due = schedule.due(now_ns, volume);
        let patience_ns = self.value(Param::Patience).unsigned_abs() * S_NS;
        let near_end = now_ns.saturating_add(patience_ns) >= schedule.end_ns;
        // An order in the way of a parent that was made smaller has to go.
        (free >= 0).then_some(Stand { parent, near, far, executed, free, due, near_end })
    }

    /// Whether the spread is being crossed, or should be as soon as the passive order is gone.
    fn cross<C: Context>(
        &mut self,
        stand: &Stand,
        passive: Option<&OrderView>,
        ctx: &mut C,
    ) -> bool {
        let in_flight = self.crossing.look(ctx).map_or(0, |view| i64::from(view.leaves.0));
        let behind = stand.due.saturating_sub(stand.executed).saturating_sub(in_flight);
        let working = passive.map_or(0, |view| i64::from(view.leaves.0));
        let overdue = behind > self.value(Param::Behind)
            || self.is_last_call(stand, ctx)
            || self.is_thin(stand);
        let shares = if overdue && behind > 0 {
            behind
        } else if stand.near_end && self.queue(stand, passive, ctx) > self.value(Param::AheadMax) {
            working.saturating_add(stand.free)
        } else {
            0
        };
        let shares = shares.min(self.value(Param::Clip));
        let wanted = shares > 0
            && self.within_limit(stand.parent.side, stand.far.price)
            && passed(ctx, self.crossed_ns, self.value(Param::Cross));
        if !wanted || in_flight > 0 {
            return false;
        }
        let Some(qty) = order_qty(shares.min(stand.free)) else {
            // All that is left rests: it has to come back first.
            return passive.is_some_and(|view| take_off(view, ctx));
        };
        self.crossed_ns = ctx.host_ns();
        let ask = self.ask(stand, qty, stand.far.price, TimeInForce::Ioc, ctx);
        // Held back by the gate, which counts it: tried again after the interval.
        let _ = self.crossing.enter(&ask, ctx);
        true
    }

    /// Whether all is due, so that any share behind is too many.
    fn is_last_call<C: Context>(&self, stand: &Stand, ctx: &C) -> bool {
        stand.due == self.value(Param::Total) && self.is_finishing(ctx)
    }

    fn is_finishing<C: Context>(&self, ctx: &C) -> bool {
        time_of_day_ns(ctx).is_some_and(|now_ns| self.schedule().is_finishing(now_ns))
    }

    /// Whether the far touch is about to move away.
    fn is_thin(&self, stand: &Stand) -> bool {
        let far = u128::from(stand.far.qty) * 100;
        far < u128::from(stand.near.qty) * u128::from(self.value(Param::Thin).unsigned_abs())
    }

    /// Shares before our order, or before one that joined now.
    fn queue<C: Context>(&self, stand: &Stand, passive: Option<&OrderView>, ctx: &C) -> i64 {
        let ahead = passive.and_then(|view| ctx.ahead(view.user_ref));
        let shares = ahead.map_or(stand.near.qty, |ahead| ahead.shares);
        i64::try_from(shares).unwrap_or(i64::MAX)
    }

    /// Keeps an order at the near touch, in its place while that is worth something.
    fn rest<C: Context>(&mut self, stand: &Stand, passive: Option<OrderView>, ctx: &mut C) {
        let side = stand.parent.side;
        let price = self.limited(side, stand.near.price);
        let may_join = passed(ctx, self.joined_ns, self.value(Param::Rejoin));
        let Some(view) = passive else {
            let Some(qty) = order_qty(stand.free.min(self.value(Param::Clip))) else { return };
            if may_join {
                self.joined_ns = ctx.host_ns();
                let ask = self.ask(stand, qty, price, TimeInForce::Day, ctx);
                let _ = self.passive.enter(&ask, ctx);
            }
            return;
        };
        if !self.within_limit(side, view.price) {
            take_off(&view, ctx);
            return;
        }
        let away = match side {
            Side::Buy => i64::from(price.0) - i64::from(view.price.0),
            Side::Sell => i64::from(view.price.0) - i64::from(price.0),
        };
        if away <= 0 || view.state != OrderState::Live || !may_join {
            return;
        }
        let advanced = ctx.ahead(view.user_ref).is_some_and(|ahead| {
            !ahead.at_least && i128::from(ahead.shares) <= i128::from(self.value(Param::Keep))
        });
        if !advanced || away > self.value(Param::Away) * self.value(Param::Tick) {
            take_off(&view, ctx);
        }
    }

    fn ask<C: Context>(
        &self,
        stand: &Stand,
        qty: Qty,
        price: Price,
        tif: TimeInForce,
        ctx: &C,
    ) -> Ask {
        let Parent { ticker, side, .. } = stand.parent;
        let side = order_side(side, qty, &ctx.position(ticker));
        Ask { ticker, side, qty, price, tif, post_only: tif == TimeInForce::Day }
    }

    fn within_limit(&self, side: Side, price: Price) -> bool {
        self.limited(side, price) == price
    }

    /// `price`, or the limit where that is less aggressive.
    fn limited(&self, side: Side, price: Price) -> Price {
        let limit = Price(self.value(Param::Limit) as u32);
        match side {
            _ if limit == Price(0) => price,
            Side::Buy => price.min(limit),
            Side::Sell => price.max(limit),
        }
    }
}

impl Strategy for Executor {
    #[inline]
    fn on_book<C: Context>(&mut self, ticker: Ticker, news: News, ctx: &mut C) {
        let ours = self.parent.is_some_and(|parent| parent.ticker == ticker);
        if ours && news.has(News::TOP | News::BOOK) {
            self.act(ctx);
        }
    }

    fn on_status<C: Context>(&mut self, _: Ticker, ctx: &mut C) {
        self.act(ctx);
    }

    fn on_fill<C: Context>(&mut self, fill: &Fill, ctx: &mut C) {
        if let Some(parent) = &mut self.parent
            && (parent.ticker, parent.side) == (fill.ticker, fill.side)
        {
            parent.filled = parent.filled.saturating_add(i64::from(fill.qty.0));
        }
        self.act(ctx);
    }

    fn on_order<C: Context>(&mut self, report: &OrderReport, ctx: &mut C) {
        let user_ref = report.order.user_ref;
        let ours = self.passive.is(user_ref) || self.crossing.is(user_ref);
        if report.what == What::Recovered && !ours && report.order.leaves > Qty::ZERO {
            self.strays.add(user_ref, ctx);
        }
        self.act(ctx);
    }

    fn on_timer<C: Context>(&mut self, ctx: &mut C) {
        self.act(ctx);
    }

    fn on_session<C: Context>(&mut self, event: SessionEvent, ctx: &mut C) {
        match event {
            SessionEvent::FeedEnded => self.feed_ended = true,
            SessionEvent::MarketOpen | SessionEvent::FeedCurrent | SessionEvent::FeedSession => {
                self.feed_ended = false;
            }
            _ => {}
        }
        self.act(ctx);
    }

    fn timer_ns(&self) -> u64 {
        self.value(Param::Timer).unsigned_abs() * MS_NS
    }

    param_methods!();

    fn set_param(&mut self, at: usize, value: i64) {
        self.values.set(at, value);
    }
}

#[cfg(test)]
mod tests;
