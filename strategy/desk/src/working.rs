//! The trader's orders at the venue, from the moment they are sent until nothing of them is live.
//!
//! Layout: a ring of a power of two addressed by `UserRefNum`, which counts up by one. An order
//! that outlives a whole turn of the ring blocks its slot: the next order that would need it is
//! refused, so the ring's size bounds how far apart the oldest and the newest live order can be.
//! What has ended stays readable until its slot is taken again. Live orders are linked twice: by
//! age, and by symbol and side, where the best price is kept with how many orders stand at it.
//!
//! Cost: all O(1), but when the last order at a side's best price goes, that side's orders are
//! walked for the next best.

use crate::links::{Links, NIL};
use algos::{OrderState, OrderView};
use risk::OpenOrder;
use types::{OrderId, OrderSide, Price, Qty, Side, Ticker, TimeInForce, UserRef};

/// No order: OUCH's numbers begin at 1.
pub(crate) const NOBODY: UserRef = UserRef(0);

/// Whether an order's end was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// No.
    #[default]
    No,
    /// It is to be, as soon as there is room.
    Owed,
    /// Yes.
    Sent,
}

/// One of our orders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) user_ref: UserRef,
    /// [`Order::FOREIGN`] for a symbol that is not ours.
    pub(crate) ticker: Ticker,
    pub(crate) side: OrderSide,
    pub(crate) tif: TimeInForce,
    pub(crate) post_only: bool,
    pub(crate) price: Price,
    pub(crate) leaves: Qty,
    /// Shares that have traded, in the orders it replaced too.
    pub(crate) executed: Qty,
    pub(crate) reference: Option<OrderId>,
    pub(crate) entered_ns: u64,
    /// When its cancel was sent last.
    pub(crate) cancel_ns: u64,
    /// Whether the venue has answered it; see [`Orders::answered`].
    pub(crate) answered: bool,
    pub(crate) live: bool,
    pub(crate) cancel: Cancel,
    /// The order it is to replace, until the venue has answered.
    pub(crate) replaces: UserRef,
    /// The order that is to replace it.
    pub(crate) replaced_by: UserRef,
}

impl Order {
    /// The ticker of orders in symbols that are not ours.
    pub(crate) const FOREIGN: Ticker = Ticker(u16::MAX);

    const NONE: Order = Order {
        user_ref: NOBODY,
        ticker: Order::FOREIGN,
        side: OrderSide::Buy,
        tif: TimeInForce::Day,
        post_only: false,
        price: Price(0),
        leaves: Qty::ZERO,
        executed: Qty::ZERO,
        reference: None,
        entered_ns: 0,
        cancel_ns: 0,
        answered: false,
        live: false,
        cancel: Cancel::No,
        replaces: NOBODY,
        replaced_by: NOBODY,
    };

    /// An order as it is sent.
    #[inline]
    pub(crate) fn new(user_ref: UserRef, ask: &risk::Ask, now_ns: u64) -> Order {
        Order {
            user_ref,
            ticker: ask.ticker,
            side: ask.side,
            tif: ask.tif,
            post_only: ask.post_only,
            price: ask.price,
            leaves: ask.qty,
            entered_ns: now_ns,
            live: true,
            ..Order::NONE
        }
    }

    #[inline]
    pub(crate) fn open(&self) -> OpenOrder {
        let Order { ticker, side, leaves, price, .. } = *self;
        OpenOrder { ticker, side, leaves, price }
    }

    /// Whether it lives, and neither its end nor a replacement is under way.
    pub(crate) fn may_be_replaced(&self) -> bool {
        let changing = self.replaces != NOBODY || self.replaced_by != NOBODY;
        self.live && !changing && self.cancel == Cancel::No && !self.is_foreign()
    }

    #[inline]
    pub(crate) fn is_foreign(&self) -> bool {
        self.ticker == Order::FOREIGN
    }

    pub(crate) fn view(&self) -> OrderView {
        let state = if self.cancel != Cancel::No {
            OrderState::Canceling
        } else if self.replaced_by != NOBODY {
            OrderState::Replacing
        } else if !self.answered {
            OrderState::Sent
        } else {
            OrderState::Live
        };
        OrderView {
            user_ref: self.user_ref,
            ticker: self.ticker,
            side: self.side,
            price: self.price,
            leaves: self.leaves,
            executed: self.executed,
            state,
            reference: self.reference,
            entered_ns: self.entered_ns,
        }
    }

    /// The price as it is compared: a sale at the market is below all limits.
    #[inline]
    fn rank(&self) -> u32 {
        if self.price.is_market() && self.side.side() == Side::Sell { 0 } else { self.price.0 }
    }
}

/// One symbol's live orders on one side.
#[derive(Clone, Copy, Debug)]
struct SideOrders {
    head: u32,
    best: u32,
    at_best: u32,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Orders {
    slots: Box<[Order]>,
    mask: u32,
    by_age: Links,
    by_side: Links,
    sides: Box<[SideOrders]>,
    oldest: u32,
    newest: u32,
    next: u32,
    live: u32,
    unanswered: u32,
    owed: u32,
    canceling: u32,
}

impl Orders {
    /// Room for `slots` orders in a row, rounded up to a power of two, in `tickers` symbols.
    pub(crate) fn new(slots: usize, tickers: usize) -> Orders {
        let slots = slots.clamp(1, 1 << 30).next_power_of_two();
        let side = SideOrders { head: NIL, best: 0, at_best: 0 };
        Orders {
            slots: vec![Order::NONE; slots].into_boxed_slice(),
            mask: (slots - 1) as u32,
            by_age: Links::new(slots),
            by_side: Links::new(slots),
            sides: vec![side; tickers * 2].into_boxed_slice(),
            oldest: NIL,
            newest: NIL,
            next: 1,
            live: 0,
            unanswered: 0,
            owed: 0,
            canceling: 0,
        }
    }

    #[inline]
    fn slot(&self, user_ref: UserRef) -> u32 {
        user_ref.0 & self.mask
    }

    /// The number the next order gets; `None` when its slot is still taken or numbers have run out.
    #[inline]
    pub(crate) fn next_ref(&self) -> Option<UserRef> {
        let free = !self.slots[(self.next & self.mask) as usize].live;
        (free && self.next < u32::MAX).then_some(UserRef(self.next))
    }

    /// The lowest number that was never used.
    #[inline]
    pub(crate) fn next(&self) -> u32 {
        self.next
    }

    /// Numbers below `next` are used.
    pub(crate) fn skip_to(&mut self, next: u32) {
        self.next = self.next.max(next);
    }

    /// Takes an order in; `false` when its slot is taken.
    #[inline]
    pub(crate) fn insert(&mut self, order: Order) -> bool {
        let slot = self.slot(order.user_ref);
        if self.slots[slot as usize].live {
            return false;
        }
        self.slots[slot as usize] = order;
        self.skip_to(order.user_ref.0.saturating_add(1));
        self.live += 1;
        self.unanswered += u32::from(!order.answered);
        self.owed += u32::from(order.cancel == Cancel::Owed);
        self.by_age.push(slot, self.newest);
        if self.newest == NIL {
            self.oldest = slot;
        }
        self.newest = slot;
        self.join_side(slot);
        true
    }

    /// The live order of that number.
    #[inline]
    pub(crate) fn get(&self, user_ref: UserRef) -> Option<&Order> {
        self.known(user_ref).filter(|order| order.live)
    }

    /// The order of that number, live or ended, while its slot is not taken again.
    #[inline]
    pub(crate) fn known(&self, user_ref: UserRef) -> Option<&Order> {
        let order = &self.slots[self.slot(user_ref) as usize];
        (order.user_ref == user_ref && user_ref != NOBODY).then_some(order)
    }

    /// The live order, to be changed in what is not counted or linked: not `price`, `answered`,
    /// `live`, `cancel`.
    #[inline]
    pub(crate) fn get_mut(&mut self, user_ref: UserRef) -> Option<&mut Order> {
        let order = &mut self.slots[(user_ref.0 & self.mask) as usize];
        (order.user_ref == user_ref && order.live).then_some(order)
    }

    /// The venue has answered an order.
    #[inline]
    pub(crate) fn answered(&mut self, user_ref: UserRef) {
        let Some(order) = self.get_mut(user_ref) else { return };
        if !order.answered {
            order.answered = true;
            self.unanswered -= 1;
        }
    }

    /// Where the asking for an order's end stands.
    #[inline]
    pub(crate) fn set_cancel(&mut self, user_ref: UserRef, cancel: Cancel) {
        let Some(order) = self.get_mut(user_ref) else { return };
        let was = core::mem::replace(&mut order.cancel, cancel);
        self.count_cancel(was, cancel);
    }

    #[inline]
    fn count_cancel(&mut self, was: Cancel, is: Cancel) {
        let one = |cancel, state| u32::from(cancel == state);
        self.owed = self.owed + one(is, Cancel::Owed) - one(was, Cancel::Owed);
        self.canceling = self.canceling + one(is, Cancel::Sent) - one(was, Cancel::Sent);
    }

    /// An order is put at another price.
    pub(crate) fn set_price(&mut self, user_ref: UserRef, price: Price) {
        if self.get(user_ref).is_none() {
            return;
        }
        let slot = self.slot(user_ref);
        self.leave_side(slot);
        self.slots[slot as usize].price = price;
        self.join_side(slot);
    }

    /// An order has ended: nothing of it is open.
    #[inline]
    pub(crate) fn end(&mut self, user_ref: UserRef) {
        let Some(order) = self.get_mut(user_ref) else { return };
        let (answered, cancel) = (order.answered, order.cancel);
        order.live = false;
        order.leaves = Qty::ZERO;
        self.live -= 1;
        self.unanswered -= u32::from(!answered);
        self.count_cancel(cancel, Cancel::No);
        let slot = self.slot(user_ref);
        let (before, after) = self.by_age.remove(slot);
        if before == NIL {
            self.oldest = after;
        }
        if after == NIL {
            self.newest = before;
        }
        self.leave_side(slot);
    }

    #[inline]
    fn side_of(order: &Order) -> usize {
        usize::from(order.ticker.0) * 2 + order.side.side() as usize
    }

    #[inline]
    fn join_side(&mut self, slot: u32) {
        let order = &self.slots[slot as usize];
        let rank = order.rank();
        let buys = order.side.side() == Side::Buy;
        let Some(side) = self.sides.get_mut(Orders::side_of(order)) else { return };
        self.by_side.push_front(slot, side.head);
        side.head = slot;
        if side.at_best == 0 || (rank != side.best && (rank > side.best) == buys) {
            (side.best, side.at_best) = (rank, 1);
        } else if rank == side.best {
            side.at_best += 1;
        }
    }

    #[inline]
    fn leave_side(&mut self, slot: u32) {
        let order = &self.slots[slot as usize];
        let (at, rank) = (Orders::side_of(order), order.rank());
        let Some(side) = self.sides.get_mut(at) else { return };
        let (before, after) = self.by_side.remove(slot);
        if before == NIL {
            side.head = after;
        }
        if rank == side.best {
            side.at_best -= 1;
            if side.at_best == 0 && side.head != NIL {
                self.find_best(at);
            }
        }
    }

    fn find_best(&mut self, at: usize) {
        let SideOrders { head, .. } = self.sides[at];
        let buys = at % 2 == Side::Buy as usize;
        let (mut best, mut at_best, mut slot) = (0, 0, head);
        while slot != NIL {
            let rank = self.slots[slot as usize].rank();
            if at_best == 0 || (rank != best && (rank > best) == buys) {
                (best, at_best) = (rank, 1);
            } else if rank == best {
                at_best += 1;
            }
            slot = self.by_side.after(slot);
        }
        self.sides[at] = SideOrders { head, best, at_best };
    }

    /// The best price of a symbol's live orders on a side.
    #[inline]
    pub(crate) fn best(&self, ticker: Ticker, side: Side) -> Option<Price> {
        let orders = self.sides.get(usize::from(ticker.0) * 2 + side as usize)?;
        (orders.at_best > 0).then_some(Price(orders.best))
    }

    /// All live orders, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Order> {
        let first = (self.oldest != NIL).then_some(self.oldest);
        let next = |slot: &u32| {
            let after = self.by_age.after(*slot);
            (after != NIL).then_some(after)
        };
        core::iter::successors(first, next).map(|slot| &self.slots[slot as usize])
    }

    /// The oldest live order that is meant.
    #[cold]
    pub(crate) fn find(&self, meant: impl Fn(&Order) -> bool) -> Option<Order> {
        self.iter().find(|order| meant(order)).copied()
    }

    /// The live order that was entered first.
    #[inline]
    pub(crate) fn oldest(&self) -> Option<&Order> {
        self.slots.get(self.oldest as usize)
    }

    /// The live order entered after that of a number.
    #[inline]
    pub(crate) fn younger(&self, user_ref: UserRef) -> Option<&Order> {
        self.slots.get(self.by_age.after(self.slot(user_ref)) as usize)
    }

    /// Orders live now.
    #[inline]
    pub(crate) fn live(&self) -> u32 {
        self.live
    }

    /// Live orders the venue has not answered.
    #[inline]
    pub(crate) fn unanswered(&self) -> u32 {
        self.unanswered
    }

    /// Live orders whose cancel is to be sent.
    #[inline]
    pub(crate) fn owed(&self) -> u32 {
        self.owed
    }

    /// Live orders whose cancel was sent.
    #[inline]
    pub(crate) fn canceling(&self) -> u32 {
        self.canceling
    }

    /// Changes how far the asking for each live order's end is.
    #[cold]
    pub(crate) fn change_cancels(&mut self, change: impl Fn(&Order) -> Cancel) {
        let mut slot = self.oldest;
        while slot != NIL {
            let order = &mut self.slots[slot as usize];
            let is = change(order);
            let was = core::mem::replace(&mut order.cancel, is);
            self.count_cancel(was, is);
            slot = self.by_age.after(slot);
        }
    }
}
