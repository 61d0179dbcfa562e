//! What a hop costs: an item of 64 bits from a sender to a receiver, neither of which ever waits.
//!
//! On one core: a thread pushes and pops in turn, one item or 32 at a time. Across two: an item
//! goes to another thread and back, of which half is told; and items go one way as fast as they
//! can. Each figure is the median over batches of some microseconds, but for those in which the
//! kernel gave a core to somebody else. That all items arrive, in order, is checked.

use std::hint::spin_loop;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Items a ring has room for, at least.
pub(crate) const ITEMS_MAX: usize = 1024;
/// Items of a burst.
pub(crate) const BURST: usize = 32;
/// The last item of a measurement.
const END: u64 = u64::MAX;
/// Items, and round trips, of a batch.
const BATCH: u64 = 4096;
const TRIPS: u64 = 32;
/// So many times the shortest batch, and some thread was not running.
const ALONE: u32 = 16;
/// Across two cores a measurement goes on until there are so many batches, but no longer than so
/// many times its time: on a machine with other work both threads are rarely running at once.
const BATCHES_MIN: usize = 1000;
const PATIENCE: u32 = 10;

/// The end that items are given to.
pub(crate) trait Sender: Send {
    /// Takes an item; false when there is no room for it.
    fn push(&mut self, item: u64) -> bool;

    /// Takes as many as there is room for, from the front; tells how many.
    fn push_burst(&mut self, items: &[u64]) -> usize {
        items.iter().take_while(|item| self.push(**item)).count()
    }
}

/// The end that items come out of.
pub(crate) trait Receiver: Send {
    /// The next item, if there is one.
    fn pop(&mut self) -> Option<u64>;

    /// The next items, as many as there are and `out` has room for; tells how many.
    fn pop_burst(&mut self, out: &mut [u64]) -> usize {
        let mut count = 0;
        for place in out {
            let Some(item) = self.pop() else { break };
            *place = item;
            count += 1;
        }
        count
    }
}

/// What is measured, for how long each, and the CPUs of the threads.
pub(crate) struct Plan {
    two_cores: bool,
    time: Duration,
    cpus: Vec<usize>,
}

/// The plan of a command line, `one-core|two-cores [MILLISECONDS]`; none when it says otherwise.
///
/// Ends with 1 when there is only one CPU for two threads: they would but wait for each other.
pub(crate) fn plan(args: &[String]) -> Option<Plan> {
    let (cores, ms) = match args {
        [cores] => (cores, 300),
        [cores, ms] => (cores, ms.parse().ok().filter(|ms| *ms > 0)?),
        _ => return None,
    };
    let two_cores = match cores.as_str() {
        "one-core" => false,
        "two-cores" => true,
        _ => return None,
    };
    let cpus: Vec<usize> = hostcpu::allowed_cpus().ok()?.iter().collect();
    if two_cores && cpus.len() < 2 {
        eprintln!("only one CPU may be used: nothing is measured across two");
        std::process::exit(1);
    }
    Some(Plan { two_cores, time: Duration::from_millis(ms), cpus })
}

impl Plan {
    /// Whether a measurement across two cores that has so many batches goes on.
    fn goes_on(&self, begin: Instant, batches: usize) -> bool {
        let elapsed = begin.elapsed();
        elapsed < self.time || (batches < BATCHES_MIN && elapsed < self.time * PATIENCE)
    }

    fn pin(&self, thread: usize) {
        hostcpu::pin_current(self.cpus[thread]).expect("one of those that are allowed");
    }
}

/// The median of what a batch took, in ns for each of its `count`. One that took many times the
/// least was one in which a thread had no core.
fn median_ns(mut batches: Vec<Duration>, count: u64) -> f64 {
    assert!(!batches.is_empty(), "the time was too short for a batch");
    batches.sort_unstable();
    let least = batches[0];
    batches.retain(|batch| *batch <= least * ALONE);
    batches[batches.len() / 2].as_nanos() as f64 / count as f64
}

/// Measures what is planned, and prints it.
pub(crate) fn measure<S: Sender, R: Receiver>(plan: &Plan, ring: impl Fn() -> (S, R)) {
    plan.pin(0);
    if plan.two_cores {
        println!("FIGURE two_cores {:.3} ns", there_and_back(plan, ring(), ring()));
        println!("FIGURE stream {:.3} ns", one_way(plan, ring(), 1));
        println!("FIGURE stream_burst {:.3} ns", one_way(plan, ring(), BURST));
    } else {
        println!("FIGURE one_core {:.3} ns", one_core(plan, &mut ring(), 1));
        println!("FIGURE one_core_burst {:.3} ns", one_core(plan, &mut ring(), BURST));
    }
}

/// Items pushed and popped by one thread, `burst` at a time: ns an item.
#[inline(never)]
fn one_core<S: Sender, R: Receiver>(plan: &Plan, (tx, rx): &mut (S, R), burst: usize) -> f64 {
    let (mut batches, begin, mut next) = (Vec::new(), Instant::now(), 0u64);
    let mut items = [0u64; BURST];
    while begin.elapsed() < plan.time {
        let start = Instant::now();
        for _ in 0..BATCH as usize / burst {
            if burst == 1 {
                assert!(tx.push(next), "full");
                assert!(rx.pop() == Some(next), "out of order");
            } else {
                for (at, item) in (next..).zip(&mut items) {
                    *item = at;
                }
                assert!(tx.push_burst(&items) == burst, "full");
                let mut got = [0u64; BURST];
                assert!(rx.pop_burst(&mut got) == burst, "lost");
                assert!(got == items, "out of order");
            }
            next += burst as u64;
        }
        batches.push(start.elapsed());
    }
    median_ns(batches, BATCH)
}

fn push<S: Sender>(tx: &mut S, item: u64) {
    while !tx.push(item) {
        spin_loop();
    }
}

fn pop<R: Receiver>(rx: &mut R) -> u64 {
    loop {
        if let Some(item) = rx.pop() {
            return item;
        }
        spin_loop();
    }
}

/// Half of a round trip between two threads: ns a hop.
fn there_and_back<S: Sender, R: Receiver>(plan: &Plan, there: (S, R), back: (S, R)) -> f64 {
    let ((mut tx, mut rx_there), (mut tx_back, mut rx)) = (there, back);
    thread::scope(|scope| {
        scope.spawn(move || {
            plan.pin(1);
            loop {
                let item = pop(&mut rx_there);
                push(&mut tx_back, item);
                if item == END {
                    return;
                }
            }
        });
        let (mut batches, begin, mut next) = (Vec::new(), Instant::now(), 0u64);
        while plan.goes_on(begin, batches.len()) {
            let start = Instant::now();
            for _ in 0..TRIPS {
                push(&mut tx, next);
                assert!(pop(&mut rx) == next, "out of order");
                next += 1;
            }
            batches.push(start.elapsed());
        }
        push(&mut tx, END);
        pop(&mut rx);
        median_ns(batches, 2 * TRIPS)
    })
}

/// Items from one thread to another as fast as they go, `burst` at a time: ns an item.
fn one_way<S: Sender, R: Receiver>(plan: &Plan, (mut tx, mut rx): (S, R), burst: usize) -> f64 {
    let ready = &Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(move || {
            plan.pin(1);
            ready.wait();
            send(plan, &mut tx, burst);
        });
        ready.wait();
        receive(&mut rx, burst)
    })
}

#[inline(never)]
fn send<S: Sender>(plan: &Plan, tx: &mut S, burst: usize) {
    let (begin, mut next, mut items) = (Instant::now(), 0u64, [0u64; BURST]);
    while plan.goes_on(begin, (next / BATCH) as usize) {
        for _ in 0..BATCH as usize / burst {
            if burst == 1 {
                push(tx, next);
            } else {
                for (at, item) in (next..).zip(&mut items) {
                    *item = at;
                }
                let mut sent = 0;
                while sent < burst {
                    match tx.push_burst(&items[sent..]) {
                        0 => spin_loop(),
                        count => sent += count,
                    }
                }
            }
            next += burst as u64;
        }
    }
    push(tx, END);
}

#[inline(never)]
fn receive<R: Receiver>(rx: &mut R, burst: usize) -> f64 {
    let (mut batches, mut start, mut next) = (Vec::new(), Instant::now(), 0u64);
    let (mut items, mut due) = ([0u64; BURST], BATCH);
    loop {
        let got = if burst == 1 {
            items[0] = pop(rx);
            1
        } else {
            rx.pop_burst(&mut items)
        };
        if got == 0 {
            spin_loop();
        }
        for item in &items[..got] {
            if *item == END {
                return median_ns(batches, BATCH);
            }
            assert!(*item == next, "out of order");
            next += 1;
        }
        if next >= due {
            let now = Instant::now();
            batches.push(now - start);
            (start, due) = (now, due + BATCH);
        }
    }
}
