//! The trait that every strategy implements.

use crate::{Context, Fill, OrderReport, ParamSpec, SessionEvent};
use market::{News, Trade};
use types::Ticker;

/// A trading strategy. Each call is bounded work that allocates nothing; time comes in through the
/// context, never from a clock.
pub trait Strategy {
    /// A book changed; `news` says whether its top did.
    fn on_book<C: Context>(&mut self, ticker: Ticker, news: News, ctx: &mut C) {
        let _ = (ticker, news, ctx);
    }

    /// Shares traded, anyone's.
    fn on_trade<C: Context>(&mut self, ticker: Ticker, trade: &Trade, ctx: &mut C) {
        let _ = (ticker, trade, ctx);
    }

    /// A halt, a resumption, a suspicion, an imbalance: see [`Context::status`].
    fn on_status<C: Context>(&mut self, ticker: Ticker, ctx: &mut C) {
        let _ = (ticker, ctx);
    }

    /// Shares of ours traded.
    fn on_fill<C: Context>(&mut self, fill: &Fill, ctx: &mut C) {
        let _ = (fill, ctx);
    }

    /// Something else became of one of our orders.
    fn on_order<C: Context>(&mut self, report: &OrderReport, ctx: &mut C) {
        let _ = (report, ctx);
    }

    /// The timer went off: every [`Strategy::timer_ns`].
    fn on_timer<C: Context>(&mut self, ctx: &mut C) {
        let _ = ctx;
    }

    /// Something that concerns all symbols.
    fn on_session<C: Context>(&mut self, event: SessionEvent, ctx: &mut C) {
        let _ = (event, ctx);
    }

    /// How often the timer goes off, in ns; 0 for never. Asked again after every change of a
    /// parameter.
    fn timer_ns(&self) -> u64 {
        0
    }

    /// The parameters, in the order of their places.
    fn params(&self) -> &'static [ParamSpec];

    /// The value of the parameter at a place.
    fn param(&self, at: usize) -> i64;

    /// Sets the parameter at a place to a value within its bounds; takes effect with the next call.
    fn set_param(&mut self, at: usize, value: i64);
}
