//! Reading ahead over a burst of commands.
//!
//! Why it exists: in a large market a command waits for memory some six times, one wait after the
//! other: the table's line, the order, its level, its neighbours. The waits of different commands
//! do not depend on each other. So before a burst is applied, all its commands are gone through
//! step by step, and each step asks for what the one before it has found; then few are waited for.
//!
//! It is advice alone: nothing is changed, so events and state are those of [`Engine::apply`]
//! whatever was noted, and whatever came between.

use crate::Engine;
use crate::order::{Zone, rank};
use book::{Asked, Slot};
use types::{
    Cancel, Command, Enter, EventSink, Modify, Nanos, Price, Replace, SessionId, Side, Symbol,
    UserRef,
};

/// Commands that an [`Ahead`] keeps account of.
pub const AHEAD_MAX: usize = 32;

/// Live orders from which on commands wait for memory for longer than asking takes.
const NEAR_ORDERS: usize = 20_000;

/// A client's number of an order.
type Number = (SessionId, UserRef);

/// A list that forgets what is beyond [`AHEAD_MAX`].
#[derive(Clone, Copy, Debug)]
struct Few<T> {
    items: [T; AHEAD_MAX],
    len: usize,
}

impl<T: Copy> Few<T> {
    #[inline]
    fn push(&mut self, item: T) {
        if let Some(place) = self.items.get_mut(self.len) {
            *place = item;
            self.len += 1;
        }
    }

    #[inline]
    fn all(&self) -> &[T] {
        &self.items[..self.len.min(AHEAD_MAX)]
    }
}

/// What the next commands are about.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    /// Orders that rest.
    known: Few<Number>,
    /// Of these, which get another price.
    moved: Few<(u8, Price)>,
    /// Orders that come.
    added: Few<(Symbol, Side, Price)>,
    /// Numbers that orders come under.
    numbers: Few<Number>,
}

impl Default for Ahead {
    fn default() -> Ahead {
        let nobody = (SessionId(0), UserRef(0));
        Ahead {
            known: Few { items: [nobody; AHEAD_MAX], len: 0 },
            moved: Few { items: [(0, Price(0)); AHEAD_MAX], len: 0 },
            added: Few { items: [(Symbol([b' '; 8]), Side::Buy, Price(0)); AHEAD_MAX], len: 0 },
            numbers: Few { items: [nobody; AHEAD_MAX], len: 0 },
        }
    }
}

impl Ahead {
    /// Notes a command; the first [`AHEAD_MAX`] count.
    #[inline]
    pub fn note(&mut self, command: &Command) {
        match command {
            Command::Enter(Enter { session, user_ref, symbol, side, price, .. }) => {
                self.note_enter((*session, *user_ref), *symbol, side.side(), *price);
            }
            Command::Replace(Replace { session, orig, user_ref, price, .. }) => {
                self.note_replace(*session, *orig, *user_ref, *price);
            }
            Command::Cancel(Cancel { session, user_ref, .. })
            | Command::Modify(Modify { session, user_ref, .. }) => {
                self.note_known(*session, *user_ref);
            }
            _ => {}
        }
    }

    /// Notes that an order will come under a session's number.
    #[inline]
    pub fn note_enter(&mut self, number: Number, symbol: Symbol, side: Side, price: Price) {
        self.numbers.push(number);
        self.added.push((symbol, side, price));
    }

    /// Notes that an order will be replaced.
    #[inline]
    pub fn note_replace(&mut self, who: SessionId, orig: UserRef, new: UserRef, price: Price) {
        self.moved.push((self.known.len as u8, price));
        self.note_known(who, orig);
        self.numbers.push((who, new));
    }

    /// Notes that something will be done with an order that rests.
    #[inline]
    pub fn note_known(&mut self, who: SessionId, about: UserRef) {
        self.known.push((who, about));
    }

    /// Forgets what was noted.
    #[inline]
    pub fn clear(&mut self) {
        (self.known.len, self.moved.len) = (0, 0);
        (self.added.len, self.numbers.len) = (0, 0);
    }
}

impl Engine {
    /// Applies commands one after the other, as [`Engine::apply`] does, having asked memory for
    /// what they need.
    #[inline]
    pub fn apply_burst<S: EventSink>(
        &mut self,
        commands: &[Command],
        now: Nanos,
        ahead: &mut Ahead,
        sink: &mut S,
    ) {
        for burst in commands.chunks(AHEAD_MAX) {
            if self.wants_ahead() {
                ahead.clear();
                burst.iter().for_each(|command| ahead.note(command));
                self.ask(ahead);
            }
            burst.iter().for_each(|command| self.apply(command, now, sink));
        }
    }

    /// Whether reading ahead pays: where few orders live, the caches have all of them.
    #[inline]
    pub fn wants_ahead(&self) -> bool {
        self.book.len() > NEAR_ORDERS
    }

    /// Asks memory for what commands that were noted will need.
    #[inline]
    pub fn ask(&self, ahead: &Ahead) {
        let (mut slots, mut levels) = ([Slot::default(); AHEAD_MAX], [Asked::default(); AHEAD_MAX]);
        let (known, added, moved) = (ahead.known.all(), ahead.added.all(), ahead.moved.all());
        for (session, user_ref) in known {
            self.clients.ask(*session);
            self.places.ask(*session, *user_ref);
        }
        for (session, user_ref) in ahead.numbers.all() {
            self.clients.ask(*session);
            self.places.ask(*session, *user_ref);
        }
        for (symbol, _, _) in added {
            self.instruments.ask_name(symbol);
        }
        for (slot, (session, user_ref)) in slots.iter_mut().zip(known) {
            *slot = self.places.peek(*session, *user_ref);
            self.book.ask_order(*slot);
        }
        for (symbol, _, _) in added {
            let id = self.instruments.peek(symbol);
            self.instruments.ask(id);
            self.book.ask_book(Zone::Main.book(id));
        }
        for slot in &slots[..known.len()] {
            self.book.ask_around(*slot);
        }
        for (level, (symbol, side, price)) in levels.iter_mut().zip(added) {
            let book = Zone::Main.book(self.instruments.peek(symbol));
            *level = self.book.ask_price(book, *side, rank(*side, *price, true));
        }
        let (mut fronts, mut met) = ([Asked::default(); AHEAD_MAX], 0);
        for (level, (symbol, side, price)) in levels.iter_mut().zip(added) {
            let id = self.instruments.peek(symbol);
            let book = Zone::Main.book(id);
            if !self.meets_none(id, *side, *price) {
                fronts[met] = self.book.ask_best(book, side.opposite());
                met += 1;
            }
            *level = self.book.ask_far(book, *side, rank(*side, *price, true), *level);
        }
        for level in &levels[..added.len()] {
            self.book.ask_back(*level);
        }
        for (level, (at, price)) in levels.iter_mut().zip(moved) {
            let Some(slot) = slots.get(usize::from(*at)) else { continue };
            *level = self.book.ask_beside(*slot, |side| rank(side, *price, true));
        }
        for level in &levels[..moved.len()] {
            self.book.ask_back(*level);
        }
        self.ask_counterparties(&fronts[..met]);
    }

    /// Asks for what orders at the front of levels that were asked for need to be filled.
    #[inline]
    fn ask_counterparties(&self, levels: &[Asked]) {
        let mut slots = [Slot::default(); AHEAD_MAX];
        for (slot, level) in slots.iter_mut().zip(levels) {
            *slot = self.book.ask_front(*level);
        }
        for slot in &slots[..levels.len()] {
            let owner = self.book.carried(*slot);
            self.clients.ask(owner.session);
            self.places.ask(owner.session, owner.user_ref);
            self.book.ask_around(*slot);
        }
    }
}
