//! The trader's picture of the market: books by stock locate, rebuilt from ITCH.
//!
//! Failure modes: a message about an order that was never seen (a late joiner meets thousands) is
//! counted and changes nothing; so is one that contradicts the book. Nothing a feed says can panic.

use crate::counts::ByType;
use book::{Books, Change, FeedError, Top};
use telemetry::{CounterSet, CounterTable};
use types::{OrderId, Price, Qty, Side, Symbol, SymbolId};
use wire::itch::{self, Message};

telemetry::keys! {
    /// What the market counts.
    pub enum MarketCounter in "market" {
        /// Messages read.
        Messages = "itch_messages",
        /// Messages that could not be read: unknown type or wrong length.
        Unreadable = "itch_unreadable",
        /// Changes of a book's top.
        Ticks = "ticks",
        /// Trades off the displayed book (P) and crosses (Q).
        OffBookTrades = "off_book_trades",
        /// Messages whose side is neither B nor S.
        BadSide = "bad_side",
    }
}

/// Books of all symbols; see the module.
#[derive(Debug)]
pub struct Market {
    books: Books,
    names: Vec<Option<Symbol>>,
    counters: CounterSet<MarketCounter>,
    refused: CounterTable,
    by_type: ByType,
}

/// What a message did that a strategy may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing.
    Nothing,
    /// A symbol's name was told.
    Listed(SymbolId, Symbol),
    /// The top of a book changed.
    Tick(SymbolId),
}

impl Market {
    /// Over empty books for symbols `0..symbols_max`.
    pub fn new(books: Books, symbols_max: u16) -> Market {
        Market {
            books,
            names: vec![None; usize::from(symbols_max)],
            counters: CounterSet::new(),
            refused: CounterTable::new("book_refused", FeedError::ALL.map(FeedError::name)),
            by_type: ByType::default(),
        }
    }

    /// Takes one ITCH message.
    #[inline]
    pub fn on_message(&mut self, bytes: &[u8]) -> Heard {
        let Ok(message) = itch::parse(bytes) else {
            self.counters.inc(MarketCounter::Unreadable);
            return Heard::Nothing;
        };
        self.counters.inc(MarketCounter::Messages);
        self.by_type.add(bytes);
        if let Message::StockDirectory(m) = message {
            return self.list(SymbolId(m.head.stock_locate.get()), Symbol(m.stock));
        }
        match self.apply(&message) {
            Some(Ok(change)) if change.top_changed => {
                self.counters.inc(MarketCounter::Ticks);
                Heard::Tick(change.symbol())
            }
            Some(Err(error)) => {
                self.refused.inc(error as usize);
                Heard::Nothing
            }
            _ => Heard::Nothing,
        }
    }

    /// Applies a message to the book it is about; `None` when it is about none.
    #[inline]
    fn apply(&mut self, message: &Message<'_>) -> Option<Result<Change, FeedError>> {
        let books = &mut self.books;
        let id = |n: wire::field::U64| OrderId(n.get());
        Some(match message {
            Message::AddOrder(m) => {
                let (symbol, qty) = (SymbolId(m.head.stock_locate.get()), Qty(m.shares.get()));
                let side = self.side(m.buy_sell_indicator)?;
                let (id, price) = (id(m.order_reference_number), Price(m.price.get()));
                self.books.add(id, symbol, side, qty, price)
            }
            Message::AddOrderMpid(m) => {
                let (symbol, qty) = (SymbolId(m.head.stock_locate.get()), Qty(m.shares.get()));
                let side = self.side(m.buy_sell_indicator)?;
                let (id, price) = (id(m.order_reference_number), Price(m.price.get()));
                self.books.add(id, symbol, side, qty, price)
            }
            Message::OrderExecuted(m) => {
                books.execute(id(m.order_reference_number), Qty(m.executed_shares.get()))
            }
            Message::OrderExecutedPrice(m) => {
                books.execute(id(m.order_reference_number), Qty(m.executed_shares.get()))
            }
            Message::OrderCancel(m) => {
                books.cancel(id(m.order_reference_number), Qty(m.canceled_shares.get()))
            }
            Message::OrderDelete(m) => books.delete(id(m.order_reference_number)),
            Message::OrderReplace(m) => books.replace(
                id(m.original_order_reference_number),
                id(m.new_order_reference_number),
                Qty(m.shares.get()),
                Price(m.price.get()),
            ),
            Message::Trade(_) | Message::CrossTrade(_) => {
                self.counters.inc(MarketCounter::OffBookTrades);
                return None;
            }
            _ => return None,
        })
    }

    fn side(&self, letter: u8) -> Option<Side> {
        match letter {
            b'B' => Some(Side::Buy),
            b'S' => Some(Side::Sell),
            _ => {
                self.counters.inc(MarketCounter::BadSide);
                None
            }
        }
    }

    fn list(&mut self, id: SymbolId, name: Symbol) -> Heard {
        match self.names.get_mut(usize::from(id.0)) {
            Some(slot) => {
                *slot = Some(name);
                Heard::Listed(id, name)
            }
            None => {
                self.refused.inc(FeedError::BadSymbol as usize);
                Heard::Nothing
            }
        }
    }

    /// The best of both sides.
    #[inline]
    pub fn top(&self, symbol: SymbolId) -> Top {
        self.books.top(symbol)
    }

    /// The books, for the report.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// A symbol's name, once the directory has told it.
    pub fn name(&self, symbol: SymbolId) -> Option<Symbol> {
        self.names.get(usize::from(symbol.0)).copied().flatten()
    }

    /// What was counted.
    pub fn counters(&self) -> &CounterSet<MarketCounter> {
        &self.counters
    }

    /// Messages that no book took, by `FeedError`.
    pub fn refused(&self) -> &CounterTable {
        &self.refused
    }

    /// Messages by type.
    pub fn by_type(&self) -> &ByType {
        &self.by_type
    }
}
