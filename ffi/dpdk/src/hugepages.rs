//! Whether EAL can take its memory from hugepages, found out before it starts, for it starts once.
//!
//! That pages are free says little in a container: its cgroup may grant fewer, its seccomp profile
//! may refuse what EAL asks of the kernel, and a hugetlbfs may be there that it must not read. So
//! the pages are taken here for a moment, in files without a name as EAL takes them, and given
//! back.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::ptr;

const SYSFS: &str = "/sys/kernel/mm/hugepages";
const MOUNTS: &str = "/proc/mounts";
const STATUS: &str = "/proc/self/status";

/// Why EAL could not take its memory from hugepages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HugeLack {
    /// Fewer are free on this host.
    #[error("no {asked_mb} MB of free hugepages")]
    Few {
        /// What was asked for, in MB.
        asked_mb: u32,
        /// Free hugepages of every size.
        free_pages: u64,
        /// Their sum in MB.
        free_mb: u64,
    },
    /// They are free, and the kernel gives this process fewer: a cgroup's limit, or a cpuset
    /// without the memory nodes that they lie on.
    #[error("no {asked_mb} MB of hugepages for this process: the kernel gave {given_mb}")]
    Limited {
        /// What was asked for, in MB.
        asked_mb: u32,
        /// What it gave, in MB.
        given_mb: u64,
        /// The size of the page that it refused, in KB.
        page_kb: u64,
        /// What the kernel said.
        source: io::Error,
    },
    /// EAL asks on which memory node each page lies, and takes none that it cannot ask about.
    #[error("no hugepages, for the kernel refuses get_mempolicy to this process")]
    Policy {
        /// What the kernel said.
        source: io::Error,
    },
    /// EAL opens every hugetlbfs that it finds, though it makes no files there.
    #[error("no hugepages, for the hugetlbfs {} cannot be read", mount.display())]
    Mount {
        /// Where it is mounted.
        mount: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl HugeLack {
    /// The kernel's word on it, in brackets; nothing where it was not asked.
    pub(crate) fn said(&self) -> String {
        std::error::Error::source(self).map(|said| format!(" ({said})")).unwrap_or_default()
    }

    /// What would mend it.
    pub(crate) fn mend(&self) -> String {
        match self {
            HugeLack::Few { asked_mb, free_pages, free_mb } => format!(
                "reserve some as root (sysctl vm.nr_hugepages={}, pages of 2 MB; {free_pages} \
                 pages, {free_mb} MB, are free and {asked_mb} MB were asked for)",
                asked_mb.div_ceil(2)
            ),
            HugeLack::Limited { page_kb, .. } => format!(
                "raise the container's or the cgroup's limit of pages of {} MB (of a pod, \
                 limits.hugepages-…), ask for less as eal.memory_mb",
                page_kb / 1024
            ),
            HugeLack::Policy { .. } => "allow get_mempolicy, set_mempolicy and mbind in the \
                                        seccomp profile, add the capability SYS_NICE to the \
                                        container"
                .to_owned(),
            HugeLack::Mount { mount, .. } => {
                format!("let this user read it (mount -o remount,mode=0755 {})", mount.display())
            }
        }
    }
}

/// Free hugepages of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Free {
    page_kb: u64,
    pages: u64,
}

/// Whether EAL can have so much memory in hugepages.
pub(crate) fn can_take(asked_mb: u32) -> Result<(), HugeLack> {
    let free = free_under(Path::new(SYSFS));
    enough(asked_mb, &free)?;
    may_ask_for_nodes().map_err(|source| HugeLack::Policy { source })?;
    readable(&fs::read_to_string(MOUNTS).unwrap_or_default())?;
    take(asked_mb, &free)
}

/// Whether so much is free on a NUMA node, and this process's cpuset lets it have it.
pub(crate) fn node_has(node: usize, asked_mb: u32) -> bool {
    let root = format!("/sys/devices/system/node/node{node}/hugepages");
    may_use(node, &fs::read_to_string(STATUS).unwrap_or_default())
        && enough(asked_mb, &free_under(Path::new(&root))).is_ok()
}

/// Whether a process's status lists the node among those whose memory it may have. A kernel
/// without cpusets lists none, and forbids none.
fn may_use(node: usize, status: &str) -> bool {
    let Some(list) = status.lines().find_map(|line| line.strip_prefix("Mems_allowed_list:")) else {
        return true;
    };
    list.trim().split(',').any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| text.parse::<usize>().ok();
        number(first).zip(number(last)).is_some_and(|(first, last)| (first..=last).contains(&node))
    })
}

fn enough(asked_mb: u32, free: &[Free]) -> Result<(), HugeLack> {
    let free_pages = free.iter().map(|size| size.pages).sum();
    let free_mb = free.iter().map(|size| size.pages.saturating_mul(size.page_kb) / 1024).sum();
    if free_pages > 0 && free_mb >= u64::from(asked_mb) {
        return Ok(());
    }
    Err(HugeLack::Few { asked_mb, free_pages, free_mb })
}

/// Those that are free and not promised to anyone, the largest first, as EAL takes them.
fn free_under(root: &Path) -> Vec<Free> {
    let mut sizes = Vec::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(page_kb) = name
            .to_str()
            .and_then(|name| name.strip_prefix("hugepages-")?.strip_suffix("kB"))
            .and_then(|number| number.parse::<u64>().ok())
        else {
            continue;
        };
        let count = |file: &str| -> u64 {
            let text = fs::read_to_string(entry.path().join(file)).unwrap_or_default();
            text.trim().parse().unwrap_or(0)
        };
        // Kernels have counted promises below zero after a process with hugepages was killed, and
        // print that as a number near 2^64: nothing is promised then.
        let promised = i64::try_from(count("resv_hugepages")).map_or(0, i64::unsigned_abs);
        let pages = count("free_hugepages").saturating_sub(promised);
        sizes.push(Free { page_kb, pages });
    }
    sizes.sort_unstable_by_key(|size| std::cmp::Reverse(size.page_kb));
    sizes
}

/// What EAL does for each page. A kernel without NUMA does not know the call, and EAL does without.
fn may_ask_for_nodes() -> io::Result<()> {
    let null = ptr::null_mut::<libc::c_void>();
    // SAFETY: with null pointers the kernel writes nothing.
    match unsafe { libc::syscall(libc::SYS_get_mempolicy, null, null, 0, null, 0) } {
        0 => Ok(()),
        _ => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ENOSYS) => Ok(()),
            error => Err(error),
        },
    }
}

/// The first hugetlbfs of each size is opened.
fn readable(mounts: &str) -> Result<(), HugeLack> {
    let mut sizes = HashSet::new();
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        let (Some(at), Some("hugetlbfs"), Some(options)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let size = options.split(',').find(|option| option.starts_with("pagesize="));
        // The kernel writes a blank as \040.
        let mount = PathBuf::from(at.replace("\\040", " "));
        if sizes.insert(size)
            && let Err(source) = File::open(&mount)
        {
            return Err(HugeLack::Mount { mount, source });
        }
    }
    Ok(())
}

/// How many pages of each size EAL takes: as many as fit of the largest, then of the next, and one
/// more where the smaller ones are too few for the rest.
fn plan(asked_mb: u32, free: &[Free]) -> Vec<Free> {
    let mut left_kb = u64::from(asked_mb) * 1024;
    let mut wanted = Vec::new();
    for (at, size) in free.iter().enumerate() {
        let mut pages = (left_kb / size.page_kb).min(size.pages);
        left_kb -= pages * size.page_kb;
        let smaller = free.iter().skip(at + 1).map(|size| size.pages.saturating_mul(size.page_kb));
        if smaller.sum::<u64>() < left_kb && pages < size.pages {
            pages += 1;
            left_kb = left_kb.saturating_sub(size.page_kb);
        }
        wanted.push(Free { pages, ..*size });
    }
    wanted
}

/// Takes what EAL will take, page by page, and gives it back. EAL has no second choice of sizes.
fn take(asked_mb: u32, free: &[Free]) -> Result<(), HugeLack> {
    let (mut given_kb, mut files) = (0, Vec::new());
    for size in plan(asked_mb, free).iter().filter(|size| size.pages > 0) {
        let limited = |given_kb, source| HugeLack::Limited {
            asked_mb,
            given_mb: given_kb / 1024,
            page_kb: size.page_kb,
            source,
        };
        let file = unnamed(size.page_kb).map_err(|source| limited(given_kb, source))?;
        for page in 0..size.pages {
            let page_bytes = size.page_kb * 1024;
            allocate(&file, page * page_bytes, page_bytes)
                .map_err(|source| limited(given_kb, source))?;
            given_kb += size.page_kb;
        }
        files.push(file);
    }
    Ok(())
}

/// A file of pages of this size, which is gone when it is closed.
fn unnamed(page_kb: u64) -> io::Result<OwnedFd> {
    let log2 = (page_kb * 1024).trailing_zeros();
    let flags = libc::MFD_CLOEXEC | libc::MFD_HUGETLB | (log2 << libc::MFD_HUGE_SHIFT);
    // SAFETY: the name is a C string, which the kernel copies.
    match unsafe { libc::memfd_create(c"peregrine-pages".as_ptr(), flags) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: the call has just made it, and nobody else has it.
        fd => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
    }
}

/// Gives the file a page. Unlike touching one, that fails without a signal.
fn allocate(file: &OwnedFd, at: u64, bytes: u64) -> io::Result<()> {
    let large = |_| io::Error::from_raw_os_error(libc::EFBIG);
    let (at, bytes) = (i64::try_from(at).map_err(large)?, i64::try_from(bytes).map_err(large)?);
    loop {
        // SAFETY: takes numbers alone, and the file is open as long as it is borrowed.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, at, bytes) } == 0 {
            return Ok(());
        }
        match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => {}
            error => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
