//! The recorded books of the traded symbols, at the exchange's time, with what we need of each
//! order: when it came, and what we took of it.

use book::{BookCore, BookId, Capacity, RefMap, Slot};
use types::{Price, Qty, Side, Ticker};

/// What an order carries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Carried {
    id: u64,
    /// How many orders had come when it came, itself included.
    pub(crate) came: u64,
    /// Shares that ours took of it, which the recording knows nothing of.
    pub(crate) taken: u32,
}

/// A recorded order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) slot: Slot,
    pub(crate) ticker: Ticker,
    pub(crate) side: Side,
    pub(crate) price: Price,
    pub(crate) qty: u32,
    pub(crate) came: u64,
    pub(crate) taken: u32,
}

impl Shown {
    /// Shares that are still there for us, or before us.
    pub(crate) fn available(&self) -> u32 {
        self.qty.saturating_sub(self.taken)
    }
}

/// Why a recorded order is not in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotShown {
    /// It cannot be: no shares, no price, a number that is taken. The strategy's market says so.
    Nonsense,
    /// There is no room.
    Full,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Books {
    core: BookCore<Carried>,
    by_id: RefMap,
    came: u64,
}

impl Books {
    pub(crate) fn new(capacity: Capacity, tickers: usize) -> Books {
        let capacity = Capacity { books: tickers as u32, ..capacity };
        Books {
            core: BookCore::new(capacity),
            by_id: RefMap::with_capacity(capacity.orders as usize),
            came: 0,
        }
    }

    /// Orders that have come so far.
    pub(crate) fn came(&self) -> u64 {
        self.came
    }

    #[inline]
    pub(crate) fn find(&self, id: u64) -> Option<Shown> {
        Some(self.view(Slot::from_index(self.by_id.get(id)?)))
    }

    fn view(&self, slot: Slot) -> Shown {
        let order = self.core.order(slot);
        let Carried { came, taken, .. } = order.payload;
        Shown {
            slot,
            ticker: Ticker(order.book.0 as u16),
            side: order.side,
            price: order.price,
            qty: order.qty.0,
            came,
            taken,
        }
    }

    #[inline]
    pub(crate) fn add(
        &mut self,
        id: u64,
        ticker: Ticker,
        side: Side,
        qty: u32,
        price: Price,
    ) -> Result<Shown, NotShown> {
        if qty == 0 || price == Price(0) || self.by_id.get(id).is_some() {
            return Err(NotShown::Nonsense);
        }
        let book = BookId(u32::from(ticker.0));
        let carried = Carried { id, came: self.came + 1, taken: 0 };
        let inserted = self.core.insert(book, side, price, Qty(qty), carried);
        let Ok((slot, _)) = inserted else { return Err(NotShown::Full) };
        if !self.by_id.insert(id, slot.index()) {
            self.core.remove(slot);
            return Err(NotShown::Full);
        }
        self.came += 1;
        Ok(Shown { slot, ticker, side, price, qty, came: self.came, taken: 0 })
    }

    /// Takes shares off an order, all when there are no more; the order as it is then.
    #[inline]
    pub(crate) fn reduce(&mut self, order: &Shown, qty: u32) -> Shown {
        if qty >= order.qty {
            let id = self.core.order(order.slot).payload.id;
            self.by_id.remove(id);
            self.core.remove(order.slot);
            return Shown { qty: 0, ..*order };
        }
        if qty > 0 {
            self.core.reduce(order.slot, Qty(qty));
        }
        Shown { qty: order.qty - qty, ..*order }
    }

    /// Notes that ours took shares of an order.
    pub(crate) fn take(&mut self, slot: Slot, qty: u32) {
        let taken = &mut self.core.payload_mut(slot).taken;
        *taken = taken.saturating_add(qty);
    }

    /// A side's orders, the first to be served first.
    pub(crate) fn served(&self, ticker: Ticker, side: Side) -> impl Iterator<Item = Shown> + '_ {
        self.core.served(BookId(u32::from(ticker.0)), side).map(move |(slot, order)| Shown {
            slot,
            ticker,
            side,
            price: order.price,
            qty: order.qty.0,
            came: order.payload.came,
            taken: order.payload.taken,
        })
    }

    /// What is available at a price: shares and orders.
    pub(crate) fn queue(&self, ticker: Ticker, side: Side, price: Price) -> (u64, u32) {
        let orders = self.core.orders(BookId(u32::from(ticker.0)), side, price);
        orders.fold((0, 0), |(shares, count), order| {
            match order.qty.0.saturating_sub(order.payload.taken) {
                0 => (shares, count),
                available => (shares + u64::from(available), count + 1),
            }
        })
    }

    /// Twice the middle of the book, in 1/10000 dollar.
    #[inline]
    pub(crate) fn middle_twice(&self, ticker: Ticker) -> Option<u64> {
        let book = BookId(u32::from(ticker.0));
        let bid = self.core.best_price(book, Side::Buy)?;
        let ask = self.core.best_price(book, Side::Sell)?;
        Some(u64::from(bid.0) + u64::from(ask.0))
    }

    /// A hash of all that stands there, and what was taken of it.
    pub(crate) fn state_hash(&self) -> u64 {
        self.core.state_hash(|carried| carried.id ^ u64::from(carried.taken).rotate_left(40))
    }
}
