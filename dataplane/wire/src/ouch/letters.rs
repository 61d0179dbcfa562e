//! The letters of OUCH's coded fields.

use crate::field::letters;

letters! {
    /// `side` of an order.
    Side {
        Buy = b'B', "Buy";
        Sell = b'S', "Sell";
        SellShort = b'T', "Sell Short";
        SellShortExempt = b'E', "Sell Short Exempt";
    }
    /// `time_in_force`: how long an order lives.
    TimeInForce {
        Day = b'0', "Day";
        Ioc = b'3', "Ioc";
        GtxExtendedHours = b'5', "Gtx Extended Hours";
        Gtt = b'6', "Gtt";
        AfterHours = b'E', "After Hours";
    }
    /// `display`: who sees an order.
    Display {
        Attributable = b'A', "Attributable";
        Visible = b'Y', "Visible";
        Hidden = b'N', "Hidden";
        PostOnly = b'P', "Post Only";
        ImbalanceOnly = b'I', "Imbalance Only";
        MidPointPeg = b'M', "Mid Point Peg";
        MidPointPegPostOnly = b'W', "Mid Point Peg Post Only";
        PostOnlyAndAttributable = b'L', "Post Only And Attributable";
        RetailOrderType1 = b'O', "Retail Order Type 1";
        RetailOrderType2 = b'T', "Retail Order Type 2";
        RetailPriceImprovementOrder = b'Q', "Retail Price Improvement Order";
        Conformant = b'Z', "Conformant";
        MidPointPegAndMidPointTradeNow = b'm', "Mid Point Peg And Mid Point Trade Now";
        NonDisplayAndMidPoint = b'n', "Non Display And Mid Point";
    }
    /// `capacity` the client acts in.
    Capacity {
        Other = b'O', "Other";
        Agency = b'A', "Agency";
        Principal = b'P', "Principal";
        Riskless = b'R', "Riskless";
    }
    /// `cross_type`: which market an order is for.
    CrossType {
        ContinuousMarket = b'N', "Continuous Market";
        OpeningCross = b'O', "Opening Cross";
        Closing = b'C', "Closing";
        HaltIpo = b'H', "Halt Ipo";
        Supplemental = b'S', "Supplemental";
        Retail = b'R', "Retail";
        Extended = b'E', "Extended";
        AfterHoursClose = b'A', "After Hours Close";
    }
    /// `order_state`: whether an accepted order is on the book.
    OrderState {
        OrderLive = b'L', "Order Live";
        OrderDead = b'D', "Order Dead";
    }
    /// Why an order was canceled.
    CancelReason {
        UserRequestedCancel = b'U', "User Requested Cancel";
        ImmediateOrCancelOrder = b'I', "Immediate Or Cancel Order";
        Timeout = b'T', "Timeout";
        Supervisory = b'S', "Supervisory";
        RegulatoryRestriction = b'D', "Regulatory Restriction";
        SelfMatchPrevention = b'Q', "Self Match Prevention";
        SystemCancel = b'Z', "System Cancel";
        CrossCanceled = b'C', "Cross Canceled";
        ThisOrderCannotBeExecuted = b'K', "This Order Cannot Be Executed";
        Halted = b'H', "Halted";
        OpenProtection = b'X', "Open Protection";
        Closed = b'E', "Closed";
        PostOnlyCancel = b'F', "Post Only Cancel";
        PostOnlyCancelContraSideDisplayed = b'G', "Post Only Cancel Contra Side Displayed";
    }
    /// `liquidity_flag` of an execution.
    LiquidityFlag {
        Added = b'A', "Added";
        RetailDesignated = b'e', "Retail Designated";
        HaltIpo = b'H', "Halt Ipo";
        AfterHoursClosing = b'i', "After Hours Closing";
        AddedNondisplayed = b'J', "Nondisplayed Adding Liquidity";
        RpiProvided = b'j', "Rpi Order Provides Liquidity";
        AddedMidpoint = b'k', "Added Liquidity Via A Midpoint Order";
        HaltCross = b'K', "Halt Cross";
        ClosingCross = b'L', "Closing Cross";
        OpeningCross = b'M', "Opening Cross";
        RemovedMidpoint = b'm', "Removed Liquidity At A Midpoint";
        PassiveMidpointExecution = b'N', "Passive Midpoint Execution";
        MidpointExtendedLife = b'n', "Midpoint Extended Life Order Execution";
        Opening = b'O', "Opening";
        RemovedPriceImproving = b'p', "Removed Price Improving Nondisplayed Liquidity";
        RetailRemovedMidpoint = b'q', "Rmo Retail Order Removes Non Rpi Midpoint Liquidity";
        Removed = b'R', "Removed";
        RetailRemovedRpi = b'r', "Retail Order Removes Rpi Liquidity";
        RetailRemovedPriceImproving = b't',
            "Retail Order Removes Price Improving Nondisplayed Liquidity Other Than Rpi Liquidity";
        Supplemental = b'0', "Supplemental";
        AddedImprovesNbbo = b'7', "Displayed Liquidityadding Order Improves The Nbbo";
        AddedSetsQbbo = b'8',
            "Displayed Liquidityadding Order Sets The Qbbo While Joining The Nbbo";
    }
    /// Why an order was restated.
    RestatedReason {
        RefreshOfDisplay = b'R', "Refresh Of Display";
        UpdateOfDisplayedPrice = b'P', "Update Of Displayed Price";
    }
    /// Why a trade was broken.
    BrokenTradeReason {
        Erroneous = b'E', "Erroneous";
        Consent = b'C', "Consent";
        Supervisory = b'S', "Supervisory";
        External = b'X', "External";
    }
}

macro_rules! reject_reasons {
    ($($variant:ident = $code:literal, $text:literal;)*) => {
        /// `rejected_order_reason` of a Rejected: two bytes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum RejectReason { $(#[doc = $text] $variant = $code,)* }

        impl RejectReason {
            /// Every reason, in the order of its code.
            pub const ALL: &'static [RejectReason] = &[$(RejectReason::$variant,)*];

            /// Reads the wire's code; `None` for a code the specification does not list.
            pub const fn from_code(code: u16) -> Option<RejectReason> {
                match code { $($code => Some(RejectReason::$variant),)* _ => None }
            }

            /// The wire's code.
            pub const fn code(self) -> u16 {
                self as u16
            }

            /// The specification's words.
            pub const fn name(self) -> &'static str {
                match self { $(RejectReason::$variant => $text,)* }
            }
        }
    };
}

reject_reasons! {
    QuoteUnavailable = 0x0001, "Quote Unavailable";
    DestinationClosed = 0x0002, "Destination Closed";
    InvalidDisplay = 0x0003, "Invalid Display";
    InvalidMaxFloor = 0x0004, "Invalid Max Floor";
    InvalidPegType = 0x0005, "Invalid Peg Type";
    FatFinger = 0x0006, "Fat Finger";
    Halted = 0x0007, "Halted";
    IsoNotAllowed = 0x0008, "Iso Not Allowed";
    InvalidSide = 0x0009, "Invalid Side";
    ProcessingError = 0x000A, "Processing Error";
    CancelPending = 0x000B, "Cancel Pending";
    FirmNotAuthorized = 0x000C, "Firm Not Authorized";
    InvalidMinQuantity = 0x000D, "Invalid Min Quantity";
    NoClosingReferencePrice = 0x000E, "No Closing Reference Price";
    Other = 0x000F, "Other";
    CancelNotAllowed = 0x0010, "Cancel Not Allowed";
    PeggingNotAllowed = 0x0011, "Pegging Not Allowed";
    CrossedMarket = 0x0012, "Crossed Market";
    InvalidQuantity = 0x0013, "Invalid Quantity";
    InvalidCrossOrder = 0x0014, "Invalid Cross Order";
    ReplaceNotAllowed = 0x0015, "Replace Not Allowed";
    RoutingNotAllowed = 0x0016, "Routing Not Allowed";
    InvalidSymbol = 0x0017, "Invalid Symbol";
    Test = 0x0018, "Test";
    LateLocTooAggressive = 0x0019, "Late Loc Too Aggressive";
    RetailNotAllowed = 0x001A, "Retail Not Allowed";
    InvalidMidpointPostOnlyPrice = 0x001B, "Invalid Midpoint Post Only Price";
    InvalidDestination = 0x001C, "Invalid Destination";
    InvalidPrice = 0x001D, "Invalid Price";
    SharesExceedThreshold = 0x001E, "Shares Exceed Threshold";
    ExceedsMaximumAllowedNotionalValue = 0x001F, "Exceeds Maximum Allowed Notional Value";
}
