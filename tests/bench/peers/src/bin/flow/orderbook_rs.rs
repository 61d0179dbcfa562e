//! The crate `orderbook-rs`. A moved order is updated in place and keeps its number.

use crate::Peer;
use crate::flow::Op;
use ::orderbook_rs::{Id, OrderBook, Side, TimeInForce};
use pricelevel::{OrderUpdate, Price, Quantity};

pub(crate) struct Book(OrderBook);

pub(crate) enum Command {
    Enter { id: Id, side: Side, qty: u64, price: u128, tif: TimeInForce },
    Cancel(Id),
    Update(OrderUpdate),
}

/// The numbers that the flow's orders were entered with.
#[derive(Default)]
pub(crate) struct Firsts(Vec<Id>);

fn enter(id: Id, buy: bool, qty: u32, price: u32, tif: TimeInForce) -> Command {
    let side = if buy { Side::Buy } else { Side::Sell };
    Command::Enter { id, side, qty: qty.into(), price: price.into(), tif }
}

impl Peer for Book {
    type Command = Command;
    type Names = Firsts;

    fn new() -> Book {
        Book(OrderBook::new("S"))
    }

    fn commands(op: &Op, names: &mut Firsts, out: &mut Vec<Command>) {
        let mut fresh = |id: u32| {
            let id = Id::from_u64(u64::from(id) + 1);
            names.0.push(id);
            id
        };
        out.push(match *op {
            Op::Add { id, buy, qty, price, .. } => {
                enter(fresh(id), buy, qty, price, TimeInForce::Gtc)
            }
            Op::Take { id, buy, qty, price, .. } => {
                enter(fresh(id), buy, qty, price, TimeInForce::Ioc)
            }
            Op::Cancel { id } => Command::Cancel(names.0[id as usize]),
            Op::Move { id, qty, price, .. } => {
                let order_id = names.0[id as usize];
                names.0.push(order_id);
                let (new_price, new_quantity) =
                    (Price::new(price.into()), Quantity::new(qty.into()));
                Command::Update(OrderUpdate::UpdatePriceAndQuantity {
                    order_id,
                    new_price,
                    new_quantity,
                })
            }
            Op::Reduce { .. } => unreachable!("made-up flows reduce nothing"),
        });
    }

    #[inline]
    fn apply(&mut self, command: &Command) -> u64 {
        match *command {
            Command::Enter { id, side, qty, price, tif } => {
                let done = self.0.add_limit_order_with_result(id, price, qty, side, tif, None);
                let (_, traded) = done.unwrap_or_else(|e| panic!("an order was refused: {e}"));
                traded.map_or(0, |it| it.match_result.trades().len() as u64)
            }
            Command::Cancel(id) => {
                let done = self.0.cancel_order(id);
                assert!(done.is_ok_and(|it| it.is_some()), "there was nothing to cancel");
                0
            }
            Command::Update(update) => {
                let done = self.0.update_order(update);
                assert!(done.is_ok_and(|it| it.is_some()), "there was nothing to move");
                0
            }
        }
    }
}
