//! Capacities as sums of named terms: mbufs that can be out at once, and the memory of it all.

use super::Config;

/// What a frame's mbuf costs besides its data room: the pool's header and `struct rte_mbuf`.
const MBUF_OVERHEAD_BYTES: u64 = 64 + 128;
/// A cache holds up to one and a half times its size before it gives back.
const CACHE_FLUSH: (u32, u32) = (3, 2);
/// Frames in a loop's hands: a burst received, a burst to be sent.
const BURSTS_HELD: u32 = 2 * 64;
/// Descriptors and their software rings, a slot.
const SLOT_BYTES: u64 = 64;
/// EAL's own: its tables, the pools' and rings' headers, the mempool's lcore caches.
const EAL_BYTES: u64 = 8 << 20;
/// An order and its place in the index by reference.
const ORDER_BYTES: u64 = 64 + 16;
/// The terms of an order that has some.
const CONDITIONAL_BYTES: u64 = 32;
/// A trade that can be broken.
const TRADE_BYTES: u64 = 96;
/// A row of the ledger, and two entries of the table that finds it.
const POSITION_BYTES: u64 = 64;
/// A price level.
const LEVEL_BYTES: u64 = 48;
/// A message's place in a replay store.
const REPLAY_SLOT_BYTES: u64 = 16;

/// A part of a sum, with the arithmetic it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// What it is for.
    pub(crate) name: String,
    /// Mbufs or bytes.
    pub(crate) amount: u64,
}

fn term(name: impl Into<String>, amount: u64) -> Term {
    Term { name: name.into(), amount }
}

/// Mbufs that can be away from the pool at once.
pub(crate) fn mbuf_terms(config: &Config) -> Vec<Term> {
    let mut terms = Vec::new();
    for link in &config.links {
        let name = format!("link {}: 2 x {} slots", link.name, link.slots);
        terms.push(term(name, 2 * u64::from(link.slots)));
    }
    for port in &config.ports {
        let name = format!("port {}: {} rx + {} tx slots", port.name, port.rx_slots, port.tx_slots);
        terms.push(term(name, u64::from(port.rx_slots) + u64::from(port.tx_slots)));
    }
    let lcores = config.roles().count() as u64;
    let each = config.pool.cache * CACHE_FLUSH.0 / CACHE_FLUSH.1 + BURSTS_HELD;
    let name = format!("{lcores} lcores x (3/2 cache of {} + {BURSTS_HELD})", config.pool.cache);
    terms.push(term(name, lcores * u64::from(each)));
    terms
}

/// Bytes that EAL must have: what `eal.memory_mb` has to hold.
pub(crate) fn eal_terms(config: &Config) -> Vec<Term> {
    let pool = config.pool;
    let element = (u64::from(pool.data_room) + MBUF_OVERHEAD_BYTES).next_multiple_of(64);
    let mut terms = vec![
        term("EAL itself", EAL_BYTES),
        term(
            format!("pool: {} mbufs x {element} bytes", pool.mbufs),
            u64::from(pool.mbufs) * element,
        ),
        term("pool: its ring", (u64::from(pool.mbufs) + 1).next_power_of_two() * 8),
    ];
    for link in &config.links {
        let name = format!("link {}: 2 rings x {} slots x 8 bytes", link.name, link.slots);
        terms.push(term(name, 16 * u64::from(link.slots)));
    }
    for port in &config.ports {
        let slots = u64::from(port.rx_slots) + u64::from(port.tx_slots);
        let name = format!("port {}: {slots} slots x {SLOT_BYTES} bytes", port.name);
        terms.push(term(name, slots * SLOT_BYTES));
    }
    terms
}

/// Bytes that the roles take outside of EAL, about.
pub(crate) fn role_terms(config: &Config) -> Vec<Term> {
    let mut terms = Vec::new();
    let books = |orders: u32, levels: u32| {
        u64::from(orders) * ORDER_BYTES + u64::from(levels) * LEVEL_BYTES
    };
    let store =
        |messages: u32, bytes: u32| u64::from(messages) * REPLAY_SLOT_BYTES + u64::from(bytes);
    for venue in &config.venues {
        let (name, limits) = (&venue.name, venue.limits);
        terms.push(term(
            format!("{name}: books, {} orders, {} levels", limits.orders_max, limits.levels_max),
            books(limits.orders_max, limits.levels_max),
        ));
        terms.push(term(
            format!("{name}: {} accounts' replies", venue.accounts.len()),
            venue.accounts.len() as u64 * store(limits.replay_messages, limits.replay_bytes),
        ));
        terms.push(term(
            format!(
                "{name}: {} conditional orders, {} trades, {} positions",
                limits.conditional_orders_max, limits.trades_max, limits.positions_max
            ),
            u64::from(limits.conditional_orders_max) * CONDITIONAL_BYTES
                + u64::from(limits.trades_max).next_power_of_two() * TRADE_BYTES
                + u64::from(limits.positions_max) * POSITION_BYTES,
        ));
        if venue.accounts.iter().any(|account| account.snapshot) {
            let bytes = u64::from(limits.snapshot_bytes);
            terms.push(term(format!("{name}: the image of a snapshot"), bytes));
        }
        let connections = venue.orders.len() as u64 * u64::from(limits.connections_max);
        terms.push(term(
            format!("{name}: {connections} connections' buffers"),
            connections * (u64::from(limits.rx_bytes) + u64::from(limits.tx_bytes)),
        ));
        terms.push(term(
            format!("{name}: ITCH for retransmission"),
            store(venue.itch.replay_messages, venue.itch.replay_bytes),
        ));
    }
    for trader in &config.traders {
        let limits = trader.limits;
        terms.push(term(
            format!(
                "{}: books, {} orders, {} levels",
                trader.name, limits.orders_max, limits.levels_max
            ),
            books(limits.orders_max, limits.levels_max),
        ));
    }
    for loadgen in &config.loadgens {
        if let Some(feed) = &loadgen.feed {
            terms.push(term(
                format!("{}: ITCH for retransmission", loadgen.name),
                store(feed.replay_messages, feed.replay_bytes),
            ));
        }
    }
    terms
}

/// The sum.
pub(super) fn total(terms: &[Term]) -> u64 {
    terms.iter().map(|term| term.amount).sum()
}
