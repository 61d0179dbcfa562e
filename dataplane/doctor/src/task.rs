//! `/proc/PID/task/TID`: a thread's name, its CPUs, and what the kernel counted against it.

use crate::host;
use hostcpu::CpuSet;
use std::path::Path;

/// Flags of `stat` (`include/linux/sched.h`): a thread of the kernel, and one whose CPUs cannot be
/// changed.
const PF_KTHREAD: u64 = 0x0020_0000;
const PF_NO_SETAFFINITY: u64 = 0x0400_0000;
/// A thread's name has 15 bytes; kernel workers show more in `comm`.
const NAME_CHARS_MAX: usize = 64;

/// What `status` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The thread's name.
    pub name: String,
    /// The CPUs that it may run on; `None` where that is not said.
    pub allowed: Option<CpuSet>,
    /// Times it gave its CPU away.
    pub voluntary_switches: u64,
    /// Times its CPU was taken from it.
    pub involuntary_switches: u64,
    /// The process's memory that lies in swap, in kB.
    pub swap_kb: u64,
}

impl Status {
    /// Reads what is there of it.
    pub fn parse(text: &str) -> Status {
        let mut status = Status::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            let number = || value.split_whitespace().next().and_then(|n| n.parse().ok());
            match key {
                "Name" => status.name = host::printable(value, NAME_CHARS_MAX),
                "Cpus_allowed_list" => status.allowed = value.parse().ok(),
                "voluntary_ctxt_switches" => status.voluntary_switches = number().unwrap_or(0),
                "nonvoluntary_ctxt_switches" => status.involuntary_switches = number().unwrap_or(0),
                "VmSwap" => status.swap_kb = number().unwrap_or(0),
                _ => {}
            }
        }
        status
    }
}

/// What `stat` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Whether it is a thread of the kernel.
    pub is_kernel: bool,
    /// Whether its CPUs are fixed, as those of each CPU's own kernel threads.
    pub is_bound: bool,
    /// Page faults served without a disk.
    pub minor_faults: u64,
    /// Page faults that read a disk.
    pub major_faults: u64,
    /// The CPU that it ran on last.
    pub cpu: Option<usize>,
}

impl Stat {
    /// Reads it; `None` when it is none. The name may hold anything, brackets too, so counting
    /// starts behind the last one.
    pub fn parse(text: &str) -> Option<Stat> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // The third field of proc(5), the state, is the first here.
        let field = |number: usize| -> Option<u64> { fields.get(number - 3)?.parse().ok() };
        let flags = field(9)?;
        Some(Stat {
            is_kernel: flags & PF_KTHREAD != 0,
            is_bound: flags & PF_NO_SETAFFINITY != 0,
            minor_faults: field(10)?,
            major_faults: field(12)?,
            cpu: field(39).and_then(|cpu| usize::try_from(cpu).ok()),
        })
    }
}

/// A thread at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// From `status`.
    pub status: Status,
    /// From `stat`.
    pub stat: Stat,
}

impl Look {
    /// Looks at the thread whose folder this is; `None` when it is gone, or not ours to see.
    pub fn at(folder: &Path) -> Option<Look> {
        let status = Status::parse(&host::read(&folder.join("status")).ok()?);
        let stat = Stat::parse(&host::read(&folder.join("stat")).ok()?)?;
        Some(Look { status, stat })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAT: &str = "12931 (a) b) R 12917 12917 4933 0 -1 69206080 98 0 3 0 0 0 0 0 20 0 1 0 \
                        34666 3133440 389 18446744073709551615 1 1 1 0 0 0 0 0 0 0 0 0 17 1 0 0";

    #[test]
    fn stat_is_counted_from_behind_the_name() {
        let stat = Stat::parse(STAT).unwrap();
        assert_eq!((stat.minor_faults, stat.major_faults, stat.cpu), (98, 3, Some(1)));
        assert!(stat.is_kernel && stat.is_bound);
        assert_eq!((Stat::parse("1 (x) R 1"), Stat::parse("")), (None, None));
    }

    #[test]
    fn status_is_taken_by_name() {
        let text = "Name:\tlc0-hot\nVmSwap:\t     12 kB\nCpus_allowed_list:\t1,3-4\n\
                    voluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t78\n";
        let status = Status::parse(text);
        assert_eq!((status.name.as_str(), status.swap_kb), ("lc0-hot", 12));
        assert_eq!(status.allowed.unwrap().to_string(), "1,3-4");
        assert_eq!((status.voluntary_switches, status.involuntary_switches), (5, 78));
        assert_eq!(Status::parse("Cpus_allowed_list:\t9-1\n").allowed, None);
        assert_eq!(Status::parse("Name:\ta\u{1b}c\n").name, "a?c");
    }

    proptest! {
        #[test]
        fn no_text_makes_them_panic(
            text in "\\PC*",
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            for text in [text, String::from_utf8_lossy(&bytes).into_owned()] {
                let _ = (Status::parse(&text), Stat::parse(&text));
                let _ = Status::parse(&format!("Cpus_allowed_list:{text}"));
                let _ = Stat::parse(&format!("1 ({text}) {text}"));
            }
        }
    }
}
