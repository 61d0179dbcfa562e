//! The crate `matchcore`. An order's number is that of the command that entered it, and commands
//! are numbered without a gap. A moved order is amended and keeps its number.

use crate::Peer;
use crate::flow::Op;
use ::matchcore::{
    AmendCmd, AmendPatch, CancelCmd, Command, CommandKind, CommandMeta, CommandOutcome,
    CommandReport, LimitOrder, LimitOrderPatch, NewOrder, OrderBook, OrderFlags, OrderId,
    OrderKind, Price, Quantity, QuantityPolicy, SequenceNumber, Side, SubmitCmd, TimeInForce,
    Timestamp,
};

pub(crate) struct Book(OrderBook);

/// Commands so far, and the numbers of the flow's orders.
#[derive(Default)]
pub(crate) struct Numbers {
    next: u64,
    orders: Vec<OrderId>,
}

fn quantity(qty: u32) -> QuantityPolicy {
    QuantityPolicy::Standard { quantity: Quantity(qty.into()) }
}

fn submit(buy: bool, qty: u32, price: u32, time_in_force: TimeInForce) -> CommandKind {
    let side = if buy { Side::Buy } else { Side::Sell };
    let flags = OrderFlags::new(side, false, time_in_force);
    let order = NewOrder::Limit(LimitOrder::new(Price(price.into()), quantity(qty), flags));
    CommandKind::Submit(SubmitCmd { order })
}

impl Peer for Book {
    type Command = Command;
    type Names = Numbers;

    fn new() -> Book {
        Book(OrderBook::new("S"))
    }

    fn commands(op: &Op, names: &mut Numbers, out: &mut Vec<Command>) {
        let number = names.next;
        names.next += 1;
        let kind = match *op {
            Op::Add { buy, qty, price, .. } => {
                names.orders.push(OrderId(number));
                submit(buy, qty, price, TimeInForce::Gtc)
            }
            Op::Take { buy, qty, price, .. } => {
                names.orders.push(OrderId(number));
                submit(buy, qty, price, TimeInForce::Ioc)
            }
            Op::Cancel { id } => {
                let order_id = names.orders[id as usize];
                CommandKind::Cancel(CancelCmd { order_id, order_kind: OrderKind::Limit })
            }
            Op::Move { id, qty, price, .. } => {
                let order_id = names.orders[id as usize];
                names.orders.push(order_id);
                let patch = LimitOrderPatch::new()
                    .with_price(Price(price.into()))
                    .with_quantity_policy(quantity(qty));
                CommandKind::Amend(AmendCmd { order_id, patch: AmendPatch::Limit(patch) })
            }
            Op::Reduce { .. } => unreachable!("made-up flows reduce nothing"),
        };
        let meta =
            CommandMeta { sequence_number: SequenceNumber(number), timestamp: Timestamp(number) };
        out.push(Command { meta, kind });
    }

    #[inline]
    fn apply(&mut self, command: &Command) -> u64 {
        match self.0.execute(command) {
            CommandOutcome::Applied(
                CommandReport::Submit(effects) | CommandReport::Amend(effects),
            ) => effects.target_order().match_result().map_or(0, |it| it.trades().len() as u64),
            CommandOutcome::Applied(CommandReport::Cancel) => 0,
            CommandOutcome::Rejected(failure) => panic!("{command:?} was refused: {failure}"),
        }
    }
}
