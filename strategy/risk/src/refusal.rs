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
    /// The kill switch is on.
    Killed = 8,
    /// The symbol is on the restricted list.
    Restricted = 9,
    /// The symbol may only be closed, and the order could open.
    CloseOnly = 10,
    /// The symbol is halted or paused.
    Halted = 11,
    /// The feed has missed something or is silent: the book may be old.
    Stale = 12,
    /// The feed has lied about the symbol: the book may be wrong.
    Suspect = 13,
    /// Market orders are not allowed.
    MarketOrder = 14,
    /// The price is zero, above what the wire carries, or off the tick.
    PriceInvalid = 15,
    /// The order could trade with one of our own.
    SelfCross = 16,
    /// A sale of more than is held, not marked as short (Reg SHO, rule 200(g)).
    ShortSaleFlag = 17,
    /// A short sale of more shares than were located (Reg SHO, rule 203(b)(1)).
    Locate = 18,
    /// A short sale not above the bid while that is restricted (Reg SHO, rule 201).
    ShortRestricted = 19,
    /// The symbol's worst-case worth could pass its bound.
    Exposure = 20,
    /// The account's worst-case worth could pass its bound.
    AccountExposure = 21,
    /// The account's worst-case shares, long and short, could pass their bound.
    GrossShares = 22,
    /// The worth of all the firm's accounts could pass its bound.
    FirmExposure = 23,
    /// The same order was sent too often within the window.
    Duplicate = 24,
    /// Too many messages in the last second.
    MessageRate = 25,
    /// The order to be replaced or canceled is gone, or changing already.
    UnknownOrder = 26,
}

impl Refusal {
    /// How many reasons there are.
    pub const COUNT: usize = 27;

    /// Every reason, in the order of its code.
    pub const ALL: [Refusal; Refusal::COUNT] = [
        Refusal::OrderQty,
        Refusal::OrderNotional,
        Refusal::PriceCollar,
        Refusal::Position,
        Refusal::OpenOrders,
        Refusal::OrderRate,
        Refusal::UnknownSymbol,
        Refusal::NotConnected,
        Refusal::Killed,
        Refusal::Restricted,
        Refusal::CloseOnly,
        Refusal::Halted,
        Refusal::Stale,
        Refusal::Suspect,
        Refusal::MarketOrder,
        Refusal::PriceInvalid,
        Refusal::SelfCross,
        Refusal::ShortSaleFlag,
        Refusal::Locate,
        Refusal::ShortRestricted,
        Refusal::Exposure,
        Refusal::AccountExposure,
        Refusal::GrossShares,
        Refusal::FirmExposure,
        Refusal::Duplicate,
        Refusal::MessageRate,
        Refusal::UnknownOrder,
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
            Refusal::Killed => "killed",
            Refusal::Restricted => "restricted",
            Refusal::CloseOnly => "close_only",
            Refusal::Halted => "halted",
            Refusal::Stale => "stale",
            Refusal::Suspect => "suspect",
            Refusal::MarketOrder => "market_order",
            Refusal::PriceInvalid => "price_invalid",
            Refusal::SelfCross => "self_cross",
            Refusal::ShortSaleFlag => "short_sale_flag",
            Refusal::Locate => "locate",
            Refusal::ShortRestricted => "short_restricted",
            Refusal::Exposure => "exposure",
            Refusal::AccountExposure => "account_exposure",
            Refusal::GrossShares => "gross_shares",
            Refusal::FirmExposure => "firm_exposure",
            Refusal::Duplicate => "duplicate",
            Refusal::MessageRate => "message_rate",
            Refusal::UnknownOrder => "unknown_order",
        }
    }
}

const _: () = {
    let mut code = 0;
    while code < Refusal::COUNT {
        assert!(Refusal::ALL[code] as usize == code, "a code is its place in ALL");
        code += 1;
    }
};
