//! The chain: laid, and followed.

use super::Latency;
use super::room::Room;
use crate::{Error, Stop};
use hostcpu::{TscClock, memory, pin_current, tsc};
use hugemem::{Backing, HugePolicy, HugeSlab};
use std::hint::black_box;
use std::thread;

/// Loads between two looks at the clock.
const BATCH: u32 = 1 << 14;
/// How long the chain is followed.
const CHASE_NS: u64 = 200_000_000;
/// Links laid between two questions whether that is enough.
const LAY_BATCH: usize = 1 << 16;

/// A cache line that names the next.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Link(u32);

/// Measures on a thread of its own: its CPU and its memory's node are then nobody else's. The inner
/// error is for people: what this machine does not offer.
pub(super) fn on(
    cpu: usize,
    nodes: (usize, usize),
    room: &Room,
    stop: Stop<'_>,
) -> Result<Result<Latency, String>, Error> {
    let clock = TscClock::calibrate()?;
    thread::scope(|scope| {
        let body = || measure(cpu, nodes, room, &clock, stop);
        let named = thread::Builder::new().name(format!("memory{cpu}"));
        let thread =
            named.spawn_scoped(scope, body).map_err(|source| Error::Thread { cpu, source })?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn measure(
    cpu: usize,
    (cpu_node, memory_node): (usize, usize),
    room: &Room,
    clock: &TscClock,
    stop: Stop<'_>,
) -> Result<Result<Latency, String>, Error> {
    pin_current(cpu)?;
    if let Err(error) = memory::bind(memory_node)
        && cpu_node != memory_node
    {
        return Ok(Err(format!(
            "memory of node {memory_node} cannot be asked for: {}",
            whole(&error)
        )));
    }
    let policy = if room.hugepages { HugePolicy::Auto } else { HugePolicy::Off };
    let links = usize::try_from(room.bytes / size_of::<Link>() as u64).unwrap_or(0);
    let mut chain = match HugeSlab::new(links, Link(0), policy) {
        Ok(chain) => chain,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if !lay(&mut chain, stop) {
        return Ok(Err("interrupted".to_owned()));
    }
    let (load_ns, loads) = follow(&chain, clock, stop);
    Ok(Ok(Latency {
        cpu,
        cpu_node,
        memory_node,
        bytes: room.bytes,
        cache_bytes: room.cache_bytes,
        hugepages: chain.backing() == Backing::Huge,
        load_ns,
        loads,
    }))
}

/// An error with what caused it.
fn whole(error: &hostcpu::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// One cycle through all links, at random (Sattolo); false when it was broken off.
fn lay(chain: &mut [Link], stop: Stop<'_>) -> bool {
    chain.iter_mut().zip(0u32..).for_each(|(link, own)| link.0 = own);
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    for at in (1..chain.len()).rev() {
        if at.is_multiple_of(LAY_BATCH) && stop() {
            return false;
        }
        // xorshift64: random enough for a prefetcher.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let other = ((u128::from(seed) * at as u128) >> 64) as usize;
        chain.swap(at, other);
    }
    true
}

/// Follows the chain; a load's time as the median of batches, in ns, and how many loads there were.
fn follow(chain: &[Link], clock: &TscClock, stop: Stop<'_>) -> (f64, u64) {
    let mut batches = Vec::new();
    let (start, mut at, mut loads) = (tsc(), 0u32, 0u64);
    loop {
        let before = tsc();
        for _ in 0..BATCH {
            at = chain.get(at as usize).map_or(0, |link| link.0);
        }
        at = black_box(at);
        let now = tsc();
        batches.push(clock.ns(now.wrapping_sub(before)) as f64 / f64::from(BATCH));
        loads += u64::from(BATCH);
        if clock.ns(now.wrapping_sub(start)) > CHASE_NS || stop() {
            break;
        }
    }
    batches.sort_unstable_by(f64::total_cmp);
    (batches[batches.len() / 2], loads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_one_cycle_through_all_links() {
        for links in [1usize, 2, 3, 1000] {
            let mut chain = vec![Link(0); links];
            assert!(lay(&mut chain, &|| false));
            let mut at = 0u32;
            for step in 1..=links {
                at = chain[at as usize].0;
                assert_eq!(at == 0, step == links, "{links} links, step {step}");
            }
        }
        assert!(!lay(&mut vec![Link(0); 2 * LAY_BATCH], &|| true));
    }
}
