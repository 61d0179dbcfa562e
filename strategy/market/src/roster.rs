//! Which symbol a locate stands for, and which ticker that is.
//!
//! Layout: 16 bytes a locate, four to a line, so that what every message needs is one read: the
//! name, the ticker, and what decides about a crossed book.

use crate::{Lie, News};
use types::{Symbol, Ticker, TradingState};

/// What is known of a locate.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct Listing {
    pub(crate) name: Symbol,
    pub(crate) ticker: Ticker,
    pub(crate) is_listed: bool,
    /// As H told it last.
    pub(crate) told: TradingState,
    /// As h told it last.
    pub(crate) is_halted_here: bool,
    pub(crate) suspect: Option<Lie>,
}

const _: () = assert!(size_of::<Listing>() == 16);

impl Listing {
    const NONE: Listing = Listing {
        name: Symbol([b' '; 8]),
        ticker: News::NOBODY,
        is_listed: false,
        told: TradingState::Trading,
        is_halted_here: false,
        suspect: None,
    };

    /// Whether it trades, all told.
    #[inline]
    pub(crate) fn trading(&self) -> TradingState {
        if self.is_halted_here { TradingState::Halted } else { self.told }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Roster {
    listings: Box<[Listing]>,
    tickers: Box<[Symbol]>,
    /// The tickers in the order of their names.
    by_name: Box<[(Symbol, Ticker)]>,
}

impl Roster {
    pub(crate) fn new(locates: u32, tickers: &[Symbol]) -> Roster {
        let mut by_name: Box<[(Symbol, Ticker)]> =
            tickers.iter().zip(0..).map(|(name, at)| (*name, Ticker(at))).collect();
        by_name.sort_unstable();
        Roster {
            listings: vec![Listing::NONE; locates as usize].into_boxed_slice(),
            tickers: tickers.into(),
            by_name,
        }
    }

    /// What is known of a locate; nothing of one beyond the capacity.
    #[inline]
    pub(crate) fn at(&self, locate: u16) -> Listing {
        self.listings.get(usize::from(locate)).copied().unwrap_or(Listing::NONE)
    }

    pub(crate) fn at_mut(&mut self, locate: u16) -> Option<&mut Listing> {
        self.listings.get_mut(usize::from(locate)).filter(|listing| listing.is_listed)
    }

    /// Gives a locate its name. `false`: it is beyond the capacity, and nothing changed.
    pub(crate) fn list(&mut self, locate: u16, name: Symbol, ticker: Ticker) -> bool {
        let Some(listing) = self.listings.get_mut(usize::from(locate)) else { return false };
        *listing = Listing { name, ticker, is_listed: true, ..Listing::NONE };
        true
    }

    pub(crate) fn ticker_named(&self, name: Symbol) -> Ticker {
        let found = self.by_name.binary_search_by_key(&name, |(name, _)| *name);
        found.map_or(News::NOBODY, |at| self.by_name[at].1)
    }

    pub(crate) fn tickers(&self) -> &[Symbol] {
        &self.tickers
    }

    /// What is listed, with its locate.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (u16, &Listing)> {
        (0..=u16::MAX).zip(&self.listings).filter(|(_, listing)| listing.is_listed)
    }

    /// Forgets states and suspicions; names stay.
    pub(crate) fn clear(&mut self) {
        for listing in &mut self.listings {
            let Listing { name, ticker, is_listed, .. } = *listing;
            *listing = Listing { name, ticker, is_listed, ..Listing::NONE };
        }
    }

    /// Forgets everything but the tickers.
    pub(crate) fn clear_day(&mut self) {
        self.listings.fill(Listing::NONE);
    }
}
