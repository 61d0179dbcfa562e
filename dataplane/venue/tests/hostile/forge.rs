//! The stream of messages: mostly ones that do something to each other, the rest not what OUCH
//! says.

use types::{CrossKind, MatchId, Operation, Phase, Price, SessionId, SymbolId, UserRef};

/// Numbers above this are the last that a session is worth going on with.
const NUMBER_MAX: u32 = 0xF000_0000;
/// No message is longer.
const MESSAGE_MAX: usize = 400;

/// xorshift64*.
pub(crate) struct Rng(u64);

impl Rng {
    /// Any seed will do.
    pub(crate) fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// Once in so many times.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// See the module.
pub(crate) struct Forge {
    /// Where all chance comes from.
    pub(crate) rng: Rng,
    active: Vec<SessionId>,
    spare: std::ops::Range<u16>,
    message: Vec<u8>,
}

impl Forge {
    /// For sessions `0..sessions`, four of which speak at a time.
    pub(crate) fn new(rng: Rng, sessions: u16) -> Forge {
        let active = (0..4).map(SessionId).collect();
        Forge { rng, active, spare: 4..sessions, message: Vec::with_capacity(MESSAGE_MAX) }
    }

    /// The next message and who sends it; `last` tells the highest number of a session.
    pub(crate) fn message(
        &mut self,
        now_ns: u64,
        last: impl Fn(SessionId) -> UserRef,
    ) -> (SessionId, &[u8]) {
        let at = self.rng.below(self.active.len() as u64) as usize;
        if last(self.active[at]).0 > NUMBER_MAX
            && let Some(next) = self.spare.next()
        {
            self.active[at] = SessionId(next);
        }
        let who = self.active[at];
        self.sound(last(who).0, (now_ns / 1_000_000_000) as u32);
        if self.rng.one_in(6) {
            self.spoil();
        }
        (who, &self.message)
    }

    /// A message as OUCH has it, though what it says may be out of any range.
    fn sound(&mut self, last: u32, second: u32) {
        self.message.clear();
        let kinds = b"OOOOOOOOOOOOOOOOOOOOOOOOUUUUUUUUXXXXXXMMMMQQCEEE??";
        let kind = if self.rng.one_in(150) { b'D' } else { self.rng.pick(kinds) };
        self.message.push(kind);
        let number = self.number(last);
        match kind {
            b'O' => self.enter(number, second),
            b'U' => self.replace(last, number, second),
            b'X' => {
                self.known(last);
                self.quantity(true);
            }
            b'M' => {
                self.known(last);
                self.letter(b"BSTE", 20);
                self.quantity(false);
            }
            b'C' => {
                self.put(&number.to_be_bytes());
                self.firm();
                self.symbol(3);
            }
            b'D' | b'E' => {
                self.put(&number.to_be_bytes());
                self.firm();
            }
            b'Q' => {}
            _ => {
                self.message.clear();
                (0..self.rng.below(80)).for_each(|_| self.message.push(self.rng.next() as u8));
            }
        }
        if b"XMCDEQ".contains(&kind) && self.rng.one_in(4) {
            self.appendage(second);
        }
    }

    fn enter(&mut self, number: u32, second: u32) {
        self.put(&number.to_be_bytes());
        self.letter(b"BSBSBSTE", 100);
        self.quantity(false);
        self.symbol(50);
        self.price();
        self.letter(b"00003356", 100);
        self.letter(b"YYYYYYANPLMW", 40);
        self.letter(b"AP", 50);
        self.letter(b"NY", 50);
        self.letter(b"NNNNNNNNNNNNNNNNNNNNNNNNNOCH", 50);
        self.put(b"HOSTILE       ");
        self.appendage(second);
    }

    fn replace(&mut self, last: u32, number: u32, second: u32) {
        self.known(last);
        self.put(&number.to_be_bytes());
        self.quantity(false);
        self.price();
        self.letter(b"00003356", 100);
        self.letter(b"YYYYYYANPLMW", 40);
        self.letter(b"NY", 50);
        self.put(b"HOSTILE AGAIN ");
        self.appendage(second);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.message.extend_from_slice(bytes);
    }

    /// One of these, or once in a while any byte.
    fn letter(&mut self, of: &[u8], odd: u64) {
        let any = self.rng.next() as u8;
        let letter = if self.rng.one_in(odd) { any } else { self.rng.pick(of) };
        self.message.push(letter);
    }

    /// A new number: the next, one used before, or far ahead.
    fn number(&mut self, last: u32) -> u32 {
        match self.rng.below(100_000) {
            0 => self.rng.next() as u32,
            1..=3_000 => last.wrapping_sub(self.rng.below(5) as u32),
            3_001..=6_000 => last.wrapping_add(self.rng.below(100) as u32),
            _ => last.wrapping_add(1),
        }
    }

    /// The number of an order of late, or of none.
    fn known(&mut self, last: u32) {
        let back = if self.rng.one_in(50) { self.rng.next() } else { self.rng.below(12) };
        self.put(&last.wrapping_sub(back as u32).to_be_bytes());
    }

    fn quantity(&mut self, may_be_none: bool) {
        let odd = [0, 1, 899_999, 900_001, 999_999, 1_000_000, 1 << 31, u32::MAX];
        let quantity = match self.rng.below(40) {
            0 => self.rng.pick(&odd),
            1..=15 if may_be_none => 0,
            _ => 1 + self.rng.below(300) as u32,
        };
        self.put(&quantity.to_be_bytes());
    }

    fn symbol(&mut self, odd: u64) {
        let name = self.rng.pick(&[*b"AAPL    ", *b"AAPL    ", *b"MSFT    ", *b"TSLA    "]);
        let none = self.rng.pick(&[*b"        ", *b"NOSUCH  ", [0; 8], [0xFF; 8]]);
        let symbol = if self.rng.one_in(odd) { none } else { name };
        self.put(&symbol);
    }

    fn price(&mut self) {
        let odd = [0, 1, 99, 1_999_999_900, 1_999_999_999, 2_000_000_000, 0x7FFF_FFFF, 1 << 32, 5];
        let price = match self.rng.below(40) {
            0 => self.rng.pick(&odd),
            1 => self.rng.next(),
            2 => 1_000_000 + self.rng.below(1_000),
            _ => 1_000_000 + 100 * self.rng.below(21) - 1_000,
        };
        self.put(&price.to_be_bytes());
    }

    fn firm(&mut self) {
        let firm = self.rng.pick(&[*b"    ", *b"HOME", *b"AWAY", [0; 4], *b"\xFF\0\x01 "]);
        self.put(&firm);
    }

    /// Its length, and fields that mean something or do not.
    fn appendage(&mut self, second: u32) {
        let start = self.message.len();
        self.put(&[0, 0]);
        let fields = if self.rng.one_in(3) { 1 + self.rng.below(3) } else { 0 };
        for _ in 0..fields {
            let small = self.rng.below(400) as u32;
            match self.rng.below(12) {
                0 => self.field(3, &small.to_be_bytes()),
                1 => self.field(5, &(small / 2 + 50).to_be_bytes()),
                2 => self.field(12, b"P"),
                3 => self.field(6, b"M"),
                4 => self.field(15, &(second + small % 5).to_be_bytes()),
                5 => self.field(2, b"HOME"),
                6 => self.field(2, b"AWAY"),
                7 => self.field(27, b"B"),
                8 => self.field(13, &small.to_be_bytes()),
                9 => self.field(200, &[0; 40]),
                _ => {
                    let (tag, value) = (self.rng.next() as u8 % 30, self.rng.next().to_be_bytes());
                    let length = self.rng.below(9) as usize;
                    self.field(tag, &value[..length]);
                }
            }
        }
        let length = (self.message.len() - start - 2) as u16;
        self.message[start..start + 2].copy_from_slice(&length.to_be_bytes());
    }

    fn field(&mut self, tag: u8, value: &[u8]) {
        self.put(&[value.len() as u8 + 1, tag]);
        self.put(value);
    }

    /// Bytes changed, lost or too many. A number is seldom hit: a session whose number is high has
    /// none left.
    fn spoil(&mut self) {
        let length = self.message.len() as u64;
        match self.rng.below(4) {
            0 => self.message.truncate(self.rng.below(length + 1) as usize),
            1 => (0..=self.rng.below(40)).for_each(|_| self.message.push(self.rng.next() as u8)),
            _ => {
                for _ in 0..=self.rng.below(4) {
                    let at = self.rng.below(length.max(1)) as usize;
                    let is_number = (1..3).contains(&at) || (5..7).contains(&at);
                    if is_number && !self.rng.one_in(1_000) {
                        continue;
                    }
                    let bit = 1 << self.rng.below(8);
                    let any = self.rng.next() as u8;
                    if let Some(byte) = self.message.get_mut(at) {
                        *byte = if any & 1 == 0 { any } else { *byte ^ bit };
                    }
                }
            }
        }
    }

    /// What an operator does, mostly to go on with the day.
    pub(crate) fn operation(&mut self, last_match: u64) -> Operation {
        use Operation::{
            Adjust, Bands, Breaker, Bust, CancelSession, Cross, Halt, Imbalance, Quote, Reference,
            Resume,
        };
        let symbol = SymbolId(self.rng.below(5) as u16);
        let price = Price(1_000_000 + 100 * self.rng.below(11) as u32 - 500);
        let match_id = MatchId(last_match.saturating_sub(self.rng.below(50)));
        let kind = self.rng.pick(&[CrossKind::None, CrossKind::Opening, CrossKind::Closing]);
        let phase = self.rng.pick(&[Phase::Start, Phase::PreOpen, Phase::Closed, Phase::End]);
        match self.rng.below(30) {
            0 => Halt { symbol, reason: *b"T1  " },
            1 => Cross { symbol, kind },
            2 => Operation::Phase { symbol, phase },
            3 => Bands { symbol, lower: Price(999_600), upper: Price(1_000_400) },
            4 => Bands { symbol, lower: Price(0), upper: Price(0) },
            5 => Bust { match_id, reason: b'E' },
            6 => Adjust { match_id, price, reason: b'S' },
            7 => Imbalance { symbol },
            8 => Quote { symbol, release_s: 36_000, price },
            9 => Reference { symbol, price },
            10 => CancelSession { session: SessionId(self.rng.below(6) as u16) },
            11 if self.rng.one_in(4) => Breaker { level: 1 + self.rng.below(2) as u8 },
            12..=20 => Resume { symbol: SymbolId(1 + self.rng.below(3) as u16) },
            _ => Operation::Phase { symbol: SymbolId(0), phase: Phase::Continuous },
        }
    }
}
