//! What the trader's gate holds orders to, and which of it can be changed in flight.

use crate::OrderLimits;
use types::{Price, Qty};

/// What may be done in a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Restriction {
    /// Anything.
    #[default]
    None = 0,
    /// Only what brings the position nearer to zero, and not through it.
    CloseOnly = 1,
    /// Nothing: the restricted list. Cancels are always possible.
    NoTrade = 2,
}

/// Bounds on one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickerLimits {
    /// Largest long or short position, in shares, open orders counted as filled.
    pub position_max: u64,
    /// Largest worst-case worth of position and open orders, in 1/10000 dollar.
    pub exposure_max: u64,
    /// Orders that may be open at once.
    pub open_orders_max: u32,
    /// What may be done at all.
    pub restriction: Restriction,
    /// Shares that may be sold short, open orders counted as filled; 0 for none.
    pub locate_shares: u64,
    /// Limits from one dollar up are a multiple of this (Reg NMS, rule 612); 0 does not ask.
    pub tick: Price,
}

/// Bounds on an account, over all its symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateLimits {
    /// Bounds on each order.
    pub order: OrderLimits,
    /// Largest sum of the symbols' worst-case worths, in 1/10000 dollar.
    pub account_exposure_max: u64,
    /// Largest sum of the symbols' worst-case positions, in shares, long and short alike.
    pub account_gross_shares_max: u64,
    /// Orders that may be open at once.
    pub open_orders_max: u32,
    /// New orders in a second; 0 allows none.
    pub orders_per_second_max: u32,
    /// Messages in a second; 0 allows none. Cancels count and are never refused.
    pub messages_per_second_max: u32,
    /// For how long an order is remembered as a possible duplicate, in ns; 0 switches that off.
    pub duplicate_window_ns: u64,
    /// Equal orders (symbol, side, quantity, price) within the window; 0 switches that off.
    pub duplicates_max: u32,
    /// Loss, realised and open, beyond which the kill switch trips, in 1/10000 dollar; 0 for never.
    pub loss_max: u64,
    /// Refusals or the venue's rejects in a row that trip the kill switch; 0 for never.
    pub runaway_refusals_max: u32,
    /// Whether a feed that has missed something, or is silent, stops entry.
    pub stale_is_refused: bool,
    /// Whether a feed that has lied about a symbol stops entry in it.
    pub suspect_is_refused: bool,
    /// Whether market orders may be sent.
    pub market_orders: bool,
}

/// A bound of [`GateLimits`] that can be changed in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LimitName {
    /// [`OrderLimits::qty_max`]
    OrderQty = 0,
    /// [`OrderLimits::notional_max`]
    OrderNotional = 1,
    /// [`OrderLimits::collar_bps`]
    CollarBps = 2,
    /// [`GateLimits::account_exposure_max`]
    AccountExposure = 3,
    /// [`GateLimits::account_gross_shares_max`]
    AccountGrossShares = 4,
    /// [`GateLimits::open_orders_max`]
    OpenOrders = 5,
    /// [`GateLimits::orders_per_second_max`]
    OrdersPerSecond = 6,
    /// [`GateLimits::messages_per_second_max`]
    MessagesPerSecond = 7,
    /// [`GateLimits::duplicate_window_ns`]
    DuplicateWindow = 8,
    /// [`GateLimits::duplicates_max`]
    Duplicates = 9,
    /// [`GateLimits::loss_max`]
    Loss = 10,
    /// [`GateLimits::runaway_refusals_max`]
    RunawayRefusals = 11,
    /// [`GateLimits::stale_is_refused`]: 0 or 1
    StaleIsRefused = 12,
    /// [`GateLimits::suspect_is_refused`]: 0 or 1
    SuspectIsRefused = 13,
    /// [`GateLimits::market_orders`]: 0 or 1
    MarketOrders = 14,
}

impl LimitName {
    /// Every name, in the order of its code.
    pub const ALL: [LimitName; 15] = [
        LimitName::OrderQty,
        LimitName::OrderNotional,
        LimitName::CollarBps,
        LimitName::AccountExposure,
        LimitName::AccountGrossShares,
        LimitName::OpenOrders,
        LimitName::OrdersPerSecond,
        LimitName::MessagesPerSecond,
        LimitName::DuplicateWindow,
        LimitName::Duplicates,
        LimitName::Loss,
        LimitName::RunawayRefusals,
        LimitName::StaleIsRefused,
        LimitName::SuspectIsRefused,
        LimitName::MarketOrders,
    ];
}

/// A bound of [`TickerLimits`] that can be changed in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TickerLimitName {
    /// [`TickerLimits::position_max`]
    Position = 0,
    /// [`TickerLimits::exposure_max`]
    Exposure = 1,
    /// [`TickerLimits::open_orders_max`]
    OpenOrders = 2,
    /// [`TickerLimits::locate_shares`]
    LocateShares = 3,
}

/// Why a bound could not be changed; it stands as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The value does not fit the bound.
    #[error("{value} is above {max}, the most this limit can be")]
    TooLarge {
        /// What was asked for.
        value: u64,
        /// The most there can be.
        max: u64,
    },
    /// No such symbol.
    #[error("the symbol is not one this trader may trade")]
    UnknownSymbol,
    /// The gate counts towards no firm.
    #[error("there is no bound for the firm: the configuration gives none to start from")]
    NoFirm,
}

fn narrow(value: u64) -> Result<u32, LimitError> {
    let max = u64::from(u32::MAX);
    u32::try_from(value).map_err(|_| LimitError::TooLarge { value, max })
}

fn switch(value: u64) -> Result<bool, LimitError> {
    if value > 1 { Err(LimitError::TooLarge { value, max: 1 }) } else { Ok(value == 1) }
}

impl GateLimits {
    /// Changes one bound.
    pub fn set(&mut self, limit: LimitName, value: u64) -> Result<(), LimitError> {
        match limit {
            LimitName::OrderQty => self.order.qty_max = Qty(narrow(value)?),
            LimitName::OrderNotional => self.order.notional_max = value,
            LimitName::CollarBps => self.order.collar_bps = narrow(value)?,
            LimitName::AccountExposure => self.account_exposure_max = value,
            LimitName::AccountGrossShares => self.account_gross_shares_max = value,
            LimitName::OpenOrders => self.open_orders_max = narrow(value)?,
            LimitName::OrdersPerSecond => self.orders_per_second_max = narrow(value)?,
            LimitName::MessagesPerSecond => self.messages_per_second_max = narrow(value)?,
            LimitName::DuplicateWindow => self.duplicate_window_ns = value,
            LimitName::Duplicates => self.duplicates_max = narrow(value)?,
            LimitName::Loss => self.loss_max = value,
            LimitName::RunawayRefusals => self.runaway_refusals_max = narrow(value)?,
            LimitName::StaleIsRefused => self.stale_is_refused = switch(value)?,
            LimitName::SuspectIsRefused => self.suspect_is_refused = switch(value)?,
            LimitName::MarketOrders => self.market_orders = switch(value)?,
        }
        Ok(())
    }
}

impl TickerLimits {
    /// Changes one bound.
    pub fn set(&mut self, limit: TickerLimitName, value: u64) -> Result<(), LimitError> {
        match limit {
            TickerLimitName::Position => self.position_max = value,
            TickerLimitName::Exposure => self.exposure_max = value,
            TickerLimitName::OpenOrders => self.open_orders_max = narrow(value)?,
            TickerLimitName::LocateShares => self.locate_shares = value,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
