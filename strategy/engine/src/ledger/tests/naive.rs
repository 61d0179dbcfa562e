//! The ledger as one would write it down: every order and every holding in sorted maps, every total
//! summed anew when it is asked for.

use super::super::*;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Naive {
    limits: Vec<AccountLimits>,
    session_limits: SessionLimits,
    capacity: usize,
    pub(super) cash: BTreeMap<AccountId, i128>,
    pub(super) shares: BTreeMap<(AccountId, SymbolId), i128>,
    pub(super) orders: Vec<(Working, u32)>,
    pub(super) traded: BTreeMap<AccountId, u64>,
}

impl Naive {
    pub(super) fn new(config: &LedgerConfig, session_limits: SessionLimits) -> Naive {
        let opening = config.accounts.iter().enumerate();
        let mut cash: BTreeMap<_, _> =
            opening.map(|(at, a)| (AccountId(at as u16), i128::from(a.cash))).collect();
        cash.insert(OUTSIDE, -cash.values().sum::<i128>());
        Naive {
            limits: config.accounts.iter().map(|a| a.limits).collect(),
            session_limits,
            capacity: config.positions as usize,
            cash,
            shares: BTreeMap::new(),
            orders: Vec::new(),
            traded: BTreeMap::new(),
        }
    }

    pub(super) fn held(&self, id: AccountId, symbol: SymbolId) -> i128 {
        self.shares.get(&(id, symbol)).copied().unwrap_or(0)
    }

    pub(super) fn value(&self, which: impl Fn(&Working) -> bool) -> u128 {
        let orders = self.orders.iter().filter(|(order, _)| which(order));
        orders.map(|(order, qty)| u128::from(order.price.0) * u128::from(*qty)).sum()
    }

    pub(super) fn count(&self, which: impl Fn(&Working) -> bool) -> u32 {
        self.orders.iter().filter(|(order, _)| which(order)).count() as u32
    }

    pub(super) fn working(&self, id: AccountId, symbol: SymbolId, side: Side) -> i128 {
        let same = |o: &&(Working, u32)| (o.0.account, o.0.symbol, o.0.side) == (id, symbol, side);
        self.orders.iter().filter(same).map(|(_, qty)| i128::from(*qty)).sum()
    }

    pub(super) fn pairs(&self) -> BTreeSet<(AccountId, SymbolId)> {
        let held = self.shares.iter().filter(|(_, shares)| **shares != 0).map(|(pair, _)| *pair);
        held.chain(self.orders.iter().map(|(o, _)| (o.account, o.symbol))).collect()
    }

    /// Whether the pairs, together with those there are, find room.
    fn has_room<const N: usize>(&self, more: [(AccountId, SymbolId); N]) -> bool {
        let mut pairs = self.pairs();
        pairs.extend(more);
        pairs.len() <= self.capacity
    }

    pub(super) fn check(&self, order: &Working, qty: u32) -> Result<(), LimitBreach> {
        let Working { account, session, symbol, side, .. } = *order;
        let of = &self.limits[usize::from(account.0)];
        let to = &self.session_limits;
        let value = u128::from(order.price.0) * u128::from(qty);
        let mine = |o: &Working| o.account == account;
        let sent = |o: &Working| o.session == session;
        let buys = self.value(|o| mine(o) && o.side == Side::Buy);
        let working = self.working(account, symbol, side) + i128::from(qty);
        let held = self.held(account, symbol);
        let reach = working + if side == Side::Buy { held } else { -held };
        let left = self.cash[&account] - buys as i128 - value as i128;
        let floor = of.cash_floor != i64::MIN && left < i128::from(of.cash_floor);
        let breaches = [
            (qty > of.order_qty_max, LimitBreach::AccountOrderQty),
            (qty > to.order_qty_max, LimitBreach::SessionOrderQty),
            (value > of.order_notional_max.into(), LimitBreach::AccountOrderNotional),
            (value > to.order_notional_max.into(), LimitBreach::SessionOrderNotional),
            (self.count(mine) >= of.open_orders_max, LimitBreach::AccountOpenOrders),
            (self.count(sent) >= to.open_orders_max, LimitBreach::SessionOpenOrders),
            (
                self.value(mine) + value > of.open_notional_max.into(),
                LimitBreach::AccountOpenNotional,
            ),
            (
                self.value(sent) + value > to.open_notional_max.into(),
                LimitBreach::SessionOpenNotional,
            ),
            (reach > of.position_max.into(), LimitBreach::Position),
            (side == Side::Sell && reach > 0 && !of.short_allowed, LimitBreach::ShortSale),
            (side == Side::Buy && floor, LimitBreach::BuyingPower),
            (!self.has_room([(account, symbol)]), LimitBreach::PositionsFull),
        ];
        breaches.into_iter().find(|(breached, _)| *breached).map_or(Ok(()), |(_, b)| Err(b))
    }

    /// A fill, or with `sign` -1 its bust; whether there was room.
    pub(super) fn fill(&mut self, fill: &Fill, sign: i128) -> bool {
        let qty = sign * i128::from(fill.qty.0);
        if !self.move_shares(fill.seller, fill.buyer, fill.symbol, qty) {
            return false;
        }
        self.move_cash(fill.buyer, fill.seller, qty * i128::from(fill.price.0));
        for id in [fill.buyer, fill.seller] {
            let traded = self.traded.entry(id).or_default();
            *traded = traded.wrapping_add(qty as u64);
        }
        true
    }

    pub(super) fn move_cash(&mut self, from: AccountId, to: AccountId, amount: i128) {
        *self.cash.entry(from).or_default() -= amount;
        *self.cash.entry(to).or_default() += amount;
    }

    pub(super) fn move_shares(
        &mut self,
        from: AccountId,
        to: AccountId,
        symbol: SymbolId,
        qty: i128,
    ) -> bool {
        if from != to && qty != 0 && !self.has_room([(from, symbol), (to, symbol)]) {
            return false;
        }
        *self.shares.entry((from, symbol)).or_default() -= qty;
        *self.shares.entry((to, symbol)).or_default() += qty;
        true
    }

    /// Cash that may be given away.
    pub(super) fn cash_free(&self, id: AccountId) -> i128 {
        let buys = self.value(|o| o.account == id && o.side == Side::Buy);
        match self.limits[usize::from(id.0)].cash_floor {
            i64::MIN => self.cash[&id],
            floor => self.cash[&id].min(self.cash[&id] - buys as i128 - i128::from(floor)),
        }
    }

    /// Shares that may be given away.
    pub(super) fn shares_free(&self, id: AccountId, symbol: SymbolId) -> i128 {
        match self.limits[usize::from(id.0)].short_allowed {
            true => self.held(id, symbol),
            false => self.held(id, symbol) - self.working(id, symbol, Side::Sell),
        }
    }
}
