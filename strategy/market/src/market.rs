//! The market: its parts, its making and its views. What messages do to it is in `apply.rs`.

use crate::roster::Roster;
use crate::{
    Ahead, Breakers, Counters, Currency, Lie, MarketConfig, MarketConfigError, Notices, Status,
    Tape, Trade,
};
use book::{Books, LevelView, OrderView, Soon, Top, WARM_MAX};
use types::{OrderId, Price, Side, Symbol, SymbolId, Ticker};

/// A locate that the directory never tells: its book stays empty.
pub(crate) const NOWHERE: SymbolId = SymbolId(0);

/// A ticker's own two lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Seat {
    pub(crate) status: Status,
    pub(crate) locate: SymbolId,
    pub(crate) last: Option<Trade>,
}

const _: () = assert!(size_of::<Seat>() == 128);

/// The trader's picture of the market. See the crate.
#[derive(Clone, Debug)]
pub struct Market {
    pub(crate) books: Books,
    pub(crate) roster: Roster,
    pub(crate) seats: Box<[Seat]>,
    pub(crate) notices: Box<[Notices]>,
    pub(crate) tape: Tape,
    pub(crate) breakers: Breakers,
    pub(crate) lies: [u64; Lie::COUNT],
    pub(crate) by_type: [u64; 128],
    pub(crate) counters: Counters,
    pub(crate) time_ns: u64,
    /// The last message's time since the last clearing: a snapshot may be older than what came
    /// before.
    pub(crate) mark_ns: u64,
    /// What everyone's status says of the day and the feed; of someone who has no seat, all of it.
    pub(crate) common: Status,
    pub(crate) only_tickers: bool,
    /// The feed was joined in the middle of the day: many orders were told of before.
    pub(crate) late: bool,
    /// Whether sessions are joined like that, each of them.
    pub(crate) joins_late: bool,
    /// When market hours change by the clock, where that is asked.
    pub(crate) hours_turn_ns: u64,
    /// Whether the clock tells market hours.
    pub(crate) by_clock: bool,
}

/// Notes what an ITCH message is about, whatever its bytes are, for
/// [`Books::warm`](book::Books::warm).
#[inline]
pub fn look_at(soon: &mut Soon, bytes: &[u8]) {
    let Some((head, price)) = bytes.first_chunk::<19>().zip(bytes.last_chunk::<4>()) else {
        return;
    };
    let symbol = u16::from_be_bytes([head[1], head[2]]);
    let [.., a, b, c, d, e, f, g, h] = *head;
    let is_known = !matches!(head[0], b'A' | b'F');
    // The price is the last of an addition's fields, except of F.
    let side = if bytes[19.min(bytes.len() - 1)] == b'B' { Side::Buy } else { Side::Sell };
    let id = OrderId(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    soon.note(is_known, id, SymbolId(symbol), side, Price(u32::from_be_bytes(*price)));
}

/// When the market opens and closes by the clock (New York's), in ns since midnight.
pub(crate) const HOURS_NS: [u64; 2] = [34_200_000_000_000, 57_600_000_000_000];

impl Market {
    /// Takes all the memory the market will ever use, and touches it.
    ///
    /// # Errors
    /// See [`MarketConfig::check`].
    pub fn new(config: &MarketConfig) -> Result<Market, MarketConfigError> {
        config.check()?;
        let seat = Seat { status: Status::default(), locate: NOWHERE, last: None };
        Ok(Market {
            books: Books::with_capacity(config.capacity),
            roster: Roster::new(config.capacity.books, &config.tickers),
            seats: vec![seat; config.tickers.len()].into_boxed_slice(),
            notices: vec![Notices::default(); config.tickers.len()].into_boxed_slice(),
            tape: Tape::new(config.tape_len),
            breakers: Breakers::default(),
            lies: [0; Lie::COUNT],
            by_type: [0; 128],
            counters: Counters::default(),
            time_ns: 0,
            mark_ns: 0,
            common: Status::default(),
            only_tickers: config.only_tickers,
            late: false,
            joins_late: false,
            hours_turn_ns: u64::MAX,
            by_clock: false,
        })
    }

    /// Brings into the cache what the next messages of a packet will read, [`WARM_MAX`] at most.
    /// To be called before they are applied; changes nothing. Pays where the books do not fit the
    /// cache, costs a few ns a message where they do: `examples/market_ns.rs` measures both.
    #[inline]
    pub fn warm<'a>(&self, messages: impl Iterator<Item = &'a [u8]>) {
        let mut soon = Soon::default();
        messages.take(WARM_MAX).for_each(|bytes| look_at(&mut soon, bytes));
        self.books.warm(&soon);
    }

    /// The feed was joined in the middle of the day without a snapshot: references that were never
    /// told are counted, and make nobody suspect, until a snapshot, after which all is told. The
    /// event that opened the market was missed too: until one is heard, the clock tells. A session
    /// that follows is joined in the same way.
    pub fn join_late(&mut self) {
        self.late = true;
        self.joins_late = true;
        self.hours_turn_ns = HOURS_NS[0];
        self.by_clock = true;
    }

    /// A snapshot follows: forgets every book, trading state, suspicion and cross to come. Kept is
    /// what a snapshot does not tell: names and locates, round lots, market hours, restrictions of
    /// short sales (better one too many than one too few), volume, the tape and the last trades.
    pub fn clear(&mut self) {
        self.books.clear();
        self.roster.clear();
        self.late = false;
        self.mark_ns = 0;
        self.notices.fill(Notices::default());
        for seat in &mut self.seats {
            let Status { market_hours, short_restricted, currency, volume, round_lot, .. } =
                seat.status;
            seat.status = Status {
                market_hours,
                short_restricted,
                currency,
                volume,
                round_lot,
                ..Status::default()
            };
        }
    }

    /// Another day or session follows: forgets everything that was told, locates too. The tickers
    /// stay, and so do the counts and how far the feed can be relied on.
    pub fn clear_day(&mut self) {
        self.clear();
        self.roster.clear_day();
        self.tape.clear();
        self.breakers = Breakers::default();
        self.time_ns = 0;
        self.hours_turn_ns = u64::MAX;
        self.by_clock = false;
        self.common = Status { currency: self.common.currency, ..Status::default() };
        let seat = Seat { status: self.common, locate: NOWHERE, last: None };
        self.seats.fill(seat);
        if self.joins_late {
            self.join_late();
        }
    }

    /// Tells how far the feed can be relied on, which every status shows from then on.
    pub fn set_currency(&mut self, currency: Currency) {
        if self.common.currency != currency {
            self.common.currency = currency;
            for seat in &mut self.seats {
                seat.status.currency = currency;
            }
        }
    }

    /// Declares a suspect symbol's book right again. The book itself is left as it is.
    pub fn absolve(&mut self, ticker: Ticker) {
        let Some(seat) = self.seats.get_mut(usize::from(ticker.0)) else { return };
        seat.status.suspect = None;
        if let Some(listing) = self.roster.at_mut(seat.locate.0) {
            listing.suspect = None;
        }
    }

    /// Which ticker a locate stands for; `None` for none, or while the directory has not told it.
    #[inline]
    pub fn ticker(&self, symbol: SymbolId) -> Option<Ticker> {
        let ticker = self.roster.at(symbol.0).ticker;
        (ticker != crate::News::NOBODY).then_some(ticker)
    }

    /// A ticker's locate, once the directory has told it.
    #[inline]
    pub fn locate(&self, ticker: Ticker) -> Option<SymbolId> {
        Some(self.place(ticker)).filter(|locate| *locate != NOWHERE)
    }

    /// A ticker's name; blank for one that there is not.
    pub fn symbol(&self, ticker: Ticker) -> Symbol {
        let name = self.roster.tickers().get(usize::from(ticker.0));
        name.copied().unwrap_or(Symbol([b' '; 8]))
    }

    /// How many tickers there are.
    pub fn tickers(&self) -> usize {
        self.seats.len()
    }

    /// What a locate's name is, also of one that is no ticker.
    pub fn name(&self, symbol: SymbolId) -> Option<Symbol> {
        let listing = self.roster.at(symbol.0);
        listing.is_listed.then_some(listing.name)
    }

    /// The first lie about a locate's symbol since its book was known to be right, also of one that
    /// is no ticker.
    pub fn suspect(&self, symbol: SymbolId) -> Option<Lie> {
        self.roster.at(symbol.0).suspect
    }

    /// The best of both sides.
    #[inline]
    pub fn top(&self, ticker: Ticker) -> Top {
        self.books.top(self.place(ticker))
    }

    /// A side's levels, the best first.
    pub fn levels(&self, ticker: Ticker, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        self.books.levels(self.place(ticker), side)
    }

    /// The level at a price.
    pub fn level(&self, ticker: Ticker, side: Side, price: Price) -> Option<LevelView> {
        self.books.level(self.place(ticker), side, price)
    }

    /// The orders at a price, in the order they are served.
    pub fn orders(
        &self,
        ticker: Ticker,
        side: Side,
        price: Price,
    ) -> impl Iterator<Item = OrderView<OrderId>> + '_ {
        self.books.orders(self.place(ticker), side, price)
    }

    /// What stands in front of an order in its queue; `None` when the book has it not. Walks from
    /// the order to the front, over `orders_max` orders at most.
    pub fn ahead(&self, id: OrderId, orders_max: u32) -> Option<Ahead> {
        let (shares, orders, at_least) = self.books.ahead(id, orders_max)?;
        Some(Ahead { shares, orders, at_least })
    }

    /// A symbol's standing. `updated_ns` is the last message's time: how stale it is, is the
    /// caller's clock less that; how stale the feed is, `currency` tells.
    #[inline]
    pub fn status(&self, ticker: Ticker) -> &Status {
        self.seats.get(usize::from(ticker.0)).map_or(&self.common, |seat| &seat.status)
    }

    /// What the feed tells now and then.
    pub fn notices(&self, ticker: Ticker) -> Notices {
        self.notices.get(usize::from(ticker.0)).copied().unwrap_or_default()
    }

    /// The market-wide circuit breakers.
    pub fn breakers(&self) -> Breakers {
        self.breakers
    }

    /// A ticker's last print.
    #[inline]
    pub fn last_trade(&self, ticker: Ticker) -> Option<Trade> {
        self.seats.get(usize::from(ticker.0))?.last
    }

    /// The tickers' prints.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Lies by [`Lie`].
    pub fn lies(&self) -> &[u64; Lie::COUNT] {
        &self.lies
    }

    /// Readable messages by their type's letter.
    pub fn by_type(&self) -> &[u64; 128] {
        &self.by_type
    }

    /// What was counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The highest time heard, in ns since midnight.
    #[inline]
    pub fn time_ns(&self) -> u64 {
        self.time_ns
    }

    /// The last message's stamp since the books were last cleared, in ns since midnight.
    #[inline]
    pub fn stamp_ns(&self) -> u64 {
        self.mark_ns
    }

    /// The books by locate.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// A hash of what a snapshot could tell: books, names, trading states, and which symbols are
    /// suspect. Not of the tape, volumes and times, which it could not.
    pub fn state_hash(&self) -> u64 {
        let mut hash = self.books.state_hash();
        let mut add = |word: u64| {
            hash = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        };
        for (locate, listing) in self.roster.listed() {
            let suspect = listing.suspect.map_or(0, |lie| lie as u64 + 1);
            let trading = u64::from(listing.trading().letter());
            add(u64::from(locate) << 32 | trading << 8 | suspect);
            add(listing.name.key());
        }
        hash
    }

    #[inline]
    fn place(&self, ticker: Ticker) -> SymbolId {
        self.seats.get(usize::from(ticker.0)).map_or(NOWHERE, |seat| seat.locate)
    }
}
