//! What a backtest is made with.

use book::Capacity;
use types::Symbol;

/// Horizons of mark-outs at most.
pub const HORIZONS_MAX: usize = 4;

/// Times in flight, in ns. Each way is in order: what is sent later never arrives earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latencies {
    /// From the exchange's time stamp to the strategy.
    pub feed_ns: u64,
    /// From the strategy's order to the exchange.
    pub order_ns: u64,
    /// From the exchange's answer to the strategy.
    pub answer_ns: u64,
    /// Added to each of them, anew for each message: 0 to this, evenly.
    pub jitter_ns: u64,
    /// Where the jitter begins; the same seed gives the same jitter.
    pub seed: u64,
}

impl Default for Latencies {
    /// 5 µs, 10 µs, 10 µs, none.
    fn default() -> Latencies {
        Latencies { feed_ns: 5_000, order_ns: 10_000, answer_ns: 10_000, jitter_ns: 0, seed: 1 }
    }
}

/// When a resting order of ours trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FillModel {
    /// When its turn has come: all that stood before it at its price is gone, or the market trades
    /// through its price.
    #[default]
    Queue,
    /// When anything trades at its price: as if it always stood first. The most there could be.
    Touch,
    /// When the market trades through its price: as if it always stood last. The least.
    Conservative,
}

impl FillModel {
    /// Every model.
    pub const ALL: [FillModel; 3] = [FillModel::Queue, FillModel::Touch, FillModel::Conservative];

    /// Its name in options and reports.
    pub const fn name(self) -> &'static str {
        match self {
            FillModel::Queue => "queue",
            FillModel::Touch => "touch",
            FillModel::Conservative => "conservative",
        }
    }
}

/// Which prints against hidden orders (P) fill a resting order of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HiddenPrints {
    /// None.
    Ignored,
    /// Those through its price.
    #[default]
    Through,
    /// Those at its price, too: shown orders trade before hidden ones.
    AtPrice,
}

impl HiddenPrints {
    /// Every way.
    pub const ALL: [HiddenPrints; 3] =
        [HiddenPrints::Ignored, HiddenPrints::Through, HiddenPrints::AtPrice];

    /// Its name in options and reports.
    pub const fn name(self) -> &'static str {
        match self {
            HiddenPrints::Ignored => "ignored",
            HiddenPrints::Through => "through",
            HiddenPrints::AtPrice => "at-price",
        }
    }
}

/// Where in a day the recording begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// In the middle when its first order or trade is of 09:30 to 16:00 and no market hours were
    /// told by then, at the beginning otherwise.
    #[default]
    Auto,
    /// At the beginning: everything that is told is passed on as it is.
    Beginning,
    /// In the middle: the strategy is told that the market is open at the first order or trade, and
    /// messages about orders from before the recording are left out, counted.
    Middle,
}

impl Start {
    /// Every way.
    pub const ALL: [Start; 3] = [Start::Auto, Start::Beginning, Start::Middle];

    /// Its name in options and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Start::Auto => "auto",
            Start::Beginning => "beginning",
            Start::Middle => "middle",
        }
    }
}

/// What the venue takes of each share that trades, in 1/10000 dollar per 100 shares; negative for
/// what it gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// For shares that rested.
    pub add: i64,
    /// For shares that took.
    pub remove: i64,
    /// For shares in crosses.
    pub cross: i64,
}

impl Fees {
    /// The fee of `qty` shares with OUCH's liquidity flag, in 1/1000000 dollar, to the unit.
    pub fn of(&self, liquidity: u8, qty: u32) -> i64 {
        let rate = match liquidity {
            b'A' => self.add,
            b'R' => self.remove,
            _ => self.cross,
        };
        rate.saturating_mul(i64::from(qty))
    }
}

/// All that a backtest can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The strategy's symbols: `Ticker(i)` is `tickers[i]`, as in its market.
    pub tickers: Vec<Symbol>,
    /// Times in flight.
    pub latencies: Latencies,
    /// When resting orders trade.
    pub fills: FillModel,
    /// Which hidden prints count.
    pub hidden: HiddenPrints,
    /// What the venue takes.
    pub fees: Fees,
    /// Where in a day the recording begins.
    pub start: Start,
    /// The strategy logs in with the first order or trade from this time on, in ns since midnight;
    /// what is told before builds books.
    pub from_ns: u64,
    /// Its orders are taken off at this time, in ns since midnight.
    pub to_ns: u64,
    /// How long after a fill the middle of the book is noted, in ns; the first [`HORIZONS_MAX`].
    pub horizons_ns: Vec<u64>,
    /// How far apart points of the curves are at first, in ns; doubled whenever they are too many.
    pub grid_ns: u64,
    /// Shown orders and levels of the tickers at once; `books` is not looked at.
    pub capacity: Capacity,
    /// Feed messages of the tickers in flight at once.
    pub feed_in_flight_max: u32,
    /// Orders and answers in flight at once, each way.
    pub orders_in_flight_max: u32,
    /// Fills over all.
    pub fills_max: u32,
}

impl Settings {
    /// Defaults for these symbols.
    pub fn of(tickers: Vec<Symbol>) -> Settings {
        Settings {
            tickers,
            latencies: Latencies::default(),
            fills: FillModel::default(),
            hidden: HiddenPrints::default(),
            fees: Fees::default(),
            start: Start::default(),
            from_ns: 0,
            to_ns: u64::MAX,
            horizons_ns: vec![100_000_000, 1_000_000_000, 10_000_000_000, 60_000_000_000],
            grid_ns: 1_000_000_000,
            capacity: Capacity { orders: 1 << 18, levels: 1 << 16, books: 0 },
            feed_in_flight_max: 1 << 17,
            orders_in_flight_max: 1 << 14,
            fills_max: 1 << 22,
        }
    }
}

/// Something did not fit; the backtest is worthless from there on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Overflow {
    /// The feed's way.
    #[error("more than {max} feed messages in flight: a shorter feed latency, or more room")]
    Feed {
        /// How many there is room for.
        max: u32,
    },
    /// The orders' way.
    #[error("more than {max} orders in flight: a shorter order latency, or more room")]
    Orders {
        /// How many there is room for.
        max: u32,
    },
    /// The answers' way.
    #[error("more than {max} answers in flight: a shorter answer latency, or more room")]
    Answers {
        /// How many there is room for.
        max: u32,
    },
    /// The venue's books.
    #[error("the books are full: more than {orders} orders or {levels} levels at once")]
    Books {
        /// Orders there is room for.
        orders: u32,
        /// Levels there is room for.
        levels: u32,
    },
    /// The record.
    #[error("more than {max} fills")]
    Fills {
        /// How many there is room for.
        max: u32,
    },
}
