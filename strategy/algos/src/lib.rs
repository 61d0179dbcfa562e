//! The [`Strategy`] trait and the built-in strategies.
//!
//! Why it exists: a strategy decides, and does nothing else. It sees the market, its own orders'
//! fates and the time through a [`Context`], and asks for orders through the same: behind it
//! stands the risk gate, and there is no other way out. The trader's loop and the backtest give the
//! same context to the same code.
//!
//! Dispatch is static: a strategy is a type parameter of the core that calls it. Nothing here
//! allocates once built, and each call is bounded work.
#![forbid(unsafe_code)]

mod builtin;
mod context;
mod echo;
mod executor;
mod follower;
mod held;
mod look;
mod market_maker;
#[cfg(test)]
mod mock;
mod params;
mod strategy;
mod values;

pub use builtin::{Builtin, BuiltinError, Kind};
pub use context::{Context, Fill, OrderReport, OrderState, OrderView, SessionEvent, What};
pub use echo::Echo;
pub use executor::Executor;
pub use follower::{Follower, LEADERS_MAX};
pub use market_maker::MarketMaker;
pub use params::{ParamError, ParamSpec, set_by_name};
pub use risk::{Ask, Refusal};
pub use strategy::Strategy;
