//! Why a SoupBinTCP connection ended. One byte, one counter; both sides use the same list.

macro_rules! disconnect_reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $text:literal;)*) => {
        /// Why a connection ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        #[repr(u8)]
        pub enum DisconnectReason {
            $($(#[$doc])* #[error($text)] $variant,)*
        }

        impl DisconnectReason {
            /// Every reason, in the order of its code.
            pub const ALL: &'static [DisconnectReason] = &[$(DisconnectReason::$variant,)*];

            /// The counter's name.
            pub const fn name(self) -> &'static str {
                match self { $(DisconnectReason::$variant => $name,)* }
            }
        }
    };
}

disconnect_reasons! {
    /// The bytes: a packet length of 0.
    ZeroLength = "zero_length", "a packet's length is 0";
    /// The bytes: a packet longer than the limit.
    PacketTooLong = "packet_too_long", "a packet is longer than the limit";
    /// The bytes: a type SoupBinTCP does not have.
    UnknownType = "unknown_type", "a packet's type is unknown";
    /// The bytes: a session packet of another length than its type's.
    PacketLength = "packet_length", "a session packet's length is not its type's";
    /// A packet that the peer may not send, or not now.
    UnexpectedPacket = "unexpected_packet", "the peer may not send such a packet now";
    /// Server: the first packet is no login request.
    NotLogin = "not_login", "the first packet is not a login request";
    /// Server: no login request in time.
    LoginTimeout = "login_timeout", "no login request came in time";
    /// The requested or accepted sequence number is not a number.
    LoginNumber = "login_number", "a sequence number field is not a number";
    /// Server: unknown user or wrong password; answered with 'A'.
    NotAuthorized = "not_authorized", "unknown user or wrong password";
    /// Server: another connection has the session; answered with 'A'.
    SessionInUse = "session_in_use", "the session is in use by another connection";
    /// Server: too many wrong passwords from this address or for this user; answered with 'A'.
    LoginThrottled = "login_throttled", "too many logins failed, try again later";
    /// Server: the client logged in again while this connection was silent.
    TakenOver = "taken_over", "another connection of the same user took the session over";
    /// Server: the user has no session of that name; answered with 'S'.
    UnknownSession = "unknown_session", "the user has no such session";
    /// Server: asked for messages that are no longer held; answered with 'S'.
    Evicted = "evicted", "the messages asked for are no longer held";
    /// Server: asked for a number beyond the next one; answered with 'S'.
    NotYetSent = "not_yet_sent", "the sequence number asked for is beyond the next one";
    /// Client: the server said 'A'.
    RejectedNotAuthorized = "rejected_not_authorized", "the server does not authorize the login";
    /// Client: the server said 'S'.
    RejectedSession = "rejected_session", "the server says the session is not available";
    /// Client: the server refused with a letter that the specification does not have.
    RejectedUnknown = "rejected_unknown", "the server refuses the login for an unknown reason";
    /// Client: accepted to another session or place than asked for; messages would be lost or
    /// repeated.
    AcceptMismatch = "accept_mismatch", "accepted to another session or place than asked for";
    /// Nothing came for too long.
    PeerSilent = "peer_silent", "the peer was silent for too long";
    /// Server: the client logged out. Client: it asked to.
    LoggedOut = "logged_out", "the client logged out";
    /// Server: the client read so slowly that its next message was evicted.
    Overrun = "overrun", "the client reads too slowly, its next message is no longer held";
    /// Server: the client left too much unread for too long; what it missed is still held.
    SlowConsumer = "slow_consumer", "the client reads too slowly, too much is unsent for too long";
    /// Server: the snapshot does not fit its buffer; answered with 'S'.
    SnapshotFull = "snapshot_full", "the snapshot does not fit its buffer";
    /// Server: others still read a snapshot that is too old to be given again; answered with 'S'.
    SnapshotBusy = "snapshot_busy", "an old snapshot is still being read by others";
    /// Server: there is nothing to take a snapshot of, or no room for any; answered with 'S'.
    SnapshotUnavailable = "snapshot_unavailable", "no snapshot can be taken";
    /// The session is over and everything was sent.
    EndOfSession = "end_of_session", "the session is over";
    /// The transport below went away.
    TransportClosed = "transport_closed", "the transport closed";
}

impl From<wire::soup::Error> for DisconnectReason {
    fn from(error: wire::soup::Error) -> Self {
        use wire::soup::Error;
        match error {
            Error::ZeroLength => DisconnectReason::ZeroLength,
            Error::TooLong { .. } => DisconnectReason::PacketTooLong,
            Error::UnknownType { .. } => DisconnectReason::UnknownType,
            Error::Length { .. } => DisconnectReason::PacketLength,
        }
    }
}

/// How often each [`DisconnectReason`] was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisconnectCounters([u64; DisconnectReason::ALL.len()]);

impl Default for DisconnectCounters {
    fn default() -> Self {
        DisconnectCounters([0; DisconnectReason::ALL.len()])
    }
}

impl DisconnectCounters {
    /// Counts one.
    pub fn count(&mut self, reason: DisconnectReason) {
        self.0[reason as usize] += 1;
    }

    /// How often this one was met.
    pub fn get(&self, reason: DisconnectReason) -> u64 {
        self.0[reason as usize]
    }

    /// Every reason's name and count.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        DisconnectReason::ALL.iter().map(|&reason| (reason.name(), self.get(reason)))
    }
}
