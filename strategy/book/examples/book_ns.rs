//! How long a message takes: all books of an ITCH file (`length[2] message`), read to memory first.
//!
//! `cargo run --release -p book --example book_ns -- FILE`
//!
//! Tells the median of five passes, and what remains when only parsing is left. The time is the
//! thread's CPU time where the kernel tells it, so that a shared core disturbs less.

use book::{Books, Capacity};
use std::hint::black_box;
use std::time::Instant;
use types::{OrderId, Price, Qty, Side, SymbolId};
use wire::itch::{Blocks, Message, parse};

const PASSES: usize = 5;
const CAPACITY: Capacity = Capacity { orders: 1 << 20, levels: 1 << 18, books: 16_384 };

/// Whether the message was no book's or was applied.
#[inline]
fn apply(books: &mut Books, message: &Message<'_>) -> bool {
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
        _ => return true,
    };
    black_box(done).is_ok()
}

/// A clock that starts when made: CPU time of this thread, or the wall's.
enum Clock {
    Cpu(u64),
    Wall(Instant),
}

impl Clock {
    fn start() -> Clock {
        cpu_ns().map_or_else(|| Clock::Wall(Instant::now()), Clock::Cpu)
    }

    fn ns(&self) -> f64 {
        match self {
            Clock::Cpu(from) => cpu_ns().unwrap_or(*from).saturating_sub(*from) as f64,
            Clock::Wall(from) => from.elapsed().as_nanos() as f64,
        }
    }
}

fn cpu_ns() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok()
}

/// ns a message of parsing and, when there are books, applying; messages that no book took.
fn pass(data: &[u8], books: Option<&mut Books>) -> (f64, u64) {
    let (mut messages, mut refused) = (0u64, 0u64);
    let clock = Clock::start();
    match books {
        Some(books) => {
            for message in Blocks::to_end(data).flatten().flat_map(|b| parse(b.data)) {
                messages += 1;
                refused += u64::from(!apply(books, &message));
            }
        }
        None => {
            for message in Blocks::to_end(data).flatten().flat_map(|b| parse(b.data)) {
                messages += 1;
                black_box(&message);
            }
        }
    }
    (clock.ns() / messages.max(1) as f64, refused)
}

fn median(mut all: [f64; PASSES]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[PASSES / 2]
}

fn main() {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: book_ns FILE");
        std::process::exit(2);
    };
    let data = match std::fs::read(&path) {
        Ok(data) => data,
        Err(error) => {
            eprintln!("{path}: {error}");
            std::process::exit(1);
        }
    };
    let (mut building, mut parsing) = ([0.0; PASSES], [0.0; PASSES]);
    let (mut refused, mut live) = (0, 0);
    for at in 0..PASSES {
        let mut books = Books::with_capacity(CAPACITY);
        (building[at], refused) = pass(&data, Some(&mut books));
        (parsing[at], _) = pass(&data, None);
        live = books.len();
    }
    println!(
        "{path}: {:.1} ns a message, of which {:.1} parsing (median of {PASSES}); \
         {refused} refused, {live} orders live at the end",
        median(building),
        median(parsing)
    );
    println!("FIGURE books {:.3} ns", median(building));
}
