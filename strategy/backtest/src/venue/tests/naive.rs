//! The rules again, the plain way: one list of orders a side, ours among the recorded ones, and a
//! walk over all of it for each message. Queue model, hidden prints through.

use super::*;

/// An order in the list, in the order of coming. Ours has its number in `ours`.
#[derive(Clone, Debug)]
struct Entry {
    id: u64,
    ours: Option<u32>,
    side: Side,
    price: u32,
    qty: u32,
    taken: u32,
}

/// Fills as (order, shares, price, flag).
#[derive(Debug, Default)]
pub(super) struct Naive {
    list: Vec<Entry>,
    pub(super) fills: Vec<(u32, u32, u32, char)>,
}

fn beats(side: Side, a: u32, b: u32) -> bool {
    if side == Side::Buy { a > b } else { a < b }
}

impl Naive {
    /// Places of the list in the order in which they are served.
    fn served(&self, side: Side, ours: bool) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.list.len())
            .filter(|at| self.list[*at].side == side && self.list[*at].ours.is_some() == ours)
            .collect();
        places.sort_by_key(|at| {
            let price = i64::from(self.list[*at].price);
            if side == Side::Buy { -price } else { price }
        });
        places
    }

    fn give(&mut self, at: usize, most: u32, flag: char) -> u32 {
        let entry = &mut self.list[at];
        let qty = most.min(entry.qty);
        entry.qty -= qty;
        if qty > 0 {
            self.fills.push((entry.ours.unwrap(), qty, entry.price, flag));
        }
        qty
    }

    fn clean(&mut self) {
        self.list.retain(|entry| entry.qty > 0);
    }

    fn find(&self, id: u64) -> Option<usize> {
        self.list.iter().position(|entry| entry.ours.is_none() && entry.id == id)
    }

    pub(super) fn add(&mut self, id: u64, side: Side, qty: u32, price: u32) {
        if self.find(id).is_some() {
            return;
        }
        let mut left = qty;
        for at in self.served(side.opposite(), true) {
            if !beats(side, self.list[at].price, price) {
                // It reaches ours: at its price or beyond.
            } else {
                continue;
            }
            left -= self.give(at, left, 'A');
        }
        self.list.push(Entry { id, ours: None, side, price, qty, taken: qty - left });
        self.clean();
    }

    pub(super) fn execute(&mut self, id: u64, qty: u32) {
        let Some(found) = self.find(id) else { return };
        let Entry { side, price, qty: had, .. } = self.list[found];
        let mut left = qty.min(had);
        for at in self.served(side, true) {
            let ours = self.list[at].price;
            let first = beats(side, ours, price) || ours == price && at < found;
            if first {
                left -= self.give(at, left, 'A');
            }
        }
        self.list[found].qty -= qty.min(had);
        self.clean();
    }

    pub(super) fn reduce(&mut self, id: u64, qty: u32) {
        if let Some(found) = self.find(id) {
            self.list[found].qty = self.list[found].qty.saturating_sub(qty);
            self.clean();
        }
    }

    pub(super) fn replace(&mut self, old: u64, new: u64, qty: u32, price: u32) {
        let Some(found) = self.find(old) else { return };
        let side = self.list.remove(found).side;
        self.add(new, side, qty, price);
    }

    pub(super) fn print(&mut self, qty: u32, price: u32) {
        let mut left = qty;
        for side in [Side::Buy, Side::Sell] {
            for at in self.served(side, true) {
                if beats(side, self.list[at].price, price) {
                    left -= self.give(at, left, 'A');
                }
            }
        }
        self.clean();
    }

    pub(super) fn enter(&mut self, number: u32, side: Side, qty: u32, price: u32, ioc: bool) {
        let other = side.opposite();
        let meets = |at: &usize| !beats(other, price, self.list[*at].price);
        if self.served(other, true).iter().any(meets) {
            return;
        }
        let mut left = qty;
        for at in self.served(other, false) {
            let entry = &mut self.list[at];
            let take = entry.qty.saturating_sub(entry.taken).min(left);
            if beats(other, price, entry.price) || take == 0 {
                continue;
            }
            entry.taken += take;
            left -= take;
            let price = entry.price;
            self.fills.push((number, take, price, 'R'));
        }
        if left > 0 && !ioc {
            self.list.push(Entry { id: 0, ours: Some(number), side, price, qty: left, taken: 0 });
        }
    }

    pub(super) fn cancel(&mut self, number: u32) {
        self.list.retain(|entry| entry.ours != Some(number));
    }

    /// What stands before an order of ours at its price: shares and orders that are there for us.
    pub(super) fn place(&self, number: u32) -> Option<(u64, u32)> {
        let found = self.list.iter().position(|entry| entry.ours == Some(number))?;
        let Entry { side, price, .. } = self.list[found];
        let before = self.list[..found].iter();
        let before = before.filter(|e| e.ours.is_none() && e.side == side && e.price == price);
        let left = before.map(|e| u64::from(e.qty.saturating_sub(e.taken))).filter(|n| *n > 0);
        Some(left.fold((0, 0), |(shares, orders), n| (shares + n, orders + 1)))
    }
}
