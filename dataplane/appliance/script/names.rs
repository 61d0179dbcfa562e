//! Names of symbols, accounts and firms, as scripts use them, and what the engine knows them by.

use std::collections::HashMap;

use types::{AccountId, Firm, Symbol, SymbolId};

/// All directories.
#[derive(Debug, Default)]
pub(crate) struct Names {
    symbols: Vec<Symbol>,
    ids: HashMap<Symbol, SymbolId>,
    accounts: HashMap<String, AccountId>,
    by_id: Vec<String>,
    firms: HashMap<String, Firm>,
}

/// Accounts that an engine can have.
const ACCOUNTS_MAX: usize = u16::MAX as usize;

impl Names {
    /// Lists a symbol; it keeps its number when it is listed twice.
    pub(crate) fn list(&mut self, symbol: Symbol, id: SymbolId) {
        let at = usize::from(id.0);
        if self.symbols.len() <= at {
            self.symbols.resize(at + 1, Symbol([b' '; 8]));
        }
        self.symbols[at] = symbol;
        self.ids.insert(symbol, id);
    }

    /// Lists a symbol under the next free number, from 1, as long as there are fewer than `max`.
    pub(crate) fn list_next(&mut self, symbol: Symbol, max: usize) {
        if !self.ids.contains_key(&symbol) && self.ids.len() < max {
            let id = SymbolId(self.ids.len() as u16 + 1);
            self.list(symbol, id);
        }
    }

    /// Every listed symbol and its number.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (SymbolId, Symbol)> + '_ {
        self.symbols.iter().enumerate().skip(1).map(|(id, name)| (SymbolId(id as u16), *name))
    }

    /// A symbol's number.
    pub(crate) fn symbol_id(&self, symbol: &Symbol) -> Option<SymbolId> {
        self.ids.get(symbol).copied()
    }

    /// A symbol's name; empty for 0 and for what is not listed.
    pub(crate) fn symbol(&self, id: SymbolId) -> String {
        self.symbols.get(usize::from(id.0)).map(Symbol::to_string).unwrap_or_default()
    }

    /// Opens an account, or finds it; `None` when there are too many.
    pub(crate) fn open_account(&mut self, name: &str) -> Option<AccountId> {
        if let Some(id) = self.accounts.get(name) {
            return Some(*id);
        }
        if self.by_id.len() >= ACCOUNTS_MAX {
            return None;
        }
        let id = AccountId(self.by_id.len() as u16);
        self.by_id.push(name.to_owned());
        self.accounts.insert(name.to_owned(), id);
        Some(id)
    }

    /// An account's number.
    pub(crate) fn account_id(&self, name: &str) -> Option<AccountId> {
        self.accounts.get(name).copied()
    }

    /// An account's name.
    pub(crate) fn account(&self, id: AccountId) -> &str {
        self.by_id.get(usize::from(id.0)).map_or("", String::as_str)
    }

    /// Makes a firm known whose name is not one of OUCH's, at most 4 printable letters. It goes by
    /// bytes that no such name has.
    pub(crate) fn open_firm(&mut self, name: &str) {
        if Firm::new(name).is_none() && !self.firms.contains_key(name) {
            let number = self.firms.len() as u32 & 0x00FF_FFFF;
            self.firms.insert(name.to_owned(), Firm(number.to_be_bytes()));
        }
    }

    /// A firm's four bytes.
    pub(crate) fn firm(&self, name: &str) -> Option<Firm> {
        Firm::new(name).or_else(|| self.firms.get(name).copied())
    }

    /// Accounts there are.
    pub(crate) fn accounts(&self) -> usize {
        self.by_id.len()
    }
}
