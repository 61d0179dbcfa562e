//! How long a message takes: an ITCH file (`length[2] message`), read to memory first.
//!
//! `cargo run --release -p market --example market_ns -- FILE [PASSES [books|market|all]]`
//!
//! Tells the medians over the passes, which take turns so that a disturbed moment disturbs all:
//! parsing alone, books alone, and the whole market, the latter two also with read-ahead over
//! "packets" of sixteen messages ([`Market::warm`]). Each walks the file and parses what it finds.
//! What the file does not list is listed first. Tables are made once, which is timed, and cleared
//! between passes. Then the peak of resident memory, the file included. Tables lie on huge pages
//! where the kernel has them. The time is the thread's CPU time; of a short file the wall's, since
//! the kernel keeps CPU time by the tick.
//!
//! Instructions a message, of the part that is named: what
//! `valgrind --tool=callgrind --toggle-collect='market_ns::market_plain' BINARY FILE 1` collects,
//! divided by the messages; `market_ns::parsing`, `books_warmed` and so on likewise.

mod clock;

use book::Books;
use clock::{Clock, peak_mb};
use market::{Capacity, Market, MarketConfig, WARM_MAX};
use std::collections::BTreeMap;
use std::hint::black_box;
use types::{OrderId, Price, Qty, Side, Symbol, SymbolId};
use wire::itch::{Blocks, Message, parse};

#[global_allocator]
static ALLOCATOR: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

const CAPACITY: Capacity = Capacity { orders: 1 << 20, levels: 1 << 18, books: 16_384 };

/// Whether the message was no book's or was applied.
#[inline(always)]
fn apply(books: &mut Books, message: &Message<'_>) -> bool {
    let id = |number: wire::field::U64| OrderId(number.get());
    let (number, locate, side, qty, price) = match message {
        Message::AddOrder(m) => {
            (m.order_reference_number, m.head.stock_locate, m.buy_sell_indicator, m.shares, m.price)
        }
        Message::AddOrderMpid(m) => {
            (m.order_reference_number, m.head.stock_locate, m.buy_sell_indicator, m.shares, m.price)
        }
        Message::OrderExecuted(m) => {
            let qty = Qty(m.executed_shares.get());
            return books.execute(id(m.order_reference_number), qty).is_ok();
        }
        Message::OrderExecutedPrice(m) => {
            let qty = Qty(m.executed_shares.get());
            return books.execute(id(m.order_reference_number), qty).is_ok();
        }
        Message::OrderCancel(m) => {
            let qty = Qty(m.canceled_shares.get());
            return books.cancel(id(m.order_reference_number), qty).is_ok();
        }
        Message::OrderDelete(m) => return books.delete(id(m.order_reference_number)).is_ok(),
        Message::OrderReplace(m) => {
            let [old, new] = [m.original_order_reference_number, m.new_order_reference_number];
            return books
                .replace(id(old), id(new), Qty(m.shares.get()), Price(m.price.get()))
                .is_ok();
        }
        _ => return true,
    };
    let side = if side == b'B' { Side::Buy } else { Side::Sell };
    let (symbol, qty, price) = (SymbolId(locate.get()), Qty(qty.get()), Price(price.get()));
    books.add(id(number), symbol, side, qty, price).is_ok()
}

/// The messages of a file's bytes.
fn messages(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    Blocks::to_end(data).map_while(Result::ok).map(|block| block.data)
}

/// Gives the messages by sixteen, as a packet would.
#[inline(always)]
fn packets<'a>(data: &'a [u8], mut work: impl FnMut(&[&'a [u8]])) {
    let (mut packet, mut len) = ([&data[..0]; WARM_MAX], 0);
    for message in messages(data) {
        packet[len] = message;
        len += 1;
        if len == WARM_MAX {
            work(&packet);
            len = 0;
        }
    }
    work(&packet[..len]);
}

#[inline(never)]
fn parsing(data: &[u8]) {
    for message in messages(data).flat_map(parse) {
        black_box(&message);
    }
}

#[inline(never)]
fn books_plain(books: &mut Books, data: &[u8]) -> u64 {
    let mut refused = 0;
    for message in messages(data) {
        if let Ok(message) = parse(message) {
            refused += u64::from(!apply(books, &message));
        }
    }
    refused
}

#[inline(never)]
fn books_warmed(books: &mut Books, data: &[u8]) -> u64 {
    let mut refused = 0;
    let mut soon = market::Soon::default();
    packets(data, |packet| {
        soon.clear();
        for message in packet {
            market::look_at(&mut soon, message);
        }
        books.warm(&soon);
        for message in packet {
            if let Ok(message) = parse(message) {
                refused += u64::from(!apply(books, &message));
            }
        }
    });
    refused
}

#[inline(never)]
fn market_plain(market: &mut Market, data: &[u8]) {
    for bytes in messages(data) {
        black_box(market.on_message(bytes));
    }
}

#[inline(never)]
fn market_warmed(market: &mut Market, data: &[u8]) {
    packets(data, |packet| {
        market.warm(packet.iter().copied());
        for bytes in packet {
            black_box(market.on_message(bytes));
        }
    });
}

/// Moves times that go back up to the highest before: a file put together from several has many,
/// and counting lies is not what is to be measured. How many there were.
fn straighten(data: &mut [u8]) -> u64 {
    let (mut at, mut latest, mut back) = (0, [0; 6], 0);
    while let Some(&[high, low, _, _, _, _, _, ref time @ ..]) =
        data.get(at..).and_then(|rest| rest.first_chunk::<13>())
    {
        if *time < latest {
            data[at + 7..at + 13].copy_from_slice(&latest);
            back += 1;
        } else {
            latest = *time;
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    back
}

/// The names of the file's locates, as its orders tell them.
fn names(data: &[u8]) -> BTreeMap<u16, [u8; 8]> {
    let mut names = BTreeMap::new();
    for message in messages(data).flat_map(parse) {
        let (locate, stock) = match message {
            Message::AddOrder(m) => (m.head.stock_locate, m.stock),
            Message::AddOrderMpid(m) => (m.head.stock_locate, m.stock),
            Message::StockDirectory(m) => (m.head.stock_locate, m.stock),
            _ => continue,
        };
        names.insert(locate.get(), stock);
    }
    names
}

fn list(market: &mut Market, names: &BTreeMap<u16, [u8; 8]>) {
    for (locate, stock) in names {
        let mut listing = [0; 39];
        listing[0] = b'R';
        listing[1..3].copy_from_slice(&locate.to_be_bytes());
        listing[11..19].copy_from_slice(stock);
        listing[21..25].copy_from_slice(&100u32.to_be_bytes());
        market.on_message(&listing);
    }
}

/// What is measured.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Books,
    Market,
    All,
}

/// Medians in ns a message, by what they are of.
struct Times {
    of: Vec<(&'static str, Vec<f64>)>,
    messages: usize,
}

impl Times {
    /// Measures `work` over all messages, after a pause for what is not to be measured.
    fn measure(&mut self, name: &'static str, work: impl FnOnce()) {
        let clock = if self.messages < 1_000_000 { Clock::wall() } else { Clock::start() };
        work();
        let ns = clock.ns() / self.messages.max(1) as f64;
        match self.of.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.push(ns),
            None => self.of.push((name, vec![ns])),
        }
    }

    fn tell(&mut self) {
        for (name, all) in &mut self.of {
            all.sort_by(f64::total_cmp);
            println!("FIGURE {name} {:.2} ns", all[all.len() / 2]);
        }
    }
}

/// Books or a market, where wanted, and how long making them took.
fn made<T>(name: &str, wanted: bool, make: impl FnOnce() -> T) -> Option<T> {
    let clock = Clock::wall();
    let made = wanted.then(make)?;
    println!("FIGURE {name}-start {:.1} ms", clock.ns() / 1e6);
    Some(made)
}

fn run(path: &str, passes: usize, what: What) -> Result<(), Box<dyn std::error::Error>> {
    let mut data = std::fs::read(path)?;
    let back = straighten(&mut data);
    let names = names(&data);
    let mut tickers: Vec<Symbol> = names.values().map(|name| Symbol(*name)).collect();
    tickers.sort_unstable();
    tickers.dedup();
    let config =
        MarketConfig { capacity: CAPACITY, tickers, only_tickers: false, tape_len: 1 << 16 };
    let mut times = Times { of: vec![], messages: messages(&data).count() };
    let mut books = made("books", what != What::Market, || Books::with_capacity(CAPACITY));
    let mut market = made("market", what != What::Books, || Market::new(&config)).transpose()?;
    let mut refused = 0;
    for _ in 0..passes {
        times.measure("parsing", || parsing(&data));
        if let Some(books) = &mut books {
            books.clear();
            times.measure("books-plain", || refused = books_plain(books, &data));
            books.clear();
            times.measure("books", || refused = books_warmed(books, &data));
        }
        if let Some(market) = &mut market {
            for (name, work) in [
                ("market", market_plain as fn(&mut Market, &[u8])),
                ("market-warmed", market_warmed),
            ] {
                market.clear_day();
                list(market, &names);
                times.measure(name, || work(market, &data));
            }
        }
    }
    println!("{path}: {} messages, {} symbols, {passes} passes", times.messages, names.len());
    println!("{back} times that went back were moved up; peak {} MB", peak_mb());
    if let Some(books) = &books {
        println!("{refused} refused, {} orders live at the end", books.len());
    }
    if let Some(market) = &market {
        for (name, count) in market.counters().iter().filter(|(_, count)| *count > 0) {
            print!("{name} {count}  ");
        }
        println!("lies {:?}", market.lies());
    }
    times.tell();
    Ok(())
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (path, passes, what) = (args.next(), args.next(), args.next());
    let what = match what.as_deref() {
        None | Some("all") => What::All,
        Some("books") => What::Books,
        Some("market") => What::Market,
        Some(_) => return usage(),
    };
    let passes = passes.map_or(Ok(5), |text| text.parse());
    let (Some(path), Ok(passes @ 1..)) = (path, passes) else { return usage() };
    if let Err(error) = run(&path, passes, what) {
        eprintln!("{path}: {error}");
        std::process::exit(1);
    }
}

fn usage() {
    eprintln!("usage: market_ns FILE [PASSES [books|market|all]]");
    std::process::exit(2);
}
