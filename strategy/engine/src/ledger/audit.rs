//! The books are balanced: what must hold after every step, looked at from scratch.

use super::Ledger;
use types::{AccountId, SymbolId};

/// What does not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Imbalance {
    /// Calls broke the ledger's contract, so some fill or order is missing here.
    #[error("{0} calls broke the contract")]
    Faults(u64),
    /// Cash appeared or vanished.
    #[error("cash is off by {0} (1/10000 dollar)")]
    Cash(i128),
    /// Shares appeared or vanished.
    #[error("symbol {symbol} is off by {shares} shares")]
    Shares {
        /// Which instrument.
        symbol: SymbolId,
        /// By how many.
        shares: i128,
    },
    /// The accounts' working orders are not the sessions'.
    #[error("{accounts} orders work for accounts and {sessions} for sessions")]
    OpenOrders {
        /// Sum over the accounts.
        accounts: u64,
        /// Sum over the sessions.
        sessions: u64,
    },
    /// The accounts' working value is not the sessions'.
    #[error("{accounts} (1/10000 dollar) works for accounts and {sessions} for sessions")]
    OpenNotional {
        /// Sum over the accounts, in 1/10000 dollar.
        accounts: u128,
        /// Sum over the sessions, in 1/10000 dollar.
        sessions: u128,
    },
    /// An account without orders has value or shares working.
    #[error("account {0} has something working but no order")]
    NoOrder(AccountId),
    /// The table, the slab and the free slots of positions disagree.
    #[error("the table of positions is inconsistent")]
    Table,
}

impl Ledger {
    /// Adds everything up. Off the hot path: looks at every account, session and position, and
    /// allocates.
    pub fn audit(&self) -> Result<(), Imbalance> {
        if self.faults != 0 {
            return Err(Imbalance::Faults(self.faults));
        }
        let cash = self.outside_cash + self.accounts.iter().map(|a| a.state.cash).sum::<i128>();
        if cash != 0 {
            return Err(Imbalance::Cash(cash));
        }
        self.audit_shares()?;
        self.audit_open()?;
        if self.positions.is_consistent() { Ok(()) } else { Err(Imbalance::Table) }
    }

    /// Whether the same orders work for accounts, sessions and positions as in another.
    pub(crate) fn works_like(&self, other: &Ledger) -> bool {
        let accounts = |ledger: &Ledger| -> Vec<_> {
            let states = ledger.accounts.iter().map(|a| a.state);
            states.map(|a| (a.open_orders, a.open_notional_buy, a.open_notional_sell)).collect()
        };
        let working = |ledger: &Ledger| {
            let rows = ledger.positions.iter();
            rows.filter(|(_, _, p)| p.open_buy != 0 || p.open_sell != 0).count()
        };
        let alike = |(account, symbol, p): (AccountId, SymbolId, super::PositionView)| {
            let others = other.position(account, symbol);
            (others.open_buy, others.open_sell) == (p.open_buy, p.open_sell)
        };
        accounts(self) == accounts(other)
            && self.sessions == other.sessions
            && self.positions.iter().all(alike)
            && working(self) == working(other)
            && self.faults == other.faults
    }

    fn audit_shares(&self) -> Result<(), Imbalance> {
        let symbols = self.positions.iter().map(|(_, symbol, _)| usize::from(symbol.0) + 1).max();
        let mut sums = vec![0i128; symbols.unwrap_or(0)];
        for (_, symbol, position) in self.positions.iter() {
            sums[usize::from(symbol.0)] += i128::from(position.shares);
        }
        match sums.iter().position(|&sum| sum != 0) {
            None => Ok(()),
            Some(at) => Err(Imbalance::Shares { symbol: SymbolId(at as u16), shares: sums[at] }),
        }
    }

    fn audit_open(&self) -> Result<(), Imbalance> {
        let accounts = self.accounts.iter().map(|a| u64::from(a.state.open_orders)).sum();
        let sessions = self.sessions.iter().map(|s| u64::from(s.open_orders)).sum();
        if accounts != sessions {
            return Err(Imbalance::OpenOrders { accounts, sessions });
        }
        let both = |side: u64, other: u64| u128::from(side) + u128::from(other);
        let states = || self.accounts.iter().map(|a| &a.state);
        let accounts = states().map(|a| both(a.open_notional_buy, a.open_notional_sell)).sum();
        let sessions = self.sessions.iter().map(|s| u128::from(s.open_notional)).sum();
        if accounts != sessions {
            return Err(Imbalance::OpenNotional { accounts, sessions });
        }
        let idle = |a: AccountId| self.account(a).is_none_or(|a| a.open_orders == 0);
        let value = states().position(|a| {
            a.open_orders == 0 && both(a.open_notional_buy, a.open_notional_sell) != 0
        });
        let shares = self.positions.iter().find(|&(account, _, position)| {
            both(position.open_buy, position.open_sell) != 0 && idle(account)
        });
        match value.map(|at| AccountId(at as u16)).or(shares.map(|(account, ..)| account)) {
            Some(account) => Err(Imbalance::NoOrder(account)),
            None => Ok(()),
        }
    }
}
