//! How long ITCH decoding takes: nanoseconds a message over a file, the median of several rounds.
//!
//! ```text
//! cargo run --release -p wire --example decode_ns -- FILE [ROUNDS]
//! ```
//!
//! Every message is framed, parsed and has one field of its own read, so that no part can be left
//! out by the optimiser. The file is read into memory, and once through the caches' eyes, before
//! the clock starts.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;
use wire::itch::{self, Blocks, Message};

/// One field that only this kind of message has, or its time.
#[inline]
fn touch(message: Message<'_>) -> u64 {
    match message {
        Message::AddOrder(m) => u64::from(m.price.get()),
        Message::AddOrderMpid(m) => u64::from(m.price.get()),
        Message::OrderExecuted(m) => u64::from(m.executed_shares.get()),
        Message::OrderExecutedPrice(m) => u64::from(m.execution_price.get()),
        Message::OrderCancel(m) => u64::from(m.canceled_shares.get()),
        Message::OrderDelete(m) => m.order_reference_number.get(),
        Message::OrderReplace(m) => m.new_order_reference_number.get(),
        Message::Trade(m) => m.match_number.get(),
        other => other.head().timestamp.get(),
    }
}

fn round(bytes: &[u8]) -> Result<(u64, u64), Box<dyn Error>> {
    let (mut messages, mut sum) = (0u64, 0u64);
    for block in Blocks::to_end(bytes) {
        sum = sum.wrapping_add(touch(itch::parse(block?.data)?));
        messages += 1;
    }
    Ok((messages, sum))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: decode_ns FILE [ROUNDS]")?;
    let rounds: usize = args.next().map_or(Ok(11), |n| n.parse())?;
    let bytes = std::fs::read(&path)?;
    let (messages, sum) = round(&bytes)?;
    let mut ns_per_message = Vec::with_capacity(rounds);
    for _ in 0..rounds.max(1) {
        let start = Instant::now();
        black_box(round(black_box(&bytes))?);
        ns_per_message.push(start.elapsed().as_nanos() as f64 / messages.max(1) as f64);
    }
    ns_per_message.sort_by(f64::total_cmp);
    let median = ns_per_message.get(ns_per_message.len() / 2).copied().unwrap_or_default();
    let best = ns_per_message.first().copied().unwrap_or_default();
    println!(
        "{messages} messages, {rounds} rounds: median {median:.2} ns, best {best:.2} ns a message"
    );
    println!("FIGURE decode {median:.3} ns\nCHECK messages {messages}\nCHECK sum {sum}");
    Ok(())
}
