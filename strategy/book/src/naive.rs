//! The books' twin: a map of queues, every answer searched for. Slow, and plainly right.

use crate::core::number;
use crate::{Capacity, Change, FeedError, LevelView, Top};
use std::collections::{BTreeMap, VecDeque};
use types::{OrderId, Price, Qty, Side, SymbolId};

/// Where an order stands.
#[derive(Clone, Copy)]
struct Place {
    symbol: u16,
    side: Side,
    price: u32,
}

type Queue = VecDeque<(OrderId, u32)>;

/// See the module.
pub(crate) struct Naive {
    capacity: Capacity,
    places: BTreeMap<u64, Place>,
    sides: BTreeMap<(u16, bool), BTreeMap<u32, Queue>>,
}

impl Naive {
    pub(crate) fn new(capacity: Capacity) -> Naive {
        Naive { capacity, places: BTreeMap::new(), sides: BTreeMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    fn level_count(&self) -> usize {
        self.sides.values().map(BTreeMap::len).sum()
    }

    pub(crate) fn levels(&self, symbol: SymbolId, side: Side) -> Vec<LevelView> {
        let Some(levels) = self.sides.get(&(symbol.0, side == Side::Buy)) else { return vec![] };
        let view = |(price, queue): (&u32, &Queue)| LevelView {
            price: Price(*price),
            qty: queue.iter().map(|(_, qty)| u64::from(*qty)).sum(),
            orders: queue.len() as u32,
        };
        match side {
            Side::Buy => levels.iter().rev().map(view).collect(),
            Side::Sell => levels.iter().map(view).collect(),
        }
    }

    pub(crate) fn queue(&self, symbol: SymbolId, side: Side, price: Price) -> Vec<(OrderId, Qty)> {
        let levels = self.sides.get(&(symbol.0, side == Side::Buy));
        let queue = levels.and_then(|levels| levels.get(&price.0));
        queue.into_iter().flatten().map(|(id, qty)| (*id, Qty(*qty))).collect()
    }

    pub(crate) fn top(&self, symbol: SymbolId) -> Top {
        let best = |side| self.levels(symbol, side).first().copied();
        Top { bid: best(Side::Buy), ask: best(Side::Sell) }
    }

    pub(crate) fn add(
        &mut self,
        id: OrderId,
        symbol: SymbolId,
        side: Side,
        qty: Qty,
        price: Price,
    ) -> Result<Change, FeedError> {
        if qty.0 == 0 || price.0 == 0 {
            return Err(FeedError::BadOrder);
        }
        if self.places.contains_key(&id.0) {
            return Err(FeedError::DuplicateOrder);
        }
        if u32::from(symbol.0) >= self.capacity.books {
            return Err(FeedError::BadSymbol);
        }
        if self.len() >= self.capacity.orders as usize {
            return Err(FeedError::OrdersFull);
        }
        let is_new = self.queue(symbol, side, price).is_empty();
        if is_new && self.level_count() >= self.capacity.levels as usize {
            return Err(FeedError::LevelsFull);
        }
        let before = self.top(symbol);
        let levels = self.sides.entry((symbol.0, side == Side::Buy)).or_default();
        levels.entry(price.0).or_default().push_back((id, qty.0));
        self.places.insert(id.0, Place { symbol: symbol.0, side, price: price.0 });
        Ok(Change::of(number(symbol.into(), side), price, self.top(symbol) != before))
    }

    pub(crate) fn reduce(&mut self, id: OrderId, qty: Qty) -> Result<Change, FeedError> {
        let place = *self.places.get(&id.0).ok_or(FeedError::UnknownOrder)?;
        let (symbol, side, price) = (SymbolId(place.symbol), place.side, Price(place.price));
        let before = self.top(symbol);
        let queue = self.queue_of(&place);
        let order = queue.iter_mut().find(|(other, _)| *other == id).expect("it stands there");
        let left = order.1;
        order.1 = left.saturating_sub(qty.0);
        if order.1 == 0 {
            queue.retain(|(other, _)| *other != id);
            self.places.remove(&id.0);
        }
        self.drop_empty(&place);
        if qty.0 > left {
            return Err(FeedError::QtyExceedsOrder);
        }
        Ok(Change::of(number(symbol.into(), side), price, self.top(symbol) != before))
    }

    pub(crate) fn delete(&mut self, id: OrderId) -> Result<Change, FeedError> {
        let place = *self.places.get(&id.0).ok_or(FeedError::UnknownOrder)?;
        let queue = self.queue(SymbolId(place.symbol), place.side, Price(place.price));
        let (_, qty) = queue.into_iter().find(|(other, _)| *other == id).expect("it stands there");
        self.reduce(id, qty)
    }

    pub(crate) fn replace(
        &mut self,
        old: OrderId,
        new: OrderId,
        qty: Qty,
        price: Price,
    ) -> Result<Change, FeedError> {
        let place = *self.places.get(&old.0).ok_or(FeedError::UnknownOrder)?;
        let symbol = SymbolId(place.symbol);
        let before = self.top(symbol);
        self.delete(old)?;
        let change = self.add(new, symbol, place.side, qty, price)?;
        Ok(change.with_top(self.top(symbol) != before))
    }

    fn queue_of(&mut self, place: &Place) -> &mut Queue {
        let levels = self.sides.get_mut(&(place.symbol, place.side == Side::Buy));
        levels.and_then(|levels| levels.get_mut(&place.price)).expect("an order has a queue")
    }

    fn drop_empty(&mut self, place: &Place) {
        if self.queue_of(place).is_empty() {
            let levels = self.sides.get_mut(&(place.symbol, place.side == Side::Buy));
            levels.expect("a side").remove(&place.price);
        }
    }
}
