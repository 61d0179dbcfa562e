//! What the market counts.

/// Counts since the market was made; nothing resets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages given: those of [`Market::by_type`](crate::Market::by_type) and the unreadable.
    pub messages: u64,
    /// Messages of an unknown type or of another length than their type's.
    pub unreadable: u64,
    /// Messages of symbols that are no tickers, where only tickers have books.
    pub skipped: u64,
    /// Changes of a book's top.
    pub ticks: u64,
    /// Trades: against shown orders, hidden ones and in crosses.
    pub trades: u64,
    /// Of them, off the shown book (P, Q).
    pub off_book: u64,
    /// Crosses in which nothing traded.
    pub empty_crosses: u64,
    /// Trades broken.
    pub broken: u64,
    /// Breaks of trades that the tape does not hold.
    pub broken_unknown: u64,
    /// Orders that found every order taken.
    pub orders_full: u64,
    /// Orders that found every level taken.
    pub levels_full: u64,
    /// Listings whose locate is beyond the books.
    pub books_full: u64,
}

impl Counters {
    /// Every counter with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("messages", self.messages),
            ("unreadable", self.unreadable),
            ("skipped", self.skipped),
            ("ticks", self.ticks),
            ("trades", self.trades),
            ("off_book", self.off_book),
            ("empty_crosses", self.empty_crosses),
            ("broken", self.broken),
            ("broken_unknown", self.broken_unknown),
            ("orders_full", self.orders_full),
            ("levels_full", self.levels_full),
            ("books_full", self.books_full),
        ]
        .into_iter()
    }
}
