//! A ledger as plain data, for snapshots, and as one number, for telling two apart.
//!
//! Limits and capacities are configuration and not in it: an image may be read into a ledger with
//! other limits, or more room. Neither are faults, which are the caller's and not the ledger's.

use super::{
    AccountView, CASH_MAX, Imbalance, Ledger, LedgerConfig, OUTSIDE, PositionView, SessionLimits,
    SessionView,
};
use rkyv::{Archive, Deserialize, Serialize};
use types::{AccountId, SymbolId};

/// All state of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct LedgerImage {
    /// Cash of [`OUTSIDE`], in 1/10000 dollar.
    pub outside_cash: i128,
    /// By account id.
    pub accounts: Vec<AccountView>,
    /// By session id.
    pub sessions: Vec<SessionView>,
    /// Sorted by (account, symbol), none of them flat.
    pub positions: Vec<PositionImage>,
}

/// A position in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct PositionImage {
    /// Whose; may be [`OUTSIDE`].
    pub account: AccountId,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Shares held; below zero when sold short.
    pub shares: i64,
    /// Shares that working orders would buy.
    pub open_buy: u64,
    /// Shares that working orders would sell.
    pub open_sell: u64,
}

/// Why an image is none of this ledger's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Another number of accounts than configured.
    #[error("the image has {image} accounts and the configuration {config}")]
    Accounts {
        /// The image's.
        image: usize,
        /// The configuration's.
        config: usize,
    },
    /// Another number of sessions than configured.
    #[error("the image has {image} sessions and the configuration {config}")]
    Sessions {
        /// The image's.
        image: usize,
        /// The configuration's.
        config: usize,
    },
    /// Cash beyond [`CASH_MAX`].
    #[error("account {0} has more cash than the ledger can hold")]
    Cash(AccountId),
    /// A position of an account that is not there, out of order, flat or out of range.
    #[error("position {0} of the image cannot be")]
    Position(usize),
    /// More positions than configured.
    #[error("the image has {image} positions and the configuration room for {config}")]
    PositionsFull {
        /// The image's.
        image: usize,
        /// The configuration's.
        config: u32,
    },
    /// It does not add up.
    #[error("the image does not add up")]
    Imbalance(#[from] Imbalance),
}

impl Ledger {
    /// All state, as plain data. Allocates.
    pub fn image(&self) -> LedgerImage {
        let plain = |(account, symbol, p): (AccountId, SymbolId, PositionView)| PositionImage {
            account,
            symbol,
            shares: p.shares,
            open_buy: p.open_buy,
            open_sell: p.open_sell,
        };
        let mut positions: Vec<PositionImage> = self.positions.iter().map(plain).collect();
        positions.sort_unstable_by_key(|p| (p.account, p.symbol));
        LedgerImage {
            outside_cash: self.outside_cash,
            accounts: self.accounts.iter().map(|a| a.state).collect(),
            sessions: self.sessions.to_vec(),
            positions,
        }
    }

    /// A ledger with an image's state; limits and room are the configuration's, whose opening cash
    /// is not used. Trusts nothing in the image: what comes out passes [`Ledger::audit`].
    ///
    /// # Panics
    ///
    /// As [`Ledger::new`].
    pub fn from_image(
        config: &LedgerConfig,
        sessions: u16,
        session_limits: &SessionLimits,
        image: &LedgerImage,
    ) -> Result<Ledger, ImageError> {
        let mut ledger = Ledger::new(config, sessions, session_limits);
        let (has, wants) = (image.accounts.len(), ledger.accounts.len());
        if has != wants {
            return Err(ImageError::Accounts { image: has, config: wants });
        }
        let (has, wants) = (image.sessions.len(), ledger.sessions.len());
        if has != wants {
            return Err(ImageError::Sessions { image: has, config: wants });
        }
        let (has, wants) = (image.positions.len(), config.positions);
        if has > wants as usize {
            return Err(ImageError::PositionsFull { image: has, config: wants });
        }
        ledger.restore_cash(image)?;
        ledger.sessions.copy_from_slice(&image.sessions);
        for (at, position) in image.positions.iter().enumerate() {
            let sorted = at == 0 || image.positions[at - 1].key() < position.key();
            let restored = sorted.then(|| ledger.restore_position(position)).flatten();
            restored.ok_or(ImageError::Position(at))?;
        }
        ledger.audit()?;
        Ok(ledger)
    }

    /// One number for all state: equal for equal states, whatever led to them. Walks everything.
    pub fn hash(&self) -> u64 {
        let outside = fold_cash(0, self.outside_cash);
        let accounts = self.accounts.iter().fold(outside, |hash, a| {
            let a = &a.state;
            let open = fold(fold(hash, a.open_notional_buy), a.open_notional_sell);
            fold_cash(fold(fold(open, a.traded), u64::from(a.open_orders)), a.cash)
        });
        let sessions = self
            .sessions
            .iter()
            .fold(accounts, |hash, s| fold(fold(hash, s.open_notional), u64::from(s.open_orders)));
        // A sum, because rows come in no order that means anything.
        let rows = self.positions.iter().fold(0u64, |sum, (account, symbol, p)| {
            let row = fold(fold(0, u64::from(account.0) << 16 | u64::from(symbol.0)), p.open_buy);
            sum.wrapping_add(fold(fold(fold(row, p.open_sell), p.shares as u64), 0))
        });
        fold(sessions, rows)
    }

    fn restore_cash(&mut self, image: &LedgerImage) -> Result<(), ImageError> {
        let fits = |cash: i128| (-CASH_MAX..=CASH_MAX).contains(&cash);
        if !fits(image.outside_cash) {
            return Err(ImageError::Cash(OUTSIDE));
        }
        if let Some(at) = image.accounts.iter().position(|a| !fits(a.cash)) {
            return Err(ImageError::Cash(AccountId(at as u16)));
        }
        self.outside_cash = image.outside_cash;
        for (account, state) in self.accounts.iter_mut().zip(&image.accounts) {
            account.state = *state;
        }
        Ok(())
    }

    /// `None` when the position cannot be.
    fn restore_position(&mut self, image: &PositionImage) -> Option<()> {
        let position = PositionView {
            shares: image.shares,
            open_buy: image.open_buy,
            open_sell: image.open_sell,
        };
        let outside = image.account == OUTSIDE;
        let orders = image.open_buy != 0 || image.open_sell != 0;
        let owned = if outside { !orders } else { self.knows(image.account) };
        let flat = position == PositionView::default();
        if !owned || flat || !position.fits() {
            return None;
        }
        self.positions.restore(image.account, image.symbol, position)
    }
}

impl PositionImage {
    fn key(&self) -> (AccountId, SymbolId) {
        (self.account, self.symbol)
    }
}

/// Folds a word into a hash (multiply and rotate; for telling states apart, not for secrets).
fn fold(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (hash >> 29)
}

fn fold_cash(hash: u64, cash: i128) -> u64 {
    fold(fold(hash, cash as u64), (cash >> 64) as u64)
}
