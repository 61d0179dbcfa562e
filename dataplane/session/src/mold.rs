//! MoldUDP64 1.00: a session's messages over multicast, numbered so that loss can be seen.
//!
//! Why it exists: the venue publishes its market data as a [`MoldPublisher`], the trader listens
//! with a [`MoldReceiver`]. Neither knows of sockets or frames: packets are UDP payloads, time is a
//! parameter.
//!
//! The packet's bytes are [`wire::moldudp64`]'s business; here is what they mean over time.

mod publisher;
mod receiver;

#[cfg(test)]
mod tests;

pub use publisher::{
    MoldPublisher, PublisherConfig, PublisherCounters, RequestLimits, RequestRefusal,
};
pub use receiver::{
    Gap, MoldError, MoldHandler, MoldReceiver, PacketOutcome, ReceiverConfig, ReceiverCounters,
};
