//! The trader's picture of the market, rebuilt from ITCH.
//!
//! Why it exists: a strategy, its risk gate and a backtest must see the same market from the same
//! bytes: books, tape, imbalances, halts, and how far any of it can be trusted.
#![forbid(unsafe_code)]

mod types;

pub use types::{Ahead, Currency, Imbalance, Lie, News, Status, Trade, TradeKind, qty_clamped};
