//! What a message does to the market.
//!
//! Order of judgement: readable, time, listed, skipped, name, letters, price, shares, and last what
//! the books say. The first objection is the one counted (a time that goes back is counted beside
//! it), and what is objected to is not applied, with two exceptions that leave nothing else to do:
//! more shares than an order has take it out, and a replacement that cannot stand has removed the
//! old order all the same. Nothing is put right in silence.

use crate::market::NOWHERE;
use crate::rare;
use crate::roster::Listing;
use crate::{Lie, Market, News, Trade, TradeKind};
use book::{Change, FeedError, Refusal};
use types::{MatchId, OrderId, Price, Qty, Side, Symbol, SymbolId, Ticker, TradingState};
use wire::field::{Price4, U32, U64};
use wire::itch::{self, Message};

/// ITCH's highest price, $200,000.
const PRICE_MAX: u32 = 2_000_000_000;

/// Whom a message is about, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub(crate) symbol: SymbolId,
    pub(crate) ticker: Ticker,
    pub(crate) name: Symbol,
    pub(crate) at_ns: u64,
}

/// What a message says of shares that traded.
struct Fill {
    qty: u32,
    match_id: u64,
    /// The price it traded at; `None` for the order's own.
    price: Option<Price>,
    printable: bool,
}

impl Market {
    /// Takes one ITCH message, all of it. Never panics, whatever the bytes are.
    #[inline]
    pub fn on_message(&mut self, bytes: &[u8]) -> News {
        self.counters.messages += 1;
        let Ok(message) = itch::parse(bytes) else { return self.unreadable(bytes) };
        let head = message.head();
        self.by_type[usize::from(head.message_type & 127)] += 1;
        let at_ns = head.timestamp.get();
        let symbol = SymbolId(head.stock_locate.get());
        let listing = self.roster.at(symbol.0);
        let who = Who { symbol, ticker: listing.ticker, name: listing.name, at_ns };
        let mut what = 0;
        let went_back = at_ns < self.mark_ns;
        // Against the message before, not the highest: one stamp from the future is one lie.
        self.mark_ns = at_ns;
        if went_back {
            what = self.lie(who, Lie::TimeWentBack);
            self.look_at_hours_again();
        } else {
            self.time_ns = self.time_ns.max(at_ns);
            if at_ns >= self.hours_turn_ns {
                what |= self.turn_hours(at_ns);
            }
        }
        if !listing.is_listed || head.message_type == itch::StockDirectory::TYPE {
            return self.on_unlisted(who, what, &message);
        }
        match self.seats.get_mut(usize::from(who.ticker.0)) {
            Some(seat) => seat.status.updated_ns = at_ns,
            None if self.only_tickers && !matches!(head.message_type, b'S' | b'V' | b'W') => {
                self.counters.skipped += 1;
                return News::new(News::NOBODY, what);
            }
            None => {}
        }
        what |= self.apply(who, &message);
        News::new(who.ticker, what)
    }

    /// A type that nobody knows changes no book that we know of; one that is known, of another
    /// length, was a change of its symbol's that is lost.
    #[cold]
    fn unreadable(&mut self, bytes: &[u8]) -> News {
        self.counters.unreadable += 1;
        let [kind, high, low, ..] = *bytes else {
            self.lies[Lie::Unreadable as usize] += 1;
            return News::NOTHING;
        };
        let known = itch::message_len(kind).is_some();
        let symbol = if known { SymbolId(u16::from_be_bytes([high, low])) } else { NOWHERE };
        let Listing { ticker, name, .. } = self.roster.at(symbol.0);
        let what = self.lie(Who { symbol, ticker, name, at_ns: self.mark_ns }, Lie::Unreadable);
        News::new(ticker, what)
    }

    /// Listings; and a locate that is not listed has messages of the whole market.
    #[cold]
    fn on_unlisted(&mut self, who: Who, what: u8, message: &Message<'_>) -> News {
        match message {
            Message::StockDirectory(m) => {
                // A locate's first listing tells the ticker; one that lies is about both.
                let named = self.roster.ticker_named(Symbol(m.stock));
                let ticker = if who.ticker == News::NOBODY { named } else { who.ticker };
                News::new(ticker, what | self.on_directory(who, m))
            }
            Message::SystemEvent(_) | Message::MwcbDeclineLevel(_) | Message::MwcbStatus(_) => {
                News::new(News::NOBODY, what | self.on_rare(who, message))
            }
            _ => {
                let what = what | self.lie(who, Lie::UnlistedSymbol);
                let Some(ticker) = self.named_ticker(message) else {
                    return News::new(News::NOBODY, what);
                };
                News::new(ticker, what | self.suspect_ticker(ticker, Lie::UnlistedSymbol))
            }
        }
    }

    /// Which of the tickers a message under a locate of nobody names; none before the directory has
    /// told the ticker's own where the feed was joined late.
    #[cold]
    fn named_ticker(&self, message: &Message<'_>) -> Option<Ticker> {
        let stock = match message {
            Message::AddOrder(m) => Symbol(m.stock),
            Message::AddOrderMpid(m) => Symbol(m.stock),
            Message::Trade(m) => Symbol(m.stock),
            other => rare::stock(other)?,
        };
        let ticker = self.roster.ticker_named(stock);
        let known = ticker != News::NOBODY && !(self.late && self.locate(ticker).is_none());
        known.then_some(ticker)
    }

    #[inline]
    fn apply(&mut self, who: Who, message: &Message<'_>) -> u8 {
        let id = |number: U64| OrderId(number.get());
        match message {
            Message::AddOrder(m) => {
                let (number, side) = (m.order_reference_number, m.buy_sell_indicator);
                self.add(who, number, side, m.shares, Symbol(m.stock), m.price)
            }
            Message::AddOrderMpid(m) => {
                let (number, side) = (m.order_reference_number, m.buy_sell_indicator);
                self.add(who, number, side, m.shares, Symbol(m.stock), m.price)
            }
            Message::OrderDelete(m) => {
                match self.books.delete_of(who.symbol, id(m.order_reference_number)) {
                    Ok(change) => self.settle(who, change),
                    Err(why) => self.refused(who, why.into(), Lie::UnknownReference),
                }
            }
            Message::OrderExecuted(m) => {
                let (qty, match_id) = (m.executed_shares.get(), m.match_number.get());
                let fill = Fill { qty, match_id, price: None, printable: true };
                self.execute(who, id(m.order_reference_number), fill)
            }
            Message::OrderExecutedPrice(m) => {
                let (qty, match_id) = (m.executed_shares.get(), m.match_number.get());
                let (price, printable) = (Some(Price(m.execution_price.get())), m.printable);
                let fill = Fill { qty, match_id, price, printable: printable == b'Y' };
                if !matches!(printable, b'Y' | b'N') {
                    return self.lie(who, Lie::Unreadable);
                }
                self.execute(who, id(m.order_reference_number), fill)
            }
            Message::OrderCancel(m) => {
                let (id, qty) = (id(m.order_reference_number), Qty(m.canceled_shares.get()));
                if qty == Qty::ZERO {
                    return self.lie(who, Lie::ZeroShares);
                }
                match self.books.reduce_of(who.symbol, id, qty) {
                    Ok(change) => self.settle(who, change),
                    Err(refusal) => self.refused(who, refusal, Lie::CanceledBeyondSize),
                }
            }
            Message::OrderReplace(m) => {
                let [old, new] = [m.original_order_reference_number, m.new_order_reference_number];
                self.replace(who, id(old), id(new), Qty(m.shares.get()), m.price)
            }
            Message::Trade(m) => self.on_trade(who, m),
            _ => self.on_rare(who, message),
        }
    }

    #[inline]
    fn add(
        &mut self,
        who: Who,
        number: U64,
        letter: u8,
        shares: U32,
        stock: Symbol,
        price: Price4,
    ) -> u8 {
        if stock != who.name {
            return self.lie(who, Lie::WrongSymbol);
        }
        let Some(side) = side(letter) else { return self.lie(who, Lie::BadSide) };
        let (qty, price) = (Qty(shares.get()), Price(price.get()));
        if let Some(lie) = bad_terms(qty, price) {
            return self.lie(who, lie);
        }
        match self.books.add(OrderId(number.get()), who.symbol, side, qty, price) {
            Ok(change) => self.settle(who, change),
            Err(why) => self.refused(who, why.into(), Lie::UnknownReference),
        }
    }

    #[inline]
    fn execute(&mut self, who: Who, id: OrderId, fill: Fill) -> u8 {
        if fill.qty == 0 {
            return self.lie(who, Lie::ZeroShares);
        }
        let (change, what) = match self.books.reduce_of(who.symbol, id, Qty(fill.qty)) {
            Ok(change) => (change, self.settle(who, change)),
            Err(refusal) => {
                let what = self.refused(who, refusal, Lie::ExecutedBeyondSize);
                let Some(change) = refusal.did else { return what };
                (change, what)
            }
        };
        let price = fill.price.unwrap_or(change.price());
        if let Some(lie) = bad_terms(Qty(fill.qty), price) {
            // The order's shares are gone; at which price, is not known.
            return what | self.lie(who, lie);
        }
        let trade = Trade {
            at_ns: who.at_ns,
            qty: u64::from(fill.qty),
            price,
            resting: Some(change.side()),
            match_id: MatchId(fill.match_id),
            kind: TradeKind::Book,
            printable: fill.printable,
            broken: false,
        };
        what | self.print(who, trade)
    }

    #[inline]
    fn replace(&mut self, who: Who, old: OrderId, new: OrderId, qty: Qty, price: Price4) -> u8 {
        let price = Price(price.get());
        let bad = bad_terms(qty, price);
        // A new order that cannot be has removed the old one: the books are given no price.
        let asked = if bad.is_some() { Price(0) } else { price };
        match self.books.replace_of(who.symbol, old, new, qty, asked) {
            Ok(change) => self.settle(who, change),
            Err(refusal) => self.refused(who, refusal, bad.unwrap_or(Lie::ZeroPrice)),
        }
    }

    fn on_trade(&mut self, who: Who, m: &itch::Trade) -> u8 {
        if Symbol(m.stock) != who.name {
            return self.lie(who, Lie::WrongSymbol);
        }
        if side(m.buy_sell_indicator).is_none() {
            return self.lie(who, Lie::BadSide);
        }
        let (qty, price) = (Qty(m.shares.get()), Price(m.price.get()));
        if let Some(lie) = bad_terms(qty, price) {
            return self.lie(who, lie);
        }
        self.counters.off_book += 1;
        let trade = Trade {
            at_ns: who.at_ns,
            qty: u64::from(qty.0),
            price,
            resting: None,
            match_id: MatchId(m.match_number.get()),
            kind: TradeKind::Hidden,
            printable: true,
            broken: false,
        };
        self.print(who, trade)
    }

    /// Shares traded: a print on the tape, when a ticker's.
    #[inline]
    pub(crate) fn print(&mut self, who: Who, trade: Trade) -> u8 {
        self.counters.trades += 1;
        if let Some(seat) = self.seats.get_mut(usize::from(who.ticker.0)) {
            seat.last = Some(trade);
            if trade.printable {
                seat.status.volume = seat.status.volume.saturating_add(trade.qty);
            }
            self.tape.push(who.ticker, trade);
        }
        News::TRADE
    }

    /// A book has changed.
    #[inline]
    fn settle(&mut self, who: Who, change: Change) -> u8 {
        if !change.top_changed() {
            return News::BOOK;
        }
        self.counters.ticks += 1;
        let what = News::BOOK | News::TOP;
        let (bid, ask) = (
            self.books.best_price(who.symbol, Side::Buy),
            self.books.best_price(who.symbol, Side::Sell),
        );
        match (bid, ask) {
            (Some(bid), Some(ask)) if bid > ask => what | self.crossed(who),
            _ => what,
        }
    }

    #[cold]
    fn crossed(&mut self, who: Who) -> u8 {
        let is_trading = self.roster.at(who.symbol.0).trading() == TradingState::Trading;
        if is_trading && self.common.market_hours { self.lie(who, Lie::Crossed) } else { 0 }
    }

    /// The books did not take a message as told; `otherwise` is what shares, price or size that
    /// cannot be mean in it.
    #[cold]
    fn refused(&mut self, who: Who, refusal: Refusal, otherwise: Lie) -> u8 {
        let lie = match refusal.why {
            FeedError::UnknownOrder => Lie::UnknownReference,
            FeedError::DuplicateOrder => Lie::DuplicateReference,
            FeedError::WrongSymbol => Lie::WrongSymbol,
            FeedError::QtyExceedsOrder | FeedError::BadOrder => otherwise,
            FeedError::OrdersFull => {
                self.counters.orders_full += 1;
                Lie::NoRoom
            }
            FeedError::LevelsFull => {
                self.counters.levels_full += 1;
                Lie::NoRoom
            }
            FeedError::BadSymbol => Lie::NoRoom,
        };
        let what = self.lie(who, lie);
        refusal.did.map_or(what, |change| what | self.settle(who, change))
    }

    /// Counts a lie and marks the symbol; [`News::STATUS`] when it was not suspect before.
    #[cold]
    pub(crate) fn lie(&mut self, who: Who, lie: Lie) -> u8 {
        self.lies[lie as usize] += 1;
        if self.late && lie == Lie::UnknownReference {
            return 0;
        }
        let Some(listing) = self.roster.at_mut(who.symbol.0) else { return 0 };
        if listing.suspect.is_some() {
            return 0;
        }
        listing.suspect = Some(lie);
        if let Some(seat) = self.seats.get_mut(usize::from(who.ticker.0)) {
            seat.status.suspect = Some(lie);
        }
        News::STATUS
    }
}

#[inline]
fn side(letter: u8) -> Option<Side> {
    match letter {
        b'B' => Some(Side::Buy),
        b'S' => Some(Side::Sell),
        _ => None,
    }
}

/// What is wrong with shares and a price.
#[inline]
pub(crate) fn bad_terms(qty: Qty, price: Price) -> Option<Lie> {
    if qty != Qty::ZERO && price.0.wrapping_sub(1) < PRICE_MAX {
        return None;
    }
    Some(match price.0 {
        0 => Lie::ZeroPrice,
        1..=PRICE_MAX => Lie::ZeroShares,
        _ => Lie::PriceBeyondMax,
    })
}
