//! How long a message takes: an ITCH file (`length[2] message`), read to memory first.
//!
//! `cargo run --release -p market --example market_ns -- FILE [PASSES]`
//!
//! Tells the medians over the passes, which take turns so that a disturbed moment disturbs all:
//! parsing alone, books alone, the whole market, and the whole market with read-ahead over
//! "packets" of sixteen messages ([`Market::warm`]). What the file does not list is listed first.
//! The market is made once and cleared between passes. Then the peak of resident memory, the
//! file included. Tables lie on huge pages where the kernel has them. The time is the thread's CPU
//! time; of a short file the wall's, since the kernel keeps CPU time by the tick.
//!
//! Instructions a message, of the part that is named:
//! `valgrind --tool=callgrind --toggle-collect='market_ns::whole' BINARY FILE 1`, what it collected
//! divided by the messages; `market_ns::parsing`, `building` and `warmed` likewise.

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

#[inline]
fn apply(books: &mut Books, message: &Message<'_>) {
    let side = |letter| if letter == b'B' { Side::Buy } else { Side::Sell };
    let id = |number: wire::field::U64| OrderId(number.get());
    let done = match message {
        Message::AddOrder(m) => books.add(
            id(m.order_reference_number),
            SymbolId(m.head.stock_locate.get()),
            side(m.buy_sell_indicator),
            Qty(m.shares.get()),
            Price(m.price.get()),
        ),
        Message::AddOrderMpid(m) => books.add(
            id(m.order_reference_number),
            SymbolId(m.head.stock_locate.get()),
            side(m.buy_sell_indicator),
            Qty(m.shares.get()),
            Price(m.price.get()),
        ),
        Message::OrderExecuted(m) => {
            books.execute(id(m.order_reference_number), Qty(m.executed_shares.get()))
        }
        Message::OrderExecutedPrice(m) => {
            books.execute(id(m.order_reference_number), Qty(m.executed_shares.get()))
        }
        Message::OrderCancel(m) => {
            books.cancel(id(m.order_reference_number), Qty(m.canceled_shares.get()))
        }
        Message::OrderDelete(m) => books.delete(id(m.order_reference_number)),
        Message::OrderReplace(m) => books.replace(
            id(m.original_order_reference_number),
            id(m.new_order_reference_number),
            Qty(m.shares.get()),
            Price(m.price.get()),
        ),
        _ => return,
    };
    let _ = black_box(done);
}

#[inline(never)]
fn parsing(messages: &[&[u8]]) {
    for message in messages.iter().flat_map(|bytes| parse(bytes)) {
        black_box(&message);
    }
}

#[inline(never)]
fn building(books: &mut Books, messages: &[&[u8]]) {
    for message in messages.iter().flat_map(|bytes| parse(bytes)) {
        apply(books, &message);
    }
}

#[inline(never)]
fn whole(market: &mut Market, messages: &[&[u8]]) {
    for bytes in messages {
        black_box(market.on_message(bytes));
    }
}

#[inline(never)]
fn warmed(market: &mut Market, messages: &[&[u8]]) {
    for packet in messages.chunks(WARM_MAX) {
        market.warm(packet.iter().copied());
        for bytes in packet {
            black_box(market.on_message(bytes));
        }
    }
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
fn names(messages: &[&[u8]]) -> BTreeMap<u16, [u8; 8]> {
    let mut names = BTreeMap::new();
    for message in messages.iter().flat_map(|bytes| parse(bytes)) {
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

fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn run(path: &str, passes: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut data = std::fs::read(path)?;
    let back = straighten(&mut data);
    let messages: Vec<&[u8]> = Blocks::to_end(&data).flatten().map(|block| block.data).collect();
    let names = names(&messages);
    let mut tickers: Vec<Symbol> = names.values().map(|name| Symbol(*name)).collect();
    tickers.sort_unstable();
    tickers.dedup();
    let config =
        MarketConfig { capacity: CAPACITY, tickers, only_tickers: false, tape_len: 1 << 16 };
    let mut market = Market::new(&config)?;
    let mut books = Books::with_capacity(CAPACITY);
    let mut times: [Vec<f64>; 4] = Default::default();
    let mut measure = |at: usize, work: &mut dyn FnMut()| {
        let is_short = messages.len() < 1_000_000;
        let clock = if is_short { Clock::wall() } else { Clock::start() };
        work();
        times[at].push(clock.ns() / messages.len().max(1) as f64);
    };
    for _ in 0..passes {
        measure(0, &mut || parsing(&messages));
        books.clear();
        measure(1, &mut || building(&mut books, &messages));
        for (at, work) in [(2, whole as fn(&mut Market, &[&[u8]])), (3, warmed)] {
            market.clear_day();
            list(&mut market, &names);
            measure(at, &mut || work(&mut market, &messages));
        }
    }
    let [parsing, building, whole, warmed] = times.each_mut().map(|all| median(all));
    println!("{path}: {} messages, {} symbols, {passes} passes", messages.len(), names.len());
    println!("{back} times that went back were moved up");
    println!(
        "parsing {parsing:.1}, books {building:.1}, market {whole:.1}, with read-ahead \
         {warmed:.1} ns a message; peak {} MB",
        peak_mb()
    );
    println!("FIGURE market {whole:.3} ns\nFIGURE market-warmed {warmed:.3} ns");
    println!("{} orders live at the end", market.books().len());
    for (name, count) in market.counters().iter().filter(|(_, count)| *count > 0) {
        print!("{name} {count}  ");
    }
    println!("lies {:?}", market.lies());
    Ok(())
}

fn main() {
    let mut args = std::env::args().skip(1);
    let Some(path) = args.next() else {
        eprintln!("usage: market_ns FILE [PASSES]");
        std::process::exit(2);
    };
    let passes = args.next().and_then(|text| text.parse().ok()).unwrap_or(5);
    if let Err(error) = run(&path, std::cmp::max(passes, 1)) {
        eprintln!("{path}: {error}");
        std::process::exit(1);
    }
}
