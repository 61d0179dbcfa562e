//! What the trader's gate costs, in ns: `cargo run --release -p risk --example gate_ns`
//!
//! Each figure is the median over 401 rounds of 4,096 calls, after as many to warm up; the clock is
//! read around a round. `admit` is told apart by market: one symbol that stays in cache, and 512 in
//! no order. With all checks on, then each off (or made idle) by itself: the difference is what it
//! costs, as far as the noise of the machine lets it be seen.
//!
//! Instructions, by function and without the machine's noise:
//! `valgrind --tool=callgrind --toggle-collect='*gate_ns*admit_all*' \
//!      target/release/examples/gate_ns callgrind && callgrind_annotate callgrind.out.*`

use risk::{Ask, Firm, Gate, GateLimits, OpenOrder, OrderLimits, Quote, Restriction, TickerLimits};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use types::{OrderSide, Price, Qty, Side, Ticker, TimeInForce};

const ROUNDS: usize = 401;
const CALLS: usize = 4_096;
const TICKERS: u16 = 512;
const AT: Quote = Quote {
    bid: Some(Price(1_000_000)),
    ask: Some(Price(1_001_000)),
    own_bid: Some(Price(999_000)),
    own_ask: Some(Price(1_002_000)),
    halted: false,
    stale: false,
    suspect: false,
    short_restricted: true,
};

/// Everything on, and wide enough to let a round pass.
fn limits() -> GateLimits {
    GateLimits {
        order: OrderLimits { qty_max: Qty(1_000), notional_max: 10_000_000_000, collar_bps: 500 },
        account_exposure_max: u64::MAX / 4,
        account_gross_shares_max: u64::MAX / 4,
        open_orders_max: 1 << 30,
        orders_per_second_max: 1 << 30,
        messages_per_second_max: 1 << 30,
        duplicate_window_ns: 1_000_000,
        duplicates_max: 4,
        loss_max: u64::MAX / 4,
        runaway_refusals_max: 1 << 30,
        stale_is_refused: true,
        suspect_is_refused: true,
        market_orders: true,
    }
}

fn ticker_limits() -> TickerLimits {
    TickerLimits {
        position_max: 1 << 40,
        exposure_max: u64::MAX / 4,
        open_orders_max: 1 << 30,
        restriction: Restriction::None,
        locate_shares: 1 << 40,
        tick: Price(100),
    }
}

fn gate(limits: GateLimits, ticker: TickerLimits, firm: bool) -> Gate {
    let firm = firm.then(|| Arc::new(Firm::new(u64::MAX)));
    let mut gate = Gate::new(limits, &vec![ticker; usize::from(TICKERS)], firm);
    for ticker in (0..TICKERS).map(Ticker) {
        gate.mark(ticker, Price(1_000_500));
    }
    gate
}

/// A small generator: the asks are made beforehand, the same in every run.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Of a hundred asks `bad` are refused, each by another check.
fn asks(tickers: u64, bad: u64) -> Vec<Ask> {
    let mut state = 0x1234_5678_9ABC_DEF1;
    let make = |_| {
        let draw = next(&mut state);
        let side = if draw & 1 == 0 { OrderSide::Buy } else { OrderSide::SellShort };
        // On the near side of the market, at differing ticks.
        let offset = (draw >> 8) as u32 % 8 * 100;
        let price = if side == OrderSide::Buy { 1_000_000 - offset } else { 1_001_000 + offset };
        let price = price.clamp(999_100, 1_001_900);
        let ticker = Ticker(((draw >> 16) % tickers) as u16);
        let qty = Qty(100 + (draw >> 32) as u32 % 400);
        let mut ask =
            Ask { ticker, side, qty, price: Price(price), tif: TimeInForce::Day, post_only: false };
        if (draw >> 48) % 100 < bad {
            match (draw >> 40) % 4 {
                0 => ask.qty = Qty(5_000),
                1 => ask.price = Price(1_000_050),
                2 => (ask.side, ask.price) = (OrderSide::Buy, Price(1_500_000)),
                _ => ask.side = OrderSide::Sell,
            }
        }
        ask
    };
    (0..CALLS).map(make).collect()
}

#[inline(never)]
fn admit_all(gate: &mut Gate, now_ns: &mut u64, asks: &[Ask], passed: &mut Vec<Ask>) {
    for ask in asks {
        *now_ns += 1_000;
        if gate.admit(*now_ns, black_box(ask), &AT).is_ok() {
            passed.push(*ask);
        }
    }
}

fn give_back(gate: &mut Gate, passed: &mut Vec<Ask>) {
    for ask in passed.drain(..) {
        gate.release(ask.ticker, ask.side.side(), ask.qty, ask.price);
        gate.on_done(ask.ticker);
    }
}

fn median(mut rounds_ns: Vec<f64>) -> f64 {
    rounds_ns.sort_by(f64::total_cmp);
    rounds_ns[rounds_ns.len() / 2]
}

/// Median ns a call of `work`, which does `CALLS` of them; `after` is not timed.
fn time(mut work: impl FnMut(), mut after: impl FnMut()) -> f64 {
    let mut rounds_ns = Vec::with_capacity(ROUNDS);
    for round in 0..2 * ROUNDS {
        let start = Instant::now();
        work();
        let spent_ns = start.elapsed().as_nanos() as f64 / CALLS as f64;
        after();
        if round >= ROUNDS {
            rounds_ns.push(spent_ns);
        }
    }
    median(rounds_ns)
}

fn admit_ns(gate: Gate, asks: &[Ask]) -> f64 {
    let gate = std::cell::RefCell::new(gate);
    let passed = std::cell::RefCell::new(Vec::with_capacity(CALLS));
    let mut now_ns = 1_000_000_000;
    time(
        || admit_all(&mut gate.borrow_mut(), &mut now_ns, asks, &mut passed.borrow_mut()),
        || give_back(&mut gate.borrow_mut(), &mut passed.borrow_mut()),
    )
}

fn admissions() {
    for (name, tickers) in [("one symbol", 1), ("512 symbols", u64::from(TICKERS))] {
        for bad in [0, 20, 100] {
            let ns = admit_ns(gate(limits(), ticker_limits(), true), &asks(tickers, bad));
            println!("admit, {name}, {bad:>3} % refused            {ns:>7.1} ns");
        }
    }
}

fn one_by_one() {
    let asks = asks(16, 0);
    let all = admit_ns(gate(limits(), ticker_limits(), true), &asks);
    println!("admit, 16 symbols, all checks on           {all:>7.1} ns");
    println!("FIGURE admit {all:.3} ns");
    let tell = |name: &str, limits: GateLimits, ticker: TickerLimits, firm: bool| {
        let ns = admit_ns(gate(limits, ticker, firm), &asks);
        println!("  without {name:<32} {ns:>7.1} ns  {:>+6.1}", ns - all);
    };
    let (l, t) = (limits(), ticker_limits());
    tell("duplicates", GateLimits { duplicates_max: 0, ..l }, t, true);
    tell("the firm", l, t, false);
    tell(
        "the collar",
        GateLimits { order: OrderLimits { collar_bps: 0, ..l.order }, ..l },
        t,
        true,
    );
    tell("the tick", l, TickerLimits { tick: Price(0), ..t }, true);
    let none =
        GateLimits { duplicates_max: 0, order: OrderLimits { collar_bps: 0, ..l.order }, ..l };
    tell("any of these", none, TickerLimits { tick: Price(0), ..t }, false);
}

fn cycles() {
    let asks = asks(16, 0);
    let mut subject = gate(limits(), ticker_limits(), true);
    let mut now_ns = 1_000_000_000;
    let ns = time(
        || {
            for ask in &asks {
                now_ns += 1_000;
                if subject.admit(now_ns, black_box(ask), &AT).is_ok() {
                    let half = Qty(ask.qty.0 / 2);
                    let rest = Qty(ask.qty.0 - half.0);
                    let side = ask.side.side();
                    subject.on_fill(ask.ticker, side, half, ask.price, ask.price);
                    subject.release(ask.ticker, side, rest, ask.price);
                    subject.on_done(ask.ticker);
                }
            }
        },
        || {},
    );
    println!("admit + fill + release + done              {ns:>7.1} ns");
    let mut subject = gate(limits(), ticker_limits(), true);
    let (ticker, price) = (Ticker(3), Price(1_000_000));
    subject.adopt(ticker, Side::Buy, Qty(100), price);
    let old = OpenOrder { ticker, side: OrderSide::Buy, leaves: Qty(100), price };
    let ns = time(
        || {
            for _ in 0..CALLS {
                now_ns += 1_000;
                let _ = subject.admit_replace(now_ns, black_box(&old), Qty(100), price, &AT);
                subject.on_replaced(&old);
            }
        },
        || {},
    );
    println!("admit_replace + replaced                   {ns:>7.1} ns");
    let mut turn = 0;
    let ns = time(
        || {
            for _ in 0..CALLS {
                turn ^= 100;
                subject.mark(ticker, black_box(Price(1_000_000 + turn)));
            }
        },
        || {},
    );
    println!("mark, changed, of a symbol with orders     {ns:>7.1} ns");
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("callgrind") {
        let (asks, mut now_ns) = (asks(16, 0), 1_000_000_000);
        let mut subject = gate(limits(), ticker_limits(), true);
        let mut passed = Vec::with_capacity(CALLS);
        admit_all(&mut subject, &mut now_ns, &asks, &mut passed);
        println!("{} of {CALLS} passed", passed.len());
        return;
    }
    admissions();
    one_by_one();
    cycles();
}
