//! Capacities as sums of named terms: mbufs that can be out at once, and the memory of it all.

use engine::Record;
use engine::ledger::{AccountLimits, AccountView};
use lcore::impair::HELD_MAX;
use net::TcpConfig;

use super::{Config, Publisher, VenueConfig};

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
/// What an account has and may do.
const ACCOUNT_BYTES: u64 = (size_of::<AccountView>() + size_of::<AccountLimits>()) as u64;
/// The shortest message of an image, a trading action, and what tells where it ends.
const IMAGE_MESSAGE_BYTES_MIN: u64 = 25;
const IMAGE_SLOT_BYTES: u64 = 4;
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
    for impair in &config.impairs {
        let held = [impair.a_to_b, impair.b_to_a].iter().filter(|rates| rates.holds()).count();
        if held > 0 {
            let name = format!("{}: {held} x {HELD_MAX} frames held", impair.name);
            terms.push(term(name, (held * HELD_MAX) as u64));
        }
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
    for venue in &config.venues {
        venue_terms(&mut terms, venue);
    }
    for trader in &config.traders {
        let limits = trader.limits;
        terms.push(books(&trader.name, limits.orders_max, limits.levels_max));
    }
    for loadgen in &config.loadgens {
        terms.extend(loadgen.feed.as_ref().map(|feed| sent_again(&loadgen.name, feed)));
    }
    terms
}

fn venue_terms(terms: &mut Vec<Term>, venue: &VenueConfig) {
    let (name, limits) = (&venue.name, &venue.limits);
    terms.push(books(name, limits.orders_max, limits.levels_max));
    terms.push(term(
        format!("{name}: {} orders with a condition", limits.conditional_orders_max),
        u64::from(limits.conditional_orders_max) * CONDITIONAL_BYTES,
    ));
    terms.push(term(
        format!("{name}: {} trades that can be broken", limits.trades_max),
        u64::from(limits.trades_max).next_power_of_two() * TRADE_BYTES,
    ));
    let accounts = venue.ledger.len();
    terms.push(term(
        format!("{name}: ledger, {accounts} accounts, {} positions", limits.positions_max),
        accounts as u64 * ACCOUNT_BYTES + u64::from(limits.positions_max) * POSITION_BYTES,
    ));
    let logins = venue.accounts.len();
    terms.push(term(
        format!("{name}: {logins} logins' replies"),
        logins as u64 * store(limits.replay_messages, limits.replay_bytes),
    ));
    if venue.accounts.iter().any(|account| account.snapshot) {
        let bytes = u64::from(limits.snapshot_bytes);
        let lengths = bytes / IMAGE_MESSAGE_BYTES_MIN * IMAGE_SLOT_BYTES;
        terms.push(term(format!("{name}: the image of a snapshot"), bytes + lengths));
    }
    let slots = limits.connections_max as usize;
    let (rx_bytes, tx_bytes) = (limits.rx_bytes as usize, limits.tx_bytes as usize);
    let tcp = TcpConfig { slots, rx_bytes, tx_bytes, ..TcpConfig::default() };
    let servers = venue.orders.len();
    terms.push(term(
        format!("{name}: {} connections and their buffers", servers * slots),
        servers as u64 * tcp.memory_bytes() as u64,
    ));
    if venue.command_log_max > 0 {
        let commands = u64::from(venue.command_log_max);
        let each = size_of::<Record>() as u64;
        terms.push(term(format!("{name}: log of {commands} commands"), commands * each));
    }
    terms.push(sent_again(name, &venue.itch));
}

fn books(name: &str, orders: u32, levels: u32) -> Term {
    let bytes = u64::from(orders) * ORDER_BYTES + u64::from(levels) * LEVEL_BYTES;
    term(format!("{name}: books, {orders} orders, {levels} levels"), bytes)
}

fn sent_again(name: &str, feed: &Publisher) -> Term {
    let bytes = store(feed.replay_messages, feed.replay_bytes);
    term(format!("{name}: ITCH for retransmission"), bytes)
}

fn store(messages: u32, bytes: u32) -> u64 {
    u64::from(messages) * REPLAY_SLOT_BYTES + u64::from(bytes)
}

/// The sum.
pub(super) fn total(terms: &[Term]) -> u64 {
    terms.iter().map(|term| term.amount).sum()
}
