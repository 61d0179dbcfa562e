//! The pre-trade gate: what every order passes before it reaches an engine or leaves for a venue.
//!
//! Why it exists: an order that should not trade must be stopped by code that the strategy cannot
//! go around. [`OrderLimits`] holds the checks that both sides of the wire share; [`VenueGate`]
//! answers with OUCH's reasons. [`Gate`] adds what the trader knows of itself (positions, profit,
//! open orders, rates, its other accounts) and answers with a [`Refusal`], each of which has its
//! own counter. The checks are those that SEC rule 15c3-5 asks of a broker-dealer with market
//! access: credit and capital (c)(1)(i), erroneous orders (c)(1)(ii), what regulation forbids
//! (c)(2)(i) and (ii), and control over them by the operator alone (d).
//!
//! Limits: tables are sized at construction by the number of symbols; nothing allocates later.
//! Failure modes: a check whose reference is missing (a collar without a market) refuses rather
//! than passes on the trader's side; the venue has no market before its first order and passes.
#![forbid(unsafe_code)]

mod ask;
mod bounds;
mod firm;
mod gate;
mod history;
mod holding;
mod limits;
mod position;
mod rate;
mod recent;
mod refusal;
mod venue;

pub use ask::{Ask, KillReason, OpenOrder, Quote};
pub use bounds::{GateLimits, LimitError, LimitName, Restriction, TickerLimitName, TickerLimits};
pub use firm::Firm;
pub use gate::Gate;
pub use limits::{OrderLimits, Reference};
pub use position::{Position, Profit};
pub use refusal::Refusal;
pub use venue::VenueGate;
