//! What is kept, as payloads: what clients send in a fixed layout, what an operator does as an
//! archive.
//!
//! The engine's own command log (`engine::CommandLog`) is an archive of a whole run, made when the
//! run is over. A journal is written while it runs, for longer than one build of the program, so
//! that its frequent records have a layout of their own that no derive decides upon. Operations are
//! rare and many-shaped: they are rkyv archives, as everything of the engine's files is.
//!
//! Layout: the fields of a command in the order of its declaration, integers little endian, letters
//! and codes one byte, texts as they are, nothing between; behind a new order and a replacement
//! what their replies repeat: display, capacity and sweep letters, then the optional fields up to
//! the record's end. `codec/tests.rs` has the bytes of some.

use crate::layout::{RECORD_BYTES_MAX, RECORD_HEADER_BYTES};
use crate::record::{HardState, Payload};
use rkyv::rancor::Error as RkyvError;
use types::{
    AccountId, Cancel, ClOrdId, Command, CrossKind, Display, Echo, Enter, Firm, Input, MassCancel,
    Modify, Open, Operation, OrderCapacity, OrderSide, Peg, Permit, PostOnly, Price, Qty, Refused,
    RejectReason, Replace, SessionId, Symbol, Terms, TimeInForce, UserRef,
};

/// The longest payload.
pub(crate) const PAYLOAD_BYTES_MAX: usize = RECORD_BYTES_MAX - RECORD_HEADER_BYTES;
/// The most bytes that are somebody else's business.
pub const OPAQUE_BYTES_MAX: usize = 208;
/// The most bytes of optional fields that a new order or a replacement has.
pub const OPTIONAL_BYTES_MAX: usize = 144;

/// A new order has the longest fixed part, of 61 bytes and 3 letters.
const _: () = assert!(64 + OPTIONAL_BYTES_MAX <= PAYLOAD_BYTES_MAX);
const _: () = assert!(OPAQUE_BYTES_MAX <= PAYLOAD_BYTES_MAX);

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
    Scheduled = 9,
    AccountQuery = 10,
    Open = 11,
    Close = 12,
    Nothing = 13,
    Opaque = 14,
    Membership = 15,
    HardState = 16,
}

/// Whether a record of the kind takes a sequence.
pub(crate) fn is_numbered(kind: u8) -> bool {
    kind != Kind::HardState as u8
}

/// Writes what is kept to the front of `out`; its kind and length.
///
/// # Panics
/// When `out` has less than [`PAYLOAD_BYTES_MAX`] bytes, or what is kept is longer than it may be:
/// a [`Feeder`](crate::Feeder) takes none that is.
pub(crate) fn encode(payload: &Payload<'_>, out: &mut [u8]) -> (u8, usize) {
    let mut put = Put { out, at: 0 };
    let kind = match payload {
        Payload::Input(Input::Command(command, echo)) => put.command(command, echo),
        other => put.rare(other),
    };
    (kind as u8, put.at)
}

impl Put<'_> {
    fn command(&mut self, command: &Command, echo: &Echo<'_>) -> Kind {
        let put = self;
        match command {
            Command::Enter(c) => put.enter(c, echo),
            Command::Replace(c) => put.replace(c, echo),
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
            Command::Operate(operation) => {
                put.operation(operation);
                Kind::Operate
            }
        }
    }

    #[cold]
    fn rare(&mut self, payload: &Payload<'_>) -> Kind {
        match payload {
            Payload::Input(Input::Command(command, echo)) => self.command(command, echo),
            Payload::Input(Input::Scheduled(operation)) => {
                self.operation(operation);
                Kind::Scheduled
            }
            Payload::Input(Input::AccountQuery(who)) => {
                self.session(*who);
                Kind::AccountQuery
            }
            Payload::Input(Input::Open(Open { trades, date, config })) => {
                self.u8(u8::from(*trades)).u32(*date).text(&config.to_le_bytes());
                Kind::Open
            }
            Payload::Input(Input::Close) => Kind::Close,
            Payload::Input(Input::Nothing) => Kind::Nothing,
            Payload::Opaque(bytes) => {
                self.text(bytes);
                Kind::Opaque
            }
            Payload::Membership(bytes) => {
                self.text(bytes);
                Kind::Membership
            }
            Payload::HardState(HardState { term, vote, commit }) => {
                for number in [term, vote, commit] {
                    self.text(&number.to_le_bytes());
                }
                Kind::HardState
            }
        }
    }
}

/// Reads a payload; `None` for what no writer writes.
pub(crate) fn decode(kind: u8, payload: &[u8]) -> Option<Payload<'_>> {
    let mut take = Take { rest: payload };
    let (command, echo) = match kind {
        k if k == Kind::Enter as u8 => {
            let enter = take.enter()?;
            (Command::Enter(enter), take.echo(enter.cl_ord_id)?)
        }
        k if k == Kind::Replace as u8 => {
            let replace = take.replace()?;
            (Command::Replace(replace), take.echo(replace.cl_ord_id)?)
        }
        k if k <= Kind::Operate as u8 => (decode_plain(kind, &mut take)?, Echo::default()),
        _ => return decode_rare(kind, payload),
    };
    take.rest.is_empty().then_some(Payload::Input(Input::Command(command, echo)))
}

#[cold]
fn decode_rare(kind: u8, payload: &[u8]) -> Option<Payload<'_>> {
    let mut take = Take { rest: payload };
    let what = match kind {
        k if k == Kind::Scheduled as u8 => Payload::Input(Input::Scheduled(take.operation()?)),
        k if k == Kind::AccountQuery as u8 => Payload::Input(Input::AccountQuery(take.session()?)),
        k if k == Kind::Open as u8 => {
            let (trades, date) = (yes_or_no(take.u8()?)?, take.u32()?);
            Payload::Input(Input::Open(Open { trades, date, config: take.u64()? }))
        }
        k if k == Kind::Close as u8 => Payload::Input(Input::Close),
        k if k == Kind::Nothing as u8 => Payload::Input(Input::Nothing),
        k if k == Kind::Opaque as u8 => Payload::Opaque(take.all(OPAQUE_BYTES_MAX)?),
        k if k == Kind::Membership as u8 => Payload::Membership(take.all(OPAQUE_BYTES_MAX)?),
        k if k == Kind::HardState as u8 => {
            let (term, vote, commit) = (take.u64()?, take.u64()?, take.u64()?);
            Payload::HardState(HardState { term, vote, commit })
        }
        _ => return None,
    };
    take.rest.is_empty().then_some(what)
}

/// Commands of which replies repeat nothing.
fn decode_plain(kind: u8, take: &mut Take<'_>) -> Option<Command> {
    Some(match kind {
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
    })
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

    fn enter(&mut self, c: &Enter, echo: &Echo<'_>) -> Kind {
        self.session(c.session).u32(c.user_ref.0).text(&c.account.0.to_le_bytes()).text(&c.firm.0);
        self.u8(c.side.letter()).u32(c.qty.0).text(&c.symbol.0).u32(c.price.0).terms(&c.terms);
        self.u8(c.cross.letter()).u8(c.capacity.letter()).text(&c.cl_ord_id.0).echo(echo);
        Kind::Enter
    }

    fn replace(&mut self, c: &Replace, echo: &Echo<'_>) -> Kind {
        self.session(c.session).u32(c.orig.0).u32(c.user_ref.0).u32(c.qty.0).u32(c.price.0);
        self.terms(&c.terms).text(&c.cl_ord_id.0).echo(echo);
        Kind::Replace
    }

    /// What replies repeat, but for the client's text, which is the command's.
    fn echo(&mut self, echo: &Echo<'_>) -> &mut Self {
        self.u8(echo.display).u8(echo.capacity).u8(echo.iso).text(echo.optional)
    }

    fn terms(&mut self, t: &Terms) -> &mut Self {
        self.u8(t.tif.letter()).u8(t.display.letter()).u8(t.peg as u8).u8(t.post_only as u8);
        self.u32(t.min_qty.0).u32(t.max_floor.0).u32(t.expire_s)
    }

    #[cold]
    fn operation(&mut self, operation: &Operation) {
        // An archive of plain numbers into memory does not fail; one that did would be an empty
        // payload, which no reader takes for an operation.
        let archive = rkyv::to_bytes::<RkyvError>(operation).unwrap_or_default();
        self.text(&archive);
    }
}

/// Reads fields one after the other.
struct Take<'a> {
    rest: &'a [u8],
}

impl<'a> Take<'a> {
    /// All that is left, if it is not more than so many bytes.
    fn all(&mut self, bytes_max: usize) -> Option<&'a [u8]> {
        let all = std::mem::take(&mut self.rest);
        (all.len() <= bytes_max).then_some(all)
    }

    fn echo(&mut self, cl_ord_id: ClOrdId) -> Option<Echo<'a>> {
        let (display, capacity, iso) = (self.u8()?, self.u8()?, self.u8()?);
        let optional = self.all(OPTIONAL_BYTES_MAX)?;
        Some(Echo { display, capacity, iso, cl_ord_id, optional })
    }

    #[inline(always)]
    fn u64(&mut self) -> Option<u64> {
        self.text().map(u64::from_le_bytes)
    }

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
