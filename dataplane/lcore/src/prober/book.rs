//! What a prober keeps of a venue's words, and what it finds wrong with them.

use telemetry::CounterSet;

/// Answers later than this after the one before are an outage: what a reader of a histogram would
/// call one, and no network's hiccup.
const OUTAGE_NS_MIN: u64 = 1_000_000;
/// Messages for an order: accepted, executed, and what else may come.
const MESSAGES_AN_ORDER: usize = 4;
/// Outages that are remembered.
const OUTAGES_MAX: usize = 1 << 12;

telemetry::keys! {
    /// What a prober counts. All but the first three should be zero.
    pub enum ProberCounter in "prober" {
        /// Orders that were sent for the first time.
        Orders = "orders",
        /// Orders that were sent again on a new connection, as the venue had not heard of them.
        SentAgain = "sent_again",
        /// Messages that were read, the second reading apart.
        Messages = "messages",
        /// Orders that were answered and that the venue knows nothing of any more.
        Lost = "lost",
        /// Orders that were passed over: a later one was answered first.
        PassedOver = "passed_over",
        /// Orders that were answered twice.
        Repeated = "repeated",
        /// Messages that came out of their turn.
        OutOfTurn = "out_of_turn",
        /// Messages that the second reading gave otherwise, or not at all.
        Changed = "changed",
    }
}

/// A time without an answer to an order that waited for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When the last answer before it came, in ns since midnight.
    pub from_ns: u64,
    /// When the next answer came.
    pub to_ns: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Tally {
    counters: CounterSet<ProberCounter>,
    /// A hash of each message, from the first on.
    history: Vec<u64>,
    /// When each order was sent for the first time, in ns; the first one's is at 0.
    sent_ns: Vec<u64>,
    answered: u32,
    shares: u64,
    /// How far a second reading is.
    again: Option<usize>,
    next_ref: Option<u32>,
    queries: u32,
    last_answer_ns: u64,
    outages: Vec<Outage>,
    /// The last one, until it is told: also when no more are remembered.
    untold: Option<Outage>,
    /// Time from an order's first sending to its answer.
    answer_ns: Vec<u64>,
}

impl Tally {
    pub(super) fn new(orders_max: u32) -> Tally {
        let orders = orders_max as usize;
        Tally {
            counters: CounterSet::new(),
            history: Vec::with_capacity(orders * MESSAGES_AN_ORDER),
            sent_ns: Vec::with_capacity(orders),
            answered: 0,
            shares: 0,
            again: None,
            next_ref: None,
            queries: 0,
            last_answer_ns: 0,
            outages: Vec::with_capacity(OUTAGES_MAX),
            untold: None,
            answer_ns: Vec::with_capacity(orders),
        }
    }

    /// An order was handed to TCP.
    pub(super) fn sent(&mut self, user_ref: u32, now_ns: u64) {
        if user_ref as usize > self.sent_ns.len() {
            self.sent_ns.push(now_ns);
            self.counters.inc(ProberCounter::Orders);
        } else {
            self.counters.inc(ProberCounter::SentAgain);
        }
    }

    /// A sequenced message; whether it is news.
    pub(super) fn hear(&mut self, seq: u64, message: &[u8]) -> bool {
        let hash = hash(message);
        if let Some(again) = &mut self.again {
            let same = self.history.get(*again) == Some(&hash) && seq == *again as u64 + 1;
            // What is new in a second reading is the venue's answer to nobody: counted as well.
            self.counters.add(ProberCounter::Changed, u64::from(!same));
            *again += 1;
            return false;
        }
        let due = self.history.len() as u64 + 1;
        self.counters.add(ProberCounter::OutOfTurn, u64::from(seq != due));
        self.counters.inc(ProberCounter::Messages);
        if self.history.len() < self.history.capacity() {
            self.history.push(hash);
        }
        true
    }

    /// The venue answered an order.
    pub(super) fn answer(&mut self, user_ref: u32, now_ns: u64) {
        if user_ref <= self.answered {
            self.counters.inc(ProberCounter::Repeated);
            return;
        }
        let passed = user_ref - self.answered - 1;
        self.counters.add(ProberCounter::PassedOver, u64::from(passed));
        self.answered = user_ref;
        let sent_ns = self.sent_ns.get(user_ref as usize - 1).copied().unwrap_or(now_ns);
        let waited_from_ns = self.last_answer_ns.max(sent_ns);
        if now_ns.saturating_sub(waited_from_ns) > OUTAGE_NS_MIN {
            let outage = Outage { from_ns: waited_from_ns, to_ns: now_ns };
            self.untold = Some(outage);
            if self.outages.len() < OUTAGES_MAX {
                self.outages.push(outage);
            }
        }
        self.last_answer_ns = now_ns;
        if self.answer_ns.len() < self.answer_ns.capacity() {
            self.answer_ns.push(now_ns.saturating_sub(sent_ns));
        }
    }

    /// Shares were executed.
    pub(super) fn fill(&mut self, shares: u32) {
        self.shares += u64::from(shares);
    }

    /// The venue's next number is asked for: an earlier answer says nothing about now.
    pub(super) fn expect_query(&mut self) {
        self.queries += 1;
        self.next_ref = None;
    }

    /// The venue said which number it expects next. What it said before it was read in order, so
    /// all it knows of was answered, and nothing else may have been.
    pub(super) fn next_ref(&mut self, next: u32) {
        self.queries = self.queries.saturating_sub(1);
        let lost = (self.answered + 1).saturating_sub(next);
        self.counters.add(ProberCounter::Lost, u64::from(lost));
        if self.queries == 0 {
            self.next_ref = Some(next.max(1));
        }
    }

    pub(super) fn take_next_ref(&mut self) -> Option<u32> {
        self.next_ref.take()
    }

    /// Everything is read again from here on.
    pub(super) fn read_again(&mut self) {
        self.again = Some(0);
    }

    /// Whether as much was read again as there is.
    pub(super) fn is_read(&self) -> bool {
        self.again.is_some_and(|again| again >= self.history.len())
    }

    pub(super) fn take_outage(&mut self) -> Option<Outage> {
        self.untold.take()
    }

    /// The last order that was answered.
    pub fn answered(&self) -> u32 {
        self.answered
    }

    /// The last order that was sent.
    pub fn highest_sent(&self) -> u32 {
        self.sent_ns.len() as u32
    }

    /// Shares that were executed.
    pub fn shares(&self) -> u64 {
        self.shares
    }

    /// Times without an answer, in their order.
    pub fn outages(&self) -> &[Outage] {
        &self.outages
    }

    /// How long each order waited for its answer, from its first sending, in ns.
    pub fn answer_ns(&self) -> &[u64] {
        &self.answer_ns
    }

    /// How much of what a venue must not do it did.
    pub fn wrong(&self) -> u64 {
        use ProberCounter as C;
        let wrong = [C::Lost, C::PassedOver, C::Repeated, C::OutOfTurn, C::Changed];
        wrong.into_iter().map(|counter| self.counters.get(counter)).sum()
    }

    /// What was counted.
    pub fn counters(&self) -> &CounterSet<ProberCounter> {
        &self.counters
    }
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProberCounter as C;

    fn wrong(tally: &Tally) -> [u64; 5] {
        [C::Lost, C::PassedOver, C::Repeated, C::OutOfTurn, C::Changed]
            .map(|counter| tally.counters().get(counter))
    }

    fn traded() -> Tally {
        let mut tally = Tally::new(10);
        for user_ref in 1..=3 {
            tally.sent(user_ref, 100);
            assert!(tally.hear(u64::from(user_ref), &[user_ref as u8]));
            tally.answer(user_ref, 200);
        }
        assert_eq!(wrong(&tally), [0; 5]);
        tally
    }

    #[test]
    fn what_was_answered_and_is_gone_is_lost() {
        let mut tally = traded();
        tally.expect_query();
        tally.next_ref(2);
        assert_eq!((wrong(&tally), tally.take_next_ref()), ([2, 0, 0, 0, 0], Some(2)));
    }

    #[test]
    fn an_old_answer_to_a_query_says_nothing() {
        let mut tally = traded();
        tally.expect_query();
        tally.expect_query();
        tally.next_ref(4);
        assert_eq!(tally.take_next_ref(), None);
        tally.next_ref(4);
        assert_eq!((wrong(&tally), tally.take_next_ref()), ([0; 5], Some(4)));
    }

    #[test]
    fn what_comes_twice_or_too_soon_is_counted() {
        let mut tally = traded();
        tally.answer(3, 300);
        tally.answer(6, 300);
        assert!(tally.hear(9, &[1]));
        assert_eq!(wrong(&tally), [0, 2, 1, 1, 0]);
    }

    #[test]
    fn a_second_reading_is_the_same_or_counted() {
        let mut tally = traded();
        tally.read_again();
        assert!(!tally.is_read() && !tally.hear(1, &[1]) && !tally.hear(2, &[2]));
        assert_eq!(wrong(&tally), [0; 5]);
        assert!(!tally.hear(3, &[9]) && tally.is_read());
        assert_eq!(wrong(&tally), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn silence_is_an_outage_only_while_an_order_waits() {
        let mut tally = traded();
        tally.sent(4, 90_000_000);
        tally.answer(4, 90_000_100);
        assert!(tally.outages().is_empty());
        tally.sent(5, 90_000_200);
        tally.answer(5, 95_000_000);
        let outage = Outage { from_ns: 90_000_200, to_ns: 95_000_000 };
        assert_eq!(tally.outages(), [outage]);
        assert_eq!(tally.take_outage(), Some(outage));
    }
}
