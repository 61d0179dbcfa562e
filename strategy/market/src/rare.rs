//! The messages that come seldom: listings, states, notices, crosses, breaks.

use crate::apply::{Who, bad_terms};
use crate::market::HOURS_NS;
use crate::market::NOWHERE;
use crate::{
    Collar, DirectListing, Imbalance, Lie, Market, News, Notices, Offering, Trade, TradeKind,
};
use types::{CrossKind, MatchId, Price, Qty, Side, Symbol, Ticker, TradingState};
use wire::itch::{self, Message};

impl Market {
    #[cold]
    pub(crate) fn on_rare(&mut self, who: Who, message: &Message<'_>) -> u8 {
        if let Some(stock) = stock(message)
            && stock != who.name
        {
            return self.lie(who, Lie::WrongSymbol);
        }
        match message {
            Message::SystemEvent(m) => self.on_event(who, m.event_code),
            Message::StockTradingAction(m) => self.on_trading(who, m.trading_state),
            Message::OperationalHalt(m) => self.on_operational_halt(who, m),
            Message::RegSho(m) => self.on_reg_sho(who, m.reg_sho_action),
            Message::CrossTrade(m) => self.on_cross(who, m),
            Message::BrokenTrade(m) => self.on_broken(who, MatchId(m.match_number.get())),
            Message::NetOrderImbalance(m) => self.on_imbalance(who, m),
            Message::MwcbDeclineLevel(m) => {
                self.breakers.levels = Some([m.level_1.get(), m.level_2.get(), m.level_3.get()]);
                News::DAY
            }
            Message::MwcbStatus(m) => self.on_breach(who, m.breached_level),
            Message::LuldCollar(_)
            | Message::IpoQuotingPeriod(_)
            | Message::DirectListing(_)
            | Message::RetailInterest(_) => self.on_notice(who, message),
            // L tells of market makers; the rest is applied elsewhere.
            _ => 0,
        }
    }

    fn on_event(&mut self, who: Who, code: u8) -> u8 {
        match code {
            b'Q' => self.set_hours(true),
            b'M' => self.set_hours(false),
            b'O' | b'S' | b'E' | b'C' => {}
            _ => return self.lie(who, Lie::Unreadable),
        }
        News::DAY
    }

    /// The feed tells; its clock is not asked any more.
    fn set_hours(&mut self, open: bool) {
        self.by_clock = false;
        self.show_hours(open);
    }

    /// What was read off a stamp that lied is read again.
    #[cold]
    pub(crate) fn look_at_hours_again(&mut self) {
        if self.by_clock {
            self.hours_turn_ns = HOURS_NS[0];
        }
    }

    fn show_hours(&mut self, open: bool) {
        self.hours_turn_ns = u64::MAX;
        self.common.market_hours = open;
        for seat in &mut self.seats {
            seat.status.market_hours = open;
        }
    }

    /// Who joins late has missed the event that opened the market; the feed's clock tells.
    #[cold]
    pub(crate) fn turn_hours(&mut self, at_ns: u64) -> u8 {
        let open = at_ns < HOURS_NS[1];
        self.show_hours(open);
        if open {
            self.hours_turn_ns = HOURS_NS[1];
        }
        News::DAY
    }

    pub(crate) fn on_directory(&mut self, who: Who, m: &itch::StockDirectory) -> u8 {
        let name = Symbol(m.stock);
        let ticker = self.roster.ticker_named(name);
        if who.symbol == NOWHERE {
            return self.lie(who, Lie::WrongSymbol);
        }
        // A locate has one name and, as far as it is known, a name one locate.
        let is_listed = self.roster.at_mut(who.symbol.0).is_some();
        let elsewhere = self.locate(ticker).is_some_and(|locate| locate != who.symbol);
        if (is_listed && name != who.name) || elsewhere {
            return self.lie(who, Lie::WrongSymbol) | self.suspect_ticker(ticker, Lie::WrongSymbol);
        }
        if !is_listed && !self.roster.list(who.symbol.0, name, ticker) {
            self.counters.books_full += 1;
            self.lies[Lie::NoRoom as usize] += 1;
            return self.suspect_ticker(ticker, Lie::NoRoom);
        }
        let Some(seat) = self.seats.get_mut(usize::from(ticker.0)) else { return News::LISTED };
        seat.locate = who.symbol;
        if let Some(listing) = self.roster.at_mut(who.symbol.0) {
            // It may be suspect of what was told before its locate was.
            listing.suspect = seat.status.suspect;
        }
        seat.status.updated_ns = who.at_ns;
        match m.round_lot_size.get() {
            0 => News::LISTED | self.lie(Who { ticker, ..who }, Lie::ZeroShares),
            round_lot => {
                seat.status.round_lot = round_lot;
                News::LISTED
            }
        }
    }

    /// Marks a ticker by its number, for it has no listing or another; counted by the caller.
    pub(crate) fn suspect_ticker(&mut self, ticker: Ticker, lie: Lie) -> u8 {
        let Some(seat) = self.seats.get_mut(usize::from(ticker.0)) else { return 0 };
        if seat.status.suspect.is_some() {
            return 0;
        }
        seat.status.suspect = Some(lie);
        if let Some(listing) = self.roster.at_mut(seat.locate.0) {
            listing.suspect = Some(lie);
        }
        News::STATUS
    }

    fn on_trading(&mut self, who: Who, letter: u8) -> u8 {
        let told = match letter {
            b'H' => TradingState::Halted,
            b'P' => TradingState::Paused,
            b'Q' => TradingState::Quotation,
            b'T' => TradingState::Trading,
            _ => return self.lie(who, Lie::Unreadable),
        };
        if let Some(listing) = self.roster.at_mut(who.symbol.0) {
            listing.told = told;
        }
        self.show_trading(who)
    }

    fn on_operational_halt(&mut self, who: Who, m: &itch::OperationalHalt) -> u8 {
        let is_halted = match m.operational_halt_action {
            b'H' => true,
            b'T' => false,
            _ => return self.lie(who, Lie::Unreadable),
        };
        match m.market_code {
            b'Q' => {}
            // Another market of the operator's.
            b'B' | b'X' => return 0,
            _ => return self.lie(who, Lie::Unreadable),
        }
        if let Some(listing) = self.roster.at_mut(who.symbol.0) {
            listing.is_halted_here = is_halted;
        }
        self.show_trading(who)
    }

    /// Brings the ticker's status up to its listing.
    fn show_trading(&mut self, who: Who) -> u8 {
        let trading = self.roster.at(who.symbol.0).trading();
        let Some(seat) = self.seats.get_mut(usize::from(who.ticker.0)) else { return News::STATUS };
        let changed = seat.status.trading != trading;
        seat.status.trading = trading;
        if changed { News::STATUS } else { 0 }
    }

    fn on_reg_sho(&mut self, who: Who, letter: u8) -> u8 {
        let is_restricted = match letter {
            b'0' => false,
            // In effect since today, or remaining from the day before.
            b'1' | b'2' => true,
            _ => return self.lie(who, Lie::Unreadable),
        };
        let Some(seat) = self.seats.get_mut(usize::from(who.ticker.0)) else { return News::STATUS };
        let changed = seat.status.short_restricted != is_restricted;
        seat.status.short_restricted = is_restricted;
        if changed { News::STATUS } else { 0 }
    }

    fn on_breach(&mut self, who: Who, letter: u8) -> u8 {
        if !(b'1'..=b'3').contains(&letter) {
            return self.lie(who, Lie::Unreadable);
        }
        self.breakers.breached = letter - b'0';
        News::DAY
    }

    fn on_cross(&mut self, who: Who, m: &itch::CrossTrade) -> u8 {
        let (qty, price) = (m.cross_shares.get(), Price(m.cross_price.get()));
        let Some(kind) = cross_kind(m.cross_type) else { return self.lie(who, Lie::Unreadable) };
        let mut what = 0;
        if let Some(seat) = self.seats.get_mut(usize::from(who.ticker.0))
            && seat.status.imbalance.take().is_some()
        {
            what = News::STATUS;
        }
        if qty == 0 {
            // How the feed says that a cross was held and nothing traded.
            self.counters.empty_crosses += 1;
            return what;
        }
        if let Some(lie) = bad_terms(Qty(1), price) {
            return what | self.lie(who, lie);
        }
        self.counters.off_book += 1;
        let trade = Trade {
            at_ns: who.at_ns,
            qty,
            price,
            resting: None,
            match_id: MatchId(m.match_number.get()),
            kind: TradeKind::Cross(kind),
            printable: true,
            broken: false,
        };
        what | self.print(who, trade)
    }

    fn on_broken(&mut self, who: Who, id: MatchId) -> u8 {
        let Some(seat) = self.seats.get_mut(usize::from(who.ticker.0)) else {
            self.counters.broken_unknown += 1;
            return 0;
        };
        let (count, volume) = self.tape.break_match(who.ticker, id);
        if count == 0 {
            self.counters.broken_unknown += 1;
            return 0;
        }
        self.counters.broken += u64::from(count);
        seat.status.volume = seat.status.volume.saturating_sub(volume);
        if let Some(last) = seat.last.as_mut().filter(|last| last.match_id == id) {
            last.broken = true;
        }
        News::STATUS
    }

    fn on_imbalance(&mut self, who: Who, m: &itch::NetOrderImbalance) -> u8 {
        let side = match m.imbalance_direction {
            b'B' => Some(Side::Buy),
            b'S' => Some(Side::Sell),
            b'N' | b'O' | b'P' => None,
            _ => return self.lie(who, Lie::Unreadable),
        };
        let Some(kind) = cross_kind(m.cross_type) else { return self.lie(who, Lie::Unreadable) };
        if let Some(seat) = self.seats.get_mut(usize::from(who.ticker.0)) {
            seat.status.imbalance = Some(Imbalance {
                at_ns: who.at_ns,
                paired: m.paired_shares.get(),
                shares: m.imbalance_shares.get(),
                side,
                far: Price(m.far_price.get()),
                near: Price(m.near_price.get()),
                reference: Price(m.current_reference_price.get()),
                kind,
            });
        }
        News::STATUS
    }

    fn on_notice(&mut self, who: Who, message: &Message<'_>) -> u8 {
        let mut nobody = Notices::default();
        let notices = self.notices.get_mut(usize::from(who.ticker.0)).unwrap_or(&mut nobody);
        match message {
            Message::LuldCollar(m) => {
                notices.collar = Some(Collar {
                    at_ns: who.at_ns,
                    reference: Price(m.auction_collar_reference_price.get()),
                    upper: Price(m.upper_auction_collar_price.get()),
                    lower: Price(m.lower_auction_collar_price.get()),
                    extensions: m.auction_collar_extension.get(),
                });
            }
            Message::IpoQuotingPeriod(m) => {
                notices.offering = Some(Offering {
                    release_s: m.ipo_quotation_release_time.get(),
                    canceled: m.ipo_quotation_release_qualifier == b'C',
                    price: Price(m.ipo_price.get()),
                });
            }
            Message::DirectListing(m) => {
                notices.direct_listing = Some(DirectListing {
                    eligible: m.open_eligibility_status == b'Y',
                    lowest: Price(m.minimum_allowable_price.get()),
                    highest: Price(m.maximum_allowable_price.get()),
                    near: Price(m.near_execution_price.get()),
                });
            }
            Message::RetailInterest(m) => notices.retail_interest = m.interest_flag,
            _ => return 0,
        }
        News::STATUS
    }
}

/// The name that a message gives its symbol; the directory's is judged for itself.
pub(crate) fn stock(message: &Message<'_>) -> Option<Symbol> {
    Some(Symbol(match message {
        Message::StockTradingAction(m) => m.stock,
        Message::RegSho(m) => m.stock,
        Message::MarketParticipantPosition(m) => m.stock,
        Message::IpoQuotingPeriod(m) => m.stock,
        Message::LuldCollar(m) => m.stock,
        Message::OperationalHalt(m) => m.stock,
        Message::CrossTrade(m) => m.stock,
        Message::NetOrderImbalance(m) => m.stock,
        Message::RetailInterest(m) => m.stock,
        Message::DirectListing(m) => m.stock,
        _ => return None,
    }))
}

/// Which cross; the extended close has no name of its own and goes by [`CrossKind::None`].
fn cross_kind(letter: u8) -> Option<CrossKind> {
    match letter {
        b'A' => Some(CrossKind::None),
        b'O' | b'C' | b'H' => CrossKind::from_letter(letter),
        _ => None,
    }
}
