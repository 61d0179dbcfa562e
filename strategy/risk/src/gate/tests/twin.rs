//! A naive gate: it keeps lists of everything that happened and computes all from them each time,
//! in `i128`. The real one must give the same answer at every step, and stand at the same figures.

use super::*;
use crate::recent::KEPT;
use proptest::prelude::*;
use proptest::sample::Index;

mod wishes;
use wishes::{both_limits, op};

const TICKERS: usize = 3;

/// An order, with the replacement under way.
#[derive(Clone, Copy, Debug)]
struct Open {
    ticker: usize,
    kind: OrderSide,
    leaves: u32,
    price: u32,
    replacement: Option<(u32, u32)>,
}

impl Open {
    fn as_old(&self) -> OpenOrder {
        let (leaves, price) = (Qty(self.leaves), Price(self.price));
        OpenOrder { ticker: Ticker(self.ticker as u16), side: self.kind, leaves, price }
    }
}

type Fill = (usize, Side, u32, u32);
type OrderKey = (usize, OrderSide, u32, u32);

/// Everything that ever happened.
struct Twin {
    limits: GateLimits,
    tickers: Vec<TickerLimits>,
    marks: Vec<Option<u32>>,
    open: Vec<Open>,
    fills: Vec<Fill>,
    admitted: Vec<(OrderKey, u64)>,
    /// When tokens were taken: of orders, of messages.
    taken: [Vec<u64>; 2],
    now_ns: u64,
    killed: Option<KillReason>,
    in_a_row: u32,
}

/// What is held after some trades, share count by share count.
#[derive(Default, PartialEq, Debug)]
struct Held {
    shares: i128,
    cost: i128,
    realised: i128,
    traded: i128,
}

impl Held {
    fn of<'a>(fills: impl Iterator<Item = &'a Fill>) -> Held {
        let mut held = Held::default();
        for &(_, side, qty, price) in fills {
            let (qty, price) = (i128::from(qty), i128::from(price));
            let sign = if side == Side::Buy { 1 } else { -1 };
            held.traded += qty;
            let closed = if held.shares * sign < 0 { qty.min(held.shares.abs()) } else { 0 };
            if closed > 0 {
                // The sign of what is held is the opposite of the trade's.
                let basis = -sign * (held.cost.abs() * closed / held.shares.abs());
                held.realised += -sign * closed * price - basis;
                held.cost -= basis;
                held.shares += sign * closed;
            }
            held.shares += sign * (qty - closed);
            held.cost += sign * (qty - closed) * price;
        }
        held
    }
}

impl Twin {
    fn held(&self, ticker: usize) -> Held {
        Held::of(self.fills.iter().filter(|fill| fill.0 == ticker))
    }

    /// Shares and worth of what works on a side, replacements with it.
    fn working(&self, ticker: usize, side: Side) -> (i128, i128) {
        let mut sum = (0, 0);
        for order in self.open.iter().filter(|o| o.ticker == ticker && o.kind.side() == side) {
            let parts = [Some((order.leaves, order.price)), order.replacement];
            for (qty, price) in parts.into_iter().flatten() {
                sum.0 += i128::from(qty);
                sum.1 += i128::from(qty) * i128::from(price);
            }
        }
        sum
    }

    /// Worst-case worth and shares, with `extra` working besides.
    fn weight(&self, ticker: usize, extra: Option<(Side, u32, u32)>) -> (i128, i128) {
        let held = self.held(ticker);
        let [mut buy, mut sell] = [Side::Buy, Side::Sell].map(|side| self.working(ticker, side));
        if let Some((side, qty, price)) = extra {
            let sum = if side == Side::Buy { &mut buy } else { &mut sell };
            sum.0 += i128::from(qty);
            sum.1 += i128::from(qty) * i128::from(price);
        }
        let gross = (held.shares + buy.0).max(sell.0 - held.shares).max(0);
        let exposure = match self.marks[ticker] {
            Some(mark) => gross * i128::from(mark),
            None => (held.cost.max(0) + buy.1).max((-held.cost).max(0) + sell.1),
        };
        (exposure, gross)
    }

    /// The account's worth and shares, one symbol having something extra.
    fn sums(&self, ticker: usize, extra: Option<(Side, u32, u32)>) -> (i128, i128) {
        let weights = (0..TICKERS).map(|t| self.weight(t, extra.filter(|_| t == ticker)));
        weights.fold((0, 0), |sum, weight| (sum.0 + weight.0, sum.1 + weight.1))
    }

    fn profit(&self) -> (i128, i128) {
        let mut sum = (0, 0);
        for ticker in 0..TICKERS {
            let held = self.held(ticker);
            sum.0 += held.realised;
            sum.1 += self.marks[ticker].map_or(0, |m| held.shares * i128::from(m) - held.cost);
        }
        sum
    }

    fn has_token(&self, which: usize, rate: u32) -> bool {
        let (cost, full) = (i128::from(SECOND_NS), i128::from(SECOND_NS) * i128::from(rate));
        let (mut level, mut at_ns) = (full, 0);
        for &taken_ns in &self.taken[which] {
            level = (level + i128::from(taken_ns - at_ns) * i128::from(rate)).min(full);
            level = (level - cost).max(-full);
            at_ns = taken_ns;
        }
        (level + i128::from(self.now_ns - at_ns) * i128::from(rate)).min(full) >= cost
    }

    fn is_duplicate(&self, key: OrderKey) -> bool {
        let recent = self.admitted.iter().rev().take(KEPT);
        let window_ns = self.limits.duplicate_window_ns;
        let equal = recent.filter(|(k, at_ns)| *k == key && self.now_ns - at_ns < window_ns);
        window_ns > 0
            && self.limits.duplicates_max > 0
            && equal.count() >= self.limits.duplicates_max as usize
    }

    fn verdict(&self, key: OrderKey, replaces: Option<u32>, at: &Quote) -> Result<(), Refusal> {
        let (ticker, kind, qty, price) = key;
        let limits = &self.limits;
        let row = self.tickers.get(ticker);
        let first = [
            (self.killed.is_some(), Refusal::Killed),
            (row.is_none(), Refusal::UnknownSymbol),
            (row.is_some_and(|r| r.restriction == Restriction::NoTrade), Refusal::Restricted),
            (at.halted, Refusal::Halted),
            (at.stale && limits.stale_is_refused, Refusal::Stale),
            (at.suspect && limits.suspect_is_refused, Refusal::Suspect),
            (qty == 0 || qty > limits.order.qty_max.0, Refusal::OrderQty),
        ];
        first_of(&first)?;
        self.price_verdict(key, replaces, at)?;
        self.sale_verdict(key, replaces.unwrap_or(0), at)?;
        let row = &self.tickers[ticker];
        let extra = Some((kind.side(), qty, price));
        let ((worth, _), (was, _)) = (self.weight(ticker, extra), self.weight(ticker, None));
        let (sums, were) = (self.sums(ticker, extra), self.sums(ticker, None));
        let over = |value: i128, max: u64, was: i128| value > i128::from(max) && value > was;
        let sign = if kind.side() == Side::Buy { 1 } else { -1 };
        let reach =
            self.held(ticker).shares * sign + self.working(ticker, kind.side()).0 + i128::from(qty);
        let new = replaces.is_none();
        let last = [
            (reach > i128::from(row.position_max), Refusal::Position),
            (over(worth, row.exposure_max, was), Refusal::Exposure),
            (over(sums.0, limits.account_exposure_max, were.0), Refusal::AccountExposure),
            (over(sums.1, limits.account_gross_shares_max, were.1), Refusal::GrossShares),
            (new && self.is_duplicate(key), Refusal::Duplicate),
            (!self.has_token(1, limits.messages_per_second_max), Refusal::MessageRate),
            (new && !self.has_token(0, limits.orders_per_second_max), Refusal::OrderRate),
        ];
        first_of(&last)
    }

    fn price_verdict(
        &self,
        (ticker, kind, qty, price): OrderKey,
        replaces: Option<u32>,
        at: &Quote,
    ) -> Result<(), Refusal> {
        let (limits, row) = (&self.limits, &self.tickers[ticker]);
        let market = price == Price::MARKET.0;
        let tick = row.tick.0.max(1);
        let bad = price == 0
            || price > Price::LIMIT_MAX.0
            || price >= 10_000 && !price.is_multiple_of(tick);
        let here = self.open.iter().filter(|o| o.ticker == ticker).count();
        let full = self.open.len() >= limits.open_orders_max as usize
            || here >= row.open_orders_max as usize;
        let buying = kind.side() == Side::Buy;
        // The price the order would go to, in a number that a market order fits too.
        let reach = match (market, buying) {
            (false, _) => i128::from(price),
            (true, true) => i128::MAX,
            (true, false) => 0,
        };
        let meets = |own: Option<Price>| {
            own.is_some_and(|own| {
                if buying { reach >= i128::from(own.0) } else { reach <= i128::from(own.0) }
            })
        };
        let touch = if buying { at.ask.or(at.bid) } else { at.bid.or(at.ask) };
        let touch = touch.map(|touch| i128::from(touch.0));
        let bps = i128::from(limits.order.collar_bps);
        let slack = touch.map_or(0, |touch| touch * bps / 10_000);
        let beyond =
            touch.is_some_and(
                |touch| {
                    if buying { reach > touch + slack } else { reach < touch - slack }
                },
            );
        let collared = bps > 0 && !market;
        let worth = match (market, buying) {
            (false, _) => i128::from(price),
            (true, true) => touch.unwrap_or(0) + slack,
            (true, false) => touch.unwrap_or(0),
        } * i128::from(qty);
        first_of(&[
            (market && !limits.market_orders, Refusal::MarketOrder),
            (!market && bad, Refusal::PriceInvalid),
            (replaces.is_none() && full, Refusal::OpenOrders),
            (meets(if buying { at.own_ask } else { at.own_bid }), Refusal::SelfCross),
            ((collared || market) && touch.is_none(), Refusal::PriceCollar),
            (collared && beyond, Refusal::PriceCollar),
            (worth > i128::from(limits.order.notional_max), Refusal::OrderNotional),
        ])
    }

    fn sale_verdict(
        &self,
        (ticker, kind, qty, price): OrderKey,
        replaces: u32,
        at: &Quote,
    ) -> Result<(), Refusal> {
        let row = &self.tickers[ticker];
        let shares = self.held(ticker).shares;
        let side = kind.side();
        let working = self.working(ticker, side).0 - i128::from(replaces) + i128::from(qty);
        let closable = if side == Side::Buy { -shares } else { shares }.max(0);
        let short = matches!(kind, OrderSide::SellShort | OrderSide::SellShortExempt);
        let too_low = price == Price::MARKET.0 || at.bid.is_none_or(|bid| price <= bid.0);
        let ruled = kind == OrderSide::SellShort && at.short_restricted;
        let closing = row.restriction == Restriction::CloseOnly;
        first_of(&[
            (closing && working > closable, Refusal::CloseOnly),
            (kind == OrderSide::Sell && working > closable, Refusal::ShortSaleFlag),
            (short && working - shares > i128::from(row.locate_shares), Refusal::Locate),
            (ruled && too_low, Refusal::ShortRestricted),
        ])
    }

    fn take(&mut self, verdict: Result<(), Refusal>, new: bool) {
        match verdict {
            Ok(()) => {
                self.in_a_row = 0;
                self.taken[1].push(self.now_ns);
                if new {
                    self.taken[0].push(self.now_ns);
                }
            }
            Err(Refusal::Killed) => {}
            Err(_) => {
                self.in_a_row += 1;
                let max = self.limits.runaway_refusals_max;
                if max > 0 && self.in_a_row >= max {
                    self.killed.get_or_insert(KillReason::Runaway);
                }
            }
        }
    }

    fn look_at_losses(&mut self) {
        let (realised, open) = self.profit();
        let max = i128::from(self.limits.loss_max);
        if max > 0 && realised + open < -max {
            self.killed.get_or_insert(KillReason::Loss);
        }
    }
}

fn first_of(checks: &[(bool, Refusal)]) -> Result<(), Refusal> {
    match checks.iter().find(|(fails, _)| *fails) {
        Some(&(_, refusal)) => Err(refusal),
        None => Ok(()),
    }
}

#[derive(Clone, Debug)]
enum Op {
    Enter(OrderKey, Quote),
    Replace(Index, u32, u32, Quote),
    Settle(Index, bool),
    Fill(Index, u32, u32),
    Done(Index),
    Adopt(usize, Side, u32, u32),
    Mark(usize, u32),
    Break(Index),
    Correct(Index, u32),
    CancelSent,
    Wait(u64),
    Back,
    Kill,
    Revive,
    Restrict(usize, Restriction),
    Limit(LimitName, u64),
    Locate(usize, u64),
}

/// Runs both at once.
struct Pair {
    gate: Gate,
    twin: Twin,
    firm: Arc<Firm>,
}

impl Pair {
    fn new(limits: GateLimits, tickers: Vec<TickerLimits>) -> Pair {
        let firm = Arc::new(Firm::new(u64::MAX));
        Pair {
            gate: Gate::new(limits, &tickers, Some(Arc::clone(&firm))),
            twin: Twin {
                limits,
                tickers,
                marks: vec![None; TICKERS],
                open: Vec::new(),
                fills: Vec::new(),
                admitted: Vec::new(),
                taken: [Vec::new(), Vec::new()],
                now_ns: 0,
                killed: None,
                in_a_row: 0,
            },
            firm,
        }
    }

    fn enter(&mut self, key: OrderKey, at: &Quote) {
        let (ticker, side, qty, price) = key;
        let wish = Ask { ticker: Ticker(ticker as u16), ..ask(side, qty, price) };
        let expected = self.twin.verdict(key, None, at);
        assert_eq!(self.gate.admit(self.twin.now_ns, &wish, at), expected);
        if expected.is_ok() {
            // While the check is off nothing is remembered.
            if self.twin.limits.duplicate_window_ns > 0 && self.twin.limits.duplicates_max > 0 {
                self.twin.admitted.push((key, self.twin.now_ns));
            }
            let (kind, leaves) = (side, qty);
            self.twin.open.push(Open { ticker, kind, leaves, price, replacement: None });
        }
        self.twin.take(expected, true);
    }

    fn replace(&mut self, order: &Index, qty: u32, price: u32, at: &Quote) {
        let Some(slot) = self.pick(order) else { return };
        let old = self.twin.open[slot];
        if old.replacement.is_some() || old.leaves == 0 {
            return;
        }
        let key = (old.ticker, old.kind, qty, price);
        let expected = self.twin.verdict(key, Some(old.leaves), at);
        let now_ns = self.twin.now_ns;
        let given = self.gate.admit_replace(now_ns, &old.as_old(), Qty(qty), Price(price), at);
        assert_eq!(given, expected);
        if expected.is_ok() {
            self.twin.open[slot].replacement = Some((qty, price));
        }
        self.twin.take(expected, false);
    }

    fn settle(&mut self, slot: usize, replaced: bool) {
        let old = self.twin.open[slot];
        let Some((qty, price)) = old.replacement else { return };
        if replaced && old.leaves > 0 {
            self.gate.on_replaced(&old.as_old());
            (self.twin.open[slot].leaves, self.twin.open[slot].price) = (qty, price);
        } else {
            self.gate.on_replace_failed(&old.as_old(), Qty(qty), Price(price));
        }
        self.twin.open[slot].replacement = None;
        self.twin.look_at_losses();
    }

    fn fill(&mut self, order: &Index, qty: u32, price: u32) {
        let Some(slot) = self.pick(order) else { return };
        let order = &mut self.twin.open[slot];
        let qty = qty.min(order.leaves);
        if qty == 0 {
            return;
        }
        order.leaves -= qty;
        let (ticker, side, limit) = (order.ticker, order.kind.side(), Price(order.price));
        self.twin.fills.push((ticker, side, qty, price));
        self.gate.on_fill(Ticker(ticker as u16), side, Qty(qty), Price(price), limit);
        self.twin.look_at_losses();
    }

    fn done(&mut self, order: &Index) {
        let Some(slot) = self.pick(order) else { return };
        self.settle(slot, false);
        let gone = self.twin.open.remove(slot);
        let old = gone.as_old();
        self.gate.release(old.ticker, gone.kind.side(), old.leaves, old.price);
        self.gate.on_done(old.ticker);
        self.twin.look_at_losses();
    }

    fn amend(&mut self, fill: &Index, is: Option<u32>) {
        if self.twin.fills.is_empty() {
            return;
        }
        let fill = self.twin.fills[fill.index(self.twin.fills.len())];
        let newest = self.twin.fills.iter().rposition(|f| *f == fill).unwrap();
        let (ticker, side, qty, was) = (Ticker(fill.0 as u16), fill.1, Qty(fill.2), Price(fill.3));
        if let Some(is) = is {
            self.twin.fills[newest].3 = is;
            self.gate.on_corrected(ticker, side, qty, was, Price(is));
        } else {
            self.twin.fills.remove(newest);
            self.gate.on_broken(ticker, side, qty, was);
        }
        self.twin.look_at_losses();
    }

    fn adopt(&mut self, ticker: usize, side: Side, qty: u32, price: u32) {
        let kind = if side == Side::Buy { OrderSide::Buy } else { OrderSide::SellShort };
        self.twin.open.push(Open { ticker, kind, leaves: qty, price, replacement: None });
        self.gate.adopt(Ticker(ticker as u16), side, Qty(qty), Price(price));
        self.twin.look_at_losses();
    }

    fn pick(&self, order: &Index) -> Option<usize> {
        (!self.twin.open.is_empty()).then(|| order.index(self.twin.open.len()))
    }

    fn run(&mut self, op: &Op) {
        match *op {
            Op::Enter(key, at) => self.enter(key, &at),
            Op::Replace(ref order, qty, price, at) => self.replace(order, qty, price, &at),
            Op::Settle(ref order, replaced) => {
                if let Some(slot) = self.pick(order) {
                    self.settle(slot, replaced);
                }
            }
            Op::Fill(ref order, qty, price) => self.fill(order, qty, price),
            Op::Done(ref order) => self.done(order),
            Op::Adopt(ticker, side, qty, price) => self.adopt(ticker, side, qty, price),
            Op::Break(ref fill) => self.amend(fill, None),
            Op::Correct(ref fill, is) => self.amend(fill, Some(is)),
            Op::Wait(ns) => self.twin.now_ns += ns,
            // Time that goes back is no time; the gate keeps the latest.
            Op::Back => {
                for told_ns in [self.twin.now_ns, 0] {
                    self.gate.on_cancel_sent(told_ns);
                    self.twin.taken[1].push(self.twin.now_ns);
                }
            }
            ref other => self.operate(other),
        }
    }

    fn operate(&mut self, op: &Op) {
        match *op {
            Op::Mark(ticker, price) => {
                self.gate.mark(Ticker(ticker as u16), Price(price));
                if self.twin.marks[ticker].replace(price) != Some(price) {
                    self.twin.look_at_losses();
                }
            }
            Op::CancelSent => {
                self.gate.on_cancel_sent(self.twin.now_ns);
                self.twin.taken[1].push(self.twin.now_ns);
            }
            Op::Kill => {
                self.twin.killed.get_or_insert(KillReason::Operator);
                self.gate.kill(KillReason::Operator, self.twin.now_ns);
            }
            Op::Revive => {
                (self.twin.killed, self.twin.in_a_row) = (None, 0);
                self.gate.revive();
            }
            Op::Restrict(ticker, restriction) => {
                self.twin.tickers[ticker].restriction = restriction;
                self.gate.restrict(Ticker(ticker as u16), restriction);
            }
            Op::Limit(name, value) => {
                let expected = self.twin.limits.set(name, value);
                assert_eq!(self.gate.set_limit(name, value), expected);
                if expected.is_ok() {
                    self.twin.look_at_losses();
                }
            }
            Op::Locate(ticker, value) => {
                self.twin.tickers[ticker].locate_shares = value;
                let (ticker, name) = (Ticker(ticker as u16), TickerLimitName::LocateShares);
                assert_eq!(self.gate.set_ticker_limit(ticker, name, value), Ok(()));
            }
            _ => {}
        }
    }

    fn compare(&self) {
        let (gate, twin) = (&self.gate, &self.twin);
        for ticker in 0..TICKERS {
            let position = gate.position(Ticker(ticker as u16));
            let held = twin.held(ticker);
            let figures = Held {
                shares: position.shares.into(),
                cost: position.cost.into(),
                realised: position.realised.into(),
                traded: position.traded.into(),
            };
            assert_eq!(figures, held);
            let works = |shares: u64, worth: u64| (i128::from(shares), i128::from(worth));
            let buys = works(position.open_buy, position.open_buy_value);
            let sells = works(position.open_sell, position.open_sell_value);
            assert_eq!(buys, twin.working(ticker, Side::Buy));
            assert_eq!(sells, twin.working(ticker, Side::Sell));
            assert_eq!(position.mark, twin.marks[ticker].map(Price));
            let count = twin.open.iter().filter(|o| o.ticker == ticker).count();
            assert_eq!(position.open_orders as usize, count);
        }
        let (exposure, gross) = twin.sums(0, None);
        assert_eq!((gate.exposure().into(), gate.gross_shares().into()), (exposure, gross));
        assert_eq!(self.firm.exposure(), gate.exposure());
        let profit = gate.profit();
        assert_eq!((profit.realised.into(), profit.open.into()), twin.profit());
        assert_eq!(gate.open_orders() as usize, twin.open.len());
        assert_eq!(gate.killed().map(|(reason, _)| reason), twin.killed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn the_gate_is_its_twin(
        (limits, ticker) in both_limits(),
        ops in prop::collection::vec(op(), 1..250),
    ) {
        let mut pair = Pair::new(limits, vec![ticker; TICKERS]);
        for op in &ops {
            pair.run(op);
            pair.compare();
        }
    }
}

/// The sequences above are worth something only if they reach every answer.
#[test]
fn the_twins_meet_every_refusal() {
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() };
    let rng = prop::test_runner::TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = prop::test_runner::TestRunner::new_with_rng(config, rng);
    let met = core::cell::RefCell::new([0u64; Refusal::COUNT]);
    let sequences = (both_limits(), prop::collection::vec(op(), 1..250));
    let ran = runner.run(&sequences, |((limits, ticker), ops)| {
        let mut pair = Pair::new(limits, vec![ticker; TICKERS]);
        ops.iter().for_each(|op| pair.run(op));
        met.borrow_mut().iter_mut().zip(pair.gate.refused()).for_each(|(sum, n)| *sum += n);
        Ok(())
    });
    assert!(ran.is_ok(), "{ran:?}");
    let elsewhere = [Refusal::NotConnected, Refusal::UnknownOrder, Refusal::FirmExposure];
    for refusal in Refusal::ALL.into_iter().filter(|r| !elsewhere.contains(r)) {
        assert!(met.borrow()[refusal as usize] > 0, "{refusal:?} was never met");
    }
}
