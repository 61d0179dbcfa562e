//! The time stamp counter, and nanoseconds out of it.
//!
//! A poll loop cannot afford the kernel's clock, so it reads the core's counter once a duty cycle
//! ([`tsc`]) and turns it into nanoseconds with one widening multiplication ([`TickScale`]): no
//! division, no call. [`TscClock::calibrate`] finds the rate once, at start, against
//! `CLOCK_MONOTONIC_RAW`, which NTP does not bend.
//!
//! # Accuracy
//!
//! The scale itself is exact to 2⁻⁴⁷. The rate is known to a few parts in a million: both ends of
//! the 20 ms window are read to some tens of nanoseconds. Differences are therefore good for
//! latencies, while [`TscClock::nanos_since_midnight`] walks away from a disciplined wall clock by
//! at most some milliseconds an hour; it is for stamping messages, not for synchronising hosts.

use crate::Error;
use std::io;
use std::mem::MaybeUninit;
use std::thread;
use std::time::Duration;

/// How long the counter is watched.
const WINDOW: Duration = Duration::from_millis(20);
/// Readings taken at either end of the window; the tightest counts.
const READINGS: usize = 16;
/// Fractional bits of the scale: 1 MHz still gives a multiplier below 2⁵⁸.
const SCALE_BITS: u32 = 48;
/// Rates outside these bounds are not those of a time stamp counter.
const HZ_MIN: u64 = 1_000_000;
const HZ_MAX: u64 = 100_000_000_000;
const NS_PER_S: u64 = 1_000_000_000;
const NS_PER_DAY: u64 = 86_400 * NS_PER_S;

/// The counter now, in ticks of a constant rate.
///
/// The read is not serialising: the core may take it some tens of cycles early or late against its
/// neighbours. That is far below what a stage of the pipeline takes, and a fence would cost more
/// than the stage clocks may.
#[inline(always)]
pub fn tsc() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: `rdtsc` is part of x86_64 and touches no memory. (Linux leaves CR4.TSD clear.)
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let ticks: u64;
        // SAFETY: reads the virtual counter, which Linux allows at EL0, and touches no memory.
        unsafe {
            core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack));
        }
        ticks
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    compile_error!("hostcpu reads the time stamp counter of x86_64 and aarch64 only")
}

/// The counter now, read after all that stands before it in the program and before all that stands
/// after it: for comparing the counters of two cores, where [`tsc`]'s freedom would be an error.
pub fn tsc_ordered() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: `lfence` and `rdtsc` are part of x86_64 and touch no memory.
        unsafe {
            core::arch::x86_64::_mm_lfence();
            let ticks = core::arch::x86_64::_rdtsc();
            core::arch::x86_64::_mm_lfence();
            ticks
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let ticks: u64;
        // SAFETY: barriers, and the virtual counter, which Linux allows at EL0. Without `nomem`,
        // the compiler moves no access to memory across them.
        unsafe {
            core::arch::asm!("isb", "mrs {}, cntvct_el0", "isb", out(reg) ticks,
                options(nostack));
        }
        ticks
    }
}

/// Turns ticks into nanoseconds by one 64×64→128 bit multiplication and a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickScale {
    /// Nanoseconds a tick, in 1/2⁴⁸.
    ns_per_tick: u64,
}

impl TickScale {
    /// The scale of a counter of `hz` ticks a second.
    ///
    /// # Errors
    /// [`Error::Tsc`] when `hz` is not between 1 MHz and 100 GHz.
    pub fn from_hz(hz: u64) -> Result<Self, Error> {
        if !(HZ_MIN..=HZ_MAX).contains(&hz) {
            return Err(Error::Tsc { hz });
        }
        // Rounded to the nearest; fits, as 1e9·2⁴⁸/1e6 is below 2⁵⁸.
        let scaled = (u128::from(NS_PER_S) << SCALE_BITS) + u128::from(hz / 2);
        Ok(Self { ns_per_tick: (scaled / u128::from(hz)) as u64 })
    }

    /// One tick is one nanosecond: for virtual clocks.
    pub const fn nanoseconds() -> Self {
        Self { ns_per_tick: 1 << SCALE_BITS }
    }

    /// `ticks` in nanoseconds, rounded down. Wraps after more than 500 years.
    #[inline(always)]
    pub const fn ns(self, ticks: u64) -> u64 {
        ((ticks as u128 * self.ns_per_tick as u128) >> SCALE_BITS) as u64
    }
}

/// A calibrated counter with the time of day it was calibrated at. A few words: copy it to each
/// lcore.
#[derive(Clone, Copy, Debug)]
pub struct TscClock {
    scale: TickScale,
    hz: u64,
    base_tsc: u64,
    base_unix_ns: u64,
    base_midnight_ns: u64,
}

impl TscClock {
    /// Watches the counter against `CLOCK_MONOTONIC_RAW` for 20 ms, and notes the wall clock.
    ///
    /// # Errors
    /// [`Error::Call`] when a clock cannot be read, [`Error::Tsc`] when the counter stands still.
    pub fn calibrate() -> Result<Self, Error> {
        let watch = RateWatch::start()?;
        thread::sleep(WINDOW);
        let hz = watch.hz()?;
        let wall = Reading::best(libc::CLOCK_REALTIME)?;
        Self::at(hz, wall.tsc, wall.ns)
    }

    /// A clock whose counter runs at `hz` and stood at `base_tsc` at `base_unix_ns`: for tests and
    /// virtual time.
    ///
    /// # Errors
    /// [`Error::Tsc`] when `hz` is not between 1 MHz and 100 GHz.
    pub fn at(hz: u64, base_tsc: u64, base_unix_ns: u64) -> Result<Self, Error> {
        let scale = TickScale::from_hz(hz)?;
        let base_midnight_ns = base_unix_ns % NS_PER_DAY;
        Ok(Self { scale, hz, base_tsc, base_unix_ns, base_midnight_ns })
    }

    /// Ticks a second.
    pub fn hz(&self) -> u64 {
        self.hz
    }

    /// The multiplier alone, for those who only measure differences.
    pub fn scale(&self) -> TickScale {
        self.scale
    }

    /// A difference of two readings in nanoseconds.
    #[inline(always)]
    pub fn ns(&self, ticks: u64) -> u64 {
        self.scale.ns(ticks)
    }

    /// Ticks in `ns` nanoseconds, saturating: for deadlines computed at start.
    pub fn ticks(&self, ns: u64) -> u64 {
        let ticks = u128::from(ns) * u128::from(self.hz) / u128::from(NS_PER_S);
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// Nanoseconds from midnight UTC of the day of calibration to the reading `tsc`: what ITCH and
    /// OUCH carry as a timestamp. `TZ` is not looked at. A run that passes midnight goes on
    /// counting, so time never steps back; the 48 bits of an ITCH timestamp last 78 hours.
    #[inline(always)]
    pub fn nanos_since_midnight(&self, tsc: u64) -> u64 {
        self.shift(self.base_midnight_ns, tsc)
    }

    /// Nanoseconds since 1970 (UTC) at the reading `tsc`.
    pub fn unix_ns(&self, tsc: u64) -> u64 {
        self.shift(self.base_unix_ns, tsc)
    }

    /// `base_ns` moved by the distance of `tsc` from the base, in either direction: a counter read
    /// on another core just before calibration ended may lie a little behind it.
    #[inline(always)]
    fn shift(&self, base_ns: u64, tsc: u64) -> u64 {
        let ticks = tsc.wrapping_sub(self.base_tsc);
        if ticks.cast_signed() >= 0 {
            base_ns.wrapping_add(self.scale.ns(ticks))
        } else {
            base_ns.saturating_sub(self.scale.ns(ticks.wrapping_neg()))
        }
    }
}

/// Watches the counter against `CLOCK_MONOTONIC_RAW` for as long as one likes: the longer, the
/// better the rate is known.
#[derive(Clone, Copy, Debug)]
pub struct RateWatch {
    start: Reading,
}

impl RateWatch {
    /// Begins to watch.
    ///
    /// # Errors
    /// [`Error::Call`] when the clock cannot be read.
    pub fn start() -> Result<Self, Error> {
        Ok(Self { start: Reading::best(libc::CLOCK_MONOTONIC_RAW)? })
    }

    /// Ticks a second from the beginning until now.
    ///
    /// # Errors
    /// As [`RateWatch::start`].
    pub fn hz(&self) -> Result<u64, Error> {
        let end = Reading::best(libc::CLOCK_MONOTONIC_RAW)?;
        let elapsed_ns = u128::from(end.ns.saturating_sub(self.start.ns)).max(1);
        let ticks = u128::from(end.tsc.wrapping_sub(self.start.tsc));
        Ok(u64::try_from(ticks * u128::from(NS_PER_S) / elapsed_ns).unwrap_or(u64::MAX))
    }
}

/// A kernel clock and the counter, read at the same moment.
#[derive(Clone, Copy, Debug)]
struct Reading {
    tsc: u64,
    ns: u64,
}

impl Reading {
    /// The tightest of several readings: the one least likely to have been interrupted.
    fn best(clock: libc::clockid_t) -> Result<Self, Error> {
        let mut best = None;
        let mut best_width = u64::MAX;
        for _ in 0..READINGS {
            let before = tsc();
            let ns = clock_ns(clock)?;
            let width = tsc().wrapping_sub(before);
            if width < best_width || best.is_none() {
                best_width = width;
                best = Some(Self { tsc: before.wrapping_add(width / 2), ns });
            }
        }
        best.ok_or(Error::Tsc { hz: 0 })
    }
}

fn clock_ns(clock: libc::clockid_t) -> Result<u64, Error> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is to room for a `timespec`, which the call fills when it returns 0.
    if unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) } != 0 {
        return Err(Error::Call { call: "clock_gettime", source: io::Error::last_os_error() });
    }
    // SAFETY: the call returned 0 and so has written the whole struct.
    let time = unsafe { time.assume_init() };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Ok(seconds.wrapping_mul(NS_PER_S).wrapping_add(u64::try_from(time.tv_nsec).unwrap_or(0)))
}

#[cfg(test)]
mod tests;
