//! What a market is made with.

use book::Capacity;
use types::{Symbol, Ticker};

/// What a [`Market`](crate::Market) holds. Nothing grows later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketConfig {
    /// Orders, levels and books; a book is a locate that can be seen, so that ITCH's 65,536 are
    /// the most, and one above the highest locate of the day is enough.
    pub capacity: Capacity,
    /// The trader's symbols: `Ticker(i)` is `tickers[i]`.
    pub tickers: Vec<Symbol>,
    /// Whether only the tickers have books; what is told of others is counted and left.
    pub only_tickers: bool,
    /// Prints kept, a power of two.
    pub tape_len: u32,
}

/// Why no market can be made of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarketConfigError {
    /// A ticker a second time.
    #[error("the ticker {symbol} is told twice")]
    DuplicateTicker {
        /// Which.
        symbol: Symbol,
    },
    /// More tickers than [`Ticker`] has numbers; the last stands for nobody.
    #[error("{count} tickers are more than {max}", max = Ticker(u16::MAX).0)]
    TooManyTickers {
        /// How many were told.
        count: usize,
    },
    /// More books than a stock locate has values.
    #[error("{books} books are more than a stock locate can tell apart (65536)")]
    TooManyBooks {
        /// How many were told.
        books: u32,
    },
    /// A tape that cannot be a ring.
    #[error("a tape of {len} prints is not a power of two")]
    TapeLen {
        /// What was told.
        len: u32,
    },
}

impl MarketConfig {
    /// Whether a market can be made of it.
    ///
    /// # Errors
    /// The first thing that cannot be.
    pub fn check(&self) -> Result<(), MarketConfigError> {
        if self.capacity.books > 1 << 16 {
            return Err(MarketConfigError::TooManyBooks { books: self.capacity.books });
        }
        if !self.tape_len.is_power_of_two() {
            return Err(MarketConfigError::TapeLen { len: self.tape_len });
        }
        if self.tickers.len() > usize::from(u16::MAX) {
            return Err(MarketConfigError::TooManyTickers { count: self.tickers.len() });
        }
        let mut names = self.tickers.clone();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(MarketConfigError::DuplicateTicker { symbol: pair[0] }),
            None => Ok(()),
        }
    }
}
