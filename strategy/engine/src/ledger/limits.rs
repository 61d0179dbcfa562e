//! What an account and a session may have working, and the check before matching.

use super::{AccountView, Ledger, PositionView, SHARES_MAX, SessionView, Working};
use types::{Qty, RejectReason, Side};

/// What an account may do. Values are in 1/10000 dollar, quantities in shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLimits {
    /// Largest order.
    pub order_qty_max: u32,
    /// Largest value of an order.
    pub order_notional_max: u64,
    /// Working orders at once.
    pub open_orders_max: u32,
    /// Value of all working orders, both sides together.
    pub open_notional_max: u64,
    /// Shares of a symbol, long or short, were all orders working on that side to fill.
    pub position_max: u64,
    /// What must be left of the cash were all working buy orders to fill; `i64::MIN` is off.
    pub cash_floor: i64,
    /// Whether more may be offered than is held.
    pub short_allowed: bool,
}

impl Default for AccountLimits {
    /// No limit, and short sales are allowed.
    fn default() -> AccountLimits {
        AccountLimits {
            order_qty_max: u32::MAX,
            order_notional_max: u64::MAX,
            open_orders_max: u32::MAX,
            open_notional_max: u64::MAX,
            position_max: u64::MAX,
            cash_floor: i64::MIN,
            short_allowed: true,
        }
    }
}

/// What every session may do, whichever accounts it orders for. Units as in [`AccountLimits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Working orders at once.
    pub open_orders_max: u32,
    /// Largest order.
    pub order_qty_max: u32,
    /// Largest value of an order.
    pub order_notional_max: u64,
    /// Value of all working orders, both sides together.
    pub open_notional_max: u64,
}

impl Default for SessionLimits {
    /// No limit.
    fn default() -> SessionLimits {
        SessionLimits {
            open_orders_max: u32::MAX,
            order_qty_max: u32::MAX,
            order_notional_max: u64::MAX,
            open_notional_max: u64::MAX,
        }
    }
}

macro_rules! breaches {
    ($($variant:ident = $code:literal, $name:literal, $reason:ident, $text:literal;)*) => {
        /// Why an order may not be accepted. One byte, one counter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum LimitBreach { $(#[doc = $text] $variant = $code,)* }

        impl LimitBreach {
            /// Every breach, in the order of its code, which is dense from 0 and the order in
            /// which they are looked for.
            pub const ALL: &'static [LimitBreach] = &[$(LimitBreach::$variant,)*];

            /// The counter's name.
            pub const fn name(self) -> &'static str {
                match self { $(LimitBreach::$variant => $name,)* }
            }

            /// What the client is told.
            pub const fn reject_reason(self) -> RejectReason {
                match self { $(LimitBreach::$variant => RejectReason::$reason,)* }
            }
        }
    };
}

breaches! {
    UnknownAccount = 0, "unknown_account", FirmNotAuthorized,
        "There is no such account.";
    UnknownSession = 1, "unknown_session", FirmNotAuthorized,
        "There is no such session.";
    AccountOrderQty = 2, "account_order_qty", SharesExceedThreshold,
        "More shares than the account may order at once.";
    SessionOrderQty = 3, "session_order_qty", SharesExceedThreshold,
        "More shares than the session may order at once.";
    AccountOrderNotional = 4, "account_order_notional", ExceedsMaximumAllowedNotionalValue,
        "Worth more than the account may order at once.";
    SessionOrderNotional = 5, "session_order_notional", ExceedsMaximumAllowedNotionalValue,
        "Worth more than the session may order at once.";
    AccountOpenOrders = 6, "account_open_orders", Other,
        "The account has its most orders working.";
    SessionOpenOrders = 7, "session_open_orders", Other,
        "The session has its most orders working.";
    AccountOpenNotional = 8, "account_open_notional", ExceedsMaximumAllowedNotionalValue,
        "The account's working orders would be worth more than it may have.";
    SessionOpenNotional = 9, "session_open_notional", ExceedsMaximumAllowedNotionalValue,
        "The session's working orders would be worth more than it may have.";
    Position = 10, "position", SharesExceedThreshold,
        "The position could pass its bound if the orders working on that side filled.";
    ShortSale = 11, "short_sale", FirmNotAuthorized,
        "More would be offered than the account holds, and it may not sell short.";
    BuyingPower = 12, "buying_power", ExceedsMaximumAllowedNotionalValue,
        "The cash would pass its floor if the working buy orders filled.";
    PositionsFull = 13, "positions_full", ProcessingError,
        "The table of positions has no room for another account and symbol.";
}

impl Ledger {
    /// Whether an order of `qty` shares may be accepted, valued at its price. Changes nothing.
    #[inline]
    pub fn check(&self, order: &Working, qty: Qty) -> Result<(), LimitBreach> {
        let account = self.accounts.get(usize::from(order.account.0));
        let account = account.ok_or(LimitBreach::UnknownAccount)?;
        let session = self.sessions.get(usize::from(order.session.0));
        let session = session.ok_or(LimitBreach::UnknownSession)?;
        let notional = order.price.notional(qty);
        check_order(&account.limits, &self.session_limits, qty, notional)?;
        check_open(&account.limits, &account.state, &self.session_limits, session, notional)?;
        let row = self.positions.get(order.account, order.symbol);
        check_position(&account.limits, &row.unwrap_or_default(), order.side, qty)?;
        let left = account.state.buying_power() - i128::from(notional);
        if order.side == Side::Buy && left < account.limits.floor() {
            return Err(LimitBreach::BuyingPower);
        }
        if row.is_none() && self.positions.free() == 0 {
            return Err(LimitBreach::PositionsFull);
        }
        Ok(())
    }
}

impl AccountLimits {
    /// The cash floor, below any cash there can be when it is off.
    #[inline]
    pub(super) fn floor(&self) -> i128 {
        if self.cash_floor == i64::MIN { i128::MIN } else { i128::from(self.cash_floor) }
    }
}

impl AccountView {
    /// Cash that no working buy order may need.
    #[inline]
    pub(super) fn buying_power(&self) -> i128 {
        self.cash - i128::from(self.open_notional_buy)
    }
}

#[inline]
fn refuse_if(breached: bool, breach: LimitBreach) -> Result<(), LimitBreach> {
    if breached { Err(breach) } else { Ok(()) }
}

/// The order by itself.
#[inline]
fn check_order(
    account: &AccountLimits,
    session: &SessionLimits,
    qty: Qty,
    notional: u64,
) -> Result<(), LimitBreach> {
    refuse_if(qty.0 > account.order_qty_max, LimitBreach::AccountOrderQty)?;
    refuse_if(qty.0 > session.order_qty_max, LimitBreach::SessionOrderQty)?;
    refuse_if(notional > account.order_notional_max, LimitBreach::AccountOrderNotional)?;
    refuse_if(notional > session.order_notional_max, LimitBreach::SessionOrderNotional)
}

/// The order with all that is working. A sum beyond 64 bits is beyond any limit.
#[inline]
fn check_open(
    account: &AccountLimits,
    has: &AccountView,
    session: &SessionLimits,
    sent: &SessionView,
    notional: u64,
) -> Result<(), LimitBreach> {
    refuse_if(has.open_orders >= account.open_orders_max, LimitBreach::AccountOpenOrders)?;
    refuse_if(sent.open_orders >= session.open_orders_max, LimitBreach::SessionOpenOrders)?;
    let both = has.open_notional_buy.checked_add(has.open_notional_sell);
    let fits = |now: Option<u64>, most| {
        now.and_then(|now| now.checked_add(notional)).is_some_and(|sum| sum <= most)
    };
    let breached = !fits(both, account.open_notional_max);
    refuse_if(breached, LimitBreach::AccountOpenNotional)?;
    let breached = !fits(Some(sent.open_notional), session.open_notional_max);
    refuse_if(breached, LimitBreach::SessionOpenNotional)
}

/// The order with what is held and working in its symbol.
#[inline]
fn check_position(
    limits: &AccountLimits,
    position: &PositionView,
    side: Side,
    qty: Qty,
) -> Result<(), LimitBreach> {
    let reach = match side {
        Side::Buy => position.longest(),
        Side::Sell => position.shortest(),
    };
    let reach = reach + i128::from(qty.0);
    let most = limits.position_max.min(SHARES_MAX as u64);
    refuse_if(reach > i128::from(most), LimitBreach::Position)?;
    let short = side == Side::Sell && reach > 0;
    refuse_if(short && !limits.short_allowed, LimitBreach::ShortSale)
}
