//! What a message costs other people's ITCH parsers.
//!
//! `parse itch5|itchy FILE [ROUNDS]`
//!
//! The file is read to memory first. Each message has one field of its own read, the same as
//! `decode_ns` of our `wire` reads; their sum must be the same. Tells the median over rounds.

use itch5::messages::{
    AddOrderNoMPIDAttribution, AddOrderWithMPIDAttribution, CrossTrade, NetOrderImbalanceIndicator,
    OrderCancel, OrderDelete, OrderExecuted, OrderExecutedWithPrice, OrderReplace, StockDirectory,
    StockTradingAction, SystemEvent, Trade,
};
use itchy::Body;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::process::exit;
use std::time::Instant;

/// Messages and the sum of their fields.
#[derive(Default)]
struct Seen {
    messages: u64,
    sum: u64,
}

impl Seen {
    #[inline]
    fn add(&mut self, field: u64) -> ControlFlow<()> {
        self.messages += 1;
        self.sum = self.sum.wrapping_add(field);
        ControlFlow::Continue(())
    }
}

macro_rules! handler {
    ($($method:ident($kind:ty) = $field:expr;)*) => {
        impl itch5::MessageHandler for Seen {
            $(
                #[inline]
                fn $method(&mut self, message: &$kind) -> ControlFlow<()> {
                    let field: fn(&$kind) -> u64 = $field;
                    self.add(field(message))
                }
            )*
        }
    };
}

handler! {
    on_add_order_no_mpid_attribution(AddOrderNoMPIDAttribution) =
        |m| m.price().into_u32().into();
    on_add_order_with_mpid_attribution(AddOrderWithMPIDAttribution) =
        |m| m.price().into_u32().into();
    on_order_executed(OrderExecuted) = |m| m.executed_shares().into();
    on_order_executed_with_price(OrderExecutedWithPrice) =
        |m| m.execution_price().into_u32().into();
    on_order_cancel(OrderCancel) = |m| m.cancelled_shares().into();
    on_order_delete(OrderDelete) = |m| m.order_reference_number();
    on_order_replace(OrderReplace) = |m| m.new_order_reference_number();
    on_trade(Trade) = |m| m.match_number();
    // The other kinds that the files have.
    on_system_event(SystemEvent) = |m| m.timestamp().to_u64();
    on_stock_directory(StockDirectory) = |m| m.timestamp().to_u64();
    on_stock_trading_action(StockTradingAction) = |m| m.timestamp().to_u64();
    on_cross_trade(CrossTrade) = |m| m.timestamp().to_u64();
    on_net_order_imbalance_indicator(NetOrderImbalanceIndicator) = |m| m.timestamp().to_u64();
}

fn with_itch5(bytes: &[u8]) -> Result<Seen, String> {
    let mut seen = Seen::default();
    itch5::Parser::new(bytes).parse_stream(&mut seen).map_err(|e| format!("{e:?}"))?;
    Ok(seen)
}

fn with_itchy(bytes: &[u8]) -> Result<Seen, String> {
    let mut seen = Seen::default();
    for message in itchy::MessageStream::from_reader(bytes) {
        let message = message.map_err(|e| e.to_string())?;
        let field = match &message.body {
            Body::AddOrder(m) => m.price.raw().into(),
            Body::OrderExecuted { executed, .. } => u64::from(*executed),
            Body::OrderExecutedWithPrice { price, .. } => price.raw().into(),
            Body::OrderCancelled { cancelled, .. } => u64::from(*cancelled),
            Body::DeleteOrder { reference } => *reference,
            Body::ReplaceOrder(m) => m.new_reference,
            Body::NonCrossTrade(m) => m.match_number,
            _ => message.timestamp,
        };
        let _ = seen.add(field);
    }
    Ok(seen)
}

fn run(parser: &str, path: &str, rounds: usize) -> Result<(), String> {
    let parse = match parser {
        "itch5" => with_itch5,
        "itchy" => with_itchy,
        other => return Err(format!("parser '{other}': must be itch5 or itchy")),
    };
    let bytes = std::fs::read(path).map_err(|e| format!("{path}: {e}"))?;
    let first = parse(&bytes)?;
    let mut all = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = Instant::now();
        black_box(parse(black_box(&bytes))?);
        all.push(start.elapsed().as_nanos() as f64 / first.messages.max(1) as f64);
    }
    all.sort_by(f64::total_cmp);
    println!("FIGURE decode {:.3} ns", all[rounds / 2]);
    println!("CHECK messages {}\nCHECK sum {}", first.messages, first.sum);
    Ok(())
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rounds = args.get(2).map_or(Some(11), |text| text.parse().ok().filter(|n| *n > 0));
    let (Some(parser), Some(path), Some(rounds)) = (args.first(), args.get(1), rounds) else {
        eprintln!("usage: parse itch5|itchy FILE [ROUNDS]");
        exit(2);
    };
    if let Err(error) = run(parser, path, rounds) {
        eprintln!("parse: {error}");
        exit(2);
    }
}
