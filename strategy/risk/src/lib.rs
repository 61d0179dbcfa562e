//! The pre-trade gate: what every order passes before it reaches an engine or leaves for a venue.
//!
//! Why it exists: an order that should not trade must be stopped by code that the strategy cannot
//! go around. [`OrderLimits`] holds the checks that both sides of the wire share; [`VenueGate`]
//! answers with OUCH's reasons, [`TraderGate`] adds the trader's own state (positions, open orders,
//! rate) and answers with a [`Refusal`], each of which has its own counter.
//!
//! Limits: tables are sized at construction by the number of symbols; nothing allocates later.
//! Failure modes: a check whose reference is missing (a collar without a market) refuses rather
//! than passes on the trader's side; the venue has no market before its first order and passes.
#![forbid(unsafe_code)]

mod ask;
mod limits;
pub mod old;
mod position;
mod refusal;
mod venue;

pub use ask::{Ask, KillReason, Quote};
pub use limits::{OrderLimits, Reference};

pub use position::Position;
pub use refusal::Refusal;
pub use venue::VenueGate;
