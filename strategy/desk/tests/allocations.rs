//! Orders, replacements, cancels, fills, busts and reconnects take nothing from the heap and give
//! nothing back.

use algos::OrderState;
use desk::{Desk, DeskConfig, OrderWire};
use heapwatch::thread_allocations;
use risk::{Ask, GateLimits, OrderLimits, Quote, Restriction, TickerLimits};
use types::{OrderSide, Price, Qty, Symbol, Ticker, TimeInForce, UserRef};
use wire::IntoBytes;
use wire::ouch::inbound::{self, Message};
use wire::ouch::outbound::{
    AccountQueryResponse, BrokenTrade, OrderAccepted, OrderCanceled, OrderExecuted, OrderReplaced,
};

#[global_allocator]
static ALLOC: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

const NAME: Symbol = Symbol(*b"AAPL    ");

/// A venue that answers at once, into room taken beforehand.
struct Echo {
    answers: Vec<[u8; 68]>,
    lens: Vec<usize>,
    next: u32,
}

impl Echo {
    fn say(&mut self, message: &[u8]) {
        let mut answer = [0; 68];
        answer[..message.len()].copy_from_slice(message);
        self.answers.push(answer);
        self.lens.push(message.len());
    }

    fn execute(&mut self, user_ref: u32, price: u64) {
        let m = OrderExecuted {
            message_type: OrderExecuted::TYPE,
            timestamp: 1.into(),
            user_ref_num: user_ref.into(),
            quantity: 1.into(),
            price: price.into(),
            liquidity_flag: b'A',
            match_number: u64::from(user_ref).into(),
            appendage_length: 0.into(),
        };
        self.say(m.as_bytes());
    }
}

impl OrderWire for Echo {
    fn has_room(&self, _len: usize) -> bool {
        self.answers.len() < self.answers.capacity()
    }

    fn send(&mut self, _now_ns: u64, message: &[u8]) -> bool {
        match inbound::parse(message) {
            Ok(Message::EnterOrder(m, _)) => {
                self.next = m.user_ref_num.get() + 1;
                let m = OrderAccepted {
                    message_type: OrderAccepted::TYPE,
                    timestamp: 1.into(),
                    user_ref_num: m.user_ref_num,
                    side: m.side,
                    quantity: m.quantity,
                    symbol: m.symbol,
                    price: m.price,
                    time_in_force: m.time_in_force,
                    display: m.display,
                    order_reference_number: 9.into(),
                    capacity: m.capacity,
                    inter_market_sweep_eligibility: b'N',
                    cross_type: b'N',
                    order_state: b'L',
                    clordid: m.clordid,
                    appendage_length: 0.into(),
                };
                self.say(m.as_bytes());
            }
            Ok(Message::ReplaceOrder(m, _)) => {
                self.next = m.user_ref_num.get() + 1;
                let m = OrderReplaced {
                    message_type: OrderReplaced::TYPE,
                    timestamp: 1.into(),
                    orig_user_ref_num: m.orig_user_ref_num,
                    user_ref_num: m.user_ref_num,
                    side: b'B',
                    quantity: m.quantity,
                    symbol: NAME.0,
                    price: m.price,
                    time_in_force: m.time_in_force,
                    display: m.display,
                    order_reference_number: 9.into(),
                    capacity: b'P',
                    inter_market_sweep_eligibility: b'N',
                    cross_type: b'N',
                    order_state: b'L',
                    clordid: m.clordid,
                    appendage_length: 0.into(),
                };
                self.say(m.as_bytes());
            }
            Ok(Message::CancelOrder(m, ..)) => {
                let m = OrderCanceled {
                    message_type: OrderCanceled::TYPE,
                    timestamp: 1.into(),
                    user_ref_num: m.user_ref_num,
                    quantity: 9.into(),
                    cancel_order_reason: b'U',
                };
                self.say(m.as_bytes());
            }
            Ok(Message::AccountQuery(..)) => {
                let m = AccountQueryResponse {
                    message_type: AccountQueryResponse::TYPE,
                    timestamp: 1.into(),
                    next_user_ref_num: self.next.into(),
                };
                self.say(m.as_bytes());
            }
            _ => return false,
        }
        true
    }
}

fn desk() -> Desk {
    let order = OrderLimits { qty_max: Qty(1_000), notional_max: u64::MAX, collar_bps: 0 };
    Desk::new(&DeskConfig {
        tickers: vec![NAME],
        slots: 64,
        limits: GateLimits {
            order,
            account_exposure_max: u64::MAX,
            account_gross_shares_max: u64::MAX,
            open_orders_max: 60,
            orders_per_second_max: u32::MAX,
            messages_per_second_max: u32::MAX,
            duplicate_window_ns: 1,
            duplicates_max: 100,
            loss_max: 0,
            runaway_refusals_max: 0,
            stale_is_refused: true,
            suspect_is_refused: true,
            market_orders: false,
        },
        ticker_limits: vec![TickerLimits {
            position_max: u64::MAX / 4,
            exposure_max: u64::MAX,
            open_orders_max: 60,
            restriction: Restriction::None,
            locate_shares: 0,
            tick: Price(0),
        }],
        firm: None,
        answer_timeout_ns: 1_000,
    })
}

/// Answers come in until there is no more to say.
fn settle(desk: &mut Desk, echo: &mut Echo, now_ns: u64, seq: &mut u64) {
    for _ in 0..4 {
        while desk.poll(now_ns, echo).is_some() {}
        for at in 0..echo.answers.len() {
            let (answer, len) = (echo.answers[at], echo.lens[at]);
            *seq += 1;
            let _ = desk.on_message(now_ns, &answer[..len], echo);
        }
        echo.answers.clear();
        echo.lens.clear();
    }
}

fn work(desk: &mut Desk, echo: &mut Echo, now_ns: u64, seq: &mut u64) {
    let ask = Ask {
        ticker: Ticker(0),
        side: OrderSide::Buy,
        qty: Qty(10),
        price: Price(10_000),
        tif: TimeInForce::Day,
        post_only: true,
    };
    let entered = desk.enter(now_ns, &ask, Quote::default(), echo);
    settle(desk, echo, now_ns, seq);
    let Ok(order) = entered else { return };
    let at = Quote::default();
    let replaced = desk.replace(now_ns, order, Qty(10), Price(10_001), at, echo);
    settle(desk, echo, now_ns, seq);
    let Ok(order) = replaced else { return };
    echo.execute(order.0, 10_001);
    settle(desk, echo, now_ns, seq);
    if order.0 % 7 == 0 {
        let m = BrokenTrade {
            message_type: BrokenTrade::TYPE,
            timestamp: 1.into(),
            user_ref_num: order.0.into(),
            match_number: u64::from(order.0).into(),
            broken_trade_reason: b'E',
            clordid: [b' '; 14],
        };
        echo.say(m.as_bytes());
        settle(desk, echo, now_ns, seq);
    }
    if order.0 % 5 == 0 {
        desk.on_disconnected(now_ns);
        desk.on_login(now_ns, b"DAY1      ", *seq + 1);
        settle(desk, echo, now_ns, seq);
    }
    assert_eq!(desk.order(order).map(|o| o.state), Some(OrderState::Live));
    assert!(desk.cancel(now_ns, order, echo));
    settle(desk, echo, now_ns, seq);
    assert!(desk.order(order).is_none());
}

#[test]
fn a_working_desk_never_touches_the_heap() {
    const ROUNDS: u64 = 100_000;
    let mut desk = desk();
    let mut echo = Echo { answers: Vec::with_capacity(8), lens: Vec::with_capacity(8), next: 1 };
    let mut seq = 0;
    let before = thread_allocations();
    desk.on_login(0, b"DAY1      ", 1);
    for now_ns in 1..=ROUNDS {
        // The first rounds pass before the desk takes the replay for over.
        settle(&mut desk, &mut echo, now_ns, &mut seq);
        work(&mut desk, &mut echo, now_ns, &mut seq);
    }
    let counts = thread_allocations().since(before);
    assert!(counts.is_zero(), "{counts:?} in {ROUNDS} rounds");
    let c = desk.counters();
    assert!(c.fills > ROUNDS / 2 && c.broken > 0 && c.reconciliations > 1_000, "{c:?}");
    assert_eq!((c.unexpected, c.unreadable), (0, 0), "{c:?}");
    assert_eq!(desk.order(UserRef(1)), None);
    assert!(heapwatch::is_counting(), "a count of nothing proves nothing");
}
