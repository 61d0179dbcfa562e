//! Which prices have a level: a trie of 64-bit maps, for the neighbours of a new level.
//!
//! Why it exists: a new level must be linked between its neighbours, and an adversary may fill a side
//! with a hundred thousand prices: the search must not be linear, and must not depend on luck. Layer 0
//! has a map for each run of 64 prices, layer 1 one for each run of 64 of those, and so on; six
//! layers cover every price. A map exists only while a bit of it is set, in a hash table keyed by
//! symbol, side, layer and run. Finding a neighbour is at most eleven look-ups, mostly one or two:
//! prices in use lie close together.
//!
//! Limits: as many maps as stated at construction. [`maps_max`] says how many a number of levels needs at
//! worst, so that no level ever lacks one.

use crate::table::Table;
use types::{Price, Side, SymbolId};

const LAYERS: u32 = 6;

/// The maps that `levels` prices over both sides of `symbols` books need at most: in each layer one a
/// price, but no more than the layer has runs.
pub(crate) fn maps_max(levels: u32, symbols: u16) -> usize {
    let sides = 2 * u64::from(symbols);
    let in_layer = |layer: u32| {
        let runs = (1u64 << 32).div_ceil(1 << (6 * (layer + 1)));
        u64::from(levels).min(sides * runs)
    };
    (0..LAYERS).map(in_layer).sum::<u64>() as usize
}

/// The set of prices that have a level, over all symbols and sides.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    maps: Table<u64>,
}

/// Symbol, side, layer and run in one word.
#[inline]
fn key(symbol: SymbolId, side: Side, layer: u32, run: u32) -> u64 {
    u64::from(symbol.0) << 40 | (side as u64) << 39 | u64::from(layer) << 32 | u64::from(run)
}

/// The run and the bit of a price in a layer.
#[inline]
fn place(price: u32, layer: u32) -> (u32, u32) {
    let at = u64::from(price) >> (6 * layer);
    ((at >> 6) as u32, (at & 63) as u32)
}

impl Ladder {
    pub(crate) fn with_maps(maps: usize) -> Ladder {
        Ladder { maps: Table::with_capacity(maps) }
    }

    /// Adds a price. There must be room ([`maps_max`]).
    pub(crate) fn insert(&mut self, symbol: SymbolId, side: Side, price: Price) {
        for layer in 0..LAYERS {
            let (run, bit) = place(price.0, layer);
            let key = key(symbol, side, layer, run);
            if let Some(map) = self.maps.get_mut(key) {
                *map |= 1 << bit;
                return; // a map that exists is known above
            }
            let fits = self.maps.insert(key, 1 << bit);
            debug_assert!(fits, "maps for the most levels");
        }
    }

    /// Takes a price out.
    pub(crate) fn remove(&mut self, symbol: SymbolId, side: Side, price: Price) {
        for layer in 0..LAYERS {
            let (run, bit) = place(price.0, layer);
            let key = key(symbol, side, layer, run);
            let Some(map) = self.maps.get_mut(key) else { return };
            *map &= !(1 << bit);
            if *map != 0 {
                return;
            }
            self.maps.remove(key);
        }
    }

    /// The next price above, if any.
    pub(crate) fn above(&self, symbol: SymbolId, side: Side, price: Price) -> Option<Price> {
        for layer in 0..LAYERS {
            let (run, bit) = place(price.0, layer);
            let map = self.maps.get(key(symbol, side, layer, run)).unwrap_or(0);
            let higher = map & (u64::MAX << 1).checked_shl(bit).unwrap_or(0);
            if higher != 0 {
                return Some(self.descend(
                    symbol,
                    side,
                    layer,
                    run,
                    higher.trailing_zeros(),
                    false,
                ));
            }
        }
        None
    }

    /// The next price below, if any.
    pub(crate) fn below(&self, symbol: SymbolId, side: Side, price: Price) -> Option<Price> {
        for layer in 0..LAYERS {
            let (run, bit) = place(price.0, layer);
            let map = self.maps.get(key(symbol, side, layer, run)).unwrap_or(0);
            let lower = map & ((1u64 << bit) - 1);
            if lower != 0 {
                let highest = 63 - lower.leading_zeros();
                return Some(self.descend(symbol, side, layer, run, highest, true));
            }
        }
        None
    }

    /// From a bit in a layer down to the highest or lowest price under it.
    fn descend(
        &self,
        symbol: SymbolId,
        side: Side,
        layer: u32,
        run: u32,
        bit: u32,
        highest: bool,
    ) -> Price {
        let mut at = run << 6 | bit;
        for layer in (0..layer).rev() {
            let map = self.maps.get(key(symbol, side, layer, at)).unwrap_or(1);
            let bit = if highest { 63 - map.leading_zeros() } else { map.trailing_zeros() };
            at = at << 6 | bit;
        }
        Price(at)
    }
}

#[cfg(test)]
mod tests;
