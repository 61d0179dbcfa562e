//! What the engine is told. The venue's gate makes these out of OUCH; replay reads them from a log.

use crate::{
    ClOrdId, OrderCapacity, OrderSide, Price, Qty, RejectReason, SessionId, Symbol, TimeInForce,
    UserRef,
};
use rkyv::{Archive, Deserialize, Serialize};

/// One input of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum Command {
    /// A new order.
    Enter(Enter),
    /// A new order in the place of a live one.
    Replace(Replace),
    /// A live order reduced, or taken off.
    Cancel(Cancel),
    /// A live order's side (kind of sale) or quantity changed in place.
    Modify(Modify),
    /// An order that the gate refused: it uses up its `UserRef` and is answered, nothing else.
    Refused(Refused),
}

/// OUCH Enter Order, as far as the engine cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Enter {
    /// Who sent it.
    pub session: SessionId,
    /// The client's number for it; must be above every earlier one of the session.
    pub user_ref: UserRef,
    /// Side and kind of sale.
    pub side: OrderSide,
    /// Shares; 1..=999,999.
    pub qty: Qty,
    /// Which instrument.
    pub symbol: Symbol,
    /// Limit, or [`Price::MARKET`].
    pub price: Price,
    /// Lifetime. A market order never rests, whatever this says.
    pub tif: TimeInForce,
    /// On whose behalf; kept for the replies to replacements.
    pub capacity: OrderCapacity,
    /// Free text, echoed.
    pub cl_ord_id: ClOrdId,
}

/// OUCH Replace Order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Replace {
    /// Who sent it.
    pub session: SessionId,
    /// The live order's number.
    pub orig: UserRef,
    /// The replacement's number.
    pub user_ref: UserRef,
    /// The intended total of the chain, shares already executed included.
    pub qty: Qty,
    /// The new limit.
    pub price: Price,
    /// The new lifetime.
    pub tif: TimeInForce,
    /// Free text, echoed.
    pub cl_ord_id: ClOrdId,
}

/// OUCH Cancel Order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Cancel {
    /// Who sent it.
    pub session: SessionId,
    /// The live order's number.
    pub user_ref: UserRef,
    /// The new intended size, shares already executed included; 0 takes all off.
    pub qty: Qty,
}

/// OUCH Modify Order: never loses priority, may only reduce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Modify {
    /// Who sent it.
    pub session: SessionId,
    /// The live order's number.
    pub user_ref: UserRef,
    /// The new kind of sale; must stay on the same side of the book.
    pub side: OrderSide,
    /// The new intended size.
    pub qty: Qty,
}

/// What the gate would not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Refused {
    /// Who sent it.
    pub session: SessionId,
    /// The client's number for it.
    pub user_ref: UserRef,
    /// Why.
    pub reason: RejectReason,
    /// Free text, echoed.
    pub cl_ord_id: ClOrdId,
}

impl Command {
    /// Who sent it.
    pub const fn session(&self) -> SessionId {
        match self {
            Command::Enter(c) => c.session,
            Command::Replace(c) => c.session,
            Command::Cancel(c) => c.session,
            Command::Modify(c) => c.session,
            Command::Refused(c) => c.session,
        }
    }
}

const _: () = assert!(core::mem::size_of::<Command>() <= 64);
