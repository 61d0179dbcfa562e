//! What came of a backtest.

use crate::link::Link;
use crate::record::Record;
use crate::settings::HORIZONS_MAX;
use crate::{FeedCounts, FillRecord, Point, Settings, VenueCounts};
use algos::Strategy;
use desk::{Core, DeskCounters, Refused};
use market::Lie;
use risk::{KillReason, Refusal};
use types::{Price, Side, Symbol, Ticker};

/// A sum over shares, to be divided by them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerShare {
    /// The sum, in 1/20000 dollar times shares.
    pub sum_twice: i128,
    /// The shares.
    pub shares: u64,
}

impl PerShare {
    fn add(&mut self, twice: Option<i64>, shares: u32) {
        let Some(twice) = twice else { return };
        self.sum_twice += i128::from(twice) * i128::from(shares);
        self.shares += u64::from(shares);
    }

    /// The average, in 1/10000 dollar a share; `None` without shares.
    pub fn average(&self) -> Option<f64> {
        (self.shares > 0).then(|| self.sum_twice as f64 / 2.0 / self.shares as f64)
    }
}

/// What was traded in a symbol, or in all. Money in 1/10000 dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traded {
    /// Fills.
    pub fills: u64,
    /// Shares bought.
    pub bought: u64,
    /// Shares sold.
    pub sold: u64,
    /// Shares that rested.
    pub added: u64,
    /// Shares that took.
    pub removed: u64,
    /// Shares in crosses.
    pub crossed: u64,
    /// Price times shares, summed.
    pub turnover: u128,
    /// What the venue took, in 1/1000000 dollar.
    pub fee_e6: i64,
    /// How much better than the middle it traded.
    pub edge: PerShare,
    /// How far the price went our way after each horizon.
    pub mark_outs: [PerShare; HORIZONS_MAX],
}

impl Traded {
    fn add(&mut self, fill: &FillRecord) {
        let shares = u64::from(fill.qty);
        self.fills += 1;
        match fill.side {
            Side::Buy => self.bought += shares,
            Side::Sell => self.sold += shares,
        }
        match fill.liquidity {
            b'A' => self.added += shares,
            b'R' => self.removed += shares,
            _ => self.crossed += shares,
        }
        self.turnover += u128::from(fill.price.0) * u128::from(fill.qty);
        self.fee_e6 = self.fee_e6.saturating_add(fill.fee_e6);
        self.edge.add(fill.edge_twice(), fill.qty);
        for (horizon, sum) in self.mark_outs.iter_mut().enumerate() {
            sum.add(fill.mark_out_twice(horizon), fill.qty);
        }
    }

    /// Shares bought and sold.
    pub fn shares(&self) -> u64 {
        self.bought + self.sold
    }
}

/// What came of a symbol. Money in 1/10000 dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolOutcome {
    /// Its name.
    pub symbol: Symbol,
    /// Whether the recording's directory told its locate.
    pub listed: bool,
    /// What was traded.
    pub traded: Traded,
    /// Shares held at the end.
    pub held: i64,
    /// Profit of shares bought and sold again.
    pub realised: i64,
    /// Profit of shares held, at the mark.
    pub open: i64,
    /// The mark at the end.
    pub mark: Option<Price>,
    /// The first lie about it, by which it was suspect at the end.
    pub suspect: Option<Lie>,
}

/// See the module. Money in 1/10000 dollar unless said otherwise.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was told of the recording.
    pub feed: FeedCounts,
    /// What came to the venue.
    pub venue: VenueCounts,
    /// What the desk counted.
    pub desk: DeskCounters,
    /// Every fill, in the order of the exchange.
    pub fills: Vec<FillRecord>,
    /// Profit and inventory over time.
    pub curve: Vec<Point>,
    /// How far apart the curve's points are, in ns.
    pub grid_ns: u64,
    /// By symbol, in the order of the tickers.
    pub symbols: Vec<SymbolOutcome>,
    /// Over all symbols.
    pub traded: Traded,
    /// Profit of shares bought and sold again.
    pub realised: i64,
    /// Profit of shares held, at their marks.
    pub open: i64,
    /// Orders of which a share or more traded.
    pub orders_filled: u64,
    /// The deepest fall of profit from a former best, and when it was deepest.
    pub drawdown: (i64, u64),
    /// The best profit there was.
    pub best_total: i64,
    /// What the gate held back, by reason.
    pub refused: [u64; Refusal::COUNT],
    /// The first of these orders, up to 65,536, with what each was held against.
    pub refusals: Vec<Refused>,
    /// What the venue rejected, by reason.
    pub rejected: Vec<(&'static str, u64)>,
    /// What the feed told that cannot be true, by kind.
    pub lies: [u64; Lie::COUNT],
    /// Why nothing went out at the end.
    pub killed: Option<KillReason>,
    /// Orders that were live at the end; none, unless something is wrong.
    pub live_orders: u32,
    /// Whether the trader's positions and cash are those of the exchange's fills, to the unit.
    pub reconciled: bool,
    /// A number over all of this: equal for equal backtests.
    pub state_hash: u64,
}

impl Outcome {
    pub(crate) fn of<S: Strategy>(
        core: &Core<S>,
        link: Link,
        settings: &Settings,
        feed: FeedCounts,
    ) -> Outcome {
        let Link { venue, record, ways } = link;
        let mut symbols: Vec<SymbolOutcome> =
            (0..settings.tickers.len()).map(|at| symbol(core, Ticker(at as u16))).collect();
        let mut traded = Traded::default();
        for fill in &record.fills {
            traded.add(fill);
            symbols[usize::from(fill.ticker.0)].traded.add(fill);
        }
        let profit = core.desk().gate().profit();
        let (fees_e6, grid_ns) = (record.fees_e6(), record.grid_ns());
        debug_assert_eq!(fees_e6, traded.fee_e6);
        let mut outcome = Outcome {
            feed,
            venue: *venue.counts(),
            desk: *core.desk().counters(),
            grid_ns,
            orders_filled: orders_filled(&record),
            drawdown: record.drawdown,
            best_total: record.best_total,
            reconciled: reconciled(core, &record.fills, settings.tickers.len()),
            fills: record.fills,
            curve: record.curve,
            symbols,
            traded,
            realised: profit.realised,
            open: profit.open,
            refused: *core.desk().gate().refused(),
            refusals: ways.refusals,
            rejected: core.desk().rejected().filter(|(_, count)| *count > 0).collect(),
            lies: *core.market().lies(),
            killed: core.desk().killed(),
            live_orders: core.desk().live_orders(),
            state_hash: 0,
        };
        outcome.state_hash = outcome.hash(core.market().state_hash(), venue.state_hash());
        outcome
    }

    /// All profit, what the venue took taken off.
    pub fn total(&self) -> i64 {
        self.realised.saturating_add(self.open).saturating_sub(self.traded.fee_e6 / 100)
    }

    /// FNV-1a over fills, counts, profit and the states at the end.
    fn hash(&self, market: u64, venue: u64) -> u64 {
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        let mut add = |word: u64| {
            for byte in word.to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            }
        };
        let Self { feed, .. } = self;
        for word in [market, venue, feed.messages, feed.others, feed.left_out] {
            add(word);
        }
        self.venue.iter().for_each(|(_, count)| add(count));
        self.refused.iter().for_each(|count| add(*count));
        for fill in &self.fills {
            add(fill.at_ns);
            add(u64::from(fill.user_ref) << 32 | u64::from(fill.qty));
            add(u64::from(fill.price.0) << 32 | u64::from(fill.liquidity));
            add(fill.held as u64);
        }
        for symbol in &self.symbols {
            for money in [symbol.held, symbol.realised, symbol.open] {
                add(money as u64);
            }
        }
        hash
    }
}

fn symbol<S: Strategy>(core: &Core<S>, ticker: Ticker) -> SymbolOutcome {
    let position = core.desk().gate().position(ticker);
    SymbolOutcome {
        symbol: core.market().symbol(ticker),
        listed: core.market().locate(ticker).is_some(),
        traded: Traded::default(),
        held: position.shares,
        realised: position.realised,
        open: position.open_profit(),
        mark: position.mark,
        suspect: core.market().status(ticker).suspect,
    }
}

fn orders_filled(record: &Record) -> u64 {
    let mut numbers: Vec<u32> = record.fills.iter().map(|fill| fill.user_ref).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.len() as u64
}

/// Whether what the trader holds, and what it paid, is what the exchange's fills sum up to.
fn reconciled<S: Strategy>(core: &Core<S>, fills: &[FillRecord], tickers: usize) -> bool {
    let mut sums = vec![(0_i64, 0_i128); tickers];
    for fill in fills {
        let (shares, cash) = &mut sums[usize::from(fill.ticker.0)];
        let sign = if fill.side == Side::Buy { 1 } else { -1 };
        *shares += sign * i64::from(fill.qty);
        *cash -= i128::from(sign) * i128::from(fill.price.0) * i128::from(fill.qty);
    }
    (0..).map(Ticker).zip(sums).all(|(ticker, (shares, cash))| {
        let position = core.desk().gate().position(ticker);
        position.shares == shares && i128::from(position.cash()) == cash
    })
}
