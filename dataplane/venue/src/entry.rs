//! OUCH in: a client's message becomes a command, or a refusal that the engine answers.
//!
//! Every field is checked here once; what this venue does not offer (routing, discretion, retail,
//! imbalance-only orders) is refused with OUCH's reason rather than taken for something it is not.
//! A message that cannot be read has no number to answer under: it is counted and dropped.

use types::{
    AccountId, Cancel, ClOrdId, Command, CrossKind, Echo, Enter, Firm, Input, MassCancel, Modify,
    OrderCapacity, OrderSide, Peg, Permit, PostOnly, Price, Qty, Refused, RejectReason, Replace,
    SessionId, Symbol, Terms, TimeInForce, UserRef,
};
use wire::ouch::inbound::{self, EnterOrder, Message, ReplaceOrder};
use wire::ouch::{Appendage, Error, Optional};

/// Fewest shares that a reserve order shows. Each refreshed part is a fill of its own: with one
/// share at a time, two orders would be a million fills, all in one poll.
const SHOWN_MIN: u32 = 100;

/// Who a session's orders are for, where they do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The session.
    pub session: SessionId,
    /// Whose cash and positions.
    pub account: AccountId,
    /// The firm; blank for nobody.
    pub firm: Firm,
    /// What post-only means at this venue.
    pub post_only: PostOnly,
    /// Whether it reads snapshots rather than enters orders.
    pub snapshot: bool,
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

/// Reads one unsequenced payload.
#[inline]
pub fn read<'p>(from: &Origin, payload: &'p [u8]) -> Result<Input<'p>, Unreadable> {
    let message = inbound::parse(payload).map_err(|e| match e {
        Error::Empty => Unreadable::Empty,
        Error::UnknownType { .. } => Unreadable::UnknownType,
        Error::Length { .. } => Unreadable::Length,
        Error::Appendage { .. } => Unreadable::Appendage,
    })?;
    let session = from.session;
    let plain = |command| Input::Command(command, Echo::default());
    Ok(match message {
        Message::EnterOrder(m, optional) => enter(from, m, optional),
        Message::ReplaceOrder(m, optional) => replace(from, m, optional),
        Message::CancelOrder(m, _) => {
            let (user_ref, qty) = (UserRef(m.user_ref_num.get()), Qty(m.quantity.get()));
            plain(Command::Cancel(Cancel { session, user_ref, qty }))
        }
        Message::ModifyOrder(m, _) => modify(session, m),
        Message::AccountQuery(..) => Input::AccountQuery(session),
        Message::MassCancel(m, optional) => plain(mass_cancel(session, m, optional)),
        Message::DisableOrderEntry(m, _) => plain(permit(session, m.user_ref_num, m.firm, false)),
        Message::EnableOrderEntry(m, _) => plain(permit(session, m.user_ref_num, m.firm, true)),
    })
}

fn enter<'p>(from: &Origin, m: &EnterOrder, optional: Appendage<'p>) -> Input<'p> {
    let cl_ord_id = ClOrdId(m.clordid);
    let (session, user_ref) = (from.session, UserRef(m.user_ref_num.get()));
    let echo = Echo {
        display: m.display,
        capacity: m.capacity,
        iso: m.inter_market_sweep_eligibility,
        cl_ord_id,
        optional: optional.as_bytes(),
    };
    let order = || {
        let side = OrderSide::from_letter(m.side).ok_or(RejectReason::InvalidSide)?;
        let (terms, firm) = terms(from, m.display, m.time_in_force, optional)?;
        let cross = CrossKind::from_letter(m.cross_type).ok_or(RejectReason::InvalidCrossOrder)?;
        let capacity = OrderCapacity::from_letter(m.capacity).ok_or(RejectReason::Other)?;
        let price = price(m.price.get(), terms.peg)?;
        let (qty, symbol) = (Qty(m.quantity.get()), Symbol(m.symbol));
        // Said here, since the gate knows no reason for too few shares.
        if qty == Qty::ZERO {
            return Err(RejectReason::InvalidQuantity);
        }
        let account = from.account;
        Ok(Enter {
            session,
            user_ref,
            account,
            firm,
            side,
            qty,
            symbol,
            price,
            terms,
            cross,
            capacity,
            cl_ord_id,
        })
    };
    let command = match order() {
        Ok(enter) => Command::Enter(enter),
        Err(reason) => Command::Refused(Refused { session, user_ref, reason, cl_ord_id }),
    };
    Input::Command(command, echo)
}

fn replace<'p>(from: &Origin, m: &ReplaceOrder, optional: Appendage<'p>) -> Input<'p> {
    let cl_ord_id = ClOrdId(m.clordid);
    let (session, user_ref) = (from.session, UserRef(m.user_ref_num.get()));
    let iso = m.inter_market_sweep_eligibility;
    let echo = Echo {
        display: m.display,
        iso,
        cl_ord_id,
        optional: optional.as_bytes(),
        ..Echo::default()
    };
    let order = || {
        let (terms, _) = terms(from, m.display, m.time_in_force, optional)?;
        let price = price(m.price.get(), terms.peg)?;
        let (orig, qty) = (UserRef(m.orig_user_ref_num.get()), Qty(m.quantity.get()));
        Ok(Replace { session, orig, user_ref, qty, price, terms, cl_ord_id })
    };
    let command = match order() {
        Ok(replace) => Command::Replace(replace),
        Err(reason) => Command::Refused(Refused { session, user_ref, reason, cl_ord_id }),
    };
    Input::Command(command, echo)
}

fn modify(session: SessionId, m: &inbound::ModifyOrder) -> Input<'static> {
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
    Input::Command(command, Echo::default())
}

/// A request for one side or one group is refused: taking more off than was meant would be worse.
fn mass_cancel(session: SessionId, m: &inbound::MassCancel, optional: Appendage<'_>) -> Command {
    let user_ref = UserRef(m.user_ref_num.get());
    let narrowed = optional.known().any(|field| {
        matches!(field, Optional::Side(_) | Optional::GroupId(_) | Optional::UserRefIdx(1..))
    });
    if narrowed {
        let reason = RejectReason::CancelNotAllowed;
        let cl_ord_id = ClOrdId::default();
        return Command::Refused(Refused { session, user_ref, reason, cl_ord_id });
    }
    Command::MassCancel(MassCancel {
        session,
        user_ref,
        firm: firm(m.firm),
        symbol: Symbol(m.symbol),
    })
}

fn permit(session: SessionId, user_ref: wire::field::U32, name: [u8; 4], enable: bool) -> Command {
    let (user_ref, firm) = (UserRef(user_ref.get()), firm(name));
    Command::Permit(Permit { session, user_ref, firm, enable })
}

/// Nobody may be said with spaces or with zeroes.
fn firm(name: [u8; 4]) -> Firm {
    if name == [0; 4] { Firm::BLANK } else { Firm(name) }
}

/// What follows the midpoint may come without a limit.
fn price(raw: u64, peg: Peg) -> Result<Price, RejectReason> {
    if raw == 0 && peg == Peg::Midpoint {
        return Ok(Price::MARKET);
    }
    Price::from_wire(raw).map_err(|_| RejectReason::InvalidPrice)
}

/// How an order meets the book, and for which firm. Optional fields that would change what the
/// order does, and that this venue does not offer, are refused; the others are let be.
fn terms(
    from: &Origin,
    display: u8,
    time_in_force: u8,
    optional: Appendage<'_>,
) -> Result<(Terms, Firm), RejectReason> {
    let shown = Terms::of_display(display, from.post_only);
    let mut terms = shown.ok_or(RejectReason::InvalidDisplay)?;
    terms.tif = TimeInForce::from_letter(time_in_force).ok_or(RejectReason::Other)?;
    let mut for_firm = from.firm;
    for field in optional.known() {
        match field {
            Optional::Firm(name) => for_firm = firm(name),
            Optional::MinQty(n) => terms.min_qty = Qty(n),
            Optional::MaxFloor(1..SHOWN_MIN) => return Err(RejectReason::InvalidMaxFloor),
            Optional::MaxFloor(n) => terms.max_floor = Qty(n),
            Optional::PriceType(b'L') => {}
            Optional::PriceType(b'M') => terms.peg = Peg::Midpoint,
            Optional::PriceType(_) => return Err(RejectReason::InvalidPegType),
            Optional::PostOnly(b'P') => terms.post_only = from.post_only,
            Optional::PostOnly(b'N') => terms.post_only = PostOnly::No,
            Optional::PostOnly(_) => return Err(RejectReason::InvalidDisplay),
            Optional::ExpireTime(second) => terms.expire_s = second,
            Optional::PegOffset(0) | Optional::RandomReserves(0) => {}
            Optional::PegOffset(_)
            | Optional::DiscretionPrice(_)
            | Optional::DiscretionPegType(_)
            | Optional::DiscretionPegOffset(_) => return Err(RejectReason::PeggingNotAllowed),
            Optional::RandomReserves(_) => return Err(RejectReason::InvalidMaxFloor),
            Optional::Route(_) => return Err(RejectReason::RoutingNotAllowed),
            _ => {}
        }
    }
    Ok((terms, for_firm))
}

#[cfg(test)]
mod tests;
