//! The [`Strategy`] trait and the built-in strategies.
//!
//! Why it exists: a strategy decides, and does nothing else. It sees market data and its own
//! orders' fates, and asks for orders through [`Orders`], which only the trader's loop implements,
//! behind the risk gate: there is no other way out. Dispatch is static; nothing here allocates once
//! built.

mod echo;

pub use echo::{Echo, EchoConfig, EchoMode};
pub use risk::old::Intent;

use book::Top;
use risk::Refusal;
use types::{Price, Qty, SymbolId, UserRef};

/// The way out of a strategy: every order passes the risk gate behind it.
pub trait Orders {
    /// Asks for a new order; the number it was sent under, or why it was held back.
    fn enter(&mut self, intent: &Intent) -> Result<UserRef, Refusal>;

    /// Asks for an order to be taken off. Unknown and dead orders are ignored.
    fn cancel(&mut self, user_ref: UserRef);
}

/// A trading strategy. Each call is bounded work; time comes in, never from a clock.
pub trait Strategy {
    /// The feed's directory told a locate for a symbol that this strategy is to trade.
    fn watch(&mut self, symbol: SymbolId);

    /// The top of a book changed.
    fn on_tick<O: Orders>(&mut self, now_ns: u64, symbol: SymbolId, top: &Top, orders: &mut O);

    /// One of our orders traded.
    fn on_fill(&mut self, user_ref: UserRef, qty: Qty, price: Price);

    /// One of our orders is no longer live: filled, canceled or rejected.
    fn on_done(&mut self, user_ref: UserRef);
}
