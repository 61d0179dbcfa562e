//! Events as JSON lines, one object a line.

use std::fmt::Write;

use types::{
    CrossKind, Event, EventSink, Executed, Party, Phase, SessionId, Side, SymbolId, TradingState,
    UserRef,
};

use super::Names;

/// Takes events and keeps their lines until they are fetched.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    names: &'a Names,
    text: String,
}

/// A line in the making.
struct Line<'t>(&'t mut String);

impl Line<'_> {
    fn word(self, key: &str, value: &str) -> Self {
        // A string always is JSON.
        let value = serde_json::to_string(value).unwrap_or_default();
        let _ = write!(self.0, ",\"{key}\":{value}");
        self
    }

    fn number(self, key: &str, value: impl Into<u64>) -> Self {
        let _ = write!(self.0, ",\"{key}\":{}", value.into());
        self
    }

    fn letter(self, key: &str, letter: u8) -> Self {
        self.word(key, &char::from(letter).to_string())
    }

    fn party(self, party: &Party) -> Self {
        self.owner(party.session, party.user_ref)
    }

    fn owner(self, session: SessionId, user_ref: UserRef) -> Self {
        self.number("session", session.0).number("ref", user_ref.0)
    }

    fn end(self) {
        self.0.push_str("}\n");
    }
}

impl<'a> Lines<'a> {
    /// No lines yet.
    pub(crate) fn new(names: &'a Names) -> Lines<'a> {
        Lines { names, text: String::new() }
    }

    /// The lines so far, which are forgotten.
    pub(crate) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// A line about a script's own mistake.
    pub(crate) fn error(&mut self, line: u64, message: &str) {
        self.begin("error").number("line", line).word("error", message).end();
    }

    fn begin(&mut self, event: &str) -> Line<'_> {
        let _ = write!(self.text, "{{\"event\":\"{event}\"");
        Line(&mut self.text)
    }

    /// A line that begins with the event and the symbol's name.
    fn about(&mut self, event: &str, symbol: SymbolId) -> Line<'_> {
        let name = self.names.symbol(symbol);
        let line = self.begin(event);
        if name.is_empty() { line } else { line.word("symbol", &name) }
    }

    fn accepted(&mut self, e: &types::Accepted) {
        let name = self.names.symbol(e.symbol);
        let line = self.begin("accepted").party(&e.party).number("order", e.party.order_id.0);
        let line = line.letter("side", e.side.letter()).number("qty", e.qty.0);
        let line = line.word("symbol", &name).number("price", e.price.0);
        let line = line.word("tif", tif(e.tif)).letter("display", e.display.letter());
        line.letter("cross", e.cross.letter()).end();
    }

    fn replaced(&mut self, e: &types::Replaced) {
        let name = self.names.symbol(e.symbol);
        let line = self.begin("replaced").owner(e.party.session, e.party.user_ref);
        let line = line.number("orig", e.orig.0).number("order", e.party.order_id.0);
        let line = line.letter("side", e.side.letter()).number("qty", e.qty.0);
        let line = line.word("symbol", &name).number("price", e.price.0);
        line.word("tif", tif(e.tif)).letter("display", e.display.letter()).end();
    }

    fn executed(&mut self, e: &Executed) {
        let in_cross = matches!(e.liquidity[0], b'M' | b'L' | b'K');
        // Nobody takes in a cross: the older order counts as the one that was there.
        let first_adds = !in_cross || e.resting.order_id < e.aggressor.order_id;
        for (party, flag, adds) in
            [(&e.resting, e.liquidity[0], first_adds), (&e.aggressor, e.liquidity[1], !first_adds)]
        {
            let liq = if adds { b'A' } else { b'R' };
            let line = self.begin("executed").party(party).number("match", e.match_id.0);
            let line = line.number("price", e.price.0).number("qty", e.qty.0);
            line.letter("liq", liq).letter("flag", flag).end();
        }
        if !in_cross {
            let line = self.about("trade", e.symbol).number("match", e.match_id.0);
            line.number("price", e.price.0).number("qty", e.qty.0).end();
        }
    }

    fn canceled(&mut self, e: &types::Canceled) {
        let line = self.begin("canceled").party(&e.party).number("qty", e.qty.0);
        let line = line.word("reason", e.reason.text()).letter("code", e.reason.code());
        line.number("leaves", e.leaves.0).end();
    }

    fn aiq(&mut self, e: &types::Aiq) {
        let reason = types::CancelReason::SelfMatchPrevention;
        let line = self.begin("canceled").party(&e.party).number("qty", e.qty.0);
        let line = line.word("reason", reason.text()).letter("code", reason.code());
        let line = line.number("leaves", e.leaves.0).number("prevented", e.prevented.0);
        line.number("price", e.price.0).end();
    }

    fn imbalance(&mut self, e: &types::Imbalance) {
        let side = e.side.map_or(b'N', Side::letter);
        let line = self.about("imbalance", e.symbol).word("cross", cross(e.kind));
        let line = line.number("paired", e.paired).number("imbalance", e.imbalance);
        let line = line.letter("side", side).number("price", e.price.0);
        line.number("reference", e.reference.0).end();
    }

    fn cross_done(&mut self, e: &types::CrossDone) {
        let line = self.about("trade", e.symbol).number("match", e.match_id.0);
        let line = line.number("price", e.price.0).number("qty", e.qty);
        line.word("cross", cross(e.kind)).end();
    }

    fn undone(&mut self, event: &str, parties: &[(SessionId, UserRef)], more: (u64, u32, u8)) {
        let (match_id, price, reason) = more;
        for (session, user_ref) in parties {
            let line = self.begin(event).owner(*session, *user_ref).number("match", match_id);
            let line = if price > 0 { line.number("price", price) } else { line };
            line.letter("reason", reason).end();
        }
    }

    fn moved(&mut self, e: &Event) {
        let Event::Moved { from, to, amount, symbol } = e else { return };
        let names = self.names;
        let from = from.map_or("outside", |id| names.account(id));
        let line = self.about("moved", *symbol).word("from", from).word("to", names.account(*to));
        line.number("amount", *amount).end();
    }

    /// Events of the market as a whole, or of an instrument.
    fn market(&mut self, event: &Event) {
        match event {
            Event::State(e) => {
                let reason = String::from_utf8_lossy(&e.reason).trim_end().to_owned();
                let line = self.about("state", e.symbol).word("state", state(e.state));
                line.word("reason", &reason).end();
            }
            Event::Phase { symbol, phase } => {
                self.about("state", *symbol).word("phase", phase_name(*phase)).end();
            }
            Event::Collar { symbol, reference, lower, upper } => {
                let line = self.about("collar", *symbol).number("reference", reference.0);
                line.number("lower", lower.0).number("upper", upper.0).end();
            }
            Event::Offering { symbol, release_s, price } => {
                let line = self.about("offering", *symbol).number("release_s", *release_s);
                line.number("price", price.0).end();
            }
            Event::Breaker { level } => self.begin("breaker").number("level", *level).end(),
            Event::CrossDone(e) if e.qty == 0 => {}
            Event::CrossDone(e) => self.cross_done(e),
            Event::Imbalance(e) => self.imbalance(e),
            Event::Moved { .. } => self.moved(event),
            Event::Obstacle(e) => self.begin("refused").word("reason", &e.to_string()).end(),
            _ => {}
        }
    }
}

impl EventSink for Lines<'_> {
    fn on_event(&mut self, event: &Event) {
        match event {
            Event::Accepted(e) => self.accepted(e),
            Event::Replaced(e) => self.replaced(e),
            Event::Rejected(e) => {
                let line = self.begin("rejected").owner(e.session, e.user_ref);
                line.word("reason", e.reason.text()).number("code", e.reason.code()).end();
            }
            Event::Executed(e) => self.executed(e),
            Event::Canceled(e) => self.canceled(e),
            Event::Aiq(e) => self.aiq(e),
            Event::Modified { party, side, qty, reduced } => {
                let line = self.begin("modified").party(party).letter("side", side.letter());
                line.number("qty", qty.0).number("reduced", reduced.0).end();
            }
            Event::Restated(e) => {
                let reason = match e.reason {
                    b'R' => "Refresh Of Display",
                    _ => "Update Of Displayed Price",
                };
                let line = self.begin("restated").party(&e.party).word("reason", reason);
                let line = line.letter("code", e.reason).number("order", e.party.order_id.0);
                line.number("qty", e.displayed.0).number("price", e.price.0).end();
            }
            Event::MassCanceled(e) => {
                self.begin("mass_canceled").owner(e.session, e.user_ref).end()
            }
            Event::Permitted(e) => {
                let event = if e.enabled { "enabled" } else { "disabled" };
                self.begin(event).owner(e.session, e.user_ref).end();
            }
            Event::Broken(e) => self.undone("broken", &e.parties, (e.match_id.0, 0, e.reason)),
            Event::Corrected(e) => {
                let more = (e.match_id.0, e.price.0, e.reason);
                self.undone("corrected", &e.parties, more);
            }
            // What only the tape says: the orders' own events tell it here.
            Event::BookAdd(_)
            | Event::BookReplace(_)
            | Event::BookReduce(_)
            | Event::BookRemove(_) => {}
            _ => self.market(event),
        }
    }
}

fn tif(tif: types::TimeInForce) -> &'static str {
    use types::TimeInForce::{Day, Gtt, Gtx, Ioc};
    match tif {
        Day => "day",
        Ioc => "ioc",
        Gtx => "gtx",
        Gtt => "gtt",
    }
}

fn state(state: TradingState) -> &'static str {
    match state {
        TradingState::Halted => "halted",
        TradingState::Paused => "paused",
        TradingState::Quotation => "quotation",
        TradingState::Trading => "trading",
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Start => "start",
        Phase::PreOpen => "preopen",
        Phase::Continuous => "continuous",
        Phase::Closed => "closed",
        Phase::End => "end",
    }
}

fn cross(kind: CrossKind) -> &'static str {
    match kind {
        CrossKind::None => "none",
        CrossKind::Opening => "opening",
        CrossKind::Closing => "closing",
        CrossKind::Halt => "halt",
    }
}
