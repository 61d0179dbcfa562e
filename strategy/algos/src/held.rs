//! Keeping track of one's own orders.
//!
//! Why it exists: between asking and knowing lies a round trip, in which an order can fill, be
//! refused, be lost, or be replaced after its end was asked for. The context knows what is known;
//! a strategy that kept its own copy could only differ from it. So a [`Held`] keeps numbers alone
//! and looks each time.
//!
//! Failure modes: of more than [`STRAYS_MAX`] orders to be taken off at once, those beyond it are
//! asked for once and not again; whoever adds them is told.

use crate::{Context, OrderState, OrderView};
use risk::{Ask, Refusal};
use types::{Price, Qty, Side, UserRef};

/// A place for one order and, while it is asked for, its replacement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    order: Option<UserRef>,
    next: Option<(UserRef, Price)>,
}

impl Held {
    /// The order that may still trade. `None` when the place is free: neither the order nor its
    /// replacement lives.
    pub(crate) fn look<C: Context>(&mut self, ctx: &C) -> Option<OrderView> {
        let order = self.order.and_then(|user_ref| ctx.order(user_ref));
        let next = self.next.and_then(|(user_ref, _)| ctx.order(user_ref));
        match (order, next) {
            (None, None) => *self = Held::default(),
            (None, Some(new)) => *self = Held { order: Some(new.user_ref), next: None },
            // It stands as it was: the replacement failed. One that is being canceled may be
            // replaced yet, when the replacement overtook the cancel.
            (Some(old), None) if matches!(old.state, OrderState::Sent | OrderState::Live) => {
                self.next = None;
            }
            (Some(_), _) => {}
        }
        order.or(next)
    }

    /// Whether the number is the order's or its replacement's.
    pub(crate) fn is(&self, user_ref: UserRef) -> bool {
        self.order == Some(user_ref) || self.next.is_some_and(|(next, _)| next == user_ref)
    }

    /// Whether a replacement is under way.
    pub(crate) fn is_replacing(&self) -> bool {
        self.next.is_some()
    }

    /// The most aggressive price at which `view`, the order here, may stand: its own, or its
    /// replacement's.
    pub(crate) fn reach(&self, view: &OrderView) -> Price {
        let next = self.next.map_or(view.price, |(_, price)| price);
        match view.side.side() {
            Side::Buy => view.price.max(next),
            Side::Sell => view.price.min(next),
        }
    }

    /// Asks for a new order in a free place.
    pub(crate) fn enter<C: Context>(&mut self, ask: &Ask, ctx: &mut C) -> Result<(), Refusal> {
        debug_assert!(self.order.is_none(), "an order would be forgotten");
        self.order = Some(ctx.enter(ask)?);
        Ok(())
    }

    /// Asks for the order to be replaced.
    pub(crate) fn replace<C: Context>(
        &mut self,
        qty: Qty,
        price: Price,
        ctx: &mut C,
    ) -> Result<(), Refusal> {
        let order = self.order.ok_or(Refusal::UnknownOrder)?;
        self.next = Some((ctx.replace(order, qty, price)?, price));
        Ok(())
    }
}

/// Asks for an order's end unless that was done; whether it need not be asked again.
pub(crate) fn take_off<C: Context>(view: &OrderView, ctx: &mut C) -> bool {
    view.state == OrderState::Canceling || ctx.cancel(view.user_ref)
}

/// Orders to be taken off that are tracked until they are gone.
pub(crate) const STRAYS_MAX: usize = 32;

/// Orders that nobody wants, as those from before a restart: to be taken off, and asked again until
/// they are gone. A cancel can be lost with a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strays {
    orders: [Option<UserRef>; STRAYS_MAX],
    any: bool,
}

impl Strays {
    /// Takes one off; whether there was room to track it.
    pub(crate) fn add<C: Context>(&mut self, user_ref: UserRef, ctx: &mut C) -> bool {
        let slot = self.orders.iter_mut().find(|slot| slot.is_none());
        let found = slot.is_some();
        if let Some(slot) = slot {
            *slot = Some(user_ref);
            self.any = true;
        }
        ctx.cancel(user_ref);
        found
    }

    /// Asks again for those that stand.
    #[inline]
    pub(crate) fn sweep<C: Context>(&mut self, ctx: &mut C) {
        if self.any {
            self.sweep_all(ctx);
        }
    }

    #[cold]
    fn sweep_all<C: Context>(&mut self, ctx: &mut C) {
        for slot in &mut self.orders {
            match slot.and_then(|user_ref| ctx.order(user_ref)) {
                Some(view) => {
                    take_off(&view, ctx);
                }
                None => *slot = None,
            }
        }
        self.any = self.orders.iter().any(Option::is_some);
    }
}
