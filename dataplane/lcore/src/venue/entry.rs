//! OUCH in: a client's message becomes a command, or a refusal that the engine answers.
//!
//! Every field is checked here once; what this venue does not offer (hidden, pegged, reserve, cross
//! orders, other lifetimes) is refused with OUCH's reason rather than taken for something it is
//! not. A message that cannot be read has no number to answer under: it is counted and dropped.

use types::{
    Cancel, ClOrdId, Command, Enter, Modify, OrderCapacity, OrderSide, Price, Qty, Refused,
    RejectReason, Replace, SessionId, Symbol, TimeInForce, UserRef,
};
use wire::ouch::inbound::{self, EnterOrder, Message, ReplaceOrder};
use wire::ouch::{Appendage, Error, Optional};

/// What an accepted order's reply repeats of the request, and the engine has no use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Display letter.
    pub display: u8,
    /// Capacity letter.
    pub capacity: u8,
    /// Inter-market sweep eligibility.
    pub iso: u8,
    /// Cross type.
    pub cross_type: u8,
    /// The client's free text.
    pub cl_ord_id: ClOrdId,
}

impl Default for Echo {
    fn default() -> Self {
        let cl_ord_id = ClOrdId::default();
        Echo { display: b'Y', capacity: b'O', iso: b'N', cross_type: b'N', cl_ord_id }
    }
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Something for the engine.
    Command(Command, Echo),
    /// Which `UserRefNum` comes next.
    AccountQuery,
}

/// Why a message could not be read. One byte, one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Unreadable {
    /// No bytes.
    Empty = 0,
    /// A type that OUCH 5.0 has not.
    UnknownType = 1,
    /// A length other than the type's.
    Length = 2,
    /// Optional fields whose lengths do not add up.
    Appendage = 3,
}

impl Unreadable {
    /// Every reason, in the order of its code.
    pub const ALL: [Unreadable; 4] =
        [Unreadable::Empty, Unreadable::UnknownType, Unreadable::Length, Unreadable::Appendage];

    /// The counter's name.
    pub const fn name(self) -> &'static str {
        match self {
            Unreadable::Empty => "ouch_empty",
            Unreadable::UnknownType => "ouch_unknown_type",
            Unreadable::Length => "ouch_length",
            Unreadable::Appendage => "ouch_appendage",
        }
    }
}

/// Reads one unsequenced payload of `session`.
#[inline]
pub fn read(session: SessionId, payload: &[u8]) -> Result<Request, Unreadable> {
    let message = inbound::parse(payload).map_err(|e| match e {
        Error::Empty => Unreadable::Empty,
        Error::UnknownType { .. } => Unreadable::UnknownType,
        Error::Length { .. } => Unreadable::Length,
        Error::Appendage { .. } => Unreadable::Appendage,
    })?;
    Ok(match message {
        Message::EnterOrder(m, optional) => enter(session, m, optional),
        Message::ReplaceOrder(m, optional) => replace(session, m, optional),
        Message::CancelOrder(m) => {
            let (user_ref, qty) = (UserRef(m.user_ref_num.get()), Qty(m.quantity.get()));
            Request::Command(Command::Cancel(Cancel { session, user_ref, qty }), Echo::default())
        }
        Message::ModifyOrder(m) => modify(session, m),
        Message::AccountQuery(_) => Request::AccountQuery,
    })
}

fn enter(session: SessionId, m: &EnterOrder, optional: Appendage<'_>) -> Request {
    let cl_ord_id = ClOrdId(m.clordid);
    let user_ref = UserRef(m.user_ref_num.get());
    let echo = Echo {
        display: m.display,
        capacity: m.capacity,
        iso: m.inter_market_sweep_eligibility,
        cross_type: m.cross_type,
        cl_ord_id,
    };
    let order = || {
        let side = OrderSide::from_letter(m.side).ok_or(RejectReason::InvalidSide)?;
        let price = Price::from_wire(m.price.get()).map_err(|_| RejectReason::InvalidPrice)?;
        let tif = TimeInForce::from_letter(m.time_in_force).ok_or(RejectReason::Other)?;
        check_display(m.display)?;
        if m.cross_type != b'N' {
            return Err(RejectReason::InvalidCrossOrder);
        }
        let capacity = OrderCapacity::from_letter(m.capacity).ok_or(RejectReason::Other)?;
        check_optional(optional)?;
        let (qty, symbol) = (Qty(m.quantity.get()), Symbol(m.symbol));
        // Said here, since the gate knows no reason for too few shares.
        if qty == Qty::ZERO {
            return Err(RejectReason::InvalidQuantity);
        }
        Ok(Enter { session, user_ref, side, qty, symbol, price, tif, capacity, cl_ord_id })
    };
    let command = match order() {
        Ok(enter) => Command::Enter(enter),
        Err(reason) => Command::Refused(Refused { session, user_ref, reason, cl_ord_id }),
    };
    Request::Command(command, echo)
}

fn replace(session: SessionId, m: &ReplaceOrder, optional: Appendage<'_>) -> Request {
    let cl_ord_id = ClOrdId(m.clordid);
    let user_ref = UserRef(m.user_ref_num.get());
    let iso = m.inter_market_sweep_eligibility;
    let echo = Echo { display: m.display, iso, cl_ord_id, ..Echo::default() };
    let order = || {
        let price = Price::from_wire(m.price.get()).map_err(|_| RejectReason::InvalidPrice)?;
        let tif = TimeInForce::from_letter(m.time_in_force).ok_or(RejectReason::Other)?;
        check_display(m.display)?;
        check_optional(optional)?;
        let (orig, qty) = (UserRef(m.orig_user_ref_num.get()), Qty(m.quantity.get()));
        Ok(Replace { session, orig, user_ref, qty, price, tif, cl_ord_id })
    };
    let command = match order() {
        Ok(replace) => Command::Replace(replace),
        Err(reason) => Command::Refused(Refused { session, user_ref, reason, cl_ord_id }),
    };
    Request::Command(command, echo)
}

fn modify(session: SessionId, m: &inbound::ModifyOrder) -> Request {
    let user_ref = UserRef(m.user_ref_num.get());
    // A modification has no number of its own to be refused under: as an odd cancel, it is let be.
    let command = match OrderSide::from_letter(m.side) {
        Some(side) => {
            Command::Modify(Modify { session, user_ref, side, qty: Qty(m.quantity.get()) })
        }
        None => Command::Modify(Modify {
            session,
            user_ref: UserRef(0),
            side: OrderSide::Buy,
            qty: Qty::ZERO,
        }),
    };
    Request::Command(command, Echo::default())
}

/// Visible orders only, attributed or not.
fn check_display(display: u8) -> Result<(), RejectReason> {
    match display {
        b'Y' | b'A' => Ok(()),
        _ => Err(RejectReason::InvalidDisplay),
    }
}

/// Optional fields that would change what the order does are refused; the others are let be.
fn check_optional(optional: Appendage<'_>) -> Result<(), RejectReason> {
    for field in optional.known() {
        match field {
            Optional::MinQty(n) if n > 0 => return Err(RejectReason::InvalidMinQuantity),
            Optional::MaxFloor(n) if n > 0 => return Err(RejectReason::InvalidMaxFloor),
            Optional::PriceType(kind) if kind != b'L' => return Err(RejectReason::InvalidPegType),
            Optional::PegOffset(_)
            | Optional::DiscretionPrice(_)
            | Optional::DiscretionPegType(_)
            | Optional::DiscretionPegOffset(_) => return Err(RejectReason::PeggingNotAllowed),
            Optional::PostOnly(b'P') => return Err(RejectReason::Other),
            Optional::Route(_) => return Err(RejectReason::RoutingNotAllowed),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
