//! What must hold after every command, whatever it was.

use super::*;

/// What became of an order's shares.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    entered: u64,
    executed: u64,
    canceled: u64,
    /// Left with the order when another took its place.
    replaced: u64,
}

impl Account {
    fn leaves(&self) -> u64 {
        let gone = self.executed + self.canceled + self.replaced;
        self.entered.checked_sub(gone).expect("no share is spent twice")
    }
}

/// Each order's shares, from the events alone.
#[derive(Default)]
pub(super) struct Ledger(BTreeMap<OrderId, Account>);

impl Ledger {
    pub(super) fn take(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Accepted(e) => self.open(e.party.order_id, e.qty),
                Event::Replaced(Replaced { party, qty, .. }) => {
                    if !self.0.contains_key(&party.order_id) {
                        self.open(party.order_id, *qty);
                    }
                }
                Event::Executed(Executed { resting, aggressor, qty, .. }) => {
                    self.at(resting.order_id).executed += u64::from(qty.0);
                    self.at(aggressor.order_id).executed += u64::from(qty.0);
                }
                Event::Canceled(e) => {
                    self.at(e.party.order_id).canceled += u64::from(e.qty.0);
                    let leaves = self.at(e.party.order_id).leaves();
                    assert_eq!(leaves, u64::from(e.leaves.0));
                }
                Event::BookReduce(e) => self.at(e.order_id).canceled += u64::from(e.qty.0),
                Event::BookRemove(e) => self.give_up(e.order_id),
                Event::BookReplace(e) => self.give_up(e.old),
                Event::BookAdd(e) => {
                    assert_eq!(self.at(e.order_id).leaves(), u64::from(e.qty.0));
                }
                Event::Rejected(_) | Event::Modified { .. } => {}
            }
        }
    }

    fn open(&mut self, id: OrderId, qty: Qty) {
        let account = Account { entered: u64::from(qty.0), ..Account::default() };
        assert!(self.0.insert(id, account).is_none(), "{id} was given out before");
    }

    fn at(&mut self, id: OrderId) -> &mut Account {
        self.0.get_mut(&id).expect("an order that was entered")
    }

    fn give_up(&mut self, id: OrderId) {
        let account = self.at(id);
        account.replaced += account.leaves();
    }

    /// entered = executed + canceled + replaced + leaves, and the leaves are what stands in the
    /// book.
    pub(super) fn balances(&self, engine: &Engine) {
        let mut live: BTreeMap<OrderId, u64> = BTreeMap::new();
        for (symbol, side) in sides() {
            for level in engine.levels(symbol, side) {
                let queue = engine.queue(symbol, side, level.price);
                live.extend(queue.map(|(id, qty)| (id, u64::from(qty.0))));
            }
        }
        assert_eq!(live.len(), engine.live_orders());
        for (id, account) in &self.0 {
            assert_eq!(account.leaves(), live.get(id).copied().unwrap_or(0), "order {id}");
        }
        assert!(live.keys().all(|id| self.0.contains_key(id)));
    }
}

fn sides() -> impl Iterator<Item = (SymbolId, Side)> {
    SYMBOLS.into_iter().flat_map(|symbol| [(symbol, Side::Buy), (symbol, Side::Sell)])
}

/// Applies an event as the feed tells it: what the table in `types::Event` says of ITCH.
pub(super) fn tell(tape: &mut Books, event: &Event) {
    let done = match event {
        Event::BookAdd(e) => tape.add(e.order_id, e.symbol, e.side, e.qty, e.price),
        Event::BookReplace(e) => tape.replace(e.old, e.new, e.qty, e.price),
        Event::BookReduce(e) => tape.cancel(e.order_id, e.qty),
        Event::BookRemove(e) => tape.delete(e.order_id),
        Event::Executed(e) => tape.execute(e.resting.order_id, e.qty),
        Event::Canceled(Canceled { party, qty, leaves, rested: true, .. }) => {
            if leaves.0 > 0 {
                tape.cancel(party.order_id, *qty)
            } else {
                tape.delete(party.order_id)
            }
        }
        Event::Accepted(_)
        | Event::Replaced(_)
        | Event::Rejected(_)
        | Event::Canceled(_)
        | Event::Modified { .. } => return,
    };
    assert!(done.is_ok(), "{done:?} of {event:?}");
}

/// The books rebuilt from the tape are the engine's, order by order.
pub(super) fn tape_is_the_book(engine: &Engine, tape: &Books) {
    assert_eq!(engine.live_orders(), tape.len());
    for (symbol, side) in sides() {
        assert_eq!(engine.top(symbol), tape.top(symbol));
        let levels: Vec<_> = engine.levels(symbol, side).collect();
        assert!(levels.iter().copied().eq(tape.levels(symbol, side)));
        for level in levels {
            let rebuilt = tape.orders(symbol, side, level.price).map(|o| (o.payload, o.qty));
            assert!(engine.queue(symbol, side, level.price).eq(rebuilt));
        }
    }
}

/// Each order of the twin is live in the engine, with the same shares, and no other is.
pub(super) fn same_orders(engine: &Engine, naive: &Naive) {
    assert_eq!(engine.live_orders(), naive.orders.len());
    for order in &naive.orders {
        let live = engine.order(order.party.session, order.party.user_ref).expect("it is live");
        assert_eq!((live.party, live.side, live.symbol), (order.party, order.side, order.symbol));
        let (leaves, executed) = (Qty(order.leaves), Qty(order.executed));
        assert_eq!((live.price, live.leaves, live.executed), (order.price, leaves, executed));
        assert!(live.leaves.0 + live.executed.0 <= Qty::ORDER_MAX.0);
    }
}

pub(super) fn never_crossed(engine: &Engine) {
    for symbol in SYMBOLS {
        let top = engine.top(symbol);
        if let (Some(bid), Some(ask)) = (top.bid, top.ask) {
            assert!(bid.price < ask.price, "{top:?}");
        }
    }
}

/// Within a level, who came first stands first: numbers are given out in order of arrival, and an
/// order that loses its place gets a new one.
pub(super) fn first_come_first_served(engine: &Engine) {
    for (symbol, side) in sides() {
        for level in engine.levels(symbol, side) {
            let ids: Vec<_> = engine.queue(symbol, side, level.price).map(|(id, _)| id).collect();
            assert!(ids.is_sorted(), "{ids:?} at {}", level.price);
            assert_eq!(ids.len() as u32, level.orders);
        }
    }
}
