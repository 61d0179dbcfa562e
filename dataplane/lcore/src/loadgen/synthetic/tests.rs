use super::*;
use std::collections::HashMap;
use wire::itch::{Message, parse};

fn flow(seed: u64, symbols: usize) -> Synthetic {
    let symbols =
        (0..symbols).map(|at| [b'S', b'A' + at as u8, b' ', b' ', b' ', b' ', b' ', b' ']);
    Synthetic { symbols: symbols.collect(), seed, messages: 20_000, live_orders: 500 }
}

/// Walks the flow as a book builder would; gives executions, most orders live, messages.
fn walk(bytes: &[u8]) -> (usize, usize, usize) {
    let mut live: HashMap<u64, (u16, bool, u32, u32)> = HashMap::new();
    let (mut executions, mut most, mut messages, mut at) = (0, 0, 0, 0);
    while let Some(length) = bytes.get(at..at + 2) {
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let message = parse(&bytes[at + 2..at + 2 + length]).expect("a message");
        at += 2 + length;
        messages += 1;
        match message {
            Message::AddOrder(m) => {
                let (locate, buy) = (m.head.stock_locate.get(), m.buy_sell_indicator == b'B');
                let price = m.price.get();
                for (_, other) in live.values().map(|o| (o.0, o)).filter(|(l, _)| *l == locate) {
                    let apart = if buy { price < other.3 } else { price > other.3 };
                    assert!(other.1 == buy || apart, "crossed");
                }
                let new = (locate, buy, m.shares.get(), price);
                assert!(live.insert(m.order_reference_number.get(), new).is_none());
            }
            Message::OrderDelete(m) => {
                assert!(live.remove(&m.order_reference_number.get()).is_some());
            }
            Message::OrderExecuted(m) => {
                let id = m.order_reference_number.get();
                let order = live.get_mut(&id).expect("a live order");
                order.2 -= m.executed_shares.get();
                if order.2 == 0 {
                    live.remove(&id);
                }
                executions += 1;
            }
            Message::StockDirectory(_) | Message::SystemEvent(_) => {}
            other => panic!("{other:?}"),
        }
        most = most.max(live.len());
    }
    assert_eq!((at, live.len()), (bytes.len(), 0), "whole, and empty at its end");
    (executions, most, messages)
}

#[test]
fn a_flow_is_one_that_a_book_can_take_and_ends_empty() {
    for symbols in [1, 5] {
        let (executions, most, messages) = walk(&synthetic(&flow(7, symbols)));
        assert!((900..1_500).contains(&executions), "{executions}");
        assert!((400..=510).contains(&most), "{most}");
        assert!(messages >= 20_000 + symbols, "{messages}");
    }
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_gives_others() {
    assert_eq!(synthetic(&flow(1, 2)), synthetic(&flow(1, 2)));
    assert_ne!(synthetic(&flow(1, 2)), synthetic(&flow(3, 2)));
}
