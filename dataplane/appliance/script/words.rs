//! One line's words, and the command they make.
//!
//! What the engine can refuse with a reason of OUCH's (a quantity of 0, an unknown symbol) becomes
//! a command, so that the script sees the rejection a client would; what no client could say (a
//! missing number, an unknown op) is an error of the script.

use std::fmt;

use engine::Engine;
use serde::Deserialize;
use types::{
    Cancel, ClOrdId, Command, CrossKind, Enter, Firm, MassCancel, MatchId, Modify, Operation,
    OrderCapacity, OrderSide, Peg, Permit, Phase, PostOnly, Price, Qty, Refused, RejectReason,
    Replace, SessionId, Symbol, SymbolId, Terms, TimeInForce, UserRef,
};

use super::Names;

/// One line as it is written. `docs/match.md` says which op takes what.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Words {
    pub(crate) op: String,
    pub(crate) t_ns: Option<u64>,
    pub(crate) session: Option<u16>,
    #[serde(rename = "ref")]
    pub(crate) user_ref: Option<u32>,
    pub(crate) orig: Option<u32>,
    pub(crate) side: Option<String>,
    pub(crate) qty: Option<i64>,
    pub(crate) symbol: Option<String>,
    pub(crate) price: Option<Amount>,
    pub(crate) tif: Option<String>,
    pub(crate) display: Option<String>,
    pub(crate) post_only: Option<Choice>,
    pub(crate) min_qty: Option<i64>,
    pub(crate) max_floor: Option<i64>,
    pub(crate) expire_s: Option<i64>,
    pub(crate) peg: Option<Choice>,
    pub(crate) firm: Option<Name>,
    pub(crate) account: Option<Name>,
    pub(crate) cross: Option<String>,
    pub(crate) capacity: Option<String>,
    pub(crate) cl_ord_id: Option<String>,
    pub(crate) phase: Option<String>,
    pub(crate) reason: Option<String>,
    #[serde(rename = "match")]
    pub(crate) match_id: Option<u64>,
    pub(crate) lower: Option<i64>,
    pub(crate) upper: Option<i64>,
    pub(crate) level: Option<u8>,
    pub(crate) release_s: Option<u32>,
    pub(crate) reference: Option<i64>,
    pub(crate) from: Option<Name>,
    pub(crate) to: Option<Name>,
    pub(crate) amount: Option<u64>,
}

/// A price: a number of 1/10000 dollars, or `"market"`.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a whole number or \"market\"")]
pub(crate) enum Amount {
    /// 1/10000 dollar.
    Number(i64),
    /// `"market"`.
    Word(String),
}

/// Yes, no, or which.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected true, false or a word")]
pub(crate) enum Choice {
    /// Yes or no.
    Flag(bool),
    /// Which.
    Word(String),
}

/// A name that may be a number.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a name or a whole number from 0")]
pub(crate) enum Name {
    /// A number.
    Number(u64),
    /// A name.
    Word(String),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Number(number) => number.fmt(f),
            Name::Word(word) => word.fmt(f),
        }
    }
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WordsError {
    /// A word that the op needs is missing.
    #[error("op {op:?} needs {field:?}")]
    Missing {
        /// The op.
        op: String,
        /// The word.
        field: &'static str,
    },
    /// A word's value is none of those there are.
    #[error("{field:?} is {value:?}; {expected}")]
    Value {
        /// The word.
        field: &'static str,
        /// What it is.
        value: String,
        /// What it can be.
        expected: &'static str,
    },
}

/// Every op, for the message about one that there is not.
const OPS: &str = "an op is enter, replace, cancel, modify, mass_cancel, disable, enable, phase, \
                   halt, resume, quote, cross, imbalance, reference, bands, breaker, bust, adjust, \
                   transfer, deposit, cancel_session or clock";

const ACCOUNTS: &str = "a script has at most 65,535 accounts";

type Made<T> = Result<T, WordsError>;

impl Words {
    /// The command that the words make. A replacement leaves what it does not mention as the live
    /// order has it, which is why the engine is asked.
    pub(crate) fn command(&self, names: &Names, engine: &Engine) -> Made<Command> {
        Ok(match self.op.as_str() {
            "enter" => self.enter(names)?,
            "replace" => self.replace(engine)?,
            "cancel" => {
                let (session, user_ref) = (self.session()?, self.user_ref()?);
                let qty = shares(self.qty.unwrap_or(0))?;
                Command::Cancel(Cancel { session, user_ref, qty })
            }
            "modify" => self.modify(engine)?,
            "mass_cancel" => Command::MassCancel(MassCancel {
                session: self.session()?,
                user_ref: self.user_ref()?,
                firm: self.firm(names)?,
                symbol: self.symbol.as_deref().map_or(Symbol([b' '; 8]), symbol),
            }),
            "disable" | "enable" => Command::Permit(Permit {
                session: self.session()?,
                user_ref: self.user_ref()?,
                firm: self.firm(names)?,
                enable: self.op == "enable",
            }),
            _ => Command::Operate(self.operation(names)?),
        })
    }

    /// The operator's command that the words make.
    pub(crate) fn operation(&self, names: &Names) -> Made<Operation> {
        let symbol = || self.symbol_id(names);
        Ok(match self.op.as_str() {
            "clock" => Operation::Clock,
            "phase" => Operation::Phase { symbol: symbol()?, phase: self.phase()? },
            "halt" => Operation::Halt { symbol: symbol()?, reason: self.halt_reason() },
            "resume" => Operation::Resume { symbol: symbol()? },
            "quote" => Operation::Quote {
                symbol: symbol()?,
                release_s: self.release_s.unwrap_or(0),
                price: self.price.as_ref().map_or(Price(0), limit),
            },
            "cross" => Operation::Cross { symbol: symbol()?, kind: self.cross()? },
            "imbalance" => Operation::Imbalance { symbol: symbol()? },
            "reference" => Operation::Reference { symbol: symbol()?, price: self.limit()? },
            "bands" => {
                let (lower, upper) = (self.lower.unwrap_or(0), self.upper.unwrap_or(0));
                let (lower, upper) = (Price(clamp(lower)), Price(clamp(upper)));
                Operation::Bands { symbol: symbol()?, lower, upper }
            }
            "breaker" => Operation::Breaker { level: self.needed(self.level, "level")? },
            "bust" => Operation::Bust { match_id: self.match_id()?, reason: self.break_reason() },
            "adjust" => Operation::Adjust {
                match_id: self.match_id()?,
                price: self.limit()?,
                reason: self.break_reason(),
            },
            "transfer" => self.transfer(names)?,
            "deposit" => {
                let to = self.account_of(&self.to, "to", names)?;
                Operation::Deposit { to, amount: self.needed(self.amount, "amount")? }
            }
            "cancel_session" => Operation::CancelSession { session: self.session()? },
            _ => return Err(bad("op", &self.op, OPS)),
        })
    }

    /// The price that a cross is to be held against, where the words say one.
    pub(crate) fn reference_first(&self, names: &Names) -> Made<Option<Operation>> {
        let Some(price) = self.reference.filter(|_| self.op != "reference") else {
            return Ok(None);
        };
        let symbol = self.symbol_id(names)?;
        Ok(Some(Operation::Reference { symbol, price: Price(clamp(price)) }))
    }

    fn enter(&self, names: &Names) -> Made<Command> {
        let (session, user_ref) = (self.session()?, self.user_ref()?);
        let cl_ord_id = self.cl_ord_id();
        let refused = |reason| Command::Refused(Refused { session, user_ref, reason, cl_ord_id });
        let side = self.side.as_deref().ok_or_else(|| self.missing("side"))?;
        let qty = qty(self.needed(self.qty, "qty")?);
        let name = self.symbol.as_deref().ok_or_else(|| self.missing("symbol"))?;
        let Some(side) = letter(side).and_then(OrderSide::from_letter) else {
            return Ok(refused(RejectReason::InvalidSide));
        };
        let (terms, cross) = match (self.terms(Terms::default(), qty), self.cross()) {
            (Ok(terms), Ok(cross)) => (terms, cross),
            (Err(reason), _) => return Ok(refused(reason)),
            (_, Err(_)) => return Ok(refused(RejectReason::InvalidCrossOrder)),
        };
        let capacity = self.capacity.as_deref().unwrap_or("P");
        let capacity = letter(capacity).and_then(OrderCapacity::from_letter);
        let account = self.account_name(session);
        let account =
            names.account_id(&account).ok_or_else(|| bad("account", &account, ACCOUNTS))?;
        Ok(Command::Enter(Enter {
            session,
            user_ref,
            account,
            firm: self.firm(names)?,
            side,
            qty,
            symbol: symbol(name),
            price: self.price.as_ref().map_or(Price::MARKET, limit),
            terms,
            cross,
            capacity: capacity
                .ok_or_else(|| bad("capacity", &capacity_text(self), "O, A, P or R"))?,
            cl_ord_id,
        }))
    }

    fn replace(&self, engine: &Engine) -> Made<Command> {
        let (session, user_ref) = (self.session()?, self.user_ref()?);
        let orig = UserRef(self.needed(self.orig, "orig")?);
        let cl_ord_id = self.cl_ord_id();
        let live = engine.order(session, orig);
        // What is not live cannot be replaced, whatever the numbers: the engine says so.
        let qty = match (self.qty, live) {
            (Some(shares), _) => qty(shares),
            (None, live) => live.map_or(Qty(0), |live| Qty(live.executed.0 + live.leaves.0)),
        };
        let price = match (&self.price, live) {
            (Some(price), _) => limit(price),
            (None, live) => live.map_or(Price(0), |live| live.price),
        };
        let kept = live.map_or(Terms::default(), |live| {
            let leaves = Qty(qty.0.saturating_sub(live.executed.0));
            Terms { min_qty: live.terms.min_qty.min(leaves), ..live.terms }
        });
        Ok(match self.terms(kept, qty) {
            Ok(terms) => {
                Command::Replace(Replace { session, orig, user_ref, qty, price, terms, cl_ord_id })
            }
            Err(reason) => Command::Refused(Refused { session, user_ref, reason, cl_ord_id }),
        })
    }

    fn modify(&self, engine: &Engine) -> Made<Command> {
        let (session, user_ref) = (self.session()?, self.user_ref()?);
        let side = match &self.side {
            Some(side) => letter(side)
                .and_then(OrderSide::from_letter)
                .ok_or_else(|| bad("side", side, "a side is B, S, T or E"))?,
            None => engine.order(session, user_ref).map_or(OrderSide::Buy, |live| live.side),
        };
        let qty = shares(self.needed(self.qty, "qty")?)?;
        Ok(Command::Modify(Modify { session, user_ref, side, qty }))
    }

    /// `so_far`, changed by what the words mention.
    fn terms(&self, so_far: Terms, shares: Qty) -> Result<Terms, RejectReason> {
        let mut terms = so_far;
        if let Some(display) = &self.display {
            let of = letter(display).and_then(|l| Terms::of_display(l, PostOnly::Reject));
            let of = of.ok_or(RejectReason::InvalidDisplay)?;
            (terms.display, terms.post_only, terms.peg) = (of.display, of.post_only, of.peg);
        }
        match &self.post_only {
            Some(Choice::Flag(false)) => terms.post_only = PostOnly::No,
            Some(Choice::Flag(true)) => terms.post_only = PostOnly::Reject,
            Some(Choice::Word(word)) => {
                terms.post_only = match word.to_ascii_lowercase().as_str() {
                    "reject" | "p" => PostOnly::Reject,
                    "slide" => PostOnly::Slide,
                    "no" | "n" => PostOnly::No,
                    _ => return Err(RejectReason::InvalidDisplay),
                }
            }
            None => {}
        }
        match &self.peg {
            Some(Choice::Flag(peg)) => terms.peg = if *peg { Peg::Midpoint } else { Peg::None },
            Some(Choice::Word(word)) => {
                terms.peg = match word.to_ascii_lowercase().as_str() {
                    "mid" | "midpoint" | "m" => Peg::Midpoint,
                    "none" | "l" | "" => Peg::None,
                    _ => return Err(RejectReason::InvalidPegType),
                }
            }
            None => {}
        }
        terms.min_qty = self.min_qty.map_or(terms.min_qty, qty);
        terms.max_floor = self.max_floor.map_or(terms.max_floor, qty);
        self.lifetime(&mut terms, shares)?;
        Ok(terms)
    }

    fn lifetime(&self, terms: &mut Terms, shares: Qty) -> Result<(), RejectReason> {
        if let Some(expire_s) = self.expire_s {
            (terms.tif, terms.expire_s) = (TimeInForce::Gtt, clamp(expire_s));
        }
        let Some(tif) = &self.tif else { return Ok(()) };
        let lower = tif.to_ascii_lowercase();
        terms.tif = match lower.as_str() {
            "day" => TimeInForce::Day,
            "ioc" => TimeInForce::Ioc,
            "gtx" => TimeInForce::Gtx,
            "gtt" => TimeInForce::Gtt,
            "fok" => {
                terms.min_qty = shares;
                TimeInForce::Ioc
            }
            code => letter(code).and_then(TimeInForce::from_letter).ok_or(RejectReason::Other)?,
        };
        Ok(())
    }

    fn transfer(&self, names: &Names) -> Made<Operation> {
        let from = self.account_of(&self.from, "from", names)?;
        let to = self.account_of(&self.to, "to", names)?;
        if self.symbol.is_none() {
            let amount = self.needed(self.amount, "amount")?;
            return Ok(Operation::TransferCash { from, to, amount });
        }
        let shares = self.needed(self.qty, "qty")?;
        let qty = u64::try_from(shares)
            .map_err(|_| bad("qty", &shares.to_string(), "a number of shares is 0 or more"))?;
        Ok(Operation::TransferShares { from, to, symbol: self.symbol_id(names)?, qty })
    }

    /// The account an order is for: the one named, else one of the session's own.
    pub(crate) fn account_name(&self, session: SessionId) -> String {
        self.account.as_ref().map_or_else(|| format!("session {}", session.0), Name::to_string)
    }

    fn account_of(
        &self,
        name: &Option<Name>,
        field: &'static str,
        names: &Names,
    ) -> Made<types::AccountId> {
        let name = name.as_ref().ok_or_else(|| self.missing(field))?.to_string();
        names.account_id(&name).ok_or_else(|| bad(field, &name, "there is no such account"))
    }

    /// The number of the symbol that is meant; 0, which means all, without one.
    fn symbol_id(&self, names: &Names) -> Made<SymbolId> {
        let Some(name) = &self.symbol else { return Ok(SymbolId(0)) };
        let id = names.symbol_id(&symbol(name));
        id.ok_or_else(|| bad("symbol", name, "there is no such symbol"))
    }

    fn phase(&self) -> Made<Phase> {
        const PHASES: &str =
            "a phase is start, preopen, open (or continuous), close (or closed) or end";
        let word = self.phase.as_deref().ok_or_else(|| self.missing("phase"))?;
        let plain = word.to_ascii_lowercase().replace(['-', '_', ' '], "");
        Ok(match plain.as_str() {
            "start" | "startofday" => Phase::Start,
            "preopen" => Phase::PreOpen,
            "open" | "opening" | "openingcross" | "continuous" | "trading" => Phase::Continuous,
            "close" | "closing" | "closingcross" | "closed" => Phase::Closed,
            "end" | "endofday" => Phase::End,
            _ => return Err(bad("phase", word, PHASES)),
        })
    }

    fn cross(&self) -> Made<CrossKind> {
        let Some(word) = &self.cross else { return Ok(CrossKind::None) };
        Ok(match word.to_ascii_lowercase().as_str() {
            "" | "n" | "none" => CrossKind::None,
            "o" | "open" | "opening" => CrossKind::Opening,
            "c" | "close" | "closing" => CrossKind::Closing,
            "h" | "halt" | "ipo" => CrossKind::Halt,
            _ => return Err(bad("cross", word, "a cross is O, C or H")),
        })
    }

    fn firm(&self, names: &Names) -> Made<Firm> {
        let Some(name) = &self.firm else { return Ok(Firm::BLANK) };
        let name = name.to_string();
        names.firm(&name).ok_or_else(|| bad("firm", &name, "there is no such firm"))
    }

    fn halt_reason(&self) -> [u8; 4] {
        wire::field::padded(self.reason.as_deref().unwrap_or("T1").as_bytes())
    }

    fn break_reason(&self) -> u8 {
        self.reason.as_deref().and_then(letter).unwrap_or(b'S')
    }

    fn cl_ord_id(&self) -> ClOrdId {
        ClOrdId(wire::field::padded(self.cl_ord_id.as_deref().unwrap_or("").as_bytes()))
    }

    fn limit(&self) -> Made<Price> {
        self.price.as_ref().map(limit).ok_or_else(|| self.missing("price"))
    }

    fn match_id(&self) -> Made<MatchId> {
        self.needed(self.match_id, "match").map(MatchId)
    }

    fn session(&self) -> Made<SessionId> {
        match self.needed(self.session, "session")? {
            u16::MAX => Err(bad("session", "65535", "a session is 0 to 65534")),
            session => Ok(SessionId(session)),
        }
    }

    fn user_ref(&self) -> Made<UserRef> {
        self.needed(self.user_ref, "ref").map(UserRef)
    }

    fn needed<T>(&self, value: Option<T>, field: &'static str) -> Made<T> {
        value.ok_or_else(|| self.missing(field))
    }

    fn missing(&self, field: &'static str) -> WordsError {
        WordsError::Missing { op: self.op.clone(), field }
    }
}

fn bad(field: &'static str, value: &str, expected: &'static str) -> WordsError {
    WordsError::Value { field, value: value.to_owned(), expected }
}

fn capacity_text(words: &Words) -> String {
    words.capacity.clone().unwrap_or_default()
}

/// A number as 32 bits hold it. What they cannot hold, a number below zero too, goes to the engine
/// as one beyond every bound there is, to be refused there.
fn clamp(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What an order is to be reduced to: nothing refuses it where it is too large, so that a number
/// below zero must not count as one.
fn shares(number: i64) -> Made<Qty> {
    if number < 0 {
        return Err(bad("qty", &number.to_string(), "a number of shares is 0 or more"));
    }
    Ok(qty(number))
}

fn qty(number: i64) -> Qty {
    Qty(clamp(number))
}

fn limit(price: &Amount) -> Price {
    match price {
        Amount::Number(number) => {
            let wire = u64::try_from(*number).ok().and_then(|raw| Price::from_wire(raw).ok());
            wire.unwrap_or(Price(clamp(*number)))
        }
        Amount::Word(word) if word.eq_ignore_ascii_case("market") => Price::MARKET,
        Amount::Word(_) => Price(u32::MAX),
    }
}

/// A symbol that cannot be is one that nobody lists.
pub(super) fn symbol(name: &str) -> Symbol {
    Symbol::new(name).unwrap_or(Symbol([0; 8]))
}

/// The only letter of a word.
fn letter(word: &str) -> Option<u8> {
    match word.as_bytes() {
        [letter] => Some(*letter),
        _ => None,
    }
}
