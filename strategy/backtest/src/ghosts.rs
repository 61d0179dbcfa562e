//! Our resting orders at the simulated venue, and their places among orders that were.
//!
//! Why it exists: the recording knows nothing of our orders. A ghost stands behind every order that
//! was at its price when it came, and moves forward as those leave; what comes later is behind it.
//!
//! Layout: a list a symbol and side, the first to be served first. There are few: walking over them
//! is cheaper than an index, and costs nothing where there are none.

use crate::FillModel;
use crate::shown::Shown;
use types::{OrderSide, Price, Side, Ticker};

/// What OUCH's answers repeat of an order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) user_ref: u32,
    pub(crate) ticker: Ticker,
    pub(crate) side: OrderSide,
    pub(crate) price: Price,
    pub(crate) tif: u8,
    pub(crate) display: u8,
    pub(crate) capacity: u8,
    pub(crate) sweep: u8,
    pub(crate) cl_ord_id: [u8; 14],
    pub(crate) post_only: bool,
    /// Shares of it and of those it replaced that have traded.
    pub(crate) executed: u32,
}

/// A resting order of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ghost {
    pub(crate) terms: Terms,
    pub(crate) leaves: u32,
    /// How many recorded orders had come when it came: those stand before it.
    pub(crate) came: u64,
    pub(crate) ahead_shares: u64,
    pub(crate) ahead_orders: u32,
}

impl Ghost {
    fn side(&self) -> Side {
        self.terms.side.side()
    }

    /// Whether a trade at `price` in which `resting` stood (`None` for one that was not shown)
    /// would have been ours.
    #[inline]
    pub(crate) fn is_reached(&self, model: FillModel, price: Price, resting: &Shown) -> bool {
        let (side, ours) = (self.side(), self.terms.price);
        if better(side, ours, price) {
            return true;
        }
        let before =
            better(side, ours, resting.price) || ours == resting.price && resting.came > self.came;
        ours == price
            && match model {
                FillModel::Queue => before,
                FillModel::Touch => true,
                FillModel::Conservative => false,
            }
    }
}

/// Whether price `a` is served before price `b` on a side.
#[inline]
pub(crate) fn better(side: Side, a: Price, b: Price) -> bool {
    match side {
        Side::Buy => a > b,
        Side::Sell => a < b,
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Ghosts {
    sides: Box<[[Vec<Ghost>; 2]]>,
    len: usize,
}

impl Ghosts {
    pub(crate) fn new(tickers: usize) -> Ghosts {
        Ghosts { sides: (0..tickers).map(|_| [Vec::new(), Vec::new()]).collect(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn of(&self, ticker: Ticker, side: Side) -> &[Ghost] {
        &self.sides[usize::from(ticker.0)][side as usize]
    }

    #[inline]
    pub(crate) fn of_mut(&mut self, ticker: Ticker, side: Side) -> &mut [Ghost] {
        &mut self.sides[usize::from(ticker.0)][side as usize]
    }

    /// The best price of ours on a side.
    pub(crate) fn best(&self, ticker: Ticker, side: Side) -> Option<Price> {
        self.of(ticker, side).first().map(|ghost| ghost.terms.price)
    }

    /// Puts an order behind all of ours that are served before it.
    pub(crate) fn rest(&mut self, ghost: Ghost) {
        let (side, ticker) = (ghost.side(), ghost.terms.ticker);
        let list = &mut self.sides[usize::from(ticker.0)][side as usize];
        let at = list.partition_point(|one| !better(side, ghost.terms.price, one.terms.price));
        list.insert(at, ghost);
        self.len += 1;
    }

    pub(crate) fn find(&self, user_ref: u32) -> Option<(Ticker, Side, usize)> {
        for (ticker, sides) in (0..).map(Ticker).zip(&self.sides) {
            for side in [Side::Buy, Side::Sell] {
                let of_number = |ghost: &Ghost| ghost.terms.user_ref == user_ref;
                if let Some(at) = sides[side as usize].iter().position(of_number) {
                    return Some((ticker, side, at));
                }
            }
        }
        None
    }

    pub(crate) fn remove(&mut self, (ticker, side, at): (Ticker, Side, usize)) -> Ghost {
        self.len -= 1;
        self.sides[usize::from(ticker.0)][side as usize].remove(at)
    }

    /// Drops those of a side that have no shares left.
    pub(crate) fn sweep(&mut self, ticker: Ticker, side: Side) {
        let list = &mut self.sides[usize::from(ticker.0)][side as usize];
        let before = list.len();
        list.retain(|ghost| ghost.leaves > 0);
        self.len -= before - list.len();
    }
}
