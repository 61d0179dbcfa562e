//! Random days through the ledger and its twin; compared and audited after every step.

use super::super::*;
use super::naive::Naive;
use proptest::prelude::*;

const ACCOUNTS: u16 = 3;
const SESSIONS: u16 = 2;
const SYMBOLS: u16 = 3;

/// Numbers that each step reads in its own way.
type Step = (u8, [u16; 4], u32, u32);

struct Pair {
    config: LedgerConfig,
    session_limits: SessionLimits,
    ledger: Ledger,
    naive: Naive,
    fills: Vec<Fill>,
}

fn account_limits() -> impl Strategy<Value = AccountLimits> {
    let orders = (20u32..60, 1_000u64..4_000, 2u32..8, 2_000u64..9_000);
    let rest = (40u64..200, prop_oneof![Just(i64::MIN), -500i64..2_000], any::<bool>());
    (orders, rest).prop_map(|((qty, value, open, worth), (position, floor, short))| AccountLimits {
        order_qty_max: qty,
        order_notional_max: value,
        open_orders_max: open,
        open_notional_max: worth,
        position_max: position,
        cash_floor: floor,
        short_allowed: short,
    })
}

fn pair() -> impl Strategy<Value = Pair> {
    let account = (-500i64..20_000, account_limits());
    let accounts = prop::collection::vec(account, usize::from(ACCOUNTS));
    let session = (3u32..12, 20u32..60, 1_000u64..4_000, 3_000u64..12_000);
    (accounts, 2u32..12, session).prop_map(|(accounts, positions, session)| {
        let accounts = accounts.into_iter().map(|(cash, limits)| AccountTerms { cash, limits });
        let config = LedgerConfig { accounts: accounts.collect(), positions };
        let session_limits = SessionLimits {
            open_orders_max: session.0,
            order_qty_max: session.1,
            order_notional_max: session.2,
            open_notional_max: session.3,
        };
        Pair {
            ledger: Ledger::new(&config, SESSIONS, &session_limits),
            naive: Naive::new(&config, session_limits),
            config,
            session_limits,
            fills: Vec::new(),
        }
    })
}

impl Pair {
    fn step(&mut self, (kind, who, qty, price): Step) {
        let from = AccountId(who[0] % ACCOUNTS);
        let to = AccountId(who[1] % ACCOUNTS);
        let symbol = SymbolId(1 + who[2] % SYMBOLS);
        match kind {
            0..=4 => self.enter(
                &Working {
                    account: from,
                    session: SessionId(who[1] % SESSIONS),
                    symbol,
                    side: if who[3] % 2 == 0 { Side::Buy } else { Side::Sell },
                    price: Price(1 + price % 100),
                },
                1 + qty % 64,
            ),
            5..=8 => self.trade(usize::from(who[0]), qty),
            9 | 10 => self.cancel(usize::from(who[0]), qty),
            11 => self.bust(usize::from(who[0])),
            12 => self.transfer_cash(from, to, u64::from(qty % 20_000)),
            13 => self.transfer_shares(from, to, symbol, u64::from(qty % 64)),
            14 => self.cross_border(from, who[3] % 2 == 0, u64::from(qty % 5_000)),
            _ => self.cross_border_shares(from, symbol, who[3] % 2 == 0, u64::from(qty % 64)),
        }
    }

    fn enter(&mut self, order: &Working, qty: u32) {
        let verdict = self.ledger.check(order, Qty(qty));
        assert_eq!(verdict, self.naive.check(order, qty));
        if verdict.is_ok() {
            self.ledger.open(order, Qty(qty));
            self.naive.orders.push((*order, qty));
        }
    }

    /// Takes shares off an order in both.
    fn reduce(&mut self, at: usize, qty: u32) {
        let (order, left) = &mut self.naive.orders[at];
        *left -= qty;
        self.ledger.release(order, Qty(qty), *left == 0);
        if *left == 0 {
            self.naive.orders.remove(at);
        }
    }

    /// Two working orders of one symbol meet, at the seller's price.
    fn trade(&mut self, from: usize, qty: u32) {
        let orders = &self.naive.orders;
        if orders.is_empty() {
            return;
        }
        let one = from % orders.len();
        let meets = |o: &(Working, u32)| {
            o.0.symbol == orders[one].0.symbol && o.0.side != orders[one].0.side
        };
        let Some(other) = orders.iter().position(meets) else { return };
        let bought = orders[one].0.side == Side::Buy;
        let (buy, sell) = if bought { (one, other) } else { (other, one) };
        let most = orders[buy].1.min(orders[sell].1);
        let fill = Fill {
            buyer: orders[buy].0.account,
            seller: orders[sell].0.account,
            symbol: orders[buy].0.symbol,
            price: orders[sell].0.price,
            qty: Qty(1 + qty % most),
        };
        self.ledger.settle(&fill);
        assert!(self.naive.fill(&fill, 1), "a fill always finds room");
        self.ledger.audit().unwrap();
        self.reduce(buy.max(sell), fill.qty.0);
        self.reduce(buy.min(sell), fill.qty.0);
        self.fills.push(fill);
    }

    fn cancel(&mut self, from: usize, qty: u32) {
        if !self.naive.orders.is_empty() {
            let at = from % self.naive.orders.len();
            let left = self.naive.orders[at].1;
            self.reduce(at, if qty.is_multiple_of(2) { left } else { 1 + qty % left });
        }
    }

    fn bust(&mut self, from: usize) {
        if self.fills.is_empty() {
            return;
        }
        let at = from % self.fills.len();
        let fill = self.fills[at];
        let done = self.ledger.unsettle(&fill);
        if self.naive.fill(&fill, -1) {
            assert_eq!(done, Ok(()));
            self.fills.remove(at);
        } else {
            assert_eq!(done, Err(TransferError::PositionsFull));
        }
    }

    fn transfer_cash(&mut self, from: AccountId, to: AccountId, amount: u64) {
        let free = self.naive.cash_free(from);
        let done = self.ledger.transfer_cash(from, to, amount);
        if free < i128::from(amount) {
            let short = TransferError::CashShort { account: from, free, wanted: amount };
            return assert_eq!(done, Err(short));
        }
        assert_eq!(done, Ok(()));
        self.naive.move_cash(from, to, i128::from(amount));
    }

    fn transfer_shares(&mut self, from: AccountId, to: AccountId, symbol: SymbolId, qty: u64) {
        let free = self.naive.shares_free(from, symbol);
        let done = self.ledger.transfer_shares(from, to, symbol, qty);
        if free < i128::from(qty) {
            let short = TransferError::SharesShort { account: from, free, wanted: qty };
            return assert_eq!(done, Err(short));
        }
        let room = self.naive.move_shares(from, to, symbol, i128::from(qty));
        assert_eq!(done, if room { Ok(()) } else { Err(TransferError::PositionsFull) });
    }

    fn cross_border(&mut self, id: AccountId, inward: bool, amount: u64) {
        let short = !inward && self.naive.cash_free(id) < i128::from(amount);
        let done = match inward {
            true => self.ledger.deposit(id, amount),
            false => self.ledger.withdraw(id, amount),
        };
        assert_eq!(done.is_err(), short);
        if done.is_ok() {
            let (from, to) = if inward { (OUTSIDE, id) } else { (id, OUTSIDE) };
            self.naive.move_cash(from, to, i128::from(amount));
        }
    }

    fn cross_border_shares(&mut self, id: AccountId, symbol: SymbolId, inward: bool, qty: u64) {
        let short = !inward && self.naive.shares_free(id, symbol) < i128::from(qty);
        let done = match inward {
            true => self.ledger.deposit_shares(id, symbol, qty),
            false => self.ledger.withdraw_shares(id, symbol, qty),
        };
        let (from, to) = if inward { (OUTSIDE, id) } else { (id, OUTSIDE) };
        let moved = !short && self.naive.move_shares(from, to, symbol, i128::from(qty));
        assert_eq!(done.is_ok(), moved);
    }

    fn compare(&self) {
        self.ledger.audit().unwrap();
        assert_eq!(self.naive.cash.values().sum::<i128>(), 0);
        for id in (0..ACCOUNTS).map(AccountId) {
            let value = |side| self.naive.value(|o| o.account == id && o.side == side) as u64;
            let expected = AccountView {
                cash: self.naive.cash[&id],
                open_notional_buy: value(Side::Buy),
                open_notional_sell: value(Side::Sell),
                traded: self.naive.traded.get(&id).copied().unwrap_or(0),
                open_orders: self.naive.count(|o| o.account == id),
            };
            assert_eq!(self.ledger.account(id), Some(expected));
        }
        assert_eq!(self.ledger.account(OUTSIDE).unwrap().cash, self.naive.cash[&OUTSIDE]);
        for id in (0..SESSIONS).map(SessionId) {
            let expected = SessionView {
                open_notional: self.naive.value(|o| o.session == id) as u64,
                open_orders: self.naive.count(|o| o.session == id),
            };
            assert_eq!(self.ledger.session(id), Some(expected));
        }
        let image = self.ledger.image();
        let pairs: Vec<_> = image.positions.iter().map(|p| (p.account, p.symbol)).collect();
        assert_eq!(pairs, self.naive.pairs().into_iter().collect::<Vec<_>>());
        for p in &image.positions {
            assert_eq!(i128::from(p.shares), self.naive.held(p.account, p.symbol));
            let working = |side| self.naive.working(p.account, p.symbol, side);
            assert_eq!(i128::from(p.open_buy), working(Side::Buy));
            assert_eq!(i128::from(p.open_sell), working(Side::Sell));
        }
        self.round_trip(&image);
    }

    /// Through bytes and back: the same state, the same hash, wherever its rows went.
    fn round_trip(&self, image: &LedgerImage) {
        let bytes = rkyv::to_bytes::<rkyv::rancor::Error>(image).unwrap();
        let read = rkyv::from_bytes::<LedgerImage, rkyv::rancor::Error>(&bytes).unwrap();
        assert_eq!(&read, image);
        let twin = Ledger::from_image(&self.config, SESSIONS, &self.session_limits, &read).unwrap();
        assert_eq!(twin.hash(), self.ledger.hash());
        assert_eq!(&twin.image(), image);
    }
}

impl core::fmt::Debug for Pair {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?} {:?}", self.config, self.session_limits)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn agrees_with_its_twin_and_conserves(
        mut pair in pair(),
        steps in prop::collection::vec(
            (0u8..16, any::<[u16; 4]>(), any::<u32>(), any::<u32>()), 1..200),
    ) {
        for step in steps {
            pair.step(step);
            pair.compare();
        }
    }

    #[test]
    fn a_day_undone_backwards_hashes_as_before(
        mut pair in pair(),
        steps in prop::collection::vec(
            (0u8..11, any::<[u16; 4]>(), any::<u32>(), any::<u32>()), 1..200),
    ) {
        let start = pair.ledger.hash();
        for step in steps {
            pair.step(step);
        }
        while !pair.naive.orders.is_empty() {
            pair.cancel(0, 0);
        }
        while let Some(fill) = pair.fills.pop() {
            // With little room, a trade can be in the way of an older one's pair.
            prop_assume!(pair.ledger.unsettle(&fill).is_ok());
            pair.ledger.audit().unwrap();
        }
        prop_assert_eq!(pair.ledger.hash(), start);
    }
}
