//! The kernel's files, below a root that a test can make up.

use hostcpu::CpuSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// More than any file here has on the largest host: what is longer is cut, not read forever.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Where `/proc` and `/sys` are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    proc: PathBuf,
    sys: PathBuf,
}

impl Host {
    /// This machine.
    pub fn here() -> Host {
        Host::at(Path::new("/"))
    }

    /// A machine whose files lie below `root`.
    pub fn at(root: &Path) -> Host {
        Host { proc: root.join("proc"), sys: root.join("sys") }
    }

    /// A path below `/proc`.
    pub fn proc(&self, path: &str) -> PathBuf {
        self.proc.join(path)
    }

    /// A path below `/sys`.
    pub fn sys(&self, path: &str) -> PathBuf {
        self.sys.join(path)
    }

    /// The CPUs, from sysfs.
    ///
    /// # Errors
    /// As [`hostcpu::Topology::read`].
    pub fn topology(&self) -> Result<hostcpu::Topology, hostcpu::Error> {
        hostcpu::Topology::read_at(&self.sys)
    }

    /// What the machine calls itself.
    pub fn facts(&self) -> hostcpu::HostFacts {
        hostcpu::HostFacts::read_at(&self.proc)
    }

    /// CPUs that the scheduler leaves alone: those of the command line, and those of isolated
    /// cpuset partitions, which newer kernels list elsewhere.
    pub fn isolated(&self) -> CpuSet {
        let boot = list(&self.sys("devices/system/cpu/isolated"));
        let partitions = list(&self.sys("fs/cgroup/cpuset.cpus.isolated"));
        boot.iter().chain(&partitions).flat_map(CpuSet::iter).collect()
    }
}

/// A file as it is, bytes that are no UTF-8 replaced.
///
/// # Errors
/// What the system says.
pub fn read(path: &Path) -> io::Result<String> {
    read_into(path, 0)
}

/// The same, with room for so many bytes taken beforehand.
///
/// # Errors
/// What the system says.
pub(crate) fn read_into(path: &Path, room: usize) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(room);
    File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// A file of one value, trimmed; nothing where it cannot be read.
pub fn word(path: &Path) -> Option<String> {
    read(path).ok().map(|text| text.trim().to_owned())
}

/// A file of one number.
pub fn number(path: &Path) -> Option<u64> {
    word(path)?.parse().ok()
}

/// A file of a list of CPUs; `nohz_full` says `(null)` for none.
pub fn list(path: &Path) -> Option<CpuSet> {
    match word(path)?.as_str() {
        "(null)" => Some(CpuSet::new()),
        text => text.parse().ok(),
    }
}

/// The numbered entries of a folder, as `24` or, with a prefix, `node0`; ascending.
pub fn numbered(folder: &Path, prefix: &str) -> Vec<usize> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut numbers: Vec<usize> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}

/// A text that another process chose, fit for a terminal and for one line.
pub fn printable(text: &str, chars_max: usize) -> String {
    let plain = |c: char| if c.is_control() { '?' } else { c };
    let mut short: String = text.chars().take(chars_max).map(plain).collect();
    if text.chars().nth(chars_max).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Tree;

    #[test]
    fn files_are_values_lists_and_nothing() {
        let tree = Tree::new(&[
            ("sys/devices/system/cpu/isolated", "2-3\n"),
            ("sys/fs/cgroup/cpuset.cpus.isolated", "5\n"),
            ("sys/n", " 17 \n"),
            ("sys/null", "(null)\n"),
            ("sys/irq/24/x", ""),
            ("sys/irq/3/x", ""),
            ("sys/irq/name", ""),
        ]);
        let host = tree.host();
        assert_eq!(host.isolated().to_string(), "2-3,5");
        assert_eq!(number(&host.sys("n")), Some(17));
        assert_eq!(list(&host.sys("null")), Some(CpuSet::new()));
        assert_eq!((list(&host.sys("none")), number(&host.sys("null"))), (None, None));
        assert_eq!(numbered(&host.sys("irq"), ""), [3, 24]);
        fs::write(host.sys("raw"), b"a\xffb").unwrap();
        assert_eq!(read(&host.sys("raw")).unwrap(), "a\u{fffd}b");
    }

    #[test]
    fn what_others_chose_is_made_fit_for_one_line() {
        assert_eq!(printable("a\u{1b}[31m\nb", 20), "a?[31m?b");
        assert_eq!(printable("abcdef", 3), "abc…");
    }
}
