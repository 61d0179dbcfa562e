//! All state of an engine as plain data, in an order that is the same for equal states.

use crate::Engine;
use crate::clients::Client;
use crate::engine::EngineCounters;
use crate::ledger::{Ledger, LedgerImage};
use crate::order::{NIL, Resting, Zone};
use crate::trades::Trade;
use book::BookId;
use rkyv::{Archive, Deserialize, Serialize};
use types::{
    AccountId, ClOrdId, Display, Firm, OrderCapacity, OrderId, OrderSide, Phase, Price, Qty,
    SessionId, Side, Symbol, SymbolId, TimeInForce, TradingState, UserRef,
};

/// An engine. Prices in 1/10000 dollar.
#[derive(Debug, Archive, Serialize)]
pub(crate) struct Image {
    pub(super) next_order: u64,
    pub(super) next_match: u64,
    pub(super) now_ns: u64,
    pub(super) deadline_ns: u64,
    pub(super) clock_s: u32,
    pub(super) counters: EngineCounters,
    /// The listed ones, by id.
    pub(super) instruments: Vec<InstrumentImage>,
    /// By session.
    pub(super) clients: Vec<Client>,
    /// As they were switched off.
    pub(super) firms_off: Vec<FirmOff>,
    /// By instrument, zone and side, and there in the order they are served.
    pub(super) orders: Vec<OrderImage>,
    /// First those that expire, by second, and there in the order they expire.
    pub(super) extras: Vec<ExtraImage>,
    /// The oldest first.
    pub(super) trades: Vec<Trade>,
    pub(super) ledger: Option<LedgerImage>,
}

/// What changes of an instrument over the day, and the name it goes by.
#[derive(Clone, Copy, Debug, Archive, Serialize, Deserialize)]
pub(crate) struct InstrumentImage {
    pub(super) id: SymbolId,
    pub(super) name: Symbol,
    pub(super) phase: Phase,
    pub(super) state: TradingState,
    pub(super) reference: Price,
    pub(super) last: Price,
    pub(super) lower: Price,
    pub(super) upper: Price,
    pub(super) limit_since_ns: u64,
    pub(super) resume_ns: u64,
}

/// A firm that may not enter orders on a session.
#[derive(Clone, Copy, Debug, Archive, Serialize, Deserialize)]
pub(crate) struct FirmOff {
    pub(super) session: SessionId,
    pub(super) firm: Firm,
}

/// A resting order: 56 bytes.
#[derive(Clone, Copy, Debug, Archive, Serialize, Deserialize)]
pub(crate) struct OrderImage {
    pub(super) order_id: OrderId,
    pub(super) user_ref: UserRef,
    pub(super) executed: u32,
    /// Shares in the book, without the reserve.
    pub(super) qty: Qty,
    pub(super) price: Price,
    pub(super) firm: Firm,
    pub(super) session: SessionId,
    pub(super) account: AccountId,
    pub(super) symbol: SymbolId,
    pub(super) cl_ord_id: ClOrdId,
    pub(super) zone: Zone,
    pub(super) side: OrderSide,
    pub(super) tif: TimeInForce,
    pub(super) capacity: OrderCapacity,
    pub(super) display: Display,
}

const _: () = assert!(size_of::<ArchivedOrderImage>() == 56);

/// What only some orders have.
#[derive(Clone, Copy, Debug, Archive, Serialize, Deserialize)]
pub(crate) struct ExtraImage {
    /// Its order's place in the image.
    pub(super) order: u32,
    pub(super) reserve: Qty,
    pub(super) max_floor: Qty,
    pub(super) min_qty: Qty,
    /// 0 for none.
    pub(super) expire_s: u32,
}

impl Image {
    pub(super) fn of(engine: &Engine) -> Image {
        let (clients, firms_off) = engine.clients.all();
        let (orders, extras) = resting(engine);
        let firms_off = firms_off.iter().map(|&(session, firm)| FirmOff { session, firm });
        Image {
            next_order: engine.next_order,
            next_match: engine.next_match,
            now_ns: engine.now_ns,
            deadline_ns: engine.deadline_ns,
            clock_s: engine.clock_s,
            counters: engine.counters,
            instruments: instruments(engine),
            clients: clients.to_vec(),
            firms_off: firms_off.collect(),
            orders,
            extras,
            trades: engine.trades.all(),
            ledger: engine.ledger.as_ref().map(Ledger::image),
        }
    }
}

impl Image {
    /// About the bytes of everything but the orders.
    pub(super) fn rest_len(&self) -> usize {
        let ledger = self
            .ledger
            .as_ref()
            .map_or(0, |l| 48 * l.accounts.len() + 16 * l.sessions.len() + 32 * l.positions.len());
        512 + 56 * self.instruments.len()
            + 16 * self.clients.len()
            + 8 * self.firms_off.len()
            + 20 * self.extras.len()
            + 72 * self.trades.len()
            + ledger
    }
}

fn instruments(engine: &Engine) -> Vec<InstrumentImage> {
    let all = (0..engine.instruments.ids()).map(|id| SymbolId(id as u16));
    all.map(|id| (id, engine.instruments.get(id)))
        .filter(|(_, instrument)| instrument.listed)
        .map(|(id, i)| InstrumentImage {
            id,
            name: i.name,
            phase: i.phase,
            state: i.state,
            reference: i.reference,
            last: i.last,
            lower: i.lower,
            upper: i.upper,
            limit_since_ns: i.limit_since_ns,
            resume_ns: i.resume_ns,
        })
        .collect()
}

/// All orders, and what only some of them have.
fn resting(engine: &Engine) -> (Vec<OrderImage>, Vec<ExtraImage>) {
    let mut orders = Vec::with_capacity(engine.book.len());
    let mut extras = Vec::with_capacity(engine.extras.len() as usize);
    let mut forever = Vec::new();
    // The image's place of each entry's order.
    let mut places = vec![NIL; engine.extras.capacity()];
    let sides = [Side::Buy, Side::Sell];
    for (book, side) in (0..engine.book.books()).flat_map(|b| sides.map(|s| (BookId(b), s))) {
        for (slot, view) in engine.book.served(book, side) {
            let order = Resting::new(slot, view);
            let extra = order.owner.extra;
            if let Some(place) = places.get_mut(extra as usize) {
                *place = orders.len() as u32;
                if engine.extras.get(extra).expire_s == 0 {
                    forever.push(extra);
                }
            }
            orders.push(order_image(&order));
        }
    }
    for at in engine.extras.as_they_end().chain(forever) {
        let extra = engine.extras.get(at);
        extras.push(ExtraImage {
            order: places[at as usize],
            reserve: extra.reserve,
            max_floor: extra.max_floor,
            min_qty: extra.min_qty,
            expire_s: extra.expire_s,
        });
    }
    (orders, extras)
}

fn order_image(order: &Resting) -> OrderImage {
    let owner = &order.owner;
    OrderImage {
        order_id: owner.order_id,
        user_ref: owner.user_ref,
        executed: owner.executed,
        qty: order.qty,
        price: order.price,
        firm: owner.firm,
        session: owner.session,
        account: owner.account,
        symbol: order.symbol,
        cl_ord_id: owner.cl_ord_id,
        zone: order.zone,
        side: owner.side,
        tif: owner.tif,
        capacity: owner.capacity,
        display: owner.display,
    }
}
