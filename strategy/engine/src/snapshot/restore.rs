//! An image put into a new engine, one table after the other, each entry checked first.

use super::image::{ArchivedImage, ExtraImage, FirmOff, InstrumentImage, OrderImage};
use super::{OrderFault, SnapshotError};
use crate::clients::Client;
use crate::config::EngineConfig;
use crate::engine::{Engine, EngineCounters};
use crate::extras::DAY_S;
use crate::ledger::{Ledger, LedgerImage, SessionView};
use crate::order::{NIL, Owner, Resting, Zone, rank, rests};
use crate::sealed::SealedError;
use crate::trades::Trade;
use book::BookError;
use rkyv::api::high::HighDeserializer;
use rkyv::rancor::Error as RkyvError;
use rkyv::{Archive, Deserialize};
use types::{Price, Qty, SessionId, Side, SymbolId, Terms, TimeInForce};

/// Numbers given out and counters may go so far: beyond, a day's commands could overflow them.
const NUMBER_MAX: u64 = 1 << 62;

type Read<T> = Result<T, SnapshotError>;

pub(super) fn read(config: &EngineConfig, image: &ArchivedImage) -> Read<Engine> {
    fits("orders", image.orders.len(), config.orders)?;
    fits("conditional orders", image.extras.len(), config.conditional_orders)?;
    fits("sessions", image.clients.len(), u32::from(config.sessions))?;
    let mut engine = Engine::new(config);
    numbers(&mut engine, image)?;
    instruments(&mut engine, image)?;
    let clients = clients(&mut engine, image)?;
    let extras = extras(image)?;
    let ids = orders(&mut engine, image, &clients, &extras)?;
    distinct(ids)?;
    for (at, client) in clients.iter().enumerate() {
        let who = SessionId(at as u16);
        if engine.clients.get(who).live != client.live {
            return Err(SnapshotError::Session(who));
        }
        engine.clients.put(who, client);
    }
    ledger(&mut engine, config, image)?;
    trades(&mut engine, image)?;
    Ok(engine)
}

/// Plain data out of an archive that was checked.
fn plain<T: Archive>(archived: &T::Archived) -> Read<T>
where
    T::Archived: Deserialize<T, HighDeserializer<RkyvError>>,
{
    rkyv::deserialize::<T, RkyvError>(archived).map_err(|e| SealedError::from(e).into())
}

fn fits(what: &'static str, image: usize, config: u32) -> Read<()> {
    let (image, config) = (image as u64, u64::from(config));
    if image <= config { Ok(()) } else { Err(SnapshotError::Capacity { what, image, config }) }
}

fn numbers(engine: &mut Engine, image: &ArchivedImage) -> Read<()> {
    let ids = 1..NUMBER_MAX;
    engine.next_order = image.next_order.to_native();
    engine.next_match = image.next_match.to_native();
    if !ids.contains(&engine.next_order) || !ids.contains(&engine.next_match) {
        return Err(SnapshotError::Number("the next order or match number"));
    }
    engine.now_ns = image.now_ns.to_native();
    engine.clock_s = image.clock_s.to_native();
    engine.deadline_ns = image.deadline_ns.to_native();
    if engine.clock_s >= DAY_S || engine.clock_s > engine.second() {
        return Err(SnapshotError::Number("the clock"));
    }
    engine.counters = plain(&image.counters)?;
    if counted(&engine.counters).into_iter().any(|count| count >= NUMBER_MAX) {
        return Err(SnapshotError::Number("a counter"));
    }
    Ok(())
}

fn counted(c: &EngineCounters) -> [u64; 12] {
    let EngineCounters { commands, accepted, rejected, matches, duplicates, superfluous, .. } = *c;
    let EngineCounters { unknown_session, full, limited, self_matches, crosses, obstacles, .. } =
        *c;
    [
        commands,
        accepted,
        rejected,
        matches,
        duplicates,
        superfluous,
        unknown_session,
        full,
        limited,
        self_matches,
        crosses,
        obstacles,
    ]
}

fn instruments(engine: &mut Engine, image: &ArchivedImage) -> Read<()> {
    let mut before = SymbolId(0);
    for archived in image.instruments.iter() {
        let i: InstrumentImage = plain(archived)?;
        let (now_ns, limit_state_ns) = (engine.now_ns, engine.config.limit_state_ns);
        let known = engine.instruments.get_mut(i.id).filter(|known| known.name == i.name);
        let known = known.ok_or(SnapshotError::UnknownSymbol(i.id))?;
        let highest = Price::LIMIT_MAX;
        let priced = i.lower <= i.upper && i.upper.max(i.reference).max(i.last) <= highest;
        // A pause's end may lie at any time; a limit state began at a stamp, the first being 1.
        let timed = i.limit_since_ns <= now_ns.max(1);
        if !priced || !timed || i.id <= before {
            return Err(SnapshotError::Instrument(i.id));
        }
        before = i.id;
        known.phase = i.phase;
        known.state = i.state;
        known.reference = i.reference;
        known.last = i.last;
        (known.lower, known.upper) = (i.lower, i.upper);
        known.limit_since_ns = i.limit_since_ns;
        known.resume_ns = i.resume_ns;
        // Never later than the first that is due, by the rules that hold from now on.
        if i.limit_since_ns > 0 {
            let ends = i.limit_since_ns.saturating_add(limit_state_ns);
            engine.deadline_ns = engine.deadline_ns.min(ends);
        }
        if i.resume_ns > 0 {
            engine.deadline_ns = engine.deadline_ns.min(i.resume_ns);
        }
    }
    Ok(())
}

/// Firms that are switched off go in; sessions once their orders are.
fn clients(engine: &mut Engine, image: &ArchivedImage) -> Read<Vec<Client>> {
    let clients: Vec<Client> = plain(&image.clients)?;
    if let Some(at) = clients.iter().position(|c| c.floor > c.last) {
        return Err(SnapshotError::Session(SessionId(at as u16)));
    }
    for (at, archived) in image.firms_off.iter().enumerate() {
        let FirmOff { session, firm } = plain(archived)?;
        if !engine.clients.put_firm_off(session, firm) {
            return Err(SnapshotError::FirmOff(at));
        }
    }
    Ok(clients)
}

/// Conditions in the image's order, and by order which it has; [`NIL`] for none.
struct Extras {
    all: Vec<ExtraImage>,
    of_order: Vec<u32>,
}

fn extras(image: &ArchivedImage) -> Read<Extras> {
    let all: Vec<ExtraImage> = plain(&image.extras)?;
    let mut of_order = vec![NIL; image.orders.len()];
    for (at, extra) in all.iter().enumerate() {
        let place = of_order.get_mut(extra.order as usize);
        match place.filter(|place| **place == NIL) {
            Some(place) => *place = at as u32,
            None => return Err(SnapshotError::Condition(at)),
        }
    }
    Ok(Extras { all, of_order })
}

/// Puts all orders in; their numbers, to be checked for doubles.
fn orders(
    engine: &mut Engine,
    image: &ArchivedImage,
    clients: &[Client],
    extras: &Extras,
) -> Read<Vec<u64>> {
    // The wheel's lists are in the order in which entries are taken.
    let entries: Vec<u32> = extras
        .all
        .iter()
        .map(|e| engine.extras.take(e.reserve, e.max_floor, e.min_qty, e.expire_s.min(DAY_S - 1)))
        .collect();
    let mut ids = Vec::with_capacity(image.orders.len());
    let mut before = (0, Side::Buy as u32, 0);
    for (archived, &at) in image.orders.iter().zip(&extras.of_order) {
        let order: OrderImage = plain(archived)?;
        let refuse = |fault| SnapshotError::Order { order: order.order_id, fault };
        check(engine, clients, &order, extras.all.get(at as usize)).map_err(refuse)?;
        let place = served_at(&order);
        if place < before {
            return Err(refuse(OrderFault::Place));
        }
        before = place;
        let entry = entries.get(at as usize).copied().unwrap_or(NIL);
        insert(engine, &order, entry)?;
        ids.push(order.order_id.0);
    }
    Ok(ids)
}

impl OrderImage {
    /// Whether it is on the tape: what is for a cross alone is not.
    fn is_shown(&self) -> bool {
        self.zone == Zone::Main && self.display.is_shown()
    }
}

/// Where an order stands: book, side, and rank with the best first.
fn served_at(order: &OrderImage) -> (u32, u32, u32) {
    let side = order.side.side();
    let rank = rank(side, order.price, order.is_shown());
    let key = match side {
        Side::Buy => !rank.0,
        Side::Sell => rank.0,
    };
    (order.zone.book(order.symbol).0, side as u32, key)
}

fn check(
    engine: &Engine,
    clients: &[Client],
    order: &OrderImage,
    extra: Option<&ExtraImage>,
) -> Result<(), OrderFault> {
    let ensure = |holds: bool, fault: OrderFault| if holds { Ok(()) } else { Err(fault) };
    ensure(engine.instruments.is_listed(order.symbol), OrderFault::Symbol)?;
    let client = clients.get(usize::from(order.session.0)).ok_or(OrderFault::Owner)?;
    let account = usize::from(order.account.0);
    let accounts = engine.config.ledger.as_ref().map(|ledger| ledger.accounts.len());
    ensure(accounts.is_none_or(|accounts| account < accounts), OrderFault::Owner)?;
    let numbered = (1..engine.next_order).contains(&order.order_id.0)
        && order.user_ref.0 > 0
        && (client.floor..=client.last).contains(&order.user_ref)
        && engine.slot(order.session, order.user_ref).is_none();
    ensure(numbered, OrderFault::Number)?;
    let limit = (Price(1)..=Price::LIMIT_MAX).contains(&order.price);
    ensure(limit || order.price.is_market(), OrderFault::Price)?;
    let reserve = extra.map_or(0, |e| e.reserve.0);
    let all = u64::from(order.qty.0) + u64::from(reserve) + u64::from(order.executed);
    // A replacement may ask to show more than it has: all of it is shown.
    let least = extra.map_or(0, |e| e.min_qty.0);
    let whole = order.qty > Qty::ZERO && all <= u64::from(Qty::ORDER_MAX.0);
    ensure(whole && least <= Qty::ORDER_MAX.0, OrderFault::Quantity)?;
    let expire_s = extra.map_or(0, |e| e.expire_s);
    let max_floor = extra.map_or(0, |e| e.max_floor.0);
    let terms = Terms { tif: order.tif, display: order.display, ..Terms::default() };
    let expires = (engine.clock_s + 1..DAY_S).contains(&expire_s);
    let ends = if order.tif == TimeInForce::Gtt { expires } else { expire_s == 0 };
    // What is in reserve is shown in parts of the floor, and only the continuous market has it.
    let floor = if max_floor == 0 { reserve == 0 } else { order.zone == Zone::Main };
    let rests = rests(&terms, order.price, order.zone);
    ensure(ends && floor && rests, OrderFault::Terms)
}

fn insert(engine: &mut Engine, order: &OrderImage, entry: u32) -> Read<()> {
    let side = order.side.side();
    let owner = Owner {
        order_id: order.order_id,
        user_ref: order.user_ref,
        executed: order.executed,
        extra: entry,
        session: order.session,
        account: order.account,
        firm: order.firm,
        cl_ord_id: order.cl_ord_id,
        side: order.side,
        tif: order.tif,
        capacity: order.capacity,
        display: order.display,
    };
    let at = rank(side, order.price, order.is_shown());
    let book = order.zone.book(order.symbol);
    let (slot, _) =
        engine.book.insert(book, side, at, order.qty, owner).map_err(|e| full(engine, e))?;
    engine.places.insert(order.session, order.user_ref, slot);
    engine.extras.put(entry, slot);
    engine.clients.came(order.session, order.user_ref);
    if order.zone == Zone::Peg
        && let Some(instrument) = engine.instruments.get_mut(order.symbol)
    {
        instrument.pegs += 1;
    }
    Ok(())
}

fn full(engine: &Engine, error: BookError) -> SnapshotError {
    let (what, config) = match error {
        BookError::LevelsFull => ("price levels or more", engine.config.levels),
        BookError::OrdersFull | BookError::UnknownBook => ("orders or more", engine.config.orders),
    };
    let config = u64::from(config);
    SnapshotError::Capacity { what, image: config + 1, config }
}

fn distinct(mut ids: Vec<u64>) -> Read<()> {
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => {
            Err(SnapshotError::Order { order: types::OrderId(pair[0]), fault: OrderFault::Number })
        }
    }
}

fn trades(engine: &mut Engine, image: &ArchivedImage) -> Read<()> {
    let mut before = 0;
    for archived in image.trades.iter() {
        let trade: Trade = plain(archived)?;
        let id = trade.match_id.0;
        let numbered = id > before && id < engine.next_match;
        let known = engine.instruments.is_listed(trade.symbol)
            && trade.parties.iter().all(|party| {
                let accounts = engine.ledger.as_ref().map(Ledger::accounts);
                engine.clients.knows(party.session)
                    && accounts.is_none_or(|accounts| party.account.0 < accounts)
            });
        let priced = (Price(1)..=Price::LIMIT_MAX).contains(&trade.price);
        let sized = (Qty(1)..=Qty::ORDER_MAX).contains(&trade.qty);
        if !(numbered && known && priced && sized) {
            return Err(SnapshotError::Trade(trade.match_id));
        }
        before = id;
        if !engine.trades.put(&trade) {
            let (image, config) = (image.trades.len() as u64, u64::from(engine.config.trades));
            return Err(SnapshotError::Capacity { what: "trades", image, config });
        }
    }
    Ok(())
}

fn ledger(engine: &mut Engine, config: &EngineConfig, image: &ArchivedImage) -> Read<()> {
    let (terms, archived) = match (&config.ledger, image.ledger.as_ref()) {
        (None, None) => return Ok(()),
        (Some(terms), Some(archived)) => (terms, archived),
        (_, archived) => return Err(SnapshotError::LedgerMissing { image: archived.is_some() }),
    };
    let mut image: LedgerImage = plain(archived)?;
    let sessions = usize::from(config.sessions);
    if image.sessions.len() < sessions {
        image.sessions.resize(sessions, SessionView::default());
    }
    let limits = &config.session_limits;
    let ledger = Ledger::from_image(terms, config.sessions, limits, &image)?;
    // What the books say is working, added up anew.
    let mut twin = Ledger::new(terms, config.sessions, limits);
    for book in (0..engine.book.books()).map(book::BookId) {
        for side in [Side::Buy, Side::Sell] {
            for (slot, view) in engine.book.served(book, side) {
                let order = Resting::new(slot, view);
                let working = engine.working(&order.owner, order.symbol, order.value());
                twin.open(&working, engine.live_qty(&order));
            }
        }
    }
    if !ledger.works_like(&twin) {
        return Err(SnapshotError::Working);
    }
    engine.ledger = Some(ledger);
    Ok(())
}
