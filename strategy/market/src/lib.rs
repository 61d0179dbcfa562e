//! The trader's picture of the market, rebuilt from ITCH.
//!
//! Why it exists: a strategy, its risk gate and a backtest must see the same market from the same
//! bytes: books, tape, imbalances, halts, and how far any of it can be trusted. [`Market`] takes
//! one message at a time ([`Market::on_message`]) and says what it did ([`News`]); everything else
//! is looked up. No clock, no allocation after [`Market::new`], no panic whatever the bytes are.
//!
//! Layout: books by stock locate (crate `book`), 16 bytes a locate for name, ticker and state
//! (`roster.rs`), two cache lines a ticker for its [`Status`], locate and last trade, a ring of
//! prints, and fixed tables of counts.
//!
//! Suspicion: what a feed tells that cannot be true is counted by kind ([`Lie`]) and its symbol is
//! suspect from the first one on, until [`Market::absolve`] or [`Market::clear`]; `apply.rs` says
//! what is applied of such a message. A full table of our own counts as a lie too
//! ([`Lie::NoRoom`]): the book is as wrong.
//!
//! Limits: 65,536 locates, 65,535 tickers, and what [`MarketConfig`] gives. That a name has two
//! locates is only noticed of tickers. A broken trade is looked for on the tape, which is as long
//! as it is.
#![forbid(unsafe_code)]

mod apply;
mod config;
mod counters;
mod market;
mod rare;
mod roster;
mod tape;
mod types;

pub use book::{Books, Capacity, LevelView, OrderView, Soon, Top, WARM_MAX};
pub use config::{MarketConfig, MarketConfigError};
pub use counters::Counters;
pub use market::{Market, look_at};
pub use tape::Tape;
pub use types::{
    Ahead, Breakers, Collar, Currency, DirectListing, Imbalance, Lie, News, Notices, Offering,
    Status, Trade, TradeKind, qty_clamped,
};
