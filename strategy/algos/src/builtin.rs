//! The built-in strategies as one type, chosen by name.

use crate::echo::{self, Echo};
use crate::executor::{self, Executor};
use crate::follower::{self, Follower};
use crate::market_maker::{self, MarketMaker};
use crate::{Context, Fill, OrderReport, ParamSpec, SessionEvent, Strategy};
use market::{News, Trade};
use types::{Symbol, Ticker};

/// A kind of built-in strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name in configurations and on command lines.
    pub name: &'static str,
    /// Its parameters, in the order of their places.
    pub params: &'static [ParamSpec],
    /// What it does, in a line.
    pub help: &'static str,
    /// The least symbols it works with.
    pub symbols_min: u16,
    /// The most.
    pub symbols_max: u16,
}

/// Why a built-in strategy could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuiltinError {
    /// No such kind.
    #[error("no strategy {name:?}; there are {known}")]
    UnknownKind {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// Too few or too many symbols.
    #[error("{kind} works with {min} to {max} symbols, not {count}")]
    Symbols {
        /// The kind.
        kind: &'static str,
        /// How many there were.
        count: usize,
        /// The least it works with.
        min: u16,
        /// The most.
        max: u16,
    },
    /// Another number of values than of parameters.
    #[error("{kind} has {expected} parameters, not {count}")]
    Values {
        /// The kind.
        kind: &'static str,
        /// How many there were.
        count: usize,
        /// How many there are to be.
        expected: usize,
    },
    /// A value out of bounds.
    #[error(transparent)]
    Param(#[from] crate::ParamError),
}

/// Any of the built-in strategies: a match a call, no dynamic dispatch.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one a trader, and it stays where it is")]
pub enum Builtin {
    /// See [`Echo`].
    Echo(Echo),
    /// See [`MarketMaker`].
    MarketMaker(MarketMaker),
    /// See [`Follower`].
    Follower(Follower),
    /// See [`Executor`].
    Executor(Executor),
}

/// The highest number of symbols: [`News::NOBODY`] is none.
const SYMBOLS_MAX: u16 = u16::MAX;

impl Builtin {
    /// Every kind, `echo` first.
    pub const KINDS: &'static [Kind] = &[
        Kind {
            name: "echo",
            params: &echo::PARAMS,
            help: "an order for each tick, for measuring",
            symbols_min: 1,
            symbols_max: SYMBOLS_MAX,
        },
        Kind {
            name: "market-maker",
            params: &market_maker::PARAMS,
            help: "quotes both sides around a fair value, leaning against its inventory",
            symbols_min: 1,
            symbols_max: SYMBOLS_MAX,
        },
        Kind {
            name: "follower",
            params: &follower::PARAMS,
            help: "trades the first symbol back to where a basket of the others says it should be",
            symbols_min: 2,
            symbols_max: follower::LEADERS_MAX + 1,
        },
        Kind {
            name: "executor",
            params: &executor::PARAMS,
            help: "works one order passively within a window of time, crossing when it must",
            symbols_min: 1,
            symbols_max: SYMBOLS_MAX,
        },
    ];

    /// The strategy `kind` over `symbols`, whose places are their tickers, with a value for each of
    /// its parameters in their order.
    ///
    /// # Errors
    /// An unknown kind, too few or too many symbols, a missing value or one out of bounds.
    pub fn new(kind: &str, symbols: &[Symbol], values: &[i64]) -> Result<Builtin, BuiltinError> {
        let Some(found) = Builtin::KINDS.iter().find(|known| known.name == kind) else {
            let known: Vec<_> = Builtin::KINDS.iter().map(|known| known.name).collect();
            return Err(BuiltinError::UnknownKind { name: kind.into(), known: known.join(", ") });
        };
        let Kind { name: kind, params, symbols_min: min, symbols_max: max, .. } = *found;
        let count = symbols.len();
        let tickers = u16::try_from(count).ok().filter(|count| (min..=max).contains(count));
        let Some(tickers) = tickers else {
            return Err(BuiltinError::Symbols { kind, count, min, max });
        };
        if values.len() != params.len() {
            let (count, expected) = (values.len(), params.len());
            return Err(BuiltinError::Values { kind, count, expected });
        }
        for (spec, &value) in params.iter().zip(values) {
            crate::set_by_name(params, spec.name, value)?;
        }
        Ok(match kind {
            "echo" => Builtin::Echo(Echo::new(tickers, values)),
            "market-maker" => Builtin::MarketMaker(MarketMaker::new(tickers, values)),
            "follower" => Builtin::Follower(Follower::new(tickers, values)),
            _ => Builtin::Executor(Executor::new(tickers, values)),
        })
    }

    /// The values a kind has unless told otherwise; `None` for an unknown kind.
    pub fn defaults(kind: &str) -> Option<Vec<i64>> {
        let found = Builtin::KINDS.iter().find(|known| known.name == kind)?;
        Some(found.params.iter().map(|spec| spec.default).collect())
    }
}

/// Calls a method of whichever it is.
macro_rules! either {
    ($self:ident, $strategy:ident => $call:expr) => {
        match $self {
            Builtin::Echo($strategy) => $call,
            Builtin::MarketMaker($strategy) => $call,
            Builtin::Follower($strategy) => $call,
            Builtin::Executor($strategy) => $call,
        }
    };
}

impl Strategy for Builtin {
    #[inline]
    fn on_book<C: Context>(&mut self, ticker: Ticker, news: News, ctx: &mut C) {
        either!(self, strategy => strategy.on_book(ticker, news, ctx));
    }

    #[inline]
    fn on_trade<C: Context>(&mut self, ticker: Ticker, trade: &Trade, ctx: &mut C) {
        either!(self, strategy => strategy.on_trade(ticker, trade, ctx));
    }

    fn on_status<C: Context>(&mut self, ticker: Ticker, ctx: &mut C) {
        either!(self, strategy => strategy.on_status(ticker, ctx));
    }

    #[inline]
    fn on_fill<C: Context>(&mut self, fill: &Fill, ctx: &mut C) {
        either!(self, strategy => strategy.on_fill(fill, ctx));
    }

    #[inline]
    fn on_order<C: Context>(&mut self, report: &OrderReport, ctx: &mut C) {
        either!(self, strategy => strategy.on_order(report, ctx));
    }

    fn on_timer<C: Context>(&mut self, ctx: &mut C) {
        either!(self, strategy => strategy.on_timer(ctx));
    }

    fn on_session<C: Context>(&mut self, event: SessionEvent, ctx: &mut C) {
        either!(self, strategy => strategy.on_session(event, ctx));
    }

    fn timer_ns(&self) -> u64 {
        either!(self, strategy => strategy.timer_ns())
    }

    fn params(&self) -> &'static [ParamSpec] {
        either!(self, strategy => strategy.params())
    }

    fn param(&self, at: usize) -> i64 {
        either!(self, strategy => strategy.param(at))
    }

    fn set_param(&mut self, at: usize, value: i64) {
        either!(self, strategy => strategy.set_param(at, value));
    }
}

#[cfg(test)]
mod tests;
