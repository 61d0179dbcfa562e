//! The crate `lobster`. It has no replacements: a moved order is a cancel and a new order.

use crate::Peer;
use crate::flow::Op;
use ::lobster::{OrderBook, OrderEvent, OrderType, Side};

pub(crate) struct Book(OrderBook);

/// What is known of the orders: their sides.
#[derive(Default)]
pub(crate) struct Sides(Vec<Side>);

fn limit(id: u32, side: Side, qty: u32, price: u32) -> OrderType {
    OrderType::Limit { id: id.into(), side, qty: qty.into(), price: price.into() }
}

impl Peer for Book {
    type Command = OrderType;
    type Names = Sides;

    fn new() -> Book {
        // As many orders and as deep levels as the flows have.
        Book(OrderBook::new(20_000, 256, false))
    }

    fn commands(op: &Op, names: &mut Sides, out: &mut Vec<OrderType>) {
        match *op {
            Op::Add { id, buy, qty, price, .. } | Op::Take { id, buy, qty, price, .. } => {
                let side = if buy { Side::Bid } else { Side::Ask };
                names.0.push(side);
                out.push(limit(id, side, qty, price));
            }
            Op::Cancel { id } => out.push(OrderType::Cancel { id: id.into() }),
            Op::Move { id, new, qty, price, .. } => {
                let side = names.0[id as usize];
                names.0.push(side);
                out.push(OrderType::Cancel { id: id.into() });
                out.push(limit(new, side, qty, price));
            }
            Op::Reduce { .. } => unreachable!("made-up flows reduce nothing"),
        }
    }

    #[inline]
    fn apply(&mut self, command: &OrderType) -> u64 {
        match self.0.execute(*command) {
            OrderEvent::Filled { fills, .. } | OrderEvent::PartiallyFilled { fills, .. } => {
                fills.len() as u64
            }
            _ => 0,
        }
    }
}
