//! Why the trader's gate held an order back. One byte, one counter.

/// A refused order's reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refusal {
    /// The quantity is zero or above the limit.
    OrderQty = 0,
    /// Price times quantity is above the limit.
    OrderNotional = 1,
    /// The limit reaches too far through the market, or there is no market to tell.
    PriceCollar = 2,
    /// The position could pass its bound if every open order filled.
    Position = 3,
    /// Too many orders are open.
    OpenOrders = 4,
    /// Too many orders in the last second.
    OrderRate = 5,
    /// The symbol is not one this trader may trade.
    UnknownSymbol = 6,
    /// There is no logged-in session, or no room in its send buffer.
    NotConnected = 7,
}

impl Refusal {
    /// Every reason, in the order of its code.
    pub const ALL: [Refusal; 8] = [
        Refusal::OrderQty,
        Refusal::OrderNotional,
        Refusal::PriceCollar,
        Refusal::Position,
        Refusal::OpenOrders,
        Refusal::OrderRate,
        Refusal::UnknownSymbol,
        Refusal::NotConnected,
    ];

    /// The counter's name.
    pub const fn name(self) -> &'static str {
        match self {
            Refusal::OrderQty => "order_qty",
            Refusal::OrderNotional => "order_notional",
            Refusal::PriceCollar => "price_collar",
            Refusal::Position => "position",
            Refusal::OpenOrders => "open_orders",
            Refusal::OrderRate => "order_rate",
            Refusal::UnknownSymbol => "unknown_symbol",
            Refusal::NotConnected => "not_connected",
        }
    }
}
