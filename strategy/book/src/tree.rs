//! The price levels that are not in a side's window (`index.rs`), in order: a B+tree over a shared
//! slab of nodes, best price last.
//!
//! Why not a sorted array: an adversary who opens 100,000 prices would make each insertion a memory
//! move of megabytes. Why not a balanced binary tree: a cache miss a step. Each side knows its best
//! leaf and its best level; what falls in them needs no descent.
//!
//! Keys are prices turned so that greater is better (`key` in `index.rs`). An inner node's entry
//! holds a lower bound of the keys under it, 0 on the leftmost path; removals leave bounds as they
//! are.
//!
//! Limits: nodes hold [`FANOUT`] entries and, the root aside, at least [`FILL_MIN`]. [`nodes_for`]
//! computes the slab from that, so that a tree never lacks a node while a level is free.

use crate::free::FreeList;

/// No node, no level.
pub(crate) const NIL: u32 = u32::MAX;
/// Entries a node: 31 of 8 bytes and 8 bytes of header are four cache lines.
const FANOUT: usize = 31;
/// Below a quarter, a node is merged with or filled from a sibling: far from a half, where a node
/// that has just been split would be, so that churn at the top does not split and merge in turn.
const FILL_MIN: usize = 8;
/// Two siblings are merged when they leave this much room.
const MERGE_MAX: usize = 24;
/// The most levels an index is made for.
pub(crate) const LEVELS_MAX: u32 = 1 << 24;
/// 8^8 is 2^24 levels (`LEVELS_MAX`), and one for the root.
const HEIGHT_MAX: usize = 10;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Entry {
    key: u32,
    /// A node, or in a leaf a level.
    child: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Node {
    entries: [Entry; FANOUT],
    len: u32,
}

const _: () = assert!(core::mem::size_of::<Node>() == 256);

impl Node {
    const EMPTY: Node = Node { entries: [Entry { key: 0, child: NIL }; FANOUT], len: 0 };

    #[inline]
    fn used(&self) -> &[Entry] {
        // The `min` tells the compiler what the invariant says, and spares a panic path.
        &self.entries[..(self.len as usize).min(FANOUT)]
    }

    /// How many entries have keys up to `key`.
    #[inline]
    fn rank(&self, key: u32) -> usize {
        self.rank_of(self.len, key)
    }

    /// The same where the caller knows the length, and the line that has it need not be read. From
    /// the end: flow is near the best price.
    #[inline]
    fn rank_of(&self, len: u32, key: u32) -> usize {
        let used = &self.entries[..(len as usize).min(FANOUT)];
        let mut at = used.len();
        while at > 0 && used[at - 1].key > key {
            at -= 1;
        }
        at
    }

    /// The child under which `key` belongs: its place and its node.
    #[inline]
    fn child(&self, key: u32) -> (usize, u32) {
        let at = self.rank(key).saturating_sub(1);
        (at, self.entries[at].child)
    }

    #[inline]
    fn get(&self, len: u32, key: u32) -> Option<u32> {
        match self.entries[..self.rank_of(len, key)].last() {
            Some(entry) if entry.key == key => Some(entry.child),
            _ => None,
        }
    }

    /// Puts an entry at its place among `len`, fewer than [`FANOUT`].
    #[inline]
    fn insert_of(&mut self, len: u32, at: usize, entry: Entry) {
        self.entries.copy_within(at..len as usize, at + 1);
        self.entries[at] = entry;
        self.len = len + 1;
    }

    #[inline]
    fn insert_at(&mut self, at: usize, entry: Entry) {
        self.insert_of(self.len, at, entry);
    }

    #[inline]
    fn remove_at(&mut self, at: usize) {
        self.entries.copy_within(at + 1..self.len as usize, at);
        self.len -= 1;
    }

    /// Removes `key`, if it is there, from among `len`.
    #[inline]
    fn remove(&mut self, len: u32, key: u32) -> bool {
        let rank = self.rank_of(len, key);
        let found = rank > 0 && self.entries[rank - 1].key == key;
        if found {
            self.entries.copy_within(rank..len as usize, rank - 1);
            self.len = len - 1;
        }
        found
    }
}

/// One side of one symbol.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct TreeHead {
    root: u32,
    best_leaf: u32,
    /// The best level, or [`NIL`] when the side is empty.
    pub(crate) best: u32,
    /// The best level's key; meaningless when the side is empty.
    pub(crate) best_key: u32,
    height: u32,
    /// Levels on the side.
    levels: u32,
    /// Entries in the best leaf: its own count lies in another line than its best entries.
    best_len: u32,
    /// The lowest key that belongs into the best leaf.
    floor: u32,
}

impl TreeHead {
    pub(crate) const EMPTY: TreeHead = TreeHead {
        root: NIL,
        best_leaf: NIL,
        best: NIL,
        best_key: 0,
        height: 0,
        levels: 0,
        best_len: 0,
        floor: 0,
    };
}

/// The nodes of every side's tree.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    free: FreeList,
}

/// A descent: node and place of the child taken, root first.
struct Path {
    steps: [(u32, usize); HEIGHT_MAX],
    len: usize,
}

/// Nodes that `levels` levels over `sides` sides may need at worst.
fn nodes_for(levels: usize, sides: usize) -> usize {
    // Leaves: one for each side that has any level, and no others below FILL_MIN.
    let leaves = (levels / FILL_MIN + sides).min(levels);
    // Inner nodes: a root for each side of two leaves or more, a geometric row below them.
    let roots = sides.min(leaves / 2);
    let inner = leaves / (FILL_MIN - 1) + 1;
    // A split takes its nodes before anything is given back.
    leaves + roots + inner + HEIGHT_MAX
}

impl Tree {
    pub(crate) fn new(levels: u32, sides: usize) -> Tree {
        let count = nodes_for(levels as usize, sides);
        Tree { nodes: vec![Node::EMPTY; count], free: FreeList::all(count as u32) }
    }

    /// Gives every node back; the sides' heads are the caller's to empty.
    pub(crate) fn clear(&mut self) {
        self.free.clear();
    }

    /// The level at `key`.
    #[inline]
    pub(crate) fn find(&self, side: &TreeHead, key: u32) -> Option<u32> {
        if side.root == NIL {
            return None;
        }
        if key >= side.floor {
            return self.nodes[side.best_leaf as usize].get(side.best_len, key);
        }
        let mut node = side.root;
        for _ in 0..side.height {
            node = self.nodes[node as usize].child(key).1;
        }
        let leaf = &self.nodes[node as usize];
        leaf.get(leaf.len, key)
    }

    /// Puts `level` at `key`, which must be new. `false`: no node is free, and nothing changed.
    #[inline]
    pub(crate) fn insert(&mut self, side: &mut TreeHead, key: u32, level: u32) -> bool {
        let entry = Entry { key, child: level };
        if side.root == NIL {
            let Some(leaf) = self.take() else { return false };
            self.nodes[leaf as usize].insert_at(0, entry);
            *side = TreeHead { root: leaf, best_leaf: leaf, best_len: 1, ..TreeHead::EMPTY };
        } else {
            if key >= side.floor && (side.best_len as usize) < FANOUT {
                let leaf = &mut self.nodes[side.best_leaf as usize];
                leaf.insert_of(side.best_len, leaf.rank_of(side.best_len, key), entry);
                side.best_len += 1;
            } else if !self.insert_below(side, entry) {
                return false;
            }
        }
        if side.best == NIL || key > side.best_key {
            side.best = level;
            side.best_key = key;
        }
        side.levels += 1;
        true
    }

    /// Takes out the level at `key`, if it is there.
    #[inline]
    pub(crate) fn remove(&mut self, side: &mut TreeHead, key: u32) -> bool {
        if side.root == NIL {
            return false;
        }
        let roomy = side.best_len as usize > FILL_MIN && key >= side.floor;
        let found = if side.height == 0 || roomy {
            let found = self.nodes[side.best_leaf as usize].remove(side.best_len, key);
            side.best_len -= u32::from(found);
            found
        } else {
            self.remove_below(side, key)
        };
        if !found {
            return false;
        }
        side.levels -= 1;
        if side.levels == 0 {
            self.give(side.root);
            *side = TreeHead::EMPTY;
        } else if key == side.best_key
            && let Some(last) = (side.best_len as usize).checked_sub(1)
            && let Some(last) = self.nodes[side.best_leaf as usize].entries.get(last)
        {
            side.best = last.child;
            side.best_key = last.key;
        }
        true
    }

    /// The side's levels, best first.
    pub(crate) fn walk(&self, side: &TreeHead) -> Walk<'_> {
        let mut walk =
            Walk { tree: self, height: side.height as usize, steps: Default::default(), depth: 0 };
        if side.root != NIL {
            walk.push(side.root);
        }
        walk
    }

    fn take(&mut self) -> Option<u32> {
        let id = self.free.take()?;
        self.nodes[id as usize].len = 0;
        Some(id)
    }

    fn give(&mut self, id: u32) {
        self.free.give(id);
    }

    fn descend(&self, side: &TreeHead, key: u32) -> (Path, u32) {
        let mut path = Path { steps: [(NIL, 0); HEIGHT_MAX], len: 0 };
        let mut node = side.root;
        for step in path.steps.iter_mut().take(side.height as usize) {
            let (at, child) = self.nodes[node as usize].child(key);
            *step = (node, at);
            node = child;
            path.len += 1;
        }
        (path, node)
    }

    /// The insertion that needs a descent: the key is not in the best leaf, or that leaf is full.
    #[cold]
    fn insert_below(&mut self, side: &mut TreeHead, entry: Entry) -> bool {
        if self.free.len() < side.height as usize + 2 {
            return false;
        }
        let (path, leaf) = self.descend(side, entry.key);
        let mut carry = self.insert_or_split(leaf, entry);
        for &(node, _) in path.steps[..path.len].iter().rev() {
            let Some(entry) = carry else { break };
            carry = self.insert_or_split(node, entry);
        }
        if let Some(right) = carry
            && let Some(root) = self.take()
        {
            let left = Entry { key: 0, child: side.root };
            self.nodes[root as usize].insert_at(0, left);
            self.nodes[root as usize].insert_at(1, right);
            side.root = root;
            side.height += 1;
        }
        self.find_best_leaf(side);
        true
    }

    /// Puts `entry` into `node`; gives the entry of the new right sibling if it had to be split.
    fn insert_or_split(&mut self, node: u32, entry: Entry) -> Option<Entry> {
        let left = &mut self.nodes[node as usize];
        if (left.len as usize) < FANOUT {
            left.insert_at(left.rank(entry.key), entry);
            return None;
        }
        const HALF: usize = FANOUT.div_ceil(2);
        let upper = left.entries;
        left.len = HALF as u32;
        let split_key = upper[HALF].key;
        if entry.key < split_key {
            left.insert_at(left.rank(entry.key), entry);
        }
        // The caller made sure that enough nodes are free.
        let right_id = self.take()?;
        let right = &mut self.nodes[right_id as usize];
        right.entries[..FANOUT - HALF].copy_from_slice(&upper[HALF..]);
        right.len = (FANOUT - HALF) as u32;
        if entry.key >= split_key {
            right.insert_at(right.rank(entry.key), entry);
        }
        Some(Entry { key: split_key, child: right_id })
    }

    /// The removal that needs a descent: the key is not in the best leaf, or that leaf would run
    /// low.
    #[cold]
    fn remove_below(&mut self, side: &mut TreeHead, key: u32) -> bool {
        let (path, leaf) = self.descend(side, key);
        let len = self.nodes[leaf as usize].len;
        if !self.nodes[leaf as usize].remove(len, key) {
            return false;
        }
        let mut node = leaf;
        for &(parent, at) in path.steps[..path.len].iter().rev() {
            if self.nodes[node as usize].len as usize >= FILL_MIN {
                break;
            }
            self.refill(parent, at);
            node = parent;
        }
        while side.height > 0 && self.nodes[side.root as usize].len == 1 {
            let old = side.root;
            side.root = self.nodes[old as usize].entries[0].child;
            side.height -= 1;
            self.give(old);
        }
        self.find_best_leaf(side);
        true
    }

    /// Merges the low child at `at` with a sibling, or shares out what the two have.
    fn refill(&mut self, parent: u32, at: usize) {
        let right_at = at.max(1);
        let parent_node = &self.nodes[parent as usize];
        let [left_id, right_id] =
            [parent_node.entries[right_at - 1].child, parent_node.entries[right_at].child];
        let mut both = [Entry { key: 0, child: NIL }; 2 * FANOUT];
        let left = self.nodes[left_id as usize].used();
        let right = self.nodes[right_id as usize].used();
        let (left_len, total) = (left.len(), left.len() + right.len());
        both[..left_len].copy_from_slice(left);
        both[left_len..total].copy_from_slice(right);
        if total <= MERGE_MAX {
            self.fill(left_id, &both[..total]);
            self.nodes[parent as usize].remove_at(right_at);
            self.give(right_id);
        } else {
            let half = total / 2;
            self.fill(left_id, &both[..half]);
            self.fill(right_id, &both[half..total]);
            self.nodes[parent as usize].entries[right_at].key = both[half].key;
        }
    }

    fn fill(&mut self, id: u32, entries: &[Entry]) {
        let node = &mut self.nodes[id as usize];
        node.entries[..entries.len()].copy_from_slice(entries);
        node.len = entries.len() as u32;
    }

    fn find_best_leaf(&self, side: &mut TreeHead) {
        let mut best = Entry { key: 0, child: side.root };
        for _ in 0..side.height {
            // Bounds only grow on the way down.
            best = self.nodes[best.child as usize].used().last().copied().unwrap_or(best);
        }
        side.best_leaf = best.child;
        side.floor = best.key;
        side.best_len = self.nodes[best.child as usize].len;
    }
}

/// Levels of a side from the best on.
#[derive(Clone, Debug)]
pub(crate) struct Walk<'a> {
    tree: &'a Tree,
    height: usize,
    /// Node and how many of its entries are still to come, root first.
    steps: [(u32, u32); HEIGHT_MAX + 1],
    depth: usize,
}

impl Walk<'_> {
    fn push(&mut self, node: u32) {
        self.steps[self.depth] = (node, self.tree.nodes[node as usize].len);
        self.depth += 1;
    }
}

impl Iterator for Walk<'_> {
    /// Key and level.
    type Item = (u32, u32);

    #[inline]
    fn next(&mut self) -> Option<(u32, u32)> {
        while self.depth > 0 {
            let (node, left) = &mut self.steps[self.depth - 1];
            if *left == 0 {
                self.depth -= 1;
                continue;
            }
            *left -= 1;
            let Entry { key, child } = self.tree.nodes[*node as usize].entries[*left as usize];
            if self.depth == self.height + 1 {
                return Some((key, child));
            }
            self.push(child);
        }
        None
    }
}
