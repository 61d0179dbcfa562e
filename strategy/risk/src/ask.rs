//! What a strategy asks for, and the market it asks it in.

use types::{OrderSide, Price, Qty, Ticker, TimeInForce};

/// An order that a strategy wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which symbol.
    pub ticker: Ticker,
    /// Side and kind of sale.
    pub side: OrderSide,
    /// Shares.
    pub qty: Qty,
    /// Limit, or [`Price::MARKET`].
    pub price: Price,
    /// Lifetime.
    pub tif: TimeInForce,
    /// Whether it may only add to the book, never take from it.
    pub post_only: bool,
}

/// An order that the venue may still act on, as the gate needs it to replace it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Which symbol.
    pub ticker: Ticker,
    /// Side and kind of sale.
    pub side: OrderSide,
    /// Shares that may still trade.
    pub leaves: Qty,
    /// The limit it counts at.
    pub price: Price,
}

/// The market in a symbol at the moment of asking, as the gate needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// The best bid, where there is one.
    pub bid: Option<Price>,
    /// The best offer, where there is one.
    pub ask: Option<Price>,
    /// Our own highest working buy order.
    pub own_bid: Option<Price>,
    /// Our own lowest working sell order.
    pub own_ask: Option<Price>,
    /// Whether the symbol is halted or paused.
    pub halted: bool,
    /// Whether the feed has missed something, or is silent.
    pub stale: bool,
    /// Whether the feed has lied about the symbol.
    pub suspect: bool,
    /// Whether short sales may only be above the bid (Reg SHO, rule 201).
    pub short_restricted: bool,
}

/// Why everything is canceled and nothing goes out any more. One byte, in reports and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KillReason {
    /// The operator said so.
    Operator = 0,
    /// Realised and open profit fell to the loss limit.
    Loss = 1,
    /// The connection to the venue was lost.
    OrderConnection = 2,
    /// The feed was silent on every line, or lost messages for good.
    Feed = 3,
    /// The control plane was silent for too long.
    ControlPlane = 4,
    /// The venue's view of our orders and ours differ.
    Reconciliation = 5,
    /// Too many refusals or rejects in a row: the strategy has run wild.
    Runaway = 6,
}

impl KillReason {
    /// Every reason, in the order of its code.
    pub const ALL: [KillReason; 7] = [
        KillReason::Operator,
        KillReason::Loss,
        KillReason::OrderConnection,
        KillReason::Feed,
        KillReason::ControlPlane,
        KillReason::Reconciliation,
        KillReason::Runaway,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            KillReason::Operator => "operator",
            KillReason::Loss => "loss",
            KillReason::OrderConnection => "order_connection",
            KillReason::Feed => "feed",
            KillReason::ControlPlane => "control_plane",
            KillReason::Reconciliation => "reconciliation",
            KillReason::Runaway => "runaway",
        }
    }
}
