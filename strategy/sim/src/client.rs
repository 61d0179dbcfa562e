//! A client: OUCH over SoupBinTCP, with an order flow of its own, and a memory for all it was told.

use crate::floor::user;
use crate::outcome::{Check, Violation};
use crate::rng::Rng;
use session::{ClientConfig, ClientHandler, SoupClient};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wire::ouch::outbound::{self, Message};

/// Orders that nobody has answered, at most.
const UNANSWERED_MAX: usize = 12;
/// How long a login may go unanswered.
const PATIENCE_NS: u64 = 2_000_000;

/// An order as its client remembers it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) user_ref: u32,
    pub(crate) bytes: Vec<u8>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) who: u16,
    pub(crate) soup: SoupClient,
    /// Its connection.
    pub(crate) conn: Option<usize>,
    /// When it may try to connect next.
    pub(crate) retry_ns: u64,
    pub(crate) opened_ns: u64,
    next_ref: u32,
    left: u32,
    pub(crate) unanswered: VecDeque<Asked>,
    live: Vec<u32>,
    /// Log in was accepted: what is unanswered is to be sent again.
    resend: bool,
    heard: Heard,
}

/// What a client was told.
#[derive(Debug, Default)]
struct Heard {
    /// In order, to be looked at.
    new: VecDeque<(u64, Vec<u8>)>,
    accepted: bool,
    fills: BTreeSet<(u64, u32)>,
    /// For each order that was sent, the entry of the latest one that was answered by then.
    floors: BTreeMap<u32, u64>,
}

impl ClientHandler for Heard {
    fn on_accepted(&mut self, _: &session::Session, _: u64) {
        self.accepted = true;
    }

    fn on_sequenced(&mut self, seq: u64, message: &[u8]) {
        self.new.push_back((seq, message.to_vec()));
    }
}

impl Client {
    pub(crate) fn new(who: u16, orders: u32) -> Client {
        let config = ClientConfig {
            heartbeat_ns: 1_000_000,
            silence_max_ns: 4_000_000,
            ..ClientConfig::new(&user(who), "secret")
        };
        Client {
            who,
            soup: SoupClient::new(&config).expect("a client"),
            conn: None,
            retry_ns: 0,
            opened_ns: 0,
            next_ref: 1,
            left: orders,
            unanswered: VecDeque::new(),
            live: Vec::new(),
            resend: false,
            heard: Heard::default(),
        }
    }

    /// Bytes of its stream; messages that came with them, to be judged.
    pub(crate) fn take(&mut self, now_ns: u64, bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        // An error ends the connection, which `is_over` tells.
        let _ = self.soup.on_bytes(now_ns, bytes, &mut self.heard);
        if std::mem::take(&mut self.heard.accepted) {
            self.resend = true;
        }
        self.heard.new.drain(..).collect()
    }

    /// Whether all its orders were answered.
    pub(crate) fn is_done(&self) -> bool {
        self.left == 0 && self.unanswered.is_empty()
    }

    /// Whether its connection is to be closed.
    pub(crate) fn gives_up(&mut self, now_ns: u64) -> bool {
        let _ = self.soup.check(now_ns);
        let waits = !self.soup.is_open() && now_ns.saturating_sub(self.opened_ns) > PATIENCE_NS;
        self.soup.is_over() || waits
    }

    /// What a message says is taken in; `index` tells where an order is in the log, `floor` is the
    /// entry of the latest order answered so far, raised by this.
    pub(crate) fn judge(
        &mut self,
        message: &[u8],
        index: impl Fn(u32) -> Option<u64>,
        floor: &mut u64,
    ) -> Result<(), Violation> {
        let Ok(message) = outbound::parse(message) else { return Ok(()) };
        match message {
            Message::OrderAccepted(m, _) => {
                self.live.push(m.user_ref_num.get());
                self.answered(m.user_ref_num.get(), &index, floor)
            }
            Message::OrderReplaced(m, _) => {
                let gone = m.orig_user_ref_num.get();
                self.live.retain(|live| *live != gone);
                self.live.push(m.user_ref_num.get());
                self.answered(m.user_ref_num.get(), &index, floor)
            }
            Message::Rejected(m) => self.answered(m.user_ref_num.get(), &index, floor),
            Message::OrderExecuted(m, _) => {
                let fill = (m.match_number.get(), m.user_ref_num.get());
                if self.heard.fills.insert(fill) {
                    return Ok(());
                }
                let what = format!("client {} is told twice of match {}", self.who, fill.0);
                Err(Check::Fills.broken(what))
            }
            Message::OrderCanceled(m) => {
                let gone = m.user_ref_num.get();
                self.live.retain(|live| *live != gone);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn answered(
        &mut self,
        user_ref: u32,
        index: &impl Fn(u32) -> Option<u64>,
        floor: &mut u64,
    ) -> Result<(), Violation> {
        let Some(at) = index(user_ref) else {
            let what = format!("client {}: order {user_ref} is in nobody's log", self.who);
            return Err(Check::Linear.broken(what));
        };
        self.unanswered.retain(|asked| asked.user_ref != user_ref);
        if let Some(before) = self.heard.floors.remove(&user_ref)
            && at <= before
        {
            let what = format!(
                "client {}: order {user_ref}, entry {at}, came when entry {before} was answered",
                self.who
            );
            return Err(Check::Linear.broken(what));
        }
        *floor = (*floor).max(at);
        Ok(())
    }

    /// Writes what it has to say now.
    pub(crate) fn speak(&mut self, now_ns: u64, rng: &mut Rng, floor: u64) -> Vec<u8> {
        let mut out = vec![0; 4096];
        let mut len = self.soup.pump(now_ns, &mut out);
        if !self.soup.is_open() {
            out.truncate(len);
            return out;
        }
        if std::mem::take(&mut self.resend) {
            for at in 0..self.unanswered.len() {
                len += self.send(now_ns, &mut out[len..], at);
            }
        }
        let cancels = self.left > 0 && !self.live.is_empty() && rng.one_in(5);
        if cancels {
            let at = rng.below(self.live.len() as u64) as usize;
            let message = cancel(self.live[at]);
            len += self.soup.send_unsequenced(now_ns, &mut out[len..], &message).unwrap_or(0);
        }
        if self.left > 0 && self.unanswered.len() < UNANSWERED_MAX {
            self.left -= 1;
            let bytes = self.order(rng);
            let user_ref = self.next_ref - 1;
            self.heard.floors.insert(user_ref, floor);
            len += self.soup.send_unsequenced(now_ns, &mut out[len..], &bytes).unwrap_or(0);
            // To replace an order that is gone is not always answered, and so not waited for.
            if bytes[0] == b'O' {
                self.unanswered.push_back(Asked { user_ref, bytes });
            }
        }
        out.truncate(len);
        out
    }

    fn send(&mut self, now_ns: u64, out: &mut [u8], at: usize) -> usize {
        let Some(asked) = self.unanswered.get(at) else { return 0 };
        self.soup.send_unsequenced(now_ns, out, &asked.bytes).unwrap_or(0)
    }

    /// A new order, or one that takes the place of another.
    fn order(&mut self, rng: &mut Rng) -> Vec<u8> {
        let number = self.next_ref.to_be_bytes();
        self.next_ref += 1;
        let price = (1_000_000 + 100 * rng.below(9)).to_be_bytes();
        let quantity = (1 + rng.below(300) as u32).to_be_bytes();
        let lasting = [rng.pick(b"00036")];
        if !self.live.is_empty() && rng.one_in(4) {
            let at = rng.below(self.live.len() as u64) as usize;
            let orig = self.live[at].to_be_bytes();
            let tail = b"YNSIMULATED     \0\0";
            return [b"U", &orig[..], &number, &quantity, &price, b"0", tail].concat();
        }
        let side = [rng.pick(b"BS")];
        let symbol = rng.pick(&[b"AAPL    ", b"MSFT    "]);
        // Good till the second that begins in mid-run.
        let appendage: &[u8] = if lasting == *b"6" { &EXPIRES } else { b"\0\0" };
        let tail = b"YANNSIMULATED     ";
        [b"O", &number[..], &side, &quantity, symbol, &price, &lasting, tail, appendage].concat()
    }
}

/// Appendage length, and ExpireTime: length, tag, 34,200 s.
const EXPIRES: [u8; 8] = [0, 6, 5, 15, 0, 0, 0x85, 0x98];

fn cancel(user_ref: u32) -> Vec<u8> {
    [b"X", &user_ref.to_be_bytes()[..], &[0; 4]].concat()
}
