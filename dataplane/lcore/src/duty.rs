//! The duty cycle of one lcore: sample time once, poll each role in turn, follow the run's phase.
//!
//! Between the phase's change to `Running` and its change to `Draining` the lcore is *hot*: the
//! thread's name says so (`lcN-hot`, then `lcN-done`), so that strace, perf and `ps -L` can tell,
//! and the heap allocations and context switches between the two marks go into the report.

use crate::agent::{Agent, Now};
use crate::control::{Control, Phase};
use heapwatch::thread_allocations;
use hostcpu::{TscClock, set_thread_name, thread_usage, tsc};

/// What an lcore did.
#[derive(Clone, Copy, Debug, Default)]
pub struct LcoreFacts {
    /// Duty cycles while hot.
    pub polls: u64,
    /// Duty cycles that found work while hot.
    pub busy_polls: u64,
    /// Time spent hot.
    pub hot_ns: u64,
    /// The longest time between two duty cycles while hot.
    pub stall_ns_max: u64,
    /// Heap allocations while hot; the aim is 0.
    pub allocations_hot: u64,
    /// Context switches the thread asked for while hot; the aim is 0.
    pub voluntary_switches_hot: u64,
    /// Context switches the kernel forced while hot.
    pub involuntary_switches_hot: u64,
    /// Page faults while hot; the aim is 0.
    pub page_faults_hot: u64,
}

/// Counts taken at the marks.
pub(crate) struct Mark {
    tsc: u64,
    allocations: u64,
    usage: hostcpu::Usage,
}

impl Mark {
    /// Takes the counts, and names the thread.
    pub(crate) fn take(name: &str) -> Mark {
        let usage = usage();
        name_thread(name);
        Mark { tsc: tsc(), allocations: thread_allocations().allocs, usage }
    }

    /// What happened since. Counts first, then names: the mark must not count itself.
    pub(crate) fn close(&self, facts: &mut LcoreFacts, clock: &TscClock, name: &str) {
        let allocations = thread_allocations().allocs;
        facts.hot_ns = clock.ns(tsc().wrapping_sub(self.tsc));
        name_thread(name);
        let usage = usage();
        facts.allocations_hot = allocations.wrapping_sub(self.allocations);
        facts.voluntary_switches_hot = usage.voluntary_switches - self.usage.voluntary_switches;
        facts.involuntary_switches_hot =
            usage.involuntary_switches - self.usage.involuntary_switches;
        facts.page_faults_hot = usage.minor_faults + usage.major_faults
            - self.usage.minor_faults
            - self.usage.major_faults;
    }
}

/// The kernel's account of this thread. It cannot fail for one's own thread; were it to, the report
/// would show zeroes where it shows counts, and `verdicts` hold the allocator's count anyway.
fn usage() -> hostcpu::Usage {
    thread_usage().unwrap_or_default()
}

/// A name is for people: a kernel that refuses it costs nothing.
fn name_thread(name: &str) {
    let _ = set_thread_name(name);
}

/// Runs `roles` on the calling thread until the run closes.
pub fn run<A: Agent>(
    index: usize,
    roles: &mut [A],
    control: &Control,
    clock: &TscClock,
) -> LcoreFacts {
    let names = [format!("lc{index}-hot"), format!("lc{index}-done")];
    let mut facts = LcoreFacts::default();
    let now = sample(clock);
    roles.iter_mut().for_each(|r| r.start(now));
    connect(index, roles, control, clock);
    let mark = Mark::take(&names[0]);
    hot(roles, control, clock, &mut facts);
    mark.close(&mut facts, clock, &names[1]);
    tell_faults(roles, index, control);
    drain(roles, control, clock);
    close(roles, clock);
    facts
}

/// Samples time once for everyone on the lcore.
#[inline]
pub fn sample(clock: &TscClock) -> Now {
    let tsc = tsc();
    Now { tsc, ns: clock.nanos_since_midnight(tsc) }
}

/// Tells the supervisor of a role that cannot go on. Looked for while connecting and once a run's
/// phase changes: a fault while hot shows as a connection that comes back or a replay that ends.
fn tell_faults<A: Agent>(roles: &[A], index: usize, control: &Control) {
    for (at, role) in roles.iter().enumerate() {
        if let Some(fault) = role.fault() {
            control.fail((index << 8 | at) as u32, fault);
        }
    }
}

fn poll_all<A: Agent>(roles: &mut [A], now: Now) -> usize {
    roles.iter_mut().map(|r| r.poll(now)).sum()
}

fn connect<A: Agent>(index: usize, roles: &mut [A], control: &Control, clock: &TscClock) {
    let mut told = false;
    while control.phase() == Phase::Connecting {
        poll_all(roles, sample(clock));
        tell_faults(roles, index, control);
        if !told && roles.iter().all(A::is_ready) {
            control.lcore_ready();
            told = true;
        }
    }
}

fn hot<A: Agent>(roles: &mut [A], control: &Control, clock: &TscClock, facts: &mut LcoreFacts) {
    let mut last = tsc();
    let mut stall_max = 0;
    while control.phase() == Phase::Running {
        let now = sample(clock);
        stall_max = stall_max.max(now.tsc.wrapping_sub(last));
        last = now.tsc;
        facts.polls += 1;
        facts.busy_polls += u64::from(poll_all(roles, now) > 0);
    }
    facts.stall_ns_max = clock.ns(stall_max);
}

fn drain<A: Agent>(roles: &mut [A], control: &Control, clock: &TscClock) {
    let now = sample(clock);
    roles.iter_mut().for_each(|r| r.drain(now));
    let (mut asked, mut answered) = (0, 0);
    while control.phase() <= Phase::Draining {
        let round = control.round();
        if round != asked {
            asked = round;
            roles.iter_mut().for_each(A::on_round);
        }
        let work = poll_all(roles, sample(clock));
        if answered != asked && work == 0 && roles.iter().all(A::is_drained) {
            answered = asked;
            control.answer_round();
        }
    }
}

/// How long goodbyes may take before the lcore ends all the same.
const CLOSE_NS_MAX: u64 = 2_000_000_000;

fn close<A: Agent>(roles: &mut [A], clock: &TscClock) {
    let began = sample(clock);
    loop {
        let now = sample(clock);
        poll_all(roles, now);
        // Every role is asked, each cycle: a client's goodbye needs the venue to go on polling.
        let open = roles.iter_mut().map(|r| usize::from(!r.stop(now))).sum::<usize>();
        if open == 0 || now.ns.saturating_sub(began.ns) > CLOSE_NS_MAX {
            return;
        }
    }
}
