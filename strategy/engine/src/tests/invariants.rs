//! What must hold after every command, whatever it was.

use super::*;

/// A chain of orders, from the events alone.
#[derive(Clone, Copy, Debug)]
struct Chain {
    order_id: OrderId,
    symbol: SymbolId,
    side: Side,
    limit: Price,
    leaves: u64,
    executed: u64,
}

/// Every live order's shares, and the cash and shares that trades moved, from the events alone.
#[derive(Default)]
pub(super) struct Shares {
    live: BTreeMap<(SessionId, UserRef), Chain>,
    ids: BTreeSet<OrderId>,
    matches: u64,
}

impl Shares {
    pub(super) fn take(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Accepted(e) => {
                    let limit = e.price;
                    let (side, qty) = (e.side.side(), e.qty);
                    self.open(
                        e.party,
                        Chain {
                            order_id: e.party.order_id,
                            symbol: e.symbol,
                            side,
                            limit,
                            leaves: u64::from(qty.0),
                            executed: 0,
                        },
                    );
                }
                Event::Replaced(e) => self.replace(e),
                Event::Executed(e) => self.execute(e),
                Event::Canceled(e) => self.take_off(e.party, e.qty, e.leaves),
                Event::Aiq(e) => self.take_off(e.party, e.qty, e.leaves),
                Event::Modified { party, side, qty, reduced } => {
                    let chain = self.at(*party);
                    chain.leaves -= u64::from(reduced.0);
                    assert_eq!(chain.side, side.side());
                    assert_eq!(chain.leaves + chain.executed, u64::from(qty.0));
                }
                Event::Restated(e) => self.restate(e),
                _ => {}
            }
        }
        self.live.retain(|_, chain| chain.leaves > 0);
    }

    fn open(&mut self, party: Party, chain: Chain) {
        assert!(self.ids.insert(party.order_id), "{} was given out before", party.order_id);
        assert!(self.live.insert((party.session, party.user_ref), chain).is_none());
    }

    fn at(&mut self, party: Party) -> &mut Chain {
        let chain = self.live.get_mut(&(party.session, party.user_ref)).expect("it is live");
        assert_eq!(chain.order_id, party.order_id);
        chain
    }

    fn replace(&mut self, e: &types::Replaced) {
        let old = self.live.remove(&(e.party.session, e.orig)).expect("it was live");
        assert_eq!((old.symbol, old.side), (e.symbol, e.side.side()));
        let leaves = u64::from(e.qty.0);
        let order_id = e.party.order_id;
        let chain = Chain { order_id, limit: e.price, leaves, ..old };
        if order_id == old.order_id {
            assert!(leaves <= old.leaves, "priority kept for more shares");
            self.live.insert((e.party.session, e.party.user_ref), chain);
        } else {
            self.open(e.party, chain);
        }
    }

    /// Both sides' fills are equal, within both limits, and never more than there is.
    fn execute(&mut self, e: &types::Executed) {
        assert!(e.match_id.0 > self.matches && e.qty > Qty::ZERO && e.price > Price(0));
        self.matches = e.match_id.0;
        let sides = [e.resting_side, e.resting_side.opposite()];
        for (party, side) in [e.resting, e.aggressor].into_iter().zip(sides) {
            let chain = self.at(party);
            assert_eq!((chain.side, chain.symbol), (side, e.symbol));
            assert!(crate::order::allows(side, chain.limit, e.price), "{chain:?} {e:?}");
            chain.leaves = chain.leaves.checked_sub(u64::from(e.qty.0)).expect("no overfill");
            chain.executed += u64::from(e.qty.0);
        }
    }

    fn take_off(&mut self, party: Party, qty: Qty, leaves: Qty) {
        let chain = self.at(party);
        assert!(qty > Qty::ZERO);
        chain.leaves = chain.leaves.checked_sub(u64::from(qty.0)).expect("it had them");
        assert_eq!(chain.leaves, u64::from(leaves.0));
    }

    fn restate(&mut self, e: &types::Restated) {
        let party = e.party;
        let chain = self.live.get_mut(&(party.session, party.user_ref)).expect("it is live");
        assert!(u64::from(e.displayed.0) <= chain.leaves);
        match e.reason {
            b'P' => {
                assert!(
                    !crate::order::allows(chain.side, e.price, chain.limit)
                        || chain.side == Side::Sell
                        || e.price < chain.limit
                );
                chain.limit = e.price;
            }
            b'R' => {
                assert_eq!(chain.limit, e.price);
                assert!(self.ids.insert(party.order_id), "a refreshed order has a new number");
                chain.order_id = party.order_id;
            }
            other => panic!("restated for {other}"),
        }
    }

    /// What the events left over is what the engine says is live.
    pub(super) fn balances(&self, engine: &Engine) {
        assert_eq!(self.live.len(), engine.live_orders());
        for ((session, user_ref), chain) in &self.live {
            let order = engine.order(*session, *user_ref).expect("it is live");
            assert_eq!(order.party.order_id, chain.order_id);
            assert_eq!((order.symbol, order.side.side()), (chain.symbol, chain.side));
            assert_eq!(order.price, chain.limit);
            assert_eq!(u64::from(order.leaves.0), chain.leaves);
            assert_eq!(u64::from(order.executed.0), chain.executed);
            assert!(order.leaves.0 + order.executed.0 <= Qty::ORDER_MAX.0);
            assert!(order.terms.min_qty <= order.leaves, "{order:?}");
        }
    }
}

/// Applies an event as the feed tells it: what the table in `types::Event` says of ITCH.
pub(super) fn tell(tape: &mut Books, event: &Event) {
    let done = match event {
        Event::BookAdd(e) => tape.add(e.order_id, e.symbol, e.side, e.qty, e.price).map(drop),
        Event::BookReplace(e) => tape.replace(e.old, e.new, e.qty, e.price).map(drop),
        Event::BookReduce(e) => tape.cancel(e.order_id, e.qty).map(drop),
        Event::BookRemove(e) => tape.delete(e.order_id).map(drop),
        Event::Executed(e) => {
            let parties = [e.resting, e.aggressor].into_iter().zip(e.print);
            parties
                .filter(|(_, print)| matches!(print, Print::Order | Print::Cross))
                .try_for_each(|(party, _)| tape.execute(party.order_id, e.qty).map(drop))
        }
        Event::Canceled(e) => gone(tape, e.party, e.shown, e.leaves),
        Event::Aiq(e) => gone(tape, e.party, e.shown, e.leaves),
        _ => return,
    };
    assert!(done.is_ok(), "{done:?} of {event:?}");
}

fn gone(tape: &mut Books, party: Party, shown: Qty, leaves: Qty) -> Result<(), book::FeedError> {
    match (shown, leaves) {
        (Qty::ZERO, _) => Ok(()),
        (_, Qty::ZERO) => tape.delete(party.order_id).map(drop),
        (shown, _) => tape.cancel(party.order_id, shown).map(drop),
    }
}

/// The books rebuilt from the tape are the engine's, order by order.
pub(super) fn tape_is_the_book(engine: &Engine, tape: &Books) {
    let mut shown = 0;
    for (symbol, side) in sides() {
        let levels: Vec<_> = engine.levels(symbol, side).collect();
        assert!(levels.iter().copied().eq(tape.levels(symbol, side)), "{symbol} {side:?}");
        for level in levels {
            let rebuilt = tape.orders(symbol, side, level.price).map(|o| (o.payload, o.qty));
            assert!(engine.queue(symbol, side, level.price).eq(rebuilt));
            shown += level.orders as usize;
        }
        assert_eq!(engine.top(symbol), tape.top(symbol));
    }
    assert_eq!(shown, tape.len());
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

fn sides() -> impl Iterator<Item = (SymbolId, Side)> {
    SYMBOLS.into_iter().flat_map(|symbol| [(symbol, Side::Buy), (symbol, Side::Sell)])
}
