//! The rows of (account, symbol): a slab, and the table that finds a row.
//!
//! A row is taken by the first share that is held or working and given back when none is left, so
//! the capacity bounds the pairs in use at once and not those ever seen. Which slot a row gets
//! depends on history and is never visible.

use super::SHARES_MAX;
use book::RefMap;
use types::{AccountId, Side, SymbolId};

/// What an account holds and has working in a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionView {
    /// Shares held; below zero when sold short.
    pub shares: i64,
    /// Shares that working orders would buy.
    pub open_buy: u64,
    /// Shares that working orders would sell.
    pub open_sell: u64,
}

impl PositionView {
    fn is_flat(&self) -> bool {
        *self == PositionView::default()
    }

    /// Shares held were every working buy order to fill, and no sell order.
    #[inline]
    pub(super) fn longest(&self) -> i128 {
        i128::from(self.shares) + i128::from(self.open_buy)
    }

    /// Shares owed were every working sell order to fill, and no buy order.
    #[inline]
    pub(super) fn shortest(&self) -> i128 {
        i128::from(self.open_sell) - i128::from(self.shares)
    }

    /// Whether it stays within [`SHARES_MAX`] whatever fills.
    pub(super) fn fits(&self) -> bool {
        let most = i128::from(SHARES_MAX);
        self.longest() <= most && self.shortest() <= most
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    position: PositionView,
    account: AccountId,
    symbol: SymbolId,
}

const _: () = assert!(core::mem::size_of::<Row>() == 32);

#[derive(Clone, Debug)]
pub(super) struct Positions {
    rows: Box<[Row]>,
    /// Slots without a row; its room is the capacity, so a push never allocates.
    free: Vec<u32>,
    index: RefMap,
}

/// Neighbouring symbols of one account share a line of the table.
#[inline]
fn key(account: AccountId, symbol: SymbolId) -> u64 {
    u64::from(account.0) << 16 | u64::from(symbol.0)
}

impl Positions {
    pub(super) fn with_capacity(capacity: u32) -> Positions {
        Positions {
            rows: vec![Row::default(); capacity as usize].into_boxed_slice(),
            free: (0..capacity).rev().collect(),
            index: RefMap::with_capacity(capacity as usize),
        }
    }

    pub(super) fn free(&self) -> u32 {
        self.free.len() as u32
    }

    #[inline]
    pub(super) fn get(&self, account: AccountId, symbol: SymbolId) -> Option<PositionView> {
        let slot = self.index.get(key(account, symbol))?;
        Some(self.rows[slot as usize].position)
    }

    /// Every row in use, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (AccountId, SymbolId, PositionView)> + '_ {
        let used = self.rows.iter().filter(|row| !row.position.is_flat());
        used.map(|row| (row.account, row.symbol, row.position))
    }

    /// Whether the table, the slab and the free slots agree.
    pub(super) fn is_consistent(&self) -> bool {
        let found = |(slot, row): (usize, &Row)| {
            row.position.is_flat()
                || self.index.get(key(row.account, row.symbol)) == Some(slot as u32)
        };
        self.index.len() == self.iter().count()
            && self.index.len() + self.free.len() == self.rows.len()
            && self.rows.iter().enumerate().all(found)
    }

    /// Puts a row where there is none; `None` when there is one, or no room.
    pub(super) fn restore(
        &mut self,
        account: AccountId,
        symbol: SymbolId,
        position: PositionView,
    ) -> Option<()> {
        if self.index.get(key(account, symbol)).is_some() {
            return None;
        }
        let slot = self.take(account, symbol)?;
        self.rows[slot as usize].position = position;
        self.give_back_if_flat(slot);
        Some(())
    }

    /// Adds working shares; `None`, and nothing changed, when there is no room or no such number.
    #[inline]
    pub(super) fn open(
        &mut self,
        account: AccountId,
        symbol: SymbolId,
        side: Side,
        qty: u64,
    ) -> Option<()> {
        let slot = self.take(account, symbol)?;
        let open = self.working(slot, side);
        let sum = open.checked_add(qty);
        *open = sum.unwrap_or(*open);
        self.give_back_if_flat(slot);
        sum.map(|_| ())
    }

    /// Takes off working shares; `None`, and nothing changed, when fewer are working.
    #[inline]
    pub(super) fn close(
        &mut self,
        account: AccountId,
        symbol: SymbolId,
        side: Side,
        qty: u64,
    ) -> Option<()> {
        let Some(slot) = self.index.get(key(account, symbol)) else {
            // The order's last shares are gone and only the order itself was left to count.
            return (qty == 0).then_some(());
        };
        let open = self.working(slot, side);
        *open = open.checked_sub(qty)?;
        self.give_back_if_flat(slot);
        Some(())
    }

    /// Moves shares held; `None`, and nothing changed, when a row finds no room or an `i64` would
    /// overflow.
    #[inline]
    pub(super) fn shift(
        &mut self,
        from: AccountId,
        to: AccountId,
        symbol: SymbolId,
        qty: i64,
    ) -> Option<()> {
        if from == to || qty == 0 {
            return Some(());
        }
        let giver = self.take(from, symbol)?;
        let Some(taker) = self.take(to, symbol) else {
            self.give_back_if_flat(giver);
            return None;
        };
        let moved = self.shift_rows(giver, taker, qty);
        self.give_back_if_flat(giver);
        self.give_back_if_flat(taker);
        moved
    }

    #[inline]
    fn shift_rows(&mut self, giver: u32, taker: u32, qty: i64) -> Option<()> {
        let left = self.rows[giver as usize].position.shares.checked_sub(qty)?;
        let held = self.rows[taker as usize].position.shares.checked_add(qty)?;
        self.rows[giver as usize].position.shares = left;
        self.rows[taker as usize].position.shares = held;
        Some(())
    }

    #[inline]
    fn working(&mut self, slot: u32, side: Side) -> &mut u64 {
        let position = &mut self.rows[slot as usize].position;
        match side {
            Side::Buy => &mut position.open_buy,
            Side::Sell => &mut position.open_sell,
        }
    }

    /// The pair's row, a new and flat one if need be.
    #[inline]
    fn take(&mut self, account: AccountId, symbol: SymbolId) -> Option<u32> {
        if let Some(slot) = self.index.get(key(account, symbol)) {
            return Some(slot);
        }
        let slot = self.free.pop()?;
        self.index.insert(key(account, symbol), slot);
        self.rows[slot as usize] = Row { account, symbol, position: PositionView::default() };
        Some(slot)
    }

    #[inline]
    fn give_back_if_flat(&mut self, slot: u32) {
        let row = &self.rows[slot as usize];
        if row.position.is_flat() {
            self.index.remove(key(row.account, row.symbol));
            self.free.push(slot);
        }
    }
}
