//! `follower`: trades one symbol back to where others say it should be.
//!
//! The first symbol is the follower, those after it are its leaders, each with a weight. The
//! leaders' middles, weighed and summed, are the basket. What relates the follower to it, their
//! ratio or their difference, is sampled on a timer into an exponentially weighted average; the
//! basket times (or plus) that average is the follower's modelled price. When the follower's middle
//! is off it by more than a threshold, a clip is taken at the far touch, immediate or cancel; when
//! it is back, the position is taken off the same way. One order is out at a time.
//!
//! Arithmetic is f64 by addition, multiplication and division alone, which are the same to the last
//! bit on every machine: the same market gives the same orders.
//!
//! Bounds: shares held and working never pass `position_max_shares`; an exit never turns a position
//! around. After `flat_from_s` positions are only taken off.
//!
//! Failure modes: no sample and no order while any of the symbols is halted, suspect, stale or
//! without both sides; a changed weight or model begins the average anew.

use crate::held::{Held, Strays};
use crate::look::{
    DAY_S, MS_NS, S_NS, both_sides, is_sound, order_qty, order_side, passed, time_of_day_ns,
    worst_case,
};
use crate::values::{Values, param_methods, params};
use crate::{Context, Fill, OrderReport, Strategy, What};
use market::News;
use risk::Ask;
use types::{Qty, Side, Ticker, TimeInForce};

/// Leaders at most: each has a parameter for its weight.
pub const LEADERS_MAX: u16 = 8;

params! {
    Weight1 = "weight_1_milli", -1_000_000, 1_000_000, 1_000, "weight of the first leader, in 1e-3";
    Weight2 = "weight_2_milli", -1_000_000, 1_000_000, 1_000, "of the second, where there is one";
    Weight3 = "weight_3_milli", -1_000_000, 1_000_000, 1_000, "of the third";
    Weight4 = "weight_4_milli", -1_000_000, 1_000_000, 1_000, "of the fourth";
    Weight5 = "weight_5_milli", -1_000_000, 1_000_000, 1_000, "of the fifth";
    Weight6 = "weight_6_milli", -1_000_000, 1_000_000, 1_000, "of the sixth";
    Weight7 = "weight_7_milli", -1_000_000, 1_000_000, 1_000, "of the seventh";
    Weight8 = "weight_8_milli", -1_000_000, 1_000_000, 1_000, "of the eighth";
    Model = "model", 0, 1, 0, "what is averaged: 0 follower by basket, 1 follower less basket";
    Sample = "sample_ms", 1, 600_000, 100, "time between two samples";
    Gain = "sample_weight_ppm", 1, 1_000_000, 10_000, "weight of a sample in the average, in 1e-6";
    Warm = "samples_min", 1, 1_000_000, 100, "no order before so many samples";
    Enter = "enter_bps", 1, 10_000, 10, "enter beyond this deviation, in 1/100 % of the model";
    Exit = "exit_bps", 0, 10_000, 2, "exit at or below it; not above the former in effect";
    Clip = "clip_shares", 1, 999_999, 100, "shares an order";
    PositionMax = "position_max_shares", 0, 1_000_000_000, 1_000, "most shares held, long or short";
    Pause = "cool_down_ms", 0, 3_600_000, 100, "least time between two orders";
    Flat = "flat_from_s", 0, DAY_S, 57_540,
        "only take positions off from this time of day, in seconds";
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Follower {
    values: Values<{ PARAMS.len() }>,
    leaders: u16,
    out: Held,
    strays: Strays,
    /// When an order was last asked for, granted or not.
    asked_ns: u64,
    /// The average, once there is a sample.
    average: f64,
    samples: i64,
}

/// The one that is traded.
const FOLLOWER: Ticker = Ticker(0);

impl Follower {
    /// The first of `tickers` symbols follows the others, of which [`LEADERS_MAX`] count. Values
    /// are in the order of the parameters.
    pub fn new(tickers: u16, values: &[i64]) -> Follower {
        Follower {
            values: Values::new(&PARAMS, values),
            leaders: tickers.saturating_sub(1).min(LEADERS_MAX),
            out: Held::default(),
            strays: Strays::default(),
            asked_ns: 0,
            average: 0.0,
            samples: 0,
        }
    }

    #[inline]
    fn value(&self, param: Param) -> i64 {
        self.values.get(param as usize)
    }

    /// The follower's middle and the basket, in 1/10000 dollar; `None` while either is not known.
    fn prices<C: Context>(&self, ctx: &C) -> Option<(f64, f64)> {
        let follower = middle(FOLLOWER, ctx)?;
        let mut basket = 0.0;
        for leader in 1..=self.leaders {
            let weight = self.values.get(usize::from(leader) - 1) as f64 / 1_000.0;
            basket += weight * middle(Ticker(leader), ctx)?;
        }
        Some((follower, basket))
    }

    /// Puts a sample of how the follower stands to the basket into the average.
    fn sample<C: Context>(&mut self, ctx: &C) {
        let Some((follower, basket)) = self.prices(ctx) else { return };
        let now = match self.value(Param::Model) {
            0 if basket > 0.0 => follower / basket,
            0 => return,
            _ => follower - basket,
        };
        let gain = self.value(Param::Gain) as f64 / 1e6;
        self.average =
            if self.samples == 0 { now } else { self.average + gain * (now - self.average) };
        self.samples = self.samples.saturating_add(1);
    }

    /// How far the follower is off its modelled price, in 1/100 % of it.
    fn deviation_bps<C: Context>(&self, ctx: &C) -> Option<f64> {
        if self.samples < self.value(Param::Warm) {
            return None;
        }
        let (follower, basket) = self.prices(ctx)?;
        let modelled = match self.value(Param::Model) {
            0 => basket * self.average,
            _ => basket + self.average,
        };
        (modelled > 0.0).then(|| (follower - modelled) / modelled * 10_000.0)
    }

    /// What to do about a deviation: a side, and how many shares at most.
    fn wanted<C: Context>(&self, deviation_bps: f64, ctx: &C) -> Option<(Side, i64)> {
        let position = ctx.position(FOLLOWER);
        let flat_ns = self.value(Param::Flat).unsigned_abs() * S_NS;
        let late = time_of_day_ns(ctx).is_none_or(|now_ns| now_ns >= flat_ns);
        let enter = self.value(Param::Enter);
        let exit = self.value(Param::Exit).min(enter) as f64;
        let enter = enter as f64;
        if !late && deviation_bps.abs() >= enter {
            let side = if deviation_bps > 0.0 { Side::Sell } else { Side::Buy };
            let room = self.value(Param::PositionMax).saturating_sub(worst_case(side, &position));
            return Some((side, room));
        }
        // Working orders of that side are ours from before a restart, and may fill yet.
        match position.shares {
            held if held > 0 && (late || deviation_bps >= -exit) => {
                Some((Side::Sell, worst_case(Side::Sell, &position).saturating_neg()))
            }
            held if held < 0 && (late || deviation_bps <= exit) => {
                Some((Side::Buy, worst_case(Side::Buy, &position).saturating_neg()))
            }
            _ => None,
        }
    }

    fn decide<C: Context>(&mut self, ctx: &mut C) {
        self.strays.sweep(ctx);
        let waiting = self.out.look(ctx).is_some()
            || !passed(ctx, self.asked_ns, self.value(Param::Pause))
            || !ctx.can_trade();
        if waiting {
            return;
        }
        let Some(deviation_bps) = self.deviation_bps(ctx) else { return };
        let Some((side, shares)) = self.wanted(deviation_bps, ctx) else { return };
        let Some(qty) = order_qty(shares.min(self.value(Param::Clip))) else { return };
        let Some((bid, ask)) = both_sides(&ctx.top(FOLLOWER)) else { return };
        let price = match side {
            Side::Buy => ask.price,
            Side::Sell => bid.price,
        };
        self.asked_ns = ctx.host_ns();
        let side = order_side(side, qty, &ctx.position(FOLLOWER));
        let tif = TimeInForce::Ioc;
        let ask = Ask { ticker: FOLLOWER, side, qty, price, tif, post_only: false };
        // Held back by the gate, which counts it: decided again after the cool-down.
        let _ = self.out.enter(&ask, ctx);
    }
}

/// The middle of a book that can be relied on, in 1/10000 dollar.
fn middle<C: Context>(ticker: Ticker, ctx: &C) -> Option<f64> {
    if !is_sound(ctx.status(ticker)) {
        return None;
    }
    let (bid, ask) = both_sides(&ctx.top(ticker))?;
    Some((f64::from(bid.price.0) + f64::from(ask.price.0)) / 2.0)
}

impl Strategy for Follower {
    #[inline]
    fn on_book<C: Context>(&mut self, ticker: Ticker, news: News, ctx: &mut C) {
        if news.has(News::TOP) && ticker.0 <= self.leaders {
            self.decide(ctx);
        }
    }

    fn on_fill<C: Context>(&mut self, _: &Fill, ctx: &mut C) {
        self.decide(ctx);
    }

    fn on_order<C: Context>(&mut self, report: &OrderReport, ctx: &mut C) {
        let user_ref = report.order.user_ref;
        let recovered = report.what == What::Recovered && report.order.leaves > Qty::ZERO;
        if recovered && !self.out.is(user_ref) {
            self.strays.add(user_ref, ctx);
        }
        self.decide(ctx);
    }

    fn on_timer<C: Context>(&mut self, ctx: &mut C) {
        self.sample(ctx);
        self.decide(ctx);
    }

    fn timer_ns(&self) -> u64 {
        self.value(Param::Sample).unsigned_abs() * MS_NS
    }

    param_methods!();

    fn set_param(&mut self, at: usize, value: i64) {
        let before = self.values.get(at);
        self.values.set(at, value);
        // An average of something else says nothing.
        if at <= Param::Model as usize && self.values.get(at) != before {
            self.samples = 0;
        }
    }
}

#[cfg(test)]
mod tests;
