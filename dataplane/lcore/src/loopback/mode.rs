//! The forward modes by name.

use std::fmt;
use std::str::FromStr;

/// What is done with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Goes out as it came in.
    Io,
    /// Gets the transmitting port's address as its source and the peer's as its destination.
    Mac,
    /// Has its Ethernet addresses exchanged.
    MacSwap,
    /// Has its Ethernet addresses, IP addresses and UDP or TCP ports exchanged.
    FiveTupleSwap,
    /// Is dropped; frames of many flows, told apart by destination address, are made and sent.
    FlowGen,
    /// Is dropped.
    RxOnly,
    /// Is not received; frames of one flow, or of several, are made and sent.
    TxOnly,
    /// Gets the addresses of `mac`, and its IPv4, UDP and TCP checksums anew.
    Csum,
    /// Is answered if it asks by ARP or ICMP echo, and else dropped.
    IcmpEcho,
    /// As `io`, after a delay and some reads and writes of memory: a noisy neighbour.
    Noisy,
    /// Is a probe with a time stamp in it, on its way back.
    Latency,
    /// Belongs to an order entered at a venue, or to its acknowledgment.
    Soup,
}

impl Mode {
    /// Every mode, in the order in which they are listed.
    pub const ALL: &'static [Mode] = &[
        Mode::Io,
        Mode::Mac,
        Mode::MacSwap,
        Mode::FiveTupleSwap,
        Mode::FlowGen,
        Mode::RxOnly,
        Mode::TxOnly,
        Mode::Csum,
        Mode::IcmpEcho,
        Mode::Noisy,
        Mode::Latency,
        Mode::Soup,
    ];

    /// As one types it; testpmd's name where testpmd has the mode.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Io => "io",
            Mode::Mac => "mac",
            Mode::MacSwap => "macswap",
            Mode::FiveTupleSwap => "5tswap",
            Mode::FlowGen => "flowgen",
            Mode::RxOnly => "rxonly",
            Mode::TxOnly => "txonly",
            Mode::Csum => "csum",
            Mode::IcmpEcho => "icmpecho",
            Mode::Noisy => "noisy",
            Mode::Latency => "latency",
            Mode::Soup => "soup",
        }
    }

    /// Whether every frame received has to go out, or to be answered where it asks for an answer.
    pub const fn is_lossless(self) -> bool {
        matches!(
            self,
            Mode::Io
                | Mode::Mac
                | Mode::MacSwap
                | Mode::FiveTupleSwap
                | Mode::Csum
                | Mode::IcmpEcho
        )
    }

    /// Whether it times round trips.
    pub const fn times_trips(self) -> bool {
        matches!(self, Mode::Latency | Mode::Soup)
    }

    /// Whether it takes in frames.
    pub const fn receives(self) -> bool {
        !matches!(self, Mode::TxOnly)
    }

    /// Whether it puts out frames.
    pub const fn sends(self) -> bool {
        !matches!(self, Mode::RxOnly)
    }

    /// Whether it makes frames, as many as go.
    pub const fn generates(self) -> bool {
        matches!(self, Mode::FlowGen | Mode::TxOnly)
    }

    /// Whether it can send at a rate.
    pub const fn is_paced(self) -> bool {
        self.generates() || matches!(self, Mode::Latency | Mode::Soup)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No mode has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no forward mode is called {0:?}")]
pub struct UnknownMode(pub String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Mode, UnknownMode> {
        let found = Mode::ALL.iter().find(|mode| mode.name() == text);
        found.copied().ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_read_as_it_is_written() {
        for mode in Mode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(*mode));
        }
        assert_eq!("IO".parse::<Mode>(), Err(UnknownMode("IO".to_owned())));
    }
}
