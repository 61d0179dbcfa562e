//! The last prints, in a ring.

use crate::Trade;
use types::{MatchId, Ticker};

/// The tickers' last trades, as many as the configuration says.
#[derive(Clone, Debug)]
pub struct Tape {
    ring: Box<[(Ticker, Trade)]>,
    total: u64,
}

impl Tape {
    /// A ring of `len` prints, a power of two.
    pub(crate) fn new(len: u32) -> Tape {
        let blank = (crate::News::NOBODY, Trade::default());
        Tape { ring: vec![blank; len as usize].into_boxed_slice(), total: 0 }
    }

    /// Trades printed so far, also those that are no longer held.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Trades held.
    pub fn len(&self) -> usize {
        usize::try_from(self.total).map_or(self.ring.len(), |total| total.min(self.ring.len()))
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The trades held, the newest last.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Ticker, Trade)> + '_ {
        let held = self.len() as u64;
        (self.total - held..self.total).map(|at| self.ring[self.place(at)])
    }

    #[inline]
    pub(crate) fn push(&mut self, ticker: Ticker, trade: Trade) {
        let at = self.place(self.total);
        self.ring[at] = (ticker, trade);
        self.total += 1;
    }

    /// Marks a ticker's trades of a match as broken: how many were not yet, and the volume that
    /// goes with them. A walk over the ring, the newest first.
    #[cold]
    pub(crate) fn break_match(&mut self, ticker: Ticker, id: MatchId) -> (u32, u64) {
        let (mut count, mut volume) = (0, 0);
        for at in (self.total - self.len() as u64..self.total).rev() {
            let at = self.place(at);
            let (whose, trade) = &mut self.ring[at];
            if *whose == ticker && trade.match_id == id && !trade.broken {
                trade.broken = true;
                count += 1;
                volume += if trade.printable { trade.qty } else { 0 };
            }
        }
        (count, volume)
    }

    pub(crate) fn clear(&mut self) {
        self.total = 0;
    }

    #[inline]
    fn place(&self, at: u64) -> usize {
        (at & (self.ring.len() as u64 - 1)) as usize
    }
}
