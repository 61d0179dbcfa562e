//! The words every other crate speaks: prices, quantities, names, commands and events.
//!
//! Why it exists: the matching engine is a pure function `apply(&Command, now) -> events`, and
//! replay, standby and testing rest on both sides of it being plain, copyable data. Nothing here
//! reads a clock, allocates or does I/O.
//!
//! Layout: every type is `Copy`; [`Command`] and [`Event`] are small (64 and 80 bytes at most,
//! asserted).
#![forbid(unsafe_code)]

mod command;
mod event;
mod reason;
mod scalar;
mod side;

pub use command::{Cancel, Command, Enter, Modify, Refused, Replace};
pub use event::{
    Accepted, BookAdd, BookReduce, BookRemove, BookReplace, Canceled, Event, EventSink, Executed,
    Party, Rejected, Replaced,
};
pub use reason::{CancelReason, RejectReason};
pub use scalar::{
    ClOrdId, MatchId, Nanos, OrderId, Price, PriceError, Qty, SessionId, Symbol, SymbolId, UserRef,
};
pub use side::{OrderCapacity, OrderSide, Side, TimeInForce};

#[cfg(test)]
mod tests;
