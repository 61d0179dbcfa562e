//! A desk and a venue with a connection between them that is under the test's control, and what
//! must hold after every step.

use super::venue::{Stands, Venue, names};
use crate::working::NOBODY;
use crate::{Desk, DeskConfig, DeskEvent, OrderWire};
use algos::What;
use risk::{Ask, GateLimits, KillReason, OrderLimits, Quote, Refusal, Restriction, TickerLimits};
use std::collections::{BTreeMap, BTreeSet};
use types::{OrderSide, Price, Qty, Side, Ticker, TimeInForce, UserRef};

/// What the desk sends, until the test moves it on.
#[derive(Default)]
pub(super) struct Pipe {
    pub(super) out: Vec<Vec<u8>>,
    pub(super) room: usize,
}

impl OrderWire for Pipe {
    fn has_room(&self, _len: usize) -> bool {
        self.out.len() < self.room
    }

    fn send(&mut self, _now_ns: u64, message: &[u8]) -> bool {
        let fits = self.out.len() < self.room;
        if fits {
            self.out.push(message.to_vec());
        }
        fits
    }
}

pub(super) fn config(slots: usize) -> DeskConfig {
    let order = OrderLimits { qty_max: Qty(100_000), notional_max: u64::MAX, collar_bps: 0 };
    let limits = GateLimits {
        order,
        account_exposure_max: u64::MAX,
        account_gross_shares_max: u64::MAX,
        open_orders_max: 1_000,
        orders_per_second_max: u32::MAX,
        messages_per_second_max: u32::MAX,
        duplicate_window_ns: 0,
        duplicates_max: 0,
        loss_max: 0,
        runaway_refusals_max: 0,
        stale_is_refused: true,
        suspect_is_refused: true,
        market_orders: true,
    };
    let ticker = TickerLimits {
        position_max: u64::MAX / 4,
        exposure_max: u64::MAX,
        open_orders_max: 1_000,
        restriction: Restriction::None,
        locate_shares: u64::MAX / 4,
        tick: Price(0),
    };
    let ticker_limits = vec![ticker; 2];
    DeskConfig {
        tickers: names(),
        slots,
        limits,
        ticker_limits,
        firm: None,
        answer_timeout_ns: 1_000,
    }
}

pub(super) fn ask(ticker: u16, side: OrderSide, qty: u32, price: u32) -> Ask {
    Ask {
        ticker: Ticker(ticker),
        side,
        qty: Qty(qty),
        price: Price(price),
        tif: TimeInForce::Day,
        post_only: false,
    }
}

/// See the module.
pub(super) struct Floor {
    pub(super) desk: Desk,
    pub(super) venue: Venue,
    pub(super) pipe: Pipe,
    pub(super) now_ns: u64,
    pub(super) up: bool,
    /// Messages of the venue's log that the desk has had.
    pub(super) heard: usize,
    pub(super) events: Vec<DeskEvent>,
    /// Orders that were asked for and have not ended.
    open: BTreeSet<UserRef>,
    /// Replacements and whose place they are to take.
    pending: BTreeMap<UserRef, UserRef>,
    ended: BTreeSet<UserRef>,
}

impl Floor {
    pub(super) fn new(slots: usize) -> Floor {
        Floor {
            desk: Desk::new(&config(slots)),
            venue: Venue::new(),
            pipe: Pipe { out: Vec::new(), room: 0 },
            now_ns: 1,
            up: false,
            heard: 0,
            events: Vec::new(),
            open: BTreeSet::new(),
            pending: BTreeMap::new(),
            ended: BTreeSet::new(),
        }
    }

    /// Logged in and reconciled.
    pub(super) fn started(slots: usize) -> Floor {
        let mut floor = Floor::new(slots);
        floor.settle();
        assert!(floor.desk.can_trade());
        floor
    }

    pub(super) fn login(&mut self) {
        if !self.up {
            self.up = true;
            self.pipe.room = 64;
            let session = self.venue.session;
            self.desk.on_login(self.now_ns, &session, self.heard as u64 + 1);
        }
    }

    /// The connection goes when the venue has taken so many of the requests on their way.
    pub(super) fn drop_line(&mut self, taken: usize) {
        self.flush();
        for _ in 0..taken {
            self.venue.take();
        }
        self.venue.inbox.clear();
        self.up = false;
        self.pipe.room = 0;
        self.desk.on_disconnected(self.now_ns);
    }

    pub(super) fn flush(&mut self) {
        self.venue.inbox.extend(self.pipe.out.drain(..));
    }

    pub(super) fn take(&mut self, count: usize) {
        self.flush();
        for _ in 0..count {
            self.venue.take();
        }
    }

    /// Lets the desk hear so many messages.
    pub(super) fn deliver(&mut self, count: usize) {
        for _ in 0..count {
            if !self.up || self.heard == self.venue.log.len() {
                return;
            }
            let message = self.venue.log[self.heard].0.clone();
            self.heard += 1;
            let event = self.desk.on_message(self.now_ns, &message, &mut self.pipe);
            self.see(event);
        }
    }

    pub(super) fn poll(&mut self) {
        for _ in 0..10_000 {
            let event = self.desk.poll(self.now_ns, &mut self.pipe);
            if event.is_none() {
                return;
            }
            self.see(event);
        }
        panic!("a poll without end");
    }

    pub(super) fn enter(&mut self, ask: &Ask) -> Result<UserRef, Refusal> {
        let entered = self.desk.enter(self.now_ns, ask, Quote::default(), &mut self.pipe);
        if let Ok(user_ref) = entered {
            assert!(self.open.insert(user_ref), "a number twice");
        }
        entered
    }

    pub(super) fn replace(
        &mut self,
        old: UserRef,
        qty: u32,
        price: u32,
    ) -> Result<UserRef, Refusal> {
        let at = Quote::default();
        let (qty, price) = (Qty(qty), Price(price));
        let new = self.desk.replace(self.now_ns, old, qty, price, at, &mut self.pipe);
        if let Ok(new) = new {
            assert!(self.open.insert(new), "a number twice");
            self.pending.insert(new, old);
        }
        new
    }

    pub(super) fn cancel(&mut self, user_ref: UserRef) -> bool {
        self.desk.cancel(self.now_ns, user_ref, &mut self.pipe)
    }

    /// Everything under way arrives.
    pub(super) fn settle(&mut self) {
        for _ in 0..50 {
            self.login();
            self.poll();
            self.take(1_000);
            self.deliver(1_000);
            self.now_ns += 300;
        }
        self.poll();
    }

    fn finish(&mut self, user_ref: UserRef) {
        assert!(self.open.remove(&user_ref), "{user_ref} ended, and was not open");
        assert!(self.ended.insert(user_ref), "{user_ref} ended twice");
        self.pending.remove(&user_ref);
        // Its replacement never lives.
        let void = self.pending.iter().find(|(_, old)| **old == user_ref).map(|(new, _)| *new);
        if let Some(new) = void {
            self.finish(new);
        }
    }

    fn see(&mut self, event: Option<DeskEvent>) {
        let Some(event) = event else { return };
        self.events.push(event);
        match event {
            DeskEvent::Fill(fill) => {
                assert!(self.open.contains(&fill.user_ref), "a fill of {}", fill.user_ref);
                if fill.leaves == Qty::ZERO {
                    self.finish(fill.user_ref);
                }
            }
            DeskEvent::Order(report) => {
                let order = report.order.user_ref;
                match report.what {
                    What::Broken { .. } | What::Corrected { .. } => return,
                    What::Replaced { old } => {
                        match self.pending.remove(&order) {
                            Some(of) => assert_eq!(of, old),
                            None => assert!(self.open.insert(order), "known, and not asked for"),
                        }
                        self.finish(old);
                    }
                    What::ReplaceFailed { new, .. } => self.finish(new),
                    What::Recovered => assert!(self.open.insert(order)),
                    _ => {}
                }
                if report.order.leaves == Qty::ZERO {
                    self.finish(order);
                }
            }
            DeskEvent::Connected | DeskEvent::Killed(_) => {}
        }
    }

    /// What holds at all times.
    pub(super) fn check(&self) {
        let desk = &self.desk;
        let c = desk.counters();
        assert_eq!((c.unexpected, c.unreadable), (0, 0), "{c:?}");
        self.check_books();
        let live: BTreeSet<_> = desk.orders().map(|order| order.user_ref).collect();
        assert_eq!(live, self.open, "the orders told of are those that live");
        assert_eq!(desk.live_orders() as usize, live.len());
    }

    /// The gate's figures are the orders', and the venue's as far as it was heard.
    pub(super) fn check_books(&self) {
        let desk = &self.desk;
        let ledger = self.venue.ledger(self.heard);
        for (at, name) in names().iter().enumerate() {
            let ticker = Ticker(at as u16);
            let position = desk.gate().position(ticker);
            let (shares, cash) = ledger.get(&name.0).copied().unwrap_or_default();
            assert_eq!((position.shares, position.cash()), (shares, cash), "{name}");
            let mine = || desk.orders().filter(move |order| order.ticker == ticker);
            for side in [Side::Buy, Side::Sell] {
                let here = || mine().filter(move |order| order.side.side() == side);
                let open = here().map(|order| u64::from(order.leaves.0)).sum::<u64>();
                let value = here().map(|order| order.price.notional(order.leaves)).sum::<u64>();
                let prices = here().map(|order| order.price);
                let (told, worth, best) = match side {
                    Side::Buy => (position.open_buy, position.open_buy_value, prices.max()),
                    Side::Sell => (position.open_sell, position.open_sell_value, prices.min()),
                };
                assert_eq!((told, worth), (open, value));
                assert_eq!(desk.own_best(ticker, side), best);
            }
            // A replacement is no order more while its order lives.
            let waits = |user_ref| desk.orders.get(user_ref).unwrap().replaces != NOBODY;
            let count = mine().filter(|order| !waits(order.user_ref)).count();
            assert_eq!(position.open_orders as usize, count);
        }
    }

    /// What holds when nothing is under way.
    pub(super) fn check_settled(&self) {
        self.check();
        let c = self.desk.counters();
        let ours: BTreeMap<u32, Stands> = self.desk.orders().map(stands).collect();
        assert_eq!(ours, self.venue.live, "the venue's orders are ours");
        let answered = c.accepted + c.replaced + c.rejected + c.replaces_void + c.lost;
        assert_eq!(c.sent + c.replaces_sent, answered, "{c:?}");
        assert!(self.pending.is_empty());
        assert!(self.desk.killed().is_some() || self.desk.can_trade());
        assert_eq!(self.heard, self.venue.log.len());
    }

    /// A new desk that hears the session from its first message comes to the same.
    pub(super) fn check_restart(&mut self) {
        let positions: Vec<_> = (0..2).map(|at| self.desk.gate().position(Ticker(at))).collect();
        let orders: BTreeMap<_, _> = self.desk.orders().map(stands).collect();
        self.drop_line(0);
        self.desk = Desk::new(&config(64));
        (self.heard, self.open) = (0, BTreeSet::new());
        self.pending.clear();
        self.ended.clear();
        self.settle();
        self.check();
        let next = self.desk.orders.next();
        assert!(next >= self.venue.next);
        for (at, was) in positions.iter().enumerate() {
            assert_eq!(self.desk.gate().position(Ticker(at as u16)), *was);
        }
        assert_eq!(self.desk.orders().map(stands).collect::<BTreeMap<_, _>>(), orders);
        assert!(self.desk.can_trade());
    }

    pub(super) fn kills(&self) -> Vec<KillReason> {
        let killed = |event: &DeskEvent| match event {
            DeskEvent::Killed(reason) => Some(*reason),
            _ => None,
        };
        self.events.iter().filter_map(killed).collect()
    }
}

fn stands(order: algos::OrderView) -> (u32, Stands) {
    let stands = Stands {
        symbol: names()[usize::from(order.ticker.0)].0,
        side: order.side.letter(),
        price: order.price.0,
        leaves: order.leaves.0,
        executed: order.executed.0,
        reference: order.reference.unwrap().0,
    };
    (order.user_ref.0, stands)
}
