//! The venue's ledger: who has how much cash, who holds how many shares, and what may still be
//! ordered.
//!
//! Why it exists: a fill is not over when two orders met; cash goes one way and shares the other,
//! and neither may appear or vanish. Everything here is a move between two accounts, so that the
//! sum over all of them, [`OUTSIDE`] included, is always zero. Limits are checked before
//! an order reaches the book ([`Ledger::check`]), because a match cannot be refused afterwards.
//!
//! How an order uses it, in this order:
//!
//! 1. [`check`](Ledger::check), then [`open`](Ledger::open) when it is accepted. A replacement
//!    releases the old order, checks the new one and opens either again: all of it always fits.
//! 2. For every fill, [`settle`](Ledger::settle) once, then [`release`](Ledger::release) of the
//!    traded shares for each of the two orders, at the price that each was opened with.
//! 3. [`release`](Ledger::release) of what is canceled. The last release of an order says `done`.
//!
//! Layout: accounts and sessions are arrays; a row of a position is 32 bytes in a slab, found by
//! (account, symbol) through a [`book::RefMap`]. A row exists while it holds shares or working
//! orders and returns to the slab when it is flat. Nothing allocates after construction, and no
//! order of a hash is visible: images are sorted, [`Ledger::hash`] does not depend on order.
//!
//! Limits:
//!
//! * 65,535 accounts; positions as configured, those of the outside included.
//! * Cash is an `i128`. A fill moves less than 2^64, so fills alone would need 2^63 of the largest
//!   to overflow it; deposits, transfers and images are refused beyond [`CASH_MAX`].
//! * A position never exceeds [`SHARES_MAX`] shares either way, working orders included: orders,
//!   transfers and busts that could go beyond are refused, so a fill always fits.
//!
//! Failure modes: an accepted order holds its account's row, so that [`Ledger::settle`] always has
//! room. A caller that breaks the order above (releases more than is working, settles for an
//! account that does not exist) changes nothing; the fault is counted and [`Ledger::audit`] tells.

use rkyv::{Archive, Deserialize, Serialize};
use types::{AccountId, Price, Qty, SessionId, Side, SymbolId};

mod audit;
mod image;
mod limits;
mod positions;
mod transfer;

pub use audit::Imbalance;
pub use image::{ImageError, LedgerImage, PositionImage};
pub use limits::{AccountLimits, LimitBreach, SessionLimits};
pub use positions::PositionView;
pub use transfer::TransferError;

use positions::Positions;

#[cfg(test)]
mod tests;

/// The most cash, owned or owed, that a deposit, a transfer or an image may lead to: 2^110, in
/// 1/10000 dollar.
pub const CASH_MAX: i128 = 1 << 110;

/// The most shares of one symbol that an account may hold or owe, working orders included: 2^62.
pub const SHARES_MAX: i64 = 1 << 62;

/// Where deposits come from and withdrawals go to. Not an account that orders.
pub const OUTSIDE: AccountId = AccountId(u16::MAX);

/// How large a ledger is, and whom it serves.
#[derive(Clone, Debug)]
pub struct LedgerConfig {
    /// The accounts; an account's id is its place here. At most 65,535.
    pub accounts: Vec<AccountTerms>,
    /// (account, symbol) pairs with shares or working orders at once.
    pub positions: u32,
}

/// An account as it opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountTerms {
    /// Opening cash in 1/10000 dollar; below zero when it owes.
    pub cash: i64,
    /// What it may do.
    pub limits: AccountLimits,
}

/// An order as the ledger sees it: whose, what, and the price that values it, in 1/10000 dollar.
///
/// The price must be the same from [`Ledger::open`] to the last [`Ledger::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Working {
    /// Who pays or is paid.
    pub account: AccountId,
    /// Who sent it.
    pub session: SessionId,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Buy or sell.
    pub side: Side,
    /// Its limit, or for an order without one the price to value it at.
    pub price: Price,
}

/// Two orders that met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Gets the shares and pays.
    pub buyer: AccountId,
    /// Gives the shares and is paid. May be the buyer.
    pub seller: AccountId,
    /// Which instrument.
    pub symbol: SymbolId,
    /// At what price.
    pub price: Price,
    /// How many shares.
    pub qty: Qty,
}

/// What an account has; kept apart from its limits, which are no state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct AccountView {
    /// Cash in 1/10000 dollar.
    pub cash: i128,
    /// Value of its working buy orders, in 1/10000 dollar.
    pub open_notional_buy: u64,
    /// Value of its working sell orders, in 1/10000 dollar.
    pub open_notional_sell: u64,
    /// Shares bought and sold, less those of busted trades; modulo 2^64.
    pub traded: u64,
    /// Working orders.
    pub open_orders: u32,
}

/// What a session has working.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct SessionView {
    /// Value of its working orders, in 1/10000 dollar.
    pub open_notional: u64,
    /// Working orders.
    pub open_orders: u32,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    state: AccountView,
    limits: AccountLimits,
}

/// The ledger. See the [module](self)'s words.
#[derive(Clone, Debug)]
pub struct Ledger {
    accounts: Box<[Account]>,
    /// Cash of [`OUTSIDE`]; its shares are rows like anyone's.
    outside_cash: i128,
    sessions: Box<[SessionView]>,
    session_limits: SessionLimits,
    positions: Positions,
    /// Calls that broke the contract and changed nothing.
    faults: u64,
}

impl Ledger {
    /// Takes all the memory that the ledger will ever use. Opening cash comes from the outside.
    ///
    /// # Panics
    ///
    /// When there are more than 65,535 accounts.
    pub fn new(config: &LedgerConfig, sessions: u16, session_limits: &SessionLimits) -> Ledger {
        assert!(config.accounts.len() <= usize::from(u16::MAX), "more than 65,535 accounts");
        let opening = |terms: &AccountTerms| Account {
            state: AccountView { cash: i128::from(terms.cash), ..AccountView::default() },
            limits: terms.limits,
        };
        let accounts: Box<[Account]> = config.accounts.iter().map(opening).collect();
        Ledger {
            outside_cash: -accounts.iter().map(|a| a.state.cash).sum::<i128>(),
            accounts,
            sessions: vec![SessionView::default(); usize::from(sessions)].into_boxed_slice(),
            session_limits: *session_limits,
            positions: Positions::with_capacity(config.positions),
            faults: 0,
        }
    }

    /// Counts an accepted order, or more shares of it, as working, and holds its account's row.
    ///
    /// Only after [`check`](Ledger::check) passed with the same values.
    #[inline]
    pub fn open(&mut self, order: &Working, qty: Qty) {
        if self.try_open(order, qty).is_none() {
            self.fault();
        }
    }

    /// Counts `qty` shares of an order as no longer working, traded or not; `done` when none are
    /// left, so that the order itself no longer counts.
    #[inline]
    pub fn release(&mut self, order: &Working, qty: Qty, done: bool) {
        if self.try_release(order, qty, done).is_none() {
            self.fault();
        }
    }

    /// Moves the shares of a fill to the buyer and the cash to the seller.
    #[inline]
    pub fn settle(&mut self, fill: &Fill) {
        let known = self.knows(fill.buyer) && self.knows(fill.seller);
        let qty = i64::from(fill.qty.0);
        if !known || self.positions.shift(fill.seller, fill.buyer, fill.symbol, qty).is_none() {
            return self.fault();
        }
        let paid = i128::from(fill.price.notional(fill.qty));
        let shares = u64::from(fill.qty.0);
        let buyer = &mut self.accounts[usize::from(fill.buyer.0)].state;
        buyer.cash -= paid;
        buyer.traded = buyer.traded.wrapping_add(shares);
        let seller = &mut self.accounts[usize::from(fill.seller.0)].state;
        seller.cash += paid;
        seller.traded = seller.traded.wrapping_add(shares);
    }

    /// What an account has; also [`OUTSIDE`]'s cash.
    pub fn account(&self, id: AccountId) -> Option<AccountView> {
        if id == OUTSIDE {
            return Some(AccountView { cash: self.outside_cash, ..AccountView::default() });
        }
        self.accounts.get(usize::from(id.0)).map(|a| a.state)
    }

    /// What an account holds and has working in a symbol; zeros when nothing.
    pub fn position(&self, id: AccountId, symbol: SymbolId) -> PositionView {
        self.positions.get(id, symbol).unwrap_or_default()
    }

    /// What a session has working.
    pub fn session(&self, id: SessionId) -> Option<SessionView> {
        self.sessions.get(usize::from(id.0)).copied()
    }

    /// How many accounts there are, the outside not counted; ids are below it.
    pub fn accounts(&self) -> u16 {
        self.accounts.len() as u16
    }

    /// (account, symbol) pairs that still find room.
    pub fn positions_free(&self) -> u32 {
        self.positions.free()
    }

    /// Calls that broke the contract and changed nothing; zero unless the caller is wrong.
    pub fn faults(&self) -> u64 {
        self.faults
    }

    fn knows(&self, id: AccountId) -> bool {
        usize::from(id.0) < self.accounts.len()
    }

    /// Every sum is made before anything is written, so that `None` means that nothing changed.
    #[inline]
    fn try_open(&mut self, order: &Working, qty: Qty) -> Option<()> {
        let notional = order.price.notional(qty);
        let account = &mut self.accounts.get_mut(usize::from(order.account.0))?.state;
        let session = self.sessions.get_mut(usize::from(order.session.0))?;
        let value = account.open_notional(order.side).checked_add(notional)?;
        let account_orders = account.open_orders.checked_add(1)?;
        let session_value = session.open_notional.checked_add(notional)?;
        let session_orders = session.open_orders.checked_add(1)?;
        self.positions.open(order.account, order.symbol, order.side, u64::from(qty.0))?;
        *account.open_notional_mut(order.side) = value;
        account.open_orders = account_orders;
        *session = SessionView { open_notional: session_value, open_orders: session_orders };
        Some(())
    }

    /// As [`try_open`](Ledger::try_open), the other way.
    #[inline]
    fn try_release(&mut self, order: &Working, qty: Qty, done: bool) -> Option<()> {
        let notional = order.price.notional(qty);
        let orders = u32::from(done);
        let account = &mut self.accounts.get_mut(usize::from(order.account.0))?.state;
        let session = self.sessions.get_mut(usize::from(order.session.0))?;
        let value = account.open_notional(order.side).checked_sub(notional)?;
        let account_orders = account.open_orders.checked_sub(orders)?;
        let session_value = session.open_notional.checked_sub(notional)?;
        let session_orders = session.open_orders.checked_sub(orders)?;
        self.positions.close(order.account, order.symbol, order.side, u64::from(qty.0))?;
        *account.open_notional_mut(order.side) = value;
        account.open_orders = account_orders;
        *session = SessionView { open_notional: session_value, open_orders: session_orders };
        Some(())
    }

    #[cold]
    fn fault(&mut self) {
        self.faults = self.faults.saturating_add(1);
    }
}

impl AccountView {
    #[inline]
    fn open_notional(&self, side: Side) -> u64 {
        match side {
            Side::Buy => self.open_notional_buy,
            Side::Sell => self.open_notional_sell,
        }
    }

    #[inline]
    fn open_notional_mut(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::Buy => &mut self.open_notional_buy,
            Side::Sell => &mut self.open_notional_sell,
        }
    }
}
