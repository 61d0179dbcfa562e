//! From a connection's addresses and ports to its slot.
//!
//! Layout: open addressing with linear probing over a power of two of 16-byte cells, at most a
//! quarter full, so that a look-up mostly reads one cache line. Removing shifts the followers back;
//! there are no tombstones, and a table that has seen a million connections is as fast as a new
//! one.
//!
//! Limits: as many entries as slots, never more. The hash is keyed, so that a peer cannot choose
//! ports that collide.

use prefetch_index::prefetch_index;
use std::net::SocketAddrV4;

/// The part of the 4-tuple that differs between connections: peer's address and port, our port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tuple(u64);

impl Tuple {
    pub(crate) fn new(local_port: u16, remote: SocketAddrV4) -> Tuple {
        let ip = u64::from(remote.ip().to_bits());
        Tuple(ip << 32 | u64::from(remote.port()) << 16 | u64::from(local_port))
    }
}

/// No slot: the cell is free.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    tuple: Tuple,
    slot: u32,
}

const EMPTY: Cell = Cell { tuple: Tuple(0), slot: NONE };

/// The table.
#[derive(Debug)]
pub(crate) struct TupleTable {
    cells: Box<[Cell]>,
    mask: usize,
    key: u64,
    len: usize,
}

impl TupleTable {
    /// A table for up to `slots` connections.
    pub(crate) fn new(slots: usize, seed: u64) -> TupleTable {
        let cells = (4 * slots).next_power_of_two();
        // An odd key: multiplying by it loses nothing.
        let key = seed | 1;
        TupleTable { cells: vec![EMPTY; cells].into_boxed_slice(), mask: cells - 1, key, len: 0 }
    }

    fn home(&self, tuple: Tuple) -> usize {
        let wide = u128::from(tuple.0 ^ self.key) * 0x9E37_79B9_7F4A_7C15;
        let mixed = (wide as u64 ^ (wide >> 64) as u64).wrapping_mul(self.key);
        (mixed >> 32) as usize & self.mask
    }

    /// Connections that are in.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Asks memory for a connection's cell.
    #[inline]
    pub(crate) fn ask(&self, tuple: Tuple) {
        prefetch_index(&self.cells, self.home(tuple));
    }

    /// The slot of a connection.
    pub(crate) fn get(&self, tuple: Tuple) -> Option<u32> {
        let mut at = self.home(tuple);
        loop {
            let cell = self.cells[at];
            if cell.slot == NONE {
                return None;
            }
            if cell.tuple == tuple {
                return Some(cell.slot);
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Adds a connection; `false` when it is there already or the table is full.
    pub(crate) fn insert(&mut self, tuple: Tuple, slot: u32) -> bool {
        if 2 * self.len >= self.cells.len() || slot == NONE {
            return false;
        }
        let mut at = self.home(tuple);
        while self.cells[at].slot != NONE {
            if self.cells[at].tuple == tuple {
                return false;
            }
            at = (at + 1) & self.mask;
        }
        self.cells[at] = Cell { tuple, slot };
        self.len += 1;
        true
    }

    /// Removes a connection; `false` when it is not there.
    pub(crate) fn remove(&mut self, tuple: Tuple) -> bool {
        let mut hole = self.home(tuple);
        while self.cells[hole].tuple != tuple || self.cells[hole].slot == NONE {
            if self.cells[hole].slot == NONE {
                return false;
            }
            hole = (hole + 1) & self.mask;
        }
        self.len -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & self.mask;
            let cell = self.cells[at];
            if cell.slot == NONE {
                self.cells[hole] = EMPTY;
                return true;
            }
            // A follower may move into the hole unless its home lies behind it (cyclically).
            let from_home = at.wrapping_sub(self.home(cell.tuple)) & self.mask;
            if from_home >= at.wrapping_sub(hole) & self.mask {
                self.cells[hole] = cell;
                hole = at;
            }
        }
    }
}

#[cfg(test)]
mod tests;
