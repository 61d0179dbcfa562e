//! `/proc/PID/numa_maps`: on which node each page of a process lies.
//!
//! A line is a mapping: its address, its policy, and words such as `heap`, `file=/x`, `huge`,
//! `N0=12` (pages on node 0), `kernelpagesize_kB=2048`.

use std::collections::BTreeMap;

/// A file's name is cut here.
const FILE_CHARS_MAX: usize = 80;

/// One mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Where it starts.
    pub address: u64,
    /// The file behind it.
    pub file: Option<String>,
    /// Whether it is the heap.
    pub is_heap: bool,
    /// Whether it is the first thread's stack.
    pub is_stack: bool,
    /// Whether it lies on hugepages of a hugetlbfs.
    pub is_huge: bool,
    /// Pages that belong to no file.
    pub anonymous: u64,
    /// The size of its pages, in kB.
    pub page_kb: u64,
    /// Pages by node.
    pub pages: BTreeMap<usize, u64>,
}

impl Mapping {
    /// What it is, in a word.
    pub fn kind(&self) -> Kind {
        match self {
            Mapping { is_huge: true, .. } => Kind::Huge,
            Mapping { is_heap: true, .. } => Kind::Heap,
            Mapping { is_stack: true, .. } => Kind::Stack,
            Mapping { file: Some(file), .. } if !is_memory(file) => Kind::File,
            _ => Kind::Anonymous,
        }
    }

    /// Pages that lie on none of these nodes.
    pub fn off(&self, nodes: &[usize]) -> u64 {
        let away = self.pages.iter().filter(|(node, _)| !nodes.contains(node));
        away.fold(0, |sum, (_, pages)| sum.saturating_add(*pages))
    }
}

/// Whether a "file" is memory under a name: EAL's without hugepages is a memfd.
fn is_memory(file: &str) -> bool {
    ["/memfd:", "/dev/shm/", "/dev/zero", "/SYSV"].iter().any(|name| file.starts_with(name))
}

/// What a mapping is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Hugepages: mempools, rings, slabs.
    Huge,
    /// The heap.
    Heap,
    /// Memory of no file on a disk: threads' stacks, arenas, and where there are no hugepages,
    /// slabs and EAL's own.
    Anonymous,
    /// The first thread's stack.
    Stack,
    /// A file: the program, libraries, what it has mapped.
    File,
}

impl Kind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Huge => "hugepages",
            Kind::Heap => "heap",
            Kind::Anonymous => "anonymous memory",
            Kind::Stack => "stack",
            Kind::File => "files",
        }
    }
}

/// Reads the whole file; lines that are none are left out.
pub fn parse(text: &str) -> Vec<Mapping> {
    text.lines().filter_map(mapping).collect()
}

fn mapping(line: &str) -> Option<Mapping> {
    let mut words = line.split_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    let _policy = words.next()?;
    // Older kernels do not say; then it is the smallest there is.
    let mut mapping = Mapping { address, page_kb: 4, ..Mapping::default() };
    for word in words {
        match word.split_once('=') {
            None if word == "heap" => mapping.is_heap = true,
            None if word == "stack" => mapping.is_stack = true,
            None if word == "huge" => mapping.is_huge = true,
            None => {}
            Some(("file", name)) => {
                mapping.file = Some(crate::host::printable(name, FILE_CHARS_MAX))
            }
            Some((key, count)) => number(&mut mapping, key, count),
        }
    }
    Some(mapping)
}

fn number(mapping: &mut Mapping, key: &str, count: &str) {
    let Ok(count) = count.parse::<u64>() else { return };
    match key {
        "anon" => mapping.anonymous = count,
        "kernelpagesize_kB" => mapping.page_kb = count,
        _ => {
            if let Some(Ok(node)) = key.strip_prefix('N').map(str::parse) {
                mapping.pages.insert(node, count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mappings_say_what_they_are_and_where() {
        let text = "\
7f0000000000 bind:0 file=/dev/hugepages/rtemap_0 huge dirty=3 N0=2 N1=1 kernelpagesize_kB=2048
55d0c0000000 default heap anon=20 dirty=20 active=0 N1=20 kernelpagesize_kB=4
7fff00000000 default stack anon=3 dirty=3 N0=3 kernelpagesize_kB=4
7f1000000000 default anon=512 dirty=512 N0=512
559a00000000 default file=/usr/bin/x mapped=2 N0=2 kernelpagesize_kB=4
7f3000000000 default file=/memfd:nohuge\\040(deleted) dirty=9 N0=9 kernelpagesize_kB=4
not a line
7f2000000000 default
";
        let all = parse(text);
        let kinds: Vec<Kind> = all.iter().map(Mapping::kind).collect();
        use Kind::{Anonymous, File, Heap, Huge, Stack};
        assert_eq!(kinds, [Huge, Heap, Stack, Anonymous, File, Anonymous, Anonymous]);
        assert_eq!((all[0].page_kb, all[0].off(&[0]), all[0].off(&[0, 1])), (2048, 1, 0));
        assert_eq!((all[1].off(&[0]), all[3].page_kb, all[3].anonymous), (20, 4, 512));
        assert!(all[6].pages.is_empty() && all[5].pages[&0] == 9);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in "\\PC*",
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            for text in [text, String::from_utf8_lossy(&bytes).into_owned()] {
                let _ = parse(&text);
                for mapping in parse(&format!("7f default {text} N0={text}")) {
                    let _ = (mapping.off(&[0]), mapping.kind());
                }
            }
        }
    }
}
