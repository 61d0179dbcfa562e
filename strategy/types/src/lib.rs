//! The words every other crate speaks: prices, quantities, names, commands and events.
//!
//! Why it exists: the matching engine is a pure function `apply(&Command, now) -> events`, and
//! replay, standby and testing rest on both sides of it being plain, copyable data. Nothing here
//! reads a clock, allocates or does I/O.
//!
//! Layout: every type is `Copy`; [`Command`] and [`Event`] are small (80 and 96 bytes at most,
//! asserted).
#![forbid(unsafe_code)]

mod command;
mod event;
mod input;
mod reason;
mod scalar;
mod side;

pub use command::{
    Cancel, Command, Enter, MassCancel, Modify, Operation, Permit, PostOnly, Refused, Replace,
    Terms,
};
pub use event::{
    Accepted, Aiq, BookAdd, BookReduce, BookRemove, BookReplace, Broken, Canceled, Corrected,
    CrossDone, Event, EventSink, Executed, Imbalance, MassCanceled, Obstacle, Party, Permitted,
    Print, Rejected, Replaced, Restated, State,
};
pub use input::{Echo, Input, Open};
pub use reason::{CancelReason, RejectReason};
pub use scalar::{
    AccountId, ClOrdId, Firm, MatchId, Nanos, OrderId, Price, PriceError, Qty, SessionId, Symbol,
    SymbolId, Ticker, UserRef,
};
pub use side::{
    CrossKind, Display, OrderCapacity, OrderSide, Peg, Phase, Side, TimeInForce, TradingState,
};

#[cfg(test)]
mod tests;
