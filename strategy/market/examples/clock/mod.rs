//! What the examples measure with.

use std::time::Instant;

/// A clock that starts when made: CPU time of this thread where the kernel tells it, so that a
/// shared core disturbs less, or the wall's.
pub(crate) enum Clock {
    Cpu(u64),
    Wall(Instant),
}

impl Clock {
    pub(crate) fn start() -> Clock {
        cpu_ns().map_or_else(|| Clock::Wall(Instant::now()), Clock::Cpu)
    }

    #[allow(dead_code, reason = "one of two examples needs it")]
    pub(crate) fn wall() -> Clock {
        Clock::Wall(Instant::now())
    }

    pub(crate) fn ns(&self) -> f64 {
        match self {
            Clock::Cpu(from) => cpu_ns().unwrap_or(*from).saturating_sub(*from) as f64,
            Clock::Wall(from) => from.elapsed().as_nanos() as f64,
        }
    }
}

fn cpu_ns() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok()
}

/// The most memory that the process has had resident, in MB; 0 where the kernel does not tell.
pub(crate) fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|kb| kb.trim().trim_end_matches("kB").trim().parse::<u64>().ok())
        .map_or(0, |kb| kb * 1024 / 1_000_000)
}
