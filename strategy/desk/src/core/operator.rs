//! What an operator can tell a live trader, and what comes of it.

use super::{Core, hands};
use crate::OrderWire;
use algos::{SessionEvent, Strategy};
use market::Currency;
use risk::{
    GateLimits, KillReason, LimitError, LimitName, Position, Restriction, TickerLimitName,
    TickerLimits,
};
use types::Ticker;

/// What an operator can tell a live trader; one a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Set the strategy's parameter at a place, to a value within its bounds.
    SetParam {
        /// Its place in [`Strategy::params`].
        at: u8,
        /// The value.
        value: i64,
    },
    /// Change one of the gate's limits.
    SetLimit {
        /// Which.
        limit: LimitName,
        /// The value, in the limit's unit.
        value: u64,
    },
    /// Change one of a symbol's limits.
    SetTickerLimit {
        /// Which symbol.
        ticker: Ticker,
        /// Which limit.
        limit: TickerLimitName,
        /// The value, in the limit's unit.
        value: u64,
    },
    /// Change the bound over all traders of the firm.
    SetFirmExposure {
        /// In 1/10000 dollar.
        value: u64,
    },
    /// Restrict a symbol, or lift that.
    Restrict {
        /// Which symbol.
        ticker: Ticker,
        /// To what.
        restriction: Restriction,
    },
    /// Take all orders off and stop entry.
    Kill,
    /// Allow entry again.
    Revive,
    /// Take all orders off.
    CancelAll,
    /// Declare a suspect symbol's book right again.
    Absolve {
        /// Which symbol.
        ticker: Ticker,
    },
    /// Tell positions, profit and switches.
    Status,
    /// Tell the limits as they stand.
    Limits,
    /// Tell the strategy's parameters as they stand.
    Params,
}

/// What comes of a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// It was done.
    Done,
    /// It could not be done.
    Refused(LimitError),
    /// A symbol in the answer to [`Command::Status`].
    Position {
        /// Which.
        ticker: Ticker,
        /// What is held and working.
        position: Position,
        /// Whether the feed has lied about it.
        suspect: bool,
    },
    /// The account's limits in the answer to [`Command::Limits`].
    Limits(GateLimits),
    /// A symbol's limits in the answer to [`Command::Limits`].
    TickerLimits {
        /// Which.
        ticker: Ticker,
        /// What it is held to.
        limits: TickerLimits,
    },
    /// A parameter in the answer to [`Command::Params`].
    Param {
        /// Its place in [`Strategy::params`].
        at: u8,
        /// Its value.
        value: i64,
    },
    /// The firm in the answer to [`Command::Limits`], where it has a bound.
    Firm {
        /// Worst-case worth over all traders, in 1/10000 dollar.
        exposure: u64,
        /// The bound, in 1/10000 dollar.
        exposure_max: u64,
    },
    /// The trader as a whole in the answer to [`Command::Status`].
    Trader {
        /// Orders that may still trade.
        live_orders: u32,
        /// Profit of positions closed, in 1/10000 dollar.
        realised: i64,
        /// Profit of positions held, at the mark, in 1/10000 dollar.
        open: i64,
        /// Worst-case worth of positions and orders, in 1/10000 dollar.
        exposure: u64,
        /// Why nothing goes out, if so.
        killed: Option<KillReason>,
        /// Whether orders can go out.
        can_trade: bool,
        /// How far the feed can be relied on.
        feed: Currency,
    },
}

impl<S: Strategy> Core<S> {
    /// Carries out an operator's command; what comes of it goes to `answer`.
    pub fn command<W: OrderWire>(
        &mut self,
        now_ns: u64,
        command: Command,
        wire: &mut W,
        mut answer: impl FnMut(Answer),
    ) {
        match command {
            Command::SetParam { at, value } => self.strategy.set_param(usize::from(at), value),
            Command::SetLimit { .. }
            | Command::SetTickerLimit { .. }
            | Command::SetFirmExposure { .. } => {
                if let Err(error) = self.set_limit(command) {
                    return answer(Answer::Refused(error));
                }
            }
            Command::Restrict { ticker, .. } | Command::Absolve { ticker }
                if usize::from(ticker.0) >= self.market.tickers() =>
            {
                return answer(Answer::Refused(LimitError::UnknownSymbol));
            }
            Command::Restrict { ticker, restriction } => {
                self.desk.gate_mut().restrict(ticker, restriction);
            }
            Command::Kill => self.desk.kill(now_ns, KillReason::Operator),
            Command::Revive => {
                self.desk.revive();
                self.kill_told = false;
                self.tell(now_ns, SessionEvent::Revived, wire);
            }
            Command::CancelAll => self.desk.cancel_all(),
            Command::Absolve { ticker } => self.market.absolve(ticker),
            Command::Status => self.answer_status(&mut answer),
            Command::Limits => self.answer_limits(&mut answer),
            Command::Params => self.answer_params(&mut answer),
        }
        self.settle(now_ns, wire);
        answer(Answer::Done);
    }

    /// Changes the limit that a command names.
    fn set_limit(&mut self, command: Command) -> Result<(), LimitError> {
        let gate = self.desk.gate_mut();
        match command {
            Command::SetLimit { limit, value } => gate.set_limit(limit, value),
            Command::SetTickerLimit { ticker, limit, value } => {
                gate.set_ticker_limit(ticker, limit, value)
            }
            Command::SetFirmExposure { value } => gate.set_firm_exposure_max(value),
            _ => Ok(()),
        }
    }

    #[cold]
    fn answer_limits(&self, answer: &mut impl FnMut(Answer)) {
        let gate = self.desk.gate();
        answer(Answer::Limits(*gate.limits()));
        for ticker in (0..hands::count(&self.market)).map(Ticker) {
            if let Some(limits) = gate.ticker_limits(ticker) {
                answer(Answer::TickerLimits { ticker, limits: *limits });
            }
        }
        if let Some((exposure, exposure_max)) = gate.firm_exposure() {
            answer(Answer::Firm { exposure, exposure_max });
        }
    }

    #[cold]
    fn answer_status(&self, answer: &mut impl FnMut(Answer)) {
        for ticker in (0..hands::count(&self.market)).map(Ticker) {
            let position = self.desk.gate().position(ticker);
            let suspect = self.market.status(ticker).suspect.is_some();
            answer(Answer::Position { ticker, position, suspect });
        }
        let profit = self.desk.gate().profit();
        answer(Answer::Trader {
            live_orders: self.desk.live_orders(),
            realised: profit.realised,
            open: profit.open,
            exposure: self.desk.gate().exposure(),
            killed: self.desk.killed(),
            can_trade: self.desk.can_trade(),
            feed: self.feed,
        });
    }

    #[cold]
    fn answer_params(&self, answer: &mut impl FnMut(Answer)) {
        for at in 0..self.strategy.params().len() {
            let value = self.strategy.param(at);
            answer(Answer::Param { at: u8::try_from(at).unwrap_or(u8::MAX), value });
        }
    }
}
