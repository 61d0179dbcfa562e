//! Moves that no match made: transfers, deposits, withdrawals, busts. The operator's, off the hot
//! path; each is refused whole or done whole.

use super::{CASH_MAX, Fill, Ledger, OUTSIDE};
use types::{AccountId, SymbolId};

/// Why a move was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// There is no such account.
    #[error("no account {0}")]
    UnknownAccount(AccountId),
    /// The giver has less cash, or less that its working buy orders and its floor leave free.
    #[error("account {account} can give {free} of the {wanted} (1/10000 dollar) wanted")]
    CashShort {
        /// Who was to give.
        account: AccountId,
        /// What it can give, in 1/10000 dollar; below zero when it owes.
        free: i128,
        /// What was to be given, in 1/10000 dollar.
        wanted: u64,
    },
    /// The giver holds fewer shares or, if it may not sell short, fewer that it does not offer.
    #[error("account {account} can give {free} of the {wanted} shares wanted")]
    SharesShort {
        /// Who was to give.
        account: AccountId,
        /// What it can give; below zero when it is short.
        free: i128,
        /// What was to be given.
        wanted: u64,
    },
    /// Cash would pass [`CASH_MAX`] or shares [`SHARES_MAX`](super::SHARES_MAX).
    #[error("account {0} would pass what the ledger can hold")]
    OutOfRange(AccountId),
    /// The table of positions has no room for another account and symbol. A pair that the move
    /// itself would free does not count.
    #[error("no room for another account and symbol")]
    PositionsFull,
}

impl Ledger {
    /// Moves cash, in 1/10000 dollar, between accounts.
    ///
    /// Refused when the giver has less cash; an account with a cash floor must also be left with
    /// what its working buy orders may need.
    pub fn transfer_cash(
        &mut self,
        from: AccountId,
        to: AccountId,
        amount: u64,
    ) -> Result<(), TransferError> {
        self.require(from)?;
        self.require(to)?;
        self.require_cash(from, amount)?;
        self.move_cash(from, to, amount)
    }

    /// Moves shares between accounts, without cash.
    ///
    /// Refused when the giver holds fewer; one that may not sell short keeps what it offers.
    pub fn transfer_shares(
        &mut self,
        from: AccountId,
        to: AccountId,
        symbol: SymbolId,
        qty: u64,
    ) -> Result<(), TransferError> {
        self.require(from)?;
        self.require(to)?;
        self.require_shares(from, symbol, qty)?;
        self.move_shares(from, to, symbol, qty)
    }

    /// Brings cash in from the outside, in 1/10000 dollar.
    pub fn deposit(&mut self, to: AccountId, amount: u64) -> Result<(), TransferError> {
        self.require(to)?;
        self.move_cash(OUTSIDE, to, amount)
    }

    /// Takes cash out, in 1/10000 dollar; refused like a transfer.
    pub fn withdraw(&mut self, from: AccountId, amount: u64) -> Result<(), TransferError> {
        self.require(from)?;
        self.require_cash(from, amount)?;
        self.move_cash(from, OUTSIDE, amount)
    }

    /// Brings shares in from the outside. Takes a second position for the outside's side of it.
    pub fn deposit_shares(
        &mut self,
        to: AccountId,
        symbol: SymbolId,
        qty: u64,
    ) -> Result<(), TransferError> {
        self.require(to)?;
        self.move_shares(OUTSIDE, to, symbol, qty)
    }

    /// Takes shares out; refused like a transfer.
    pub fn withdraw_shares(
        &mut self,
        from: AccountId,
        symbol: SymbolId,
        qty: u64,
    ) -> Result<(), TransferError> {
        self.require(from)?;
        self.require_shares(from, symbol, qty)?;
        self.move_shares(from, OUTSIDE, symbol, qty)
    }

    /// Busts a trade: the exact opposite of [`settle`](Ledger::settle) with the same fill, whatever
    /// the two have done since. What they then owe is theirs to cover. That the trade took place,
    /// and was not busted before, is the caller's to know.
    pub fn unsettle(&mut self, fill: &Fill) -> Result<(), TransferError> {
        self.require(fill.buyer)?;
        self.require(fill.seller)?;
        let paid = fill.price.notional(fill.qty);
        let shares = u64::from(fill.qty.0);
        self.require_cash_range(fill.seller, fill.buyer, paid)?;
        self.move_shares(fill.buyer, fill.seller, fill.symbol, shares)?;
        self.move_cash(fill.seller, fill.buyer, paid)?;
        for id in [fill.buyer, fill.seller] {
            let state = &mut self.accounts[usize::from(id.0)].state;
            state.traded = state.traded.wrapping_sub(shares);
        }
        Ok(())
    }

    fn require(&self, id: AccountId) -> Result<(), TransferError> {
        if self.knows(id) { Ok(()) } else { Err(TransferError::UnknownAccount(id)) }
    }

    fn require_cash(&self, id: AccountId, wanted: u64) -> Result<(), TransferError> {
        let account = &self.accounts[usize::from(id.0)];
        let unbound = account.state.buying_power().saturating_sub(account.limits.floor());
        let free = account.state.cash.min(unbound);
        if free < i128::from(wanted) {
            return Err(TransferError::CashShort { account: id, free, wanted });
        }
        Ok(())
    }

    fn require_shares(
        &self,
        id: AccountId,
        symbol: SymbolId,
        wanted: u64,
    ) -> Result<(), TransferError> {
        let limits = &self.accounts[usize::from(id.0)].limits;
        let position = self.position(id, symbol);
        let free = match limits.short_allowed {
            true => i128::from(position.shares),
            false => -position.shortest(),
        };
        if free < i128::from(wanted) {
            return Err(TransferError::SharesShort { account: id, free, wanted });
        }
        Ok(())
    }

    fn cash(&self, id: AccountId) -> i128 {
        self.account(id).map_or(0, |a| a.cash)
    }

    fn cash_mut(&mut self, id: AccountId) -> &mut i128 {
        match id {
            OUTSIDE => &mut self.outside_cash,
            id => &mut self.accounts[usize::from(id.0)].state.cash,
        }
    }

    fn require_cash_range(
        &self,
        from: AccountId,
        to: AccountId,
        amount: u64,
    ) -> Result<(), TransferError> {
        let amount = i128::from(amount);
        if self.cash(from) - amount < -CASH_MAX {
            return Err(TransferError::OutOfRange(from));
        }
        if self.cash(to) + amount > CASH_MAX {
            return Err(TransferError::OutOfRange(to));
        }
        Ok(())
    }

    fn move_cash(
        &mut self,
        from: AccountId,
        to: AccountId,
        amount: u64,
    ) -> Result<(), TransferError> {
        self.require_cash_range(from, to, amount)?;
        *self.cash_mut(from) -= i128::from(amount);
        *self.cash_mut(to) += i128::from(amount);
        Ok(())
    }

    fn move_shares(
        &mut self,
        from: AccountId,
        to: AccountId,
        symbol: SymbolId,
        qty: u64,
    ) -> Result<(), TransferError> {
        let shares = i64::try_from(qty).map_err(|_| TransferError::OutOfRange(to))?;
        for (id, change) in [(from, -shares), (to, shares)] {
            let mut after = self.position(id, symbol);
            let sum = after.shares.checked_add(change);
            after.shares = sum.ok_or(TransferError::OutOfRange(id))?;
            if from != to && !after.fits() {
                return Err(TransferError::OutOfRange(id));
            }
        }
        let moved = self.positions.shift(from, to, symbol, shares);
        moved.ok_or(TransferError::PositionsFull)
    }
}
