//! What the next messages are about, gathered before they are applied.

use crate::core::number;
use crate::ticks::Spot;
use types::{OrderId, Price, Side, SymbolId};

/// Messages that a [`Soon`] keeps account of.
pub const WARM_MAX: usize = 16;

/// The orders and the prices that the next messages are about, for [`Books::warm`].
///
/// [`Books::warm`]: crate::Books::warm
#[derive(Clone, Copy, Debug)]
pub struct Soon {
    /// Twice as many as count: for want of a branch, what does not count is written behind the
    /// last.
    ids: [u64; 2 * WARM_MAX],
    /// Number of the side, and tick.
    spots: [(u32, u32); 2 * WARM_MAX],
    ids_len: usize,
    spots_len: usize,
}

impl Default for Soon {
    fn default() -> Soon {
        let (ids, spots) = ([0; 2 * WARM_MAX], [(0, 0); 2 * WARM_MAX]);
        Soon { ids, spots, ids_len: 0, spots_len: 0 }
    }
}

impl Soon {
    /// Forgets what was gathered.
    #[inline]
    pub fn clear(&mut self) {
        (self.ids_len, self.spots_len) = (0, 0);
    }

    /// Notes a message about an order, if `is_known`, or one that adds an order; the first
    /// [`WARM_MAX`] of each count. Without a branch, since which it is, is anyone's guess.
    #[inline]
    pub fn note(
        &mut self,
        is_known: bool,
        id: OrderId,
        symbol: SymbolId,
        side: Side,
        price: Price,
    ) {
        self.ids[self.ids_len % (2 * WARM_MAX)] = id.0;
        self.ids_len += usize::from(is_known);
        let tick = Spot::new::<0>(side, price).tick;
        self.spots[self.spots_len % (2 * WARM_MAX)] = (number(symbol.into(), side), tick);
        self.spots_len += usize::from(!is_known);
    }

    #[inline]
    pub(crate) fn ids(&self) -> &[u64] {
        &self.ids[..self.ids_len.min(WARM_MAX)]
    }

    #[inline]
    pub(crate) fn spots(&self) -> &[(u32, u32)] {
        &self.spots[..self.spots_len.min(WARM_MAX)]
    }
}
