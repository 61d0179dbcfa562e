//! The desk: any bytes as the venue's answers, between orders, cancels, logins and losses, leave
//! orders, positions and the gate in one account.
//!
//! The input is a run of `what[1] length[1] bytes[length]`.
#![no_main]

use desk::{Desk, DeskConfig, OrderWire};
use libfuzzer_sys::fuzz_target;
use risk::{Ask, GateLimits, KillReason, OrderLimits, Quote, Restriction, TickerLimits};
use types::{OrderSide, Price, Qty, Symbol, Ticker, TimeInForce, UserRef};

/// Takes so many messages and then has no room.
struct Wire(u8);

impl OrderWire for Wire {
    fn has_room(&self, _: usize) -> bool {
        self.0 > 0
    }
    fn send(&mut self, _: u64, _: &[u8]) -> bool {
        let fits = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        fits
    }
}

fn desk() -> Desk {
    let order = OrderLimits { qty_max: Qty(1_000), notional_max: u64::MAX, collar_bps: 0 };
    let limits = GateLimits {
        order,
        account_exposure_max: u64::MAX,
        account_gross_shares_max: u64::MAX,
        open_orders_max: 12,
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
    let each = TickerLimits {
        position_max: u64::MAX / 4,
        exposure_max: u64::MAX,
        open_orders_max: 12,
        restriction: Restriction::None,
        locate_shares: u64::MAX / 4,
        tick: Price(0),
    };
    Desk::new(&DeskConfig {
        tickers: ["AAPL", "A"].iter().filter_map(|name| Symbol::new(name)).collect(),
        slots: 16,
        limits,
        ticker_limits: vec![each; 2],
        firm: None,
        answer_timeout_ns: 50_000_000,
    })
}

fn ask(bytes: &[u8]) -> Option<Ask> {
    let [ticker, side, qty, price, ..] = *bytes else { return None };
    let side = [OrderSide::Buy, OrderSide::Sell, OrderSide::SellShort][usize::from(side % 3)];
    let (qty, price) = (Qty(u32::from(qty)), Price(u32::from(price) * 100));
    let ticker = Ticker(u16::from(ticker % 3));
    Some(Ask { ticker, side, qty, price, tif: TimeInForce::Day, post_only: ticker.0 > 0 })
}

fn number(bytes: &[u8]) -> UserRef {
    UserRef(bytes.first().map_or(0, |byte| u32::from(*byte)))
}

fn check(desk: &Desk) {
    let mut open_orders = 0;
    for ticker in (0..2).map(Ticker) {
        let position = desk.gate().position(ticker);
        let leaves = desk.orders().filter(|order| order.ticker == ticker);
        let open: u64 = leaves.map(|order| u64::from(order.leaves.0)).sum();
        assert_eq!(position.open_buy + position.open_sell, open);
        assert!(position.average_price().is_none_or(f64::is_finite));
        open_orders += position.open_orders;
    }
    assert_eq!(desk.gate().open_orders(), open_orders);
    // Orders in symbols that are not ours are live, too, and shown to nobody.
    assert!(desk.orders().count() <= desk.live_orders() as usize);
    assert!(desk.killed().is_none() || !desk.can_trade());
}

fuzz_target!(|bytes: &[u8]| {
    let (mut desk, mut wire) = (desk(), Wire(u8::MAX));
    let (mut now_ns, mut seq, mut rest) = (1, 1, bytes);
    while let [what, length, tail @ ..] = rest {
        let (bytes, after) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = after;
        now_ns += 1_000_000;
        match what % 16 {
            0 => {
                if let Some(ask) = ask(bytes) {
                    let _ = desk.enter(now_ns, &ask, Quote::default(), &mut wire);
                }
            }
            1 => {
                let (qty, price) = (Qty(u32::from(*length)), Price(9_000));
                let order = number(bytes);
                let _ = desk.replace(now_ns, order, qty, price, Quote::default(), &mut wire);
            }
            2 => {
                desk.cancel(now_ns, number(bytes), &mut wire);
            }
            3 => desk.on_login(now_ns, b"DAY1      ", seq),
            4 => desk.on_login(now_ns, b"DAY2      ", u64::from(*length)),
            5 => desk.on_disconnected(now_ns),
            6 => desk.cancel_all(),
            7 => desk.kill(now_ns, KillReason::Operator),
            8 => desk.revive(),
            9 => wire.0 = *length,
            10 => while desk.poll(now_ns, &mut wire).is_some() {},
            _ => {
                seq += 1;
                desk.on_message(now_ns, bytes, &mut wire);
            }
        }
        check(&desk);
    }
});
