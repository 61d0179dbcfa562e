//! Books rebuilt from a real morning: `data/sample` holds the day's opening messages and then those
//! of one symbol, cut out of the middle of the day, so that many speak of orders from before the
//! cut.

use book::{Books, Capacity, FeedError};
use std::collections::{BTreeMap, HashMap};
use types::{OrderId, Price, Qty, Side, SymbolId};
use wire::itch::{Blocks, Message, parse};

const UNKNOWN_ORDERS: u64 = 3_970;

fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/../../data/sample/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// One message about an order, in words of our own.
enum Told {
    Add { id: u64, symbol: u16, buy: bool, qty: u32, price: u32 },
    Reduce { id: u64, qty: u32 },
    Delete { id: u64 },
    Replace { old: u64, new: u64, qty: u32, price: u32 },
}

fn told(message: &Message<'_>) -> Option<Told> {
    Some(match message {
        Message::AddOrder(m) => Told::Add {
            id: m.order_reference_number.get(),
            symbol: m.head.stock_locate.get(),
            buy: m.buy_sell_indicator == b'B',
            qty: m.shares.get(),
            price: m.price.get(),
        },
        Message::AddOrderMpid(m) => Told::Add {
            id: m.order_reference_number.get(),
            symbol: m.head.stock_locate.get(),
            buy: m.buy_sell_indicator == b'B',
            qty: m.shares.get(),
            price: m.price.get(),
        },
        Message::OrderExecuted(m) => {
            Told::Reduce { id: m.order_reference_number.get(), qty: m.executed_shares.get() }
        }
        Message::OrderExecutedPrice(m) => {
            Told::Reduce { id: m.order_reference_number.get(), qty: m.executed_shares.get() }
        }
        Message::OrderCancel(m) => {
            Told::Reduce { id: m.order_reference_number.get(), qty: m.canceled_shares.get() }
        }
        Message::OrderDelete(m) => Told::Delete { id: m.order_reference_number.get() },
        Message::OrderReplace(m) => Told::Replace {
            old: m.original_order_reference_number.get(),
            new: m.new_order_reference_number.get(),
            qty: m.shares.get(),
            price: m.price.get(),
        },
        _ => return None,
    })
}

fn apply(books: &mut Books, told: &Told) -> Result<book::Change, FeedError> {
    match *told {
        Told::Add { id, symbol, buy, qty, price } => {
            let side = if buy { Side::Buy } else { Side::Sell };
            books.add(OrderId(id), SymbolId(symbol), side, Qty(qty), Price(price))
        }
        Told::Reduce { id, qty } => books.cancel(OrderId(id), Qty(qty)),
        Told::Delete { id } => books.delete(OrderId(id)),
        Told::Replace { old, new, qty, price } => {
            books.replace(OrderId(old), OrderId(new), Qty(qty), Price(price))
        }
    }
}

/// Only the orders, without levels or queues: what is left must add up to the same.
#[derive(Default)]
struct Orders(HashMap<u64, (u16, bool, u32, u32)>);

impl Orders {
    fn apply(&mut self, told: &Told) {
        match *told {
            Told::Add { id, symbol, buy, qty, price } => {
                self.0.insert(id, (symbol, buy, price, qty));
            }
            Told::Reduce { id, qty } => {
                let Some(order) = self.0.get_mut(&id) else { return };
                order.3 -= qty;
                if order.3 == 0 {
                    self.0.remove(&id);
                }
            }
            Told::Delete { id } => {
                self.0.remove(&id);
            }
            Told::Replace { old, new, qty, price } => {
                let Some((symbol, buy, _, _)) = self.0.remove(&old) else { return };
                self.0.insert(new, (symbol, buy, price, qty));
            }
        }
    }

    /// Shares and orders of every level.
    fn levels(&self) -> BTreeMap<(u16, bool, u32), (u64, u32)> {
        let mut levels = BTreeMap::new();
        for (symbol, buy, price, qty) in self.0.values() {
            let level: &mut (u64, u32) = levels.entry((*symbol, *buy, *price)).or_default();
            level.0 += u64::from(*qty);
            level.1 += 1;
        }
        levels
    }
}

#[test]
fn a_real_morning_builds_the_books_it_tells_of() {
    let (sod, aapl) = (sample("sod.itch"), sample("aapl.itch"));
    let mut books =
        Books::with_capacity(Capacity { orders: 1 << 16, levels: 1 << 14, books: 1 << 16 });
    let mut twin = Orders::default();
    let (mut unknown, mut applied) = (0u64, 0u64);
    for block in Blocks::to_end(&sod).chain(Blocks::to_end(&aapl)) {
        let message = parse(block.expect("whole blocks").data).expect("a known message");
        let Some(told) = told(&message) else { continue };
        match apply(&mut books, &told) {
            Ok(_) => applied += 1,
            Err(FeedError::UnknownOrder) => unknown += 1,
            Err(error) => panic!("{error:?} after {applied} messages"),
        }
        twin.apply(&told);
    }
    assert_eq!(unknown, UNKNOWN_ORDERS);
    assert!(applied > 10_000, "{applied} applied");
    assert_eq!(books.len(), twin.0.len());
    let mut levels = BTreeMap::new();
    for symbol in (0..u16::MAX).map(SymbolId) {
        for side in [Side::Buy, Side::Sell] {
            for level in books.levels(symbol, side) {
                let key = (symbol.0, side == Side::Buy, level.price.0);
                levels.insert(key, (level.qty, level.orders));
            }
        }
    }
    assert_eq!(levels, twin.levels());
}
