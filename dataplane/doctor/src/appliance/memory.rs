//! Where an appliance's pages lie.

use crate::host::{self, Host};
use crate::numa_maps::{self, Kind, Mapping};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;

/// Mappings that are told one by one.
const AWAY_MAX: usize = 16;
/// From this size on, memory of a mapping that lies elsewhere is some lcore's; below, it is what
/// helpers took for themselves: their stacks, the command line, the configuration.
const ARENA_KB: u64 = 1024;

/// All mappings of a kind and page size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfKind {
    /// `hugepages`, `heap`, `anonymous memory`, `stack` or `files`.
    pub kind: &'static str,
    /// The size of their pages, in kB.
    pub page_kb: u64,
    /// Pages by node.
    pub pages: BTreeMap<usize, u64>,
    /// Pages on none of the lcores' nodes.
    pub away: u64,
}

/// A hot mapping with pages on none of the lcores' nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Away {
    /// Where it starts, as in `/proc/PID/maps`.
    pub address: String,
    /// What it is: a file, or the kind.
    pub what: String,
    /// How many pages.
    pub pages: u64,
    /// Of what size, in kB.
    pub page_kb: u64,
}

/// Where the memory lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// The lcores' nodes.
    pub nodes: Vec<usize>,
    /// By kind and page size.
    pub kinds: Vec<OfKind>,
    /// Hot mappings that lie elsewhere, the largest first, up to a few.
    pub away: Vec<Away>,
    /// How many there are.
    pub away_count: usize,
    /// Their pages elsewhere, all together.
    pub away_pages: u64,
}

/// Reads a process's; the error is for people.
pub(super) fn read(host: &Host, pid: u32, nodes: &[usize]) -> Result<Memory, String> {
    let path = host.proc(&format!("{pid}/numa_maps"));
    match host::read(&path) {
        Ok(text) => Ok(of(&numa_maps::parse(&text), nodes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("this kernel has no numa_maps (CONFIG_NUMA)".to_owned())
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

pub(super) fn of(mappings: &[Mapping], nodes: &[usize]) -> Memory {
    let mut nodes = nodes.to_vec();
    nodes.sort_unstable();
    nodes.dedup();
    let mut kinds: BTreeMap<(Kind, u64), OfKind> = BTreeMap::new();
    for mapping in mappings {
        let (kind, page_kb) = (mapping.kind(), mapping.page_kb);
        let sum = kinds.entry((kind, page_kb)).or_insert_with(|| OfKind {
            kind: kind.name(),
            page_kb,
            pages: BTreeMap::new(),
            away: 0,
        });
        for (node, pages) in &mapping.pages {
            let all = sum.pages.entry(*node).or_default();
            *all = all.saturating_add(*pages);
        }
        sum.away = sum.away.saturating_add(mapping.off(&nodes));
    }
    let mut away: Vec<(u64, Away)> =
        mappings.iter().filter_map(|mapping| hot_away(mapping, &nodes)).collect();
    away.sort_by_key(|(kb, _)| std::cmp::Reverse(*kb));
    Memory {
        nodes,
        kinds: kinds.into_values().filter(|kind| !kind.pages.is_empty()).collect(),
        away_count: away.len(),
        away_pages: away.iter().fold(0, |sum, (_, one)| sum.saturating_add(one.pages)),
        away: away.into_iter().take(AWAY_MAX).map(|(_, away)| away).collect(),
    }
}

/// A mapping that lcores read and write, with pages elsewhere, and how many kB of them.
fn hot_away(mapping: &Mapping, nodes: &[usize]) -> Option<(u64, Away)> {
    let pages = mapping.off(nodes);
    let kb = pages.saturating_mul(mapping.page_kb);
    let is_hot = match mapping.kind() {
        Kind::Huge => true,
        Kind::Heap | Kind::Anonymous => kb >= ARENA_KB,
        Kind::Stack | Kind::File => false,
    };
    if pages == 0 || !is_hot || nodes.is_empty() {
        return None;
    }
    let what = mapping.file.clone().unwrap_or_else(|| mapping.kind().name().to_owned());
    let address = format!("{:x}", mapping.address);
    Some((kb, Away { address, what, pages, page_kb: mapping.page_kb }))
}
