//! Where a side's price levels are: the ticks near the best price in a window, the rest in a tree.
//!
//! Why a window: nine of ten messages of real flow are within a few dozen ticks of the best price,
//! and a fourth of the orders open a level. A window has a level for each of its ticks, whether
//! orders stand there or not: the level of a price is found by counting, and one that opens or
//! closes is a bit that turns, with no branch to be guessed wrong. The best one is found by
//! counting zeros. Why not the window alone: prices are wherever somebody puts them, and 64 places
//! are all it has.
//!
//! Layout: a window's levels lie together, by `tick % 64`, so that it moves along with the market
//! and its levels stay; its head is half a line. A side has one from its first order to its last,
//! while there are any. What is between two ticks, or outside the window, is in the tree.
//!
//! The window is laid again (`core/lay.rs`) when the best price has left it or nears its end.

use crate::ticks::{NOWHERE, Spot, key_of};
use crate::tree::{self, NIL, Tree, TreeHead};
use prefetch_index::prefetch_index;
use types::Side;

/// Places of a window: bits of a word.
pub(crate) const TICKS: u32 = 64;
/// Ticks kept below the best price when a window is laid; the others are above it.
pub(crate) const BELOW: u32 = 48;
/// A best price with fewer ticks below it has the window laid again.
pub(crate) const BELOW_MIN: u32 = 8;
/// Windows there are, at least, where there are sides for them.
const WINDOWS_MIN: usize = 64;
/// Levels for which there is a window: sides with fewer would waste it.
const LEVELS_A_WINDOW: usize = 16;
/// Where a window lies that has no price yet.
const UNLAID: u32 = NOWHERE - TICKS;

/// What there is to know of a window.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(crate) struct Head {
    /// Bit `tick % 64` tells whether orders stand at that tick.
    pub(crate) bits: u64,
    /// The side's best key in the tree and one more; 0 when the tree has none.
    far_best: u64,
    /// The lowest tick.
    pub(crate) base: u32,
    /// Whose it is.
    pub(crate) number: u32,
    /// Levels opened and closed since it was laid.
    pub(crate) moves: u32,
    /// The next free window.
    next: u32,
}

const _: () = assert!(size_of::<Head>() == 32);

impl Head {
    const FREE: Head = Head { bits: 0, far_best: 0, base: UNLAID, number: 0, moves: 0, next: NIL };

    #[inline]
    pub(crate) fn has(&self, spot: Spot) -> bool {
        spot.tick.wrapping_sub(self.base) < TICKS
    }

    /// Bits by how far their ticks are above the lowest.
    #[inline]
    pub(crate) fn ranked(&self) -> u64 {
        self.bits.rotate_right(self.base)
    }

    /// The best tick, if there is any.
    #[inline]
    pub(crate) fn near(&self) -> Option<u32> {
        let above = self.ranked().leading_zeros();
        (above < TICKS).then(|| self.base + (TICKS - 1 - above))
    }

    /// Whether the level at a place of this window, which has orders, is the side's best.
    #[inline]
    pub(crate) fn is_best(&self, place: u32, key: u32) -> bool {
        let rank = place.wrapping_sub(self.base) % TICKS;
        self.ranked() >> rank == 1 && u64::from(key) >= self.far_best
    }
}

/// The windows and trees of every side. A side has a number, twice its book's and one more for
/// sells.
#[derive(Clone, Debug)]
pub(crate) struct Index<const BIT: u32> {
    /// By side, its window or [`NIL`].
    windows: Box<[u32]>,
    pub(crate) heads: Box<[Head]>,
    free: u32,
    roots: Box<[TreeHead]>,
    tree: Tree,
}

/// Which side a number is.
#[inline]
pub(crate) const fn side_of(number: u32) -> Side {
    if number.is_multiple_of(2) { Side::Buy } else { Side::Sell }
}

/// A window's place for a tick, as a level. Of no window, no level.
#[inline]
pub(crate) const fn place(window: u32, tick: u32) -> u32 {
    window.wrapping_mul(TICKS) + tick % TICKS
}

impl<const BIT: u32> Index<BIT> {
    pub(crate) fn new(levels: u32, sides: usize) -> Index<BIT> {
        let count = sides.min(WINDOWS_MIN.max(levels as usize / LEVELS_A_WINDOW));
        let mut index = Index {
            windows: vec![NIL; sides].into_boxed_slice(),
            heads: vec![Head::FREE; count].into_boxed_slice(),
            free: NIL,
            roots: vec![TreeHead::EMPTY; sides].into_boxed_slice(),
            tree: Tree::new(levels, sides),
        };
        index.clear();
        index
    }

    /// Forgets all levels.
    pub(crate) fn clear(&mut self) {
        self.windows.fill(NIL);
        self.free = NIL;
        for (at, head) in self.heads.iter_mut().enumerate().rev() {
            *head = Head { next: self.free, ..Head::FREE };
            self.free = at as u32;
        }
        self.roots.fill(TreeHead::EMPTY);
        self.tree.clear();
    }

    pub(crate) fn sides(&self) -> usize {
        self.windows.len()
    }

    /// A side's window, [`NIL`] when it has none; `None` for no side.
    #[inline]
    pub(crate) fn window(&self, number: u32) -> Option<u32> {
        self.windows.get(number as usize).copied()
    }

    /// Asks for a side's window and its opposite's.
    #[inline]
    pub(crate) fn ask_window(&self, number: u32) {
        prefetch_index(&self.windows, number as usize);
    }

    /// The level in the tree at a spot.
    #[cold]
    #[inline(never)]
    pub(crate) fn find_far(&self, number: u32, spot: Spot) -> Option<u32> {
        self.tree.find(self.roots.get(number as usize)?, spot.key)
    }

    /// The level at a spot where there may be orders, or nothing.
    #[inline]
    pub(crate) fn find(&self, number: u32, spot: Spot) -> Option<u32> {
        let window = self.window(number)?;
        match self.heads.get(window as usize) {
            Some(head) if head.has(spot) => Some(place(window, spot.tick)),
            _ => self.find_far(number, spot),
        }
    }

    /// A side's best level and its key.
    #[inline]
    pub(crate) fn best(&self, number: u32) -> Option<(u32, u32)> {
        let window = self.window(number)?;
        if let Some(head) = self.heads.get(window as usize)
            && let Some(tick) = head.near()
        {
            let key = key_of::<BIT>(side_of(number), tick);
            if u64::from(key) >= head.far_best {
                return Some((place(window, tick), key));
            }
        }
        let root = self.roots.get(number as usize)?;
        (root.best != NIL).then_some((root.best, root.best_key))
    }

    /// Puts a level into the tree. `false`: no node is free, and nothing changed.
    #[must_use]
    pub(crate) fn insert_far(&mut self, number: u32, key: u32, level: u32) -> bool {
        let done = self.tree.insert(&mut self.roots[number as usize], key, level);
        self.tell_window(number);
        done
    }

    /// Takes a level out of the tree.
    pub(crate) fn remove_far(&mut self, number: u32, key: u32) {
        let found = self.tree.remove(&mut self.roots[number as usize], key);
        debug_assert!(found, "a far level is in its side's tree");
        self.tell_window(number);
    }

    /// Whether the tree has none of a side's levels.
    pub(crate) fn has_no_far(&self, number: u32) -> bool {
        self.roots[number as usize].best == NIL
    }

    /// A side's levels in the tree with their keys, best first.
    pub(crate) fn far(&self, number: u32) -> tree::Walk<'_> {
        self.tree.walk(self.roots.get(number as usize).unwrap_or(&TreeHead::EMPTY))
    }

    /// Gives a side a window, if there is one.
    pub(crate) fn take_window(&mut self, number: u32) -> Option<u32> {
        let window = self.free;
        let head = self.heads.get_mut(window as usize)?;
        self.free = head.next;
        *head = Head { number, ..Head::FREE };
        self.windows[number as usize] = window;
        self.tell_window(number);
        Some(window)
    }

    /// Takes the window of a side that is empty.
    pub(crate) fn give_window(&mut self, number: u32) {
        let window = self.windows[number as usize];
        if let Some(head) = self.heads.get_mut(window as usize) {
            *head = Head { next: self.free, ..Head::FREE };
            self.free = window;
            self.windows[number as usize] = NIL;
        }
    }

    /// Tells a side's window what the best in the tree is.
    fn tell_window(&mut self, number: u32) {
        let (window, root) = (self.windows[number as usize], &self.roots[number as usize]);
        if let Some(head) = self.heads.get_mut(window as usize) {
            head.far_best = if root.best == NIL { 0 } else { u64::from(root.best_key) + 1 };
        }
    }

    /// The side's levels, best first.
    pub(crate) fn walk(&self, number: u32) -> Walk<'_, BIT> {
        let window = self.window(number).unwrap_or(NIL);
        let head = self.heads.get(window as usize).copied().unwrap_or(Head::FREE);
        let mut far = self.far(number);
        let next_far = far.next();
        Walk { window, side: side_of(number), head, far, next_far }
    }
}

/// Levels of a side from the best on.
#[derive(Clone, Debug)]
pub(crate) struct Walk<'a, const BIT: u32> {
    window: u32,
    side: Side,
    /// As it was, less the bits of what was given.
    head: Head,
    far: tree::Walk<'a>,
    next_far: Option<(u32, u32)>,
}

impl<const BIT: u32> Iterator for Walk<'_, BIT> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if let Some(tick) = self.head.near() {
            let key = key_of::<BIT>(self.side, tick);
            if self.next_far.is_none_or(|(far, _)| key > far) {
                self.head.bits &= !(1 << (tick % TICKS));
                return Some(place(self.window, tick));
            }
        }
        let (_, level) = self.next_far?;
        self.next_far = self.far.next();
        Some(level)
    }
}
