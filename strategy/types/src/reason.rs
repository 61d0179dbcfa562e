//! Why an order was refused or taken off. One byte each, one counter each.

use rkyv::{Archive, Deserialize, Serialize};

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $value:expr, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $(#[doc = $text] $variant = $value,)* }

        impl $name {
            /// Every reason, in the order of its code.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// Reads the wire's code.
            pub const fn from_code(code: u8) -> Option<$name> {
                match code { $(c if c == $value => Some($name::$variant),)* _ => None }
            }

            /// The wire's code.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The specification's words.
            pub const fn text(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    };
}

reasons!(
    /// OUCH 5.0 reject reasons (two bytes on the wire, the upper one zero).
    RejectReason {
        QuoteUnavailable = 0x01, "Quote Unavailable";
        DestinationClosed = 0x02, "Destination Closed";
        InvalidDisplay = 0x03, "Invalid Display";
        InvalidMaxFloor = 0x04, "Invalid Max Floor";
        InvalidPegType = 0x05, "Invalid Peg Type";
        FatFinger = 0x06, "Fat Finger";
        Halted = 0x07, "Halted";
        IsoNotAllowed = 0x08, "Iso Not Allowed";
        InvalidSide = 0x09, "Invalid Side";
        ProcessingError = 0x0A, "Processing Error";
        CancelPending = 0x0B, "Cancel Pending";
        FirmNotAuthorized = 0x0C, "Firm Not Authorized";
        InvalidMinQuantity = 0x0D, "Invalid Min Quantity";
        NoClosingReferencePrice = 0x0E, "No Closing Reference Price";
        Other = 0x0F, "Other";
        CancelNotAllowed = 0x10, "Cancel Not Allowed";
        PeggingNotAllowed = 0x11, "Pegging Not Allowed";
        CrossedMarket = 0x12, "Crossed Market";
        InvalidQuantity = 0x13, "Invalid Quantity";
        InvalidCrossOrder = 0x14, "Invalid Cross Order";
        ReplaceNotAllowed = 0x15, "Replace Not Allowed";
        RoutingNotAllowed = 0x16, "Routing Not Allowed";
        InvalidSymbol = 0x17, "Invalid Symbol";
        Test = 0x18, "Test";
        LateLocTooAggressive = 0x19, "Late Loc Too Aggressive";
        RetailNotAllowed = 0x1A, "Retail Not Allowed";
        InvalidMidpointPostOnlyPrice = 0x1B, "Invalid Midpoint Post Only Price";
        InvalidDestination = 0x1C, "Invalid Destination";
        InvalidPrice = 0x1D, "Invalid Price";
        SharesExceedThreshold = 0x1E, "Shares Exceed Threshold";
        ExceedsMaximumAllowedNotionalValue = 0x1F, "Exceeds Maximum Allowed Notional Value";
    }
);

reasons!(
    /// OUCH 5.0 cancel reasons.
    CancelReason {
        UserRequested = b'U', "User Requested Cancel";
        ImmediateOrCancel = b'I', "Immediate Or Cancel Order";
        Timeout = b'T', "Timeout";
        Supervisory = b'S', "Supervisory";
        RegulatoryRestriction = b'D', "Regulatory Restriction";
        SelfMatchPrevention = b'Q', "Self Match Prevention";
        SystemCancel = b'Z', "System Cancel";
        CrossCanceled = b'C', "Cross Canceled";
        CannotBeExecuted = b'K', "This Order Cannot Be Executed";
        Halted = b'H', "Halted";
        OpenProtection = b'X', "Open Protection";
        Closed = b'E', "Closed";
        PostOnlyCancel = b'F', "Post Only Cancel";
        PostOnlyCancelContra = b'G', "Post Only Cancel Contra Side Displayed";
    }
);
