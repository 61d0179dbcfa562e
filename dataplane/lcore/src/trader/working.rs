//! The trader's orders at the venue, from the moment they are sent until nothing of them is live.
//!
//! Layout: a ring of a power of two addressed by `UserRefNum`, which counts up by one. An order
//! that outlives a whole turn of the ring blocks its slot: the next order that would need it is
//! refused, so the ring's size bounds how far apart the oldest and the newest live order can be.

use hugemem::{HugePolicy, HugeSlab};
use types::{OrderSide, Price, Qty, SymbolId, UserRef};

/// An order that the venue may still act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Working {
    /// Its number.
    pub user_ref: UserRef,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Side and kind of sale.
    pub side: OrderSide,
    /// Shares that may still trade.
    pub leaves: Qty,
    /// Its limit.
    pub price: Price,
    /// When it was handed to the device; 0 before that.
    pub sent_tsc: u64,
    /// Whether the venue has answered.
    pub acked: bool,
    /// Whether we asked for it to be taken off.
    pub cancel_sent: bool,
}

/// The live orders of one session.
#[derive(Debug)]
pub struct WorkingOrders {
    slots: HugeSlab<Option<Working>>,
    next: UserRef,
    live: u32,
}

impl WorkingOrders {
    /// Room for `slots` orders in a row, rounded up to a power of two.
    ///
    /// # Errors
    /// Hugepages are required and there are too few.
    pub fn new(slots: usize, policy: HugePolicy) -> Result<WorkingOrders, hugemem::Error> {
        let slots = HugeSlab::new(slots.max(1).next_power_of_two(), None, policy)?;
        Ok(WorkingOrders { slots, next: UserRef(1), live: 0 })
    }

    /// The number the next order gets; `None` when its slot is still taken or numbers have run out.
    #[inline]
    pub fn next_ref(&self) -> Option<UserRef> {
        let free = self.slots[self.slot(self.next)].is_none();
        (free && self.next.0 < u32::MAX).then_some(self.next)
    }

    /// Takes in the order that was numbered [`next_ref`](Self::next_ref).
    #[inline]
    pub fn insert(&mut self, order: Working) {
        debug_assert_eq!(order.user_ref, self.next);
        let slot = self.slot(order.user_ref);
        debug_assert!(self.slots[slot].is_none());
        self.slots[slot] = Some(order);
        self.next = UserRef(self.next.0 + 1);
        self.live += 1;
    }

    /// The live order of that number.
    #[inline]
    pub fn get_mut(&mut self, user_ref: UserRef) -> Option<&mut Working> {
        let slot = self.slot(user_ref);
        self.slots[slot].as_mut().filter(|o| o.user_ref == user_ref)
    }

    /// Takes `qty` shares off; the order as it was, and whether that was its last.
    ///
    /// `None` when there is no such order or it has fewer shares: the venue's view and ours differ.
    #[inline]
    pub fn reduce(&mut self, user_ref: UserRef, qty: Qty) -> Option<(Working, bool)> {
        let order = self.get_mut(user_ref)?;
        let leaves = order.leaves.0.checked_sub(qty.0)?;
        let was = *order;
        order.leaves = Qty(leaves);
        if leaves == 0 {
            self.remove(user_ref);
        }
        Some((was, leaves == 0))
    }

    /// Takes an order out whatever is left of it.
    pub fn remove(&mut self, user_ref: UserRef) -> Option<Working> {
        let slot = self.slot(user_ref);
        let order = self.slots[slot].take_if(|o| o.user_ref == user_ref)?;
        self.live -= 1;
        Some(order)
    }

    /// Orders live now.
    pub fn live(&self) -> u32 {
        self.live
    }

    /// All live orders, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Working> {
        self.slots.iter().flatten()
    }

    /// All live orders, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Working> {
        self.slots.iter_mut().flatten()
    }

    fn slot(&self, user_ref: UserRef) -> usize {
        user_ref.0 as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests;
