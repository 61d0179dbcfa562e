//! A core between a feed in words and a venue that answers when told to, with a wire that keeps
//! what left and what was refused.

use super::say::{self, NAMES, Told};
use crate::{Answer, Command, Core, CoreConfig, Desk, DeskConfig, OrderWire, Refused, Silence};
use algos::{Context, Fill, OrderReport, ParamSpec, SessionEvent, Strategy};
use book::Capacity;
use market::{Lie, Market, MarketConfig, News, Trade};
use risk::{Ask, GateLimits, OrderLimits, Refusal, Restriction, TickerLimits};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use types::{OrderSide, Price, Qty, Symbol, Ticker, TimeInForce, TradingState, UserRef};
use wire::IntoBytes;
use wire::ouch::inbound::{self, EnterOrder};
use wire::ouch::outbound::*;

pub(super) const A: Ticker = Ticker(0);
pub(super) const B: Ticker = Ticker(1);
/// Ten in the morning.
pub(super) const START_NS: u64 = 36_000_000_000_000;
pub(super) const MS_NS: u64 = 1_000_000;

/// Keeps what left; `room` messages fit before the test takes them off.
pub(super) struct Wire {
    pub(super) out: Vec<Vec<u8>>,
    pub(super) room: usize,
    pub(super) refused: Vec<Refused>,
    /// All that ever left, by its type, and a hash over its bytes.
    pub(super) left: [u64; 128],
    pub(super) hash: u64,
}

impl OrderWire for Wire {
    fn has_room(&self, _len: usize) -> bool {
        self.out.len() < self.room
    }

    fn send(&mut self, _now_ns: u64, message: &[u8]) -> bool {
        let fits = self.out.len() < self.room;
        if fits {
            self.out.push(message.to_vec());
            self.left[usize::from(message[0] & 127)] += 1;
            let add =
                |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3);
            self.hash = message.iter().fold(self.hash, add);
        }
        fits
    }

    fn refused(&mut self, refused: &Refused) {
        self.refused.push(*refused);
    }
}

/// What a strategy was told, with what it saw at that moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Heard {
    Status(Ticker, Option<Lie>, TradingState),
    /// The print told, and whether the context shows the same.
    Trade(Ticker, u64, bool),
    /// Whether the top changed; best bid and offer.
    Book(Ticker, bool, [Option<u32>; 2]),
    /// The fill's shares; shares held and what the order has left.
    Fill(u32, i64, Option<u32>),
    Order(OrderReport),
    Timer(u64),
    Session(SessionEvent),
}

/// What a strategy is to do at the next call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    Enter(Ask),
    Cancel(UserRef),
    Replace(UserRef, u32, u32),
}

/// What test and strategy share.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) heard: Vec<Heard>,
    pub(super) wishes: VecDeque<Wish>,
    pub(super) got: Vec<Result<UserRef, Refusal>>,
    pub(super) period_ns: u64,
    pub(super) value: i64,
}

/// Writes down what it hears and does what it is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Scribe(pub(super) Rc<RefCell<Log>>);

impl Scribe {
    fn note<C: Context>(&self, heard: Heard, ctx: &mut C) {
        self.0.borrow_mut().heard.push(heard);
        loop {
            let Some(wish) = self.0.borrow_mut().wishes.pop_front() else { return };
            let got = match wish {
                Wish::Enter(ask) => ctx.enter(&ask),
                Wish::Replace(order, qty, price) => ctx.replace(order, Qty(qty), Price(price)),
                Wish::Cancel(order) => ctx.cancel(order).then_some(order).ok_or(Refusal::Killed),
            };
            self.0.borrow_mut().got.push(got);
        }
    }
}

impl Strategy for Scribe {
    fn on_book<C: Context>(&mut self, ticker: Ticker, news: News, ctx: &mut C) {
        let top = ctx.top(ticker);
        let best = [top.bid, top.ask].map(|level| level.map(|level| level.price.0));
        self.note(Heard::Book(ticker, news.has(News::TOP), best), ctx);
    }

    fn on_trade<C: Context>(&mut self, ticker: Ticker, trade: &Trade, ctx: &mut C) {
        let same = ctx.last_trade(ticker) == Some(*trade);
        self.note(Heard::Trade(ticker, trade.qty, same), ctx);
    }

    fn on_status<C: Context>(&mut self, ticker: Ticker, ctx: &mut C) {
        let status = ctx.status(ticker);
        self.note(Heard::Status(ticker, status.suspect, status.trading), ctx);
    }

    fn on_fill<C: Context>(&mut self, fill: &Fill, ctx: &mut C) {
        let held = ctx.position(fill.ticker).shares;
        let leaves = ctx.order(fill.user_ref).map(|order| order.leaves.0);
        self.note(Heard::Fill(fill.qty.0, held, leaves), ctx);
    }

    fn on_order<C: Context>(&mut self, report: &OrderReport, ctx: &mut C) {
        self.note(Heard::Order(*report), ctx);
    }

    fn on_timer<C: Context>(&mut self, ctx: &mut C) {
        self.note(Heard::Timer(ctx.host_ns()), ctx);
    }

    fn on_session<C: Context>(&mut self, event: SessionEvent, ctx: &mut C) {
        self.note(Heard::Session(event), ctx);
    }

    fn timer_ns(&self) -> u64 {
        self.0.borrow().period_ns
    }

    fn params(&self) -> &'static [ParamSpec] {
        &[ParamSpec { name: "any", min: 0, max: 1_000_000_000, default: 0, help: "" }]
    }

    fn param(&self, _at: usize) -> i64 {
        self.0.borrow().value
    }

    fn set_param(&mut self, _at: usize, value: i64) {
        let mut log = self.0.borrow_mut();
        (log.value, log.period_ns) = (value, value as u64);
    }
}

pub(super) fn limits() -> GateLimits {
    let order = OrderLimits { qty_max: Qty(100_000), notional_max: u64::MAX, collar_bps: 0 };
    GateLimits {
        order,
        account_exposure_max: u64::MAX,
        account_gross_shares_max: u64::MAX,
        open_orders_max: 10_000,
        orders_per_second_max: u32::MAX,
        messages_per_second_max: u32::MAX,
        duplicate_window_ns: 0,
        duplicates_max: 0,
        loss_max: 0,
        runaway_refusals_max: 0,
        stale_is_refused: true,
        suspect_is_refused: true,
        market_orders: true,
    }
}

pub(super) fn ticker_limits() -> TickerLimits {
    TickerLimits {
        position_max: u64::MAX / 4,
        exposure_max: u64::MAX,
        open_orders_max: 10_000,
        restriction: Restriction::None,
        locate_shares: u64::MAX / 4,
        tick: Price(0),
    }
}

pub(super) fn names() -> Vec<Symbol> {
    NAMES[..2].iter().map(|name| Symbol(**name)).collect()
}

pub(super) fn ask(ticker: Ticker, side: OrderSide, qty: u32, price: u32) -> Ask {
    let (qty, price, tif) = (Qty(qty), Price(price), TimeInForce::Day);
    Ask { ticker, side, qty, price, tif, post_only: false }
}

/// A venue that takes every order and fills what it is told to.
#[derive(Default)]
pub(super) struct Venue {
    /// Orders with what is left and what its chain has executed.
    live: BTreeMap<u32, (EnterOrder, u32, u32)>,
    next: u32,
    matches: u64,
}

impl Venue {
    /// The answers to a request.
    pub(super) fn answers(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        self.next = self.next.max(1);
        match inbound::parse(request).unwrap() {
            inbound::Message::EnterOrder(m, _) => {
                let user_ref = m.user_ref_num.get();
                self.next = user_ref + 1;
                self.live.insert(user_ref, (*m, m.quantity.get(), 0));
                Some(self.accepted(m))
            }
            inbound::Message::ReplaceOrder(m, _) => {
                let (orig, user_ref) = (m.orig_user_ref_num.get(), m.user_ref_num.get());
                self.next = user_ref + 1;
                let Some((was, left, executed)) = self.live.remove(&orig) else {
                    return Some(rejected(user_ref));
                };
                let leaves = m.quantity.get().saturating_sub(executed);
                if leaves == 0 {
                    return Some(canceled(orig, left));
                }
                let is = EnterOrder { quantity: leaves.into(), price: m.price, ..was };
                self.live.insert(user_ref, (is, leaves, executed));
                Some(self.replaced(m, &is))
            }
            inbound::Message::CancelOrder(m, ..) => {
                let (_, leaves, _) = self.live.remove(&m.user_ref_num.get())?;
                Some(canceled(m.user_ref_num.get(), leaves))
            }
            inbound::Message::AccountQuery(..) => {
                let answer = AccountQueryResponse {
                    message_type: AccountQueryResponse::TYPE,
                    timestamp: 1.into(),
                    next_user_ref_num: self.next.into(),
                };
                Some(answer.as_bytes().to_vec())
            }
            other => panic!("{other:?}"),
        }
    }

    fn accepted(&mut self, m: &EnterOrder) -> Vec<u8> {
        self.matches += 1;
        let answer = OrderAccepted {
            message_type: OrderAccepted::TYPE,
            timestamp: 1.into(),
            user_ref_num: m.user_ref_num,
            side: m.side,
            quantity: m.quantity,
            symbol: m.symbol,
            price: m.price,
            time_in_force: m.time_in_force,
            display: m.display,
            order_reference_number: (1_000_000 + self.matches).into(),
            capacity: m.capacity,
            inter_market_sweep_eligibility: b'N',
            cross_type: b'N',
            order_state: b'L',
            clordid: m.clordid,
            appendage_length: 0.into(),
        };
        answer.as_bytes().to_vec()
    }

    fn replaced(&mut self, m: &inbound::ReplaceOrder, is: &EnterOrder) -> Vec<u8> {
        self.matches += 1;
        let answer = OrderReplaced {
            message_type: OrderReplaced::TYPE,
            timestamp: 1.into(),
            orig_user_ref_num: m.orig_user_ref_num,
            user_ref_num: m.user_ref_num,
            side: is.side,
            quantity: is.quantity,
            symbol: is.symbol,
            price: m.price,
            time_in_force: m.time_in_force,
            display: m.display,
            order_reference_number: (1_000_000 + self.matches).into(),
            capacity: b'P',
            inter_market_sweep_eligibility: b'N',
            cross_type: b'N',
            order_state: b'L',
            clordid: m.clordid,
            appendage_length: 0.into(),
        };
        answer.as_bytes().to_vec()
    }

    /// A fill of the live order at `at`, counted around, at its limit.
    pub(super) fn fill(&mut self, at: usize, qty: u32) -> Option<Vec<u8>> {
        let count = self.live.len();
        let user_ref = *self.live.keys().nth(at.checked_rem(count)?)?;
        let (order, leaves, executed) = self.live.get_mut(&user_ref)?;
        let (qty, price) = (qty.clamp(1, *leaves), order.price.get());
        (*leaves, *executed) = (*leaves - qty, *executed + qty);
        if *leaves == 0 {
            self.live.remove(&user_ref);
        }
        self.matches += 1;
        Some(traded(user_ref, qty, price, self.matches))
    }
}

pub(super) fn traded(user_ref: u32, qty: u32, price: u64, match_id: u64) -> Vec<u8> {
    let m = OrderExecuted {
        message_type: OrderExecuted::TYPE,
        timestamp: 1.into(),
        user_ref_num: user_ref.into(),
        quantity: qty.into(),
        price: price.into(),
        liquidity_flag: b'A',
        match_number: match_id.into(),
        appendage_length: 0.into(),
    };
    m.as_bytes().to_vec()
}

fn canceled(user_ref: u32, qty: u32) -> Vec<u8> {
    let m = OrderCanceled {
        message_type: OrderCanceled::TYPE,
        timestamp: 1.into(),
        user_ref_num: user_ref.into(),
        quantity: qty.into(),
        cancel_order_reason: b'U',
    };
    m.as_bytes().to_vec()
}

fn rejected(user_ref: u32) -> Vec<u8> {
    let m = Rejected {
        message_type: Rejected::TYPE,
        timestamp: 1.into(),
        user_ref_num: user_ref.into(),
        rejected_order_reason: 0x15.into(),
        clordid: [b' '; 14],
    };
    m.as_bytes().to_vec()
}

/// See the module.
pub(super) struct Rig<S> {
    pub(super) core: Core<S>,
    pub(super) wire: Wire,
    pub(super) venue: Venue,
    pub(super) now_ns: u64,
    /// The feed's time: ten, too, but small beside a recorded morning, of which it may go back.
    pub(super) feed_ns: u64,
    pub(super) heard: u64,
    /// ITCH messages told, snapshots' too.
    pub(super) told: u64,
}

impl<S: Strategy> Rig<S> {
    pub(super) fn new(strategy: S, config: CoreConfig, limits: GateLimits) -> Rig<S> {
        Rig::of(names(), strategy, config, limits, ticker_limits())
    }

    pub(super) fn of(
        tickers: Vec<Symbol>,
        strategy: S,
        config: CoreConfig,
        limits: GateLimits,
        each: TickerLimits,
    ) -> Rig<S> {
        let mut market = Market::new(&MarketConfig {
            capacity: Capacity { orders: 1_024, levels: 256, books: 64 },
            tickers: tickers.clone(),
            only_tickers: false,
            tape_len: 64,
        })
        .unwrap();
        if tickers != names() {
            // A recorded morning, from the middle on.
            market.join_late();
        }
        let desk = Desk::new(&DeskConfig {
            ticker_limits: vec![each; tickers.len()],
            tickers: tickers.clone(),
            slots: 256,
            limits,
            firm: None,
            answer_timeout_ns: 0,
        });
        Rig {
            core: Core::new(market, desk, strategy, config),
            wire: Wire {
                out: Vec::new(),
                room: usize::MAX,
                refused: Vec::new(),
                left: [0; 128],
                hash: 0,
            },
            venue: Venue::default(),
            now_ns: START_NS,
            feed_ns: if tickers == names() { START_NS } else { 1 },
            heard: 0,
            told: 0,
        }
    }

    /// Listed, open and connected.
    pub(super) fn ready(mut self) -> Rig<S> {
        self.list();
        self.connect();
        assert!(self.core.desk().can_trade());
        self
    }

    pub(super) fn list(&mut self) {
        self.tell(A, Told::Directory { name: 0, lot: 100 });
        self.tell(B, Told::Directory { name: 1, lot: 100 });
        self.tell(A, Told::Event { letter: b'Q' });
    }

    pub(super) fn connect(&mut self) {
        self.core.on_login(self.now_ns, b"DAY1      ", self.heard + 1);
        self.tick();
        self.answer();
        self.tick();
    }

    /// Says something of a ticker's locate.
    pub(super) fn tell(&mut self, of: Ticker, told: Told) {
        self.feed_ns += 1;
        let message = say::bytes(of.0 + 1, self.feed_ns, &told);
        self.itch(&message);
    }

    pub(super) fn itch(&mut self, message: &[u8]) {
        self.told += 1;
        self.core.on_itch(self.now_ns, message, &mut self.wire);
    }

    pub(super) fn snapshot(&mut self, of: Ticker, told: Told) {
        self.told += 1;
        self.core.on_snapshot(self.now_ns, &say::bytes(of.0 + 1, self.feed_ns, &told));
    }

    pub(super) fn feed_session(&mut self) {
        self.core.on_feed_session(self.now_ns, &mut self.wire);
    }

    pub(super) fn ouch(&mut self, message: &[u8]) {
        self.heard += 1;
        self.core.on_ouch(self.now_ns, message, &mut self.wire);
    }

    /// Both sides of a ticker's book, 100 shares each.
    pub(super) fn quote(&mut self, of: Ticker, bid: u32, ask: u32) {
        let id = u64::from(of.0) * 10;
        let (name, mpid) = (usize::from(of.0), false);
        self.tell(of, Told::Add { id, letter: b'B', qty: 100, name, price: bid, mpid });
        self.tell(of, Told::Add { id: id + 1, letter: b'S', qty: 100, name, price: ask, mpid });
    }

    /// A tick a millisecond later.
    pub(super) fn tick(&mut self) -> usize {
        self.now_ns = self.now_ns.saturating_add(MS_NS);
        self.core.tick(self.now_ns, Silence::default(), &mut self.wire)
    }

    pub(super) fn silent(&mut self, feed_ns: u64, control_ns: u64) {
        self.core.tick(self.now_ns, Silence { feed_ns, control_ns }, &mut self.wire);
    }

    /// The venue takes what was sent, and what it says is heard; so often that all is quiet, unless
    /// a strategy answers each answer with a request.
    pub(super) fn answer(&mut self) {
        for _ in 0..16 {
            let requests = std::mem::take(&mut self.wire.out);
            for request in requests {
                if let Some(answer) = self.venue.answers(&request) {
                    self.ouch(&answer);
                }
            }
        }
    }

    pub(super) fn disconnect(&mut self) {
        self.wire.out.clear();
        self.core.on_disconnected(self.now_ns, &mut self.wire);
    }

    pub(super) fn command(&mut self, command: Command) -> Vec<Answer> {
        let mut answers = Vec::new();
        self.core.command(self.now_ns, command, &mut self.wire, |answer| answers.push(answer));
        answers
    }

    /// The numbers of what was sent of a type and lies in the wire.
    pub(super) fn sent(&self, kind: u8) -> Vec<u32> {
        let of_kind = self.wire.out.iter().filter(|message| message[0] == kind);
        // The number stands behind the type, in all but a replacement the order's own.
        of_kind.map(|m| u32::from_be_bytes([m[1], m[2], m[3], m[4]])).collect()
    }

    pub(super) fn live(&self) -> Vec<u32> {
        self.core.desk().orders().map(|order| order.user_ref.0).collect()
    }

    /// What must hold whatever came in.
    pub(super) fn check(&self) {
        let (market, desk) = (self.core.market(), self.core.desk());
        let c = market.counters();
        assert_eq!(c.messages, self.told);
        assert_eq!(c.messages, market.by_type().iter().sum::<u64>() + c.unreadable);
        let gate = desk.gate();
        assert_eq!(gate.refused().iter().sum::<u64>(), self.wire.refused.len() as u64);
        let mut open_orders = 0;
        for ticker in [A, B] {
            let position = gate.position(ticker);
            let open: u64 =
                desk.orders().filter(|o| o.ticker == ticker).map(|o| u64::from(o.leaves.0)).sum();
            assert_eq!(position.open_buy + position.open_sell, open);
            assert!(position.average_price().is_none_or(f64::is_finite));
            assert!(position.shares.unsigned_abs() <= position.traded);
            open_orders += position.open_orders;
        }
        assert_eq!(gate.open_orders(), open_orders);
        assert!(desk.killed().is_none() || !desk.can_trade());
    }
}

impl Rig<Scribe> {
    pub(super) fn scribe(config: CoreConfig, limits: GateLimits) -> Rig<Scribe> {
        Rig::new(Scribe::default(), config, limits)
    }

    /// Ready, with both books quoted at 90 and 110, and nothing heard so far.
    pub(super) fn quoted(config: CoreConfig, limits: GateLimits) -> Rig<Scribe> {
        let mut rig = Rig::scribe(config, limits).ready();
        rig.quote(A, 9_000, 11_000);
        rig.quote(B, 9_000, 11_000);
        rig.take_heard();
        rig
    }

    pub(super) fn log(&self) -> std::cell::RefMut<'_, Log> {
        self.core.strategy().0.borrow_mut()
    }

    pub(super) fn take_heard(&self) -> Vec<Heard> {
        std::mem::take(&mut self.log().heard)
    }

    /// Has the strategy do something, through a call that tells it nothing else of note.
    pub(super) fn wish(&mut self, wish: Wish) -> Result<UserRef, Refusal> {
        self.log().wishes.push_back(wish);
        self.core.on_feed_end(self.now_ns, &mut self.wire);
        let mut log = self.log();
        assert_eq!(log.heard.pop(), Some(Heard::Session(SessionEvent::FeedEnded)));
        log.got.pop().expect("it was done")
    }

    pub(super) fn enter(&mut self, ask: Ask) -> Result<UserRef, Refusal> {
        self.wish(Wish::Enter(ask))
    }

    /// So many live orders, in both tickers in turn.
    pub(super) fn with_orders(mut self, count: u32) -> Rig<Scribe> {
        for at in 0..count {
            let ticker = Ticker((at % 2) as u16);
            self.enter(ask(ticker, OrderSide::Buy, 100, 8_000 + at)).unwrap();
        }
        self.answer();
        assert_eq!(self.live().len() as u32, count);
        self.take_heard();
        self
    }
}
