//! A trader's console: parameters, limits, restrictions, the kill switch, and what is held.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use algos::{ParamSpec, set_by_name};
use anyhow::Result;
use desk::{Answer, Command};
use lcore::trader::TraderLine;
use market::Currency;
use risk::{Position, Restriction};
use serde::Deserialize;
use serde_json::{Value, json};
use spsc::{Consumer, Producer, ring};
use types::{Symbol, Ticker};

use super::limits;
use super::{ANSWER_TIME_MAX, ANSWERS_MAX, Attendant, COMMANDS_MAX, Console, LOOK_EVERY};

/// What is needed to understand an operator's words.
pub(crate) struct TraderNames {
    /// The trader's symbols, by ticker.
    pub(crate) symbols: Vec<Symbol>,
    /// The strategy's parameters.
    pub(crate) params: &'static [ParamSpec],
}

/// Opens a console at `path` for a trader, and gives the trader's end of the line.
///
/// # Errors
/// The socket cannot be made: another role's lives there, or the folder does not.
pub(crate) fn for_trader(path: &Path, names: TraderNames) -> Result<(Console, TraderLine)> {
    let (to_trader, commands) = ring(COMMANDS_MAX);
    let (answers, from_trader) = ring(ANSWERS_MAX);
    let console = Console::open(path, TraderDesk { names, to_trader, from_trader })?;
    Ok((console, TraderLine { commands, answers }))
}

/// A command as it is typed. Those without fields have braces: serde would let a stray field of a
/// unit variant pass, and who names a symbol in `cancel-all` does not mean all of them.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", deny_unknown_fields)]
enum Typed {
    /// Set a parameter of the strategy.
    Set { param: String, value: i64 },
    /// Change a limit of the gate, by its key in the configuration.
    Limit { limit: String, symbol: Option<String>, value: Value },
    /// Restrict a symbol.
    Restrict { symbol: String, to: String },
    /// Take a suspect symbol's book for right again.
    Absolve { symbol: String },
    /// Take all orders off and stop entry.
    Kill {},
    /// Allow entry again.
    Revive {},
    /// Take all orders off.
    CancelAll {},
    /// Tell what is held.
    Status {},
    /// Tell the strategy's parameters.
    Params {},
    /// Tell the gate's limits.
    Limits {},
}

struct TraderDesk {
    names: TraderNames,
    to_trader: Producer<Command>,
    from_trader: Consumer<Answer>,
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

fn error(message: &str) -> String {
    line(&json!({"event": "error", "message": message}))
}

impl Attendant for TraderDesk {
    fn carry_out(&mut self, typed: &str, stop: &AtomicBool) -> String {
        let typed: Typed = match serde_json::from_str(typed) {
            Ok(typed) => typed,
            Err(problem) => return error(&format!("not a command: {problem}")),
        };
        match self.command(&typed) {
            Ok(command) => self.send(command, stop),
            Err(message) => error(&message),
        }
    }
}

impl TraderDesk {
    fn ticker(&self, symbol: &str) -> Result<Ticker, String> {
        let found = self.names.symbols.iter().position(|name| name.to_string() == symbol);
        found.and_then(|at| u16::try_from(at).ok()).map(Ticker).ok_or_else(|| {
            let known: Vec<String> = self.names.symbols.iter().map(Symbol::to_string).collect();
            format!("{symbol:?} is not traded here; there are {}", known.join(", "))
        })
    }

    fn symbol(&self, ticker: Ticker) -> String {
        self.names.symbols.get(usize::from(ticker.0)).map(Symbol::to_string).unwrap_or_default()
    }

    fn command(&self, typed: &Typed) -> Result<Command, String> {
        Ok(match typed {
            Typed::Set { param, value } => {
                let at = set_by_name(self.names.params, param, *value);
                let at = at.map_err(|problem| problem.to_string())?;
                Command::SetParam { at: u8::try_from(at).unwrap_or(u8::MAX), value: *value }
            }
            Typed::Limit { limit, symbol, value } => {
                let ticker = symbol.as_deref().map(|symbol| self.ticker(symbol)).transpose()?;
                limits::command(limit, ticker, value)?
            }
            Typed::Restrict { symbol, to } => {
                let ticker = self.ticker(symbol)?;
                let restriction = match to.as_str() {
                    "none" => Restriction::None,
                    "close-only" => Restriction::CloseOnly,
                    "no-trade" => Restriction::NoTrade,
                    _ => return Err(format!("to = {to:?} is not none, close-only or no-trade")),
                };
                Command::Restrict { ticker, restriction }
            }
            Typed::Absolve { symbol } => Command::Absolve { ticker: self.ticker(symbol)? },
            Typed::Kill {} => Command::Kill,
            Typed::Revive {} => Command::Revive,
            Typed::CancelAll {} => Command::CancelAll,
            Typed::Limits {} => Command::Limits,
            Typed::Params {} => Command::Params,
            Typed::Status {} => Command::Status,
        })
    }

    fn param(&self, at: u8, value: i64) -> String {
        let Some(p) = self.names.params.get(usize::from(at)) else { return String::new() };
        line(&json!({
            "event": "param", "name": p.name, "value": value, "min": p.min, "max": p.max,
            "default": p.default, "help": p.help,
        }))
    }

    /// Sends a command and gathers what comes of it.
    fn send(&mut self, command: Command, stop: &AtomicBool) -> String {
        // What a client did not wait for is not the next one's.
        while self.from_trader.pop().is_some() {}
        let mut told = String::new();
        if self.to_trader.push(command).is_err() {
            return error("the trader does not answer");
        }
        let began = Instant::now();
        while began.elapsed() < ANSWER_TIME_MAX && !stop.load(Ordering::Relaxed) {
            match self.from_trader.pop() {
                Some(Answer::Done) => {
                    if told.is_empty() {
                        told = line(&json!({"event": "ok"}));
                    }
                    return told;
                }
                Some(Answer::Refused(problem)) => return error(&problem.to_string()),
                Some(answer) => told.push_str(&self.tell(&answer)),
                None => thread::sleep(LOOK_EVERY),
            }
        }
        error("the trader does not answer")
    }

    fn tell(&self, answer: &Answer) -> String {
        match *answer {
            Answer::Position { ticker, position, suspect } => {
                self.position(self.symbol(ticker), &position, suspect)
            }
            Answer::Param { at, value } => self.param(at, value),
            Answer::Limits(account) => line(&limits::account(&account)),
            Answer::TickerLimits { ticker, limits } => {
                line(&limits::symbol(&self.symbol(ticker), &limits))
            }
            Answer::Firm { exposure, exposure_max } => line(&json!({
                "event": "firm",
                "exposure_dollars": exposure as f64 / 10_000.0,
                "firm_exposure_max_dollars": exposure_max as f64 / 10_000.0,
            })),
            Answer::Trader { live_orders, realised, open, exposure, killed, can_trade, feed } => {
                line(&json!({
                    "event": "trader",
                    "live_orders": live_orders,
                    "realised_dollars": dollars(realised),
                    "open_dollars": dollars(open),
                    "exposure_dollars": exposure as f64 / 10_000.0,
                    "killed": killed.map(|reason| reason.name()),
                    "can_trade": can_trade,
                    "feed": feed_name(feed),
                }))
            }
            Answer::Done | Answer::Refused(_) => String::new(),
        }
    }

    fn position(&self, symbol: String, p: &Position, suspect: bool) -> String {
        line(&json!({
            "event": "position",
            "symbol": symbol,
            "shares": p.shares,
            "average_price_dollars": p.average_price().map(|price| price / 10_000.0),
            "mark_dollars": p.mark.map(|mark| f64::from(mark.0) / 10_000.0),
            "realised_dollars": dollars(p.realised),
            "open_dollars": dollars(p.open_profit()),
            "traded_shares": p.traded,
            "open_buy_shares": p.open_buy,
            "open_sell_shares": p.open_sell,
            "suspect": suspect,
        }))
    }
}

fn feed_name(feed: Currency) -> &'static str {
    match feed {
        Currency::Current => "current",
        Currency::Behind => "behind",
        Currency::Lossy => "lossy",
        Currency::Silent => "silent",
    }
}

/// Dollars of 1/10000 dollars.
fn dollars(money: i64) -> f64 {
    money as f64 / 10_000.0
}
