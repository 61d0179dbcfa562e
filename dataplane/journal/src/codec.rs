//! Commands as payloads: what clients send in a fixed layout, what an operator does as an archive.
//!
//! The engine's own command log (`engine::CommandLog`) is an archive of a whole run, made when the
//! run is over. A journal is written while it runs, for longer than one build of the program, so
//! that its frequent records have a layout of their own that no derive decides upon. Operations are
//! rare and many-shaped: they are rkyv archives, as everything of the engine's files is.
//!
//! Layout: the fields of a command in the order of its declaration, integers little endian, letters
//! and codes one byte, texts as they are, nothing between. `codec/tests.rs` has the bytes of some.

use rkyv::rancor::Error as RkyvError;
use types::{
    AccountId, Cancel, ClOrdId, Command, CrossKind, Display, Enter, Firm, MassCancel, Modify,
    Operation, OrderCapacity, OrderSide, Peg, Permit, PostOnly, Price, Qty, Refused, RejectReason,
    Replace, SessionId, Symbol, Terms, TimeInForce, UserRef,
};

/// The longest payload.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 96;

/// What a record's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Enter = 1,
    Replace = 2,
    Cancel = 3,
    Modify = 4,
    MassCancel = 5,
    Permit = 6,
    Refused = 7,
    Operate = 8,
}

/// Writes a command to the front of `out`; its kind and length.
///
/// # Panics
/// When `out` has less than [`PAYLOAD_BYTES_MAX`] bytes.
pub(crate) fn encode(command: &Command, out: &mut [u8]) -> (u8, usize) {
    let mut put = Put { out, at: 0 };
    let kind = match command {
        Command::Enter(c) => put.enter(c),
        Command::Replace(c) => put.replace(c),
        Command::Cancel(c) => {
            put.session(c.session).u32(c.user_ref.0).u32(c.qty.0);
            Kind::Cancel
        }
        Command::Modify(c) => {
            put.session(c.session).u32(c.user_ref.0).u8(c.side.letter()).u32(c.qty.0);
            Kind::Modify
        }
        Command::MassCancel(c) => {
            put.session(c.session).u32(c.user_ref.0).text(&c.firm.0).text(&c.symbol.0);
            Kind::MassCancel
        }
        Command::Permit(c) => {
            put.session(c.session).u32(c.user_ref.0).text(&c.firm.0).u8(u8::from(c.enable));
            Kind::Permit
        }
        Command::Refused(c) => {
            put.session(c.session).u32(c.user_ref.0).u8(c.reason.code()).text(&c.cl_ord_id.0);
            Kind::Refused
        }
        Command::Operate(operation) => put.operation(operation),
    };
    (kind as u8, put.at)
}

/// Reads a payload; `None` for what no writer writes.
pub(crate) fn decode(kind: u8, payload: &[u8]) -> Option<Command> {
    let mut take = Take { rest: payload };
    let command = match kind {
        k if k == Kind::Enter as u8 => Command::Enter(take.enter()?),
        k if k == Kind::Replace as u8 => Command::Replace(take.replace()?),
        k if k == Kind::Cancel as u8 => Command::Cancel(Cancel {
            session: take.session()?,
            user_ref: UserRef(take.u32()?),
            qty: Qty(take.u32()?),
        }),
        k if k == Kind::Modify as u8 => Command::Modify(Modify {
            session: take.session()?,
            user_ref: UserRef(take.u32()?),
            side: OrderSide::from_letter(take.u8()?)?,
            qty: Qty(take.u32()?),
        }),
        k if k == Kind::MassCancel as u8 => Command::MassCancel(MassCancel {
            session: take.session()?,
            user_ref: UserRef(take.u32()?),
            firm: Firm(take.text()?),
            symbol: Symbol(take.text()?),
        }),
        k if k == Kind::Permit as u8 => Command::Permit(Permit {
            session: take.session()?,
            user_ref: UserRef(take.u32()?),
            firm: Firm(take.text()?),
            enable: yes_or_no(take.u8()?)?,
        }),
        k if k == Kind::Refused as u8 => Command::Refused(Refused {
            session: take.session()?,
            user_ref: UserRef(take.u32()?),
            reason: RejectReason::from_code(take.u8()?)?,
            cl_ord_id: ClOrdId(take.text()?),
        }),
        k if k == Kind::Operate as u8 => Command::Operate(take.operation()?),
        _ => return None,
    };
    take.rest.is_empty().then_some(command)
}

/// Writes fields one after the other.
struct Put<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Put<'_> {
    #[inline(always)]
    fn text(&mut self, bytes: &[u8]) -> &mut Self {
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
        self
    }

    #[inline(always)]
    fn u8(&mut self, value: u8) -> &mut Self {
        self.text(&[value])
    }

    #[inline(always)]
    fn u32(&mut self, value: u32) -> &mut Self {
        self.text(&value.to_le_bytes())
    }

    #[inline(always)]
    fn session(&mut self, session: SessionId) -> &mut Self {
        self.text(&session.0.to_le_bytes())
    }

    fn enter(&mut self, c: &Enter) -> Kind {
        self.session(c.session).u32(c.user_ref.0).text(&c.account.0.to_le_bytes()).text(&c.firm.0);
        self.u8(c.side.letter()).u32(c.qty.0).text(&c.symbol.0).u32(c.price.0).terms(&c.terms);
        self.u8(c.cross.letter()).u8(c.capacity.letter()).text(&c.cl_ord_id.0);
        Kind::Enter
    }

    fn replace(&mut self, c: &Replace) -> Kind {
        self.session(c.session).u32(c.orig.0).u32(c.user_ref.0).u32(c.qty.0).u32(c.price.0);
        self.terms(&c.terms).text(&c.cl_ord_id.0);
        Kind::Replace
    }

    fn terms(&mut self, t: &Terms) -> &mut Self {
        self.u8(t.tif.letter()).u8(t.display.letter()).u8(t.peg as u8).u8(t.post_only as u8);
        self.u32(t.min_qty.0).u32(t.max_floor.0).u32(t.expire_s)
    }

    #[cold]
    fn operation(&mut self, operation: &Operation) -> Kind {
        // An archive of plain numbers into memory does not fail; one that did would be an empty
        // payload, which no reader takes for an operation.
        let archive = rkyv::to_bytes::<RkyvError>(operation).unwrap_or_default();
        self.text(&archive);
        Kind::Operate
    }
}

/// Reads fields one after the other.
struct Take<'a> {
    rest: &'a [u8],
}

impl Take<'_> {
    #[inline(always)]
    fn text<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*bytes)
    }

    #[inline(always)]
    fn u8(&mut self) -> Option<u8> {
        self.text::<1>().map(|[byte]| byte)
    }

    #[inline(always)]
    fn u16(&mut self) -> Option<u16> {
        self.text().map(u16::from_le_bytes)
    }

    #[inline(always)]
    fn u32(&mut self) -> Option<u32> {
        self.text().map(u32::from_le_bytes)
    }

    fn session(&mut self) -> Option<SessionId> {
        self.u16().map(SessionId)
    }

    fn enter(&mut self) -> Option<Enter> {
        Some(Enter {
            session: self.session()?,
            user_ref: UserRef(self.u32()?),
            account: AccountId(self.u16()?),
            firm: Firm(self.text()?),
            side: OrderSide::from_letter(self.u8()?)?,
            qty: Qty(self.u32()?),
            symbol: Symbol(self.text()?),
            price: Price(self.u32()?),
            terms: self.terms()?,
            cross: CrossKind::from_letter(self.u8()?)?,
            capacity: OrderCapacity::from_letter(self.u8()?)?,
            cl_ord_id: ClOrdId(self.text()?),
        })
    }

    fn replace(&mut self) -> Option<Replace> {
        Some(Replace {
            session: self.session()?,
            orig: UserRef(self.u32()?),
            user_ref: UserRef(self.u32()?),
            qty: Qty(self.u32()?),
            price: Price(self.u32()?),
            terms: self.terms()?,
            cl_ord_id: ClOrdId(self.text()?),
        })
    }

    fn terms(&mut self) -> Option<Terms> {
        Some(Terms {
            tif: TimeInForce::from_letter(self.u8()?)?,
            display: display(self.u8()?)?,
            peg: peg(self.u8()?)?,
            post_only: post_only(self.u8()?)?,
            min_qty: Qty(self.u32()?),
            max_floor: Qty(self.u32()?),
            expire_s: self.u32()?,
        })
    }

    #[cold]
    fn operation(&mut self) -> Option<Operation> {
        let mut aligned = rkyv::util::AlignedVec::<16>::with_capacity(self.rest.len());
        aligned.extend_from_slice(self.rest);
        self.rest = &[];
        rkyv::from_bytes::<Operation, RkyvError>(&aligned).ok()
    }
}

fn yes_or_no(byte: u8) -> Option<bool> {
    [false, true].into_iter().find(|&value| u8::from(value) == byte)
}

fn display(letter: u8) -> Option<Display> {
    let all = [Display::Visible, Display::Attributable, Display::Hidden];
    all.into_iter().find(|value| value.letter() == letter)
}

fn peg(letter: u8) -> Option<Peg> {
    [Peg::None, Peg::Midpoint].into_iter().find(|&value| value as u8 == letter)
}

fn post_only(code: u8) -> Option<PostOnly> {
    [PostOnly::No, PostOnly::Reject, PostOnly::Slide].into_iter().find(|&v| v as u8 == code)
}

#[cfg(test)]
mod tests;
