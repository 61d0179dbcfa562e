//! What a strategy sees and what it can ask for.

use book::{LevelView, Top};
use market::{Ahead, Breakers, Notices, Status, Trade};
use risk::{Ask, KillReason, Position, Refusal};
use types::{MatchId, OrderId, OrderSide, Price, Qty, Side, Ticker, UserRef};

/// Where a live order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Sent, not yet answered.
    Sent,
    /// On the book, for all we know.
    Live,
    /// A replacement was asked for.
    Replacing,
    /// Its end was asked for.
    Canceling,
}

/// One of our orders that the venue may still act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its number.
    pub user_ref: UserRef,
    /// Which symbol.
    pub ticker: Ticker,
    /// Side and kind of sale.
    pub side: OrderSide,
    /// Its limit.
    pub price: Price,
    /// Shares that may still trade; 0 in the last report of an order.
    pub leaves: Qty,
    /// Shares that have traded.
    pub executed: Qty,
    /// Where it stands.
    pub state: OrderState,
    /// The venue's number of it, which its feed uses too.
    pub reference: Option<OrderId>,
    /// When it was sent, by the host's clock.
    pub entered_ns: u64,
}

/// Shares of ours that traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Which order.
    pub user_ref: UserRef,
    /// Which symbol.
    pub ticker: Ticker,
    /// Which side we were on.
    pub side: Side,
    /// How many shares.
    pub qty: Qty,
    /// At which price.
    pub price: Price,
    /// OUCH's liquidity flag: `A` added, `R` removed, and others.
    pub liquidity: u8,
    /// The venue's number of the trade.
    pub match_id: MatchId,
    /// When, by the venue's clock, in ns since midnight.
    pub at_ns: u64,
    /// Shares of the order that may still trade; 0 when this was its end.
    pub leaves: Qty,
}

/// What became of an order, fills aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The venue took it.
    Accepted,
    /// It took the place of another, which is gone.
    Replaced {
        /// The one that is gone.
        old: UserRef,
    },
    /// Its replacement was rejected or superfluous: it stands as it was, if it stands.
    ReplaceFailed {
        /// The replacement's number.
        new: UserRef,
        /// OUCH's reason; 0 where the venue did not say.
        reason: u16,
    },
    /// Shares were taken off.
    Canceled {
        /// How many.
        qty: Qty,
        /// OUCH's reason.
        reason: u8,
    },
    /// The venue refused it.
    Rejected {
        /// OUCH's reason.
        reason: u16,
    },
    /// A fill was broken: it never was. Position and profit are as if it had not been.
    Broken {
        /// Which.
        match_id: MatchId,
    },
    /// A fill's price was corrected.
    Corrected {
        /// Which.
        match_id: MatchId,
        /// The price it had.
        was: Price,
        /// The price it has.
        is: Price,
    },
    /// Priority, shown size or price changed by the venue's own doing.
    Restated,
    /// The venue knew it and we did not: it comes from before a restart.
    Recovered,
    /// It never reached the venue: lost with a connection.
    Lost,
}

/// A change in one of our orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderReport {
    /// The order as it is now; `leaves` 0 when it is gone.
    pub order: OrderView,
    /// What happened.
    pub what: What,
}

/// What concerns all symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// Logged in, reconciled: orders can be entered.
    Connected,
    /// The connection is lost; orders may be live or not until it is back.
    Disconnected,
    /// The market opened for continuous trading.
    MarketOpen,
    /// The market closed.
    MarketClose,
    /// Messages are missing and are being recovered: books are old.
    FeedBehind,
    /// Books are current again.
    FeedCurrent,
    /// Messages were lost for good.
    FeedLossy,
    /// The feed's session is over.
    FeedEnded,
    /// Another session of the feed began: books are empty, and the clock begins anew.
    FeedSession,
    /// Everything was canceled, and nothing goes out until [`SessionEvent::Revived`].
    Killed(KillReason),
    /// The operator allows orders again.
    Revived,
}

/// A strategy's eyes and hands. Every order passes the risk gate behind it.
pub trait Context {
    /// The exchange's clock as its feed tells it, in ns since its midnight: what the feed's stamps,
    /// [`Status::updated_ns`] and times of day are held against. 0 while it is not known, before
    /// the feed's first messages; it never goes back within a session of the feed.
    fn now_ns(&self) -> u64;

    /// The host's clock, in ns: for the time between one's own acts. It never goes back; timers and
    /// [`OrderView::entered_ns`] go by it, and no stamp of the feed does.
    fn host_ns(&self) -> u64;

    /// How many symbols there are: tickers are below it.
    fn tickers(&self) -> u16;

    /// The best of both sides.
    fn top(&self, ticker: Ticker) -> Top;

    /// A side's best levels, the best first, into `out`; how many there were.
    fn levels(&self, ticker: Ticker, side: Side, out: &mut [LevelView]) -> usize;

    /// The level at a price.
    fn level(&self, ticker: Ticker, side: Side, price: Price) -> Option<LevelView>;

    /// The orders at a price, everyone's, in the order they are served.
    fn queue(
        &self,
        ticker: Ticker,
        side: Side,
        price: Price,
    ) -> impl Iterator<Item = book::OrderView<OrderId>>;

    /// Halts, suspicion, staleness, imbalance.
    fn status(&self, ticker: Ticker) -> &Status;

    /// What the feed tells of a symbol now and then: collars, offerings, retail interest.
    fn notices(&self, ticker: Ticker) -> Notices;

    /// The market-wide circuit breakers.
    fn breakers(&self) -> Breakers;

    /// The last print.
    fn last_trade(&self, ticker: Ticker) -> Option<Trade>;

    /// The tape: the last prints of all symbols, as many as are kept, the newest last.
    fn prints(&self) -> impl DoubleEndedIterator<Item = (Ticker, Trade)>;

    /// What is held and working.
    fn position(&self, ticker: Ticker) -> Position;

    /// An order of ours that may still trade.
    fn order(&self, user_ref: UserRef) -> Option<OrderView>;

    /// What stands before one of our orders in its queue; `None` when it is not seen on the book.
    fn ahead(&self, user_ref: UserRef) -> Option<Ahead>;

    /// Whether orders can go out at all: logged in, reconciled, not killed.
    fn can_trade(&self) -> bool;

    /// Asks for a new order; the number it was sent under, or why it was held back.
    ///
    /// # Errors
    /// The gate's reason.
    fn enter(&mut self, ask: &Ask) -> Result<UserRef, Refusal>;

    /// Asks for an order to be replaced: `qty` shares that may still trade, at `price`. The number
    /// of the replacement.
    ///
    /// # Errors
    /// The gate's reason; [`Refusal::UnknownOrder`] for an order that is gone or already changing.
    fn replace(&mut self, user_ref: UserRef, qty: Qty, price: Price) -> Result<UserRef, Refusal>;

    /// Asks for an order to be taken off, once: `false` when it is unknown, gone, or asked for.
    fn cancel(&mut self, user_ref: UserRef) -> bool;
}
