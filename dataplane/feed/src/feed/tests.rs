use super::*;
use crate::config::{RetransmitConfig, SnapshotJoinConfig};
use wire::IntoBytes;
use wire::glimpse::EndOfSnapshot;
use wire::moldudp64::{HEADER_LEN, Header, Packer};

mod flow;
mod gaps;
mod hostile;
mod joins;
mod sessions;

const DAY: Session = *b"DAY       ";
const NEXT: Session = *b"NEXT      ";
const MS: u64 = 1_000_000;

/// What a handler was told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Message(u64),
    Behind(u64, u64),
    Whole,
    Lost(u64, u64),
    Begin,
    Snapshot(Vec<u8>),
    Join(u64),
    Failed,
    Changed(Session),
    End(u64),
}
use Told::{Begin, Behind, Changed, End, Failed, Join, Lost, Message, Snapshot, Whole};

#[derive(Default)]
struct Seen(Vec<Told>);

impl Seen {
    /// What was told since the last time.
    fn take(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.0)
    }
}

impl FeedHandler for Seen {
    fn on_message(&mut self, seq: u64, bytes: &[u8]) {
        assert_eq!(bytes, message(seq), "message {seq}");
        self.0.push(Message(seq));
    }
    fn on_behind(&mut self, gap: Gap) {
        self.0.push(Behind(gap.from, gap.to));
    }
    fn on_whole(&mut self) {
        self.0.push(Whole);
    }
    fn on_lost(&mut self, gap: Gap) {
        self.0.push(Lost(gap.from, gap.to));
    }
    fn on_snapshot_begin(&mut self) {
        self.0.push(Begin);
    }
    fn on_snapshot_message(&mut self, message: &[u8]) {
        self.0.push(Snapshot(message.to_vec()));
    }
    fn on_snapshot_end(&mut self, next_seq: u64) {
        self.0.push(Join(next_seq));
    }
    fn on_snapshot_failed(&mut self) {
        self.0.push(Failed);
    }
    fn on_session(&mut self, session: &Session) {
        self.0.push(Changed(*session));
    }
    fn on_end_of_session(&mut self, next_seq: u64) {
        self.0.push(End(next_seq));
    }
}

/// What the message with this number says: 8 to 14 bytes.
fn message(seq: u64) -> Vec<u8> {
    let mut bytes = seq.to_be_bytes().to_vec();
    bytes.resize(8 + (seq % 7) as usize, seq as u8);
    bytes
}

fn packet_of(session: Session, first: u64, count: u16) -> Vec<u8> {
    let mut out = vec![0; HEADER_LEN + 16 * usize::from(count)];
    let mut packer = Packer::new(&mut out).unwrap();
    for seq in first..first + u64::from(count) {
        assert!(packer.push(&message(seq)));
    }
    let len = packer.finish(session, first);
    out.truncate(len);
    out
}

/// A packet of the day's session; without messages a heartbeat.
fn packet(first: u64, count: u16) -> Vec<u8> {
    packet_of(DAY, first, count)
}

fn end_of(session: Session, next: u64) -> Vec<u8> {
    Header::new(session, next, moldudp64::END_OF_SESSION).as_bytes().to_vec()
}

fn end_of_snapshot(next: u64) -> Vec<u8> {
    EndOfSnapshot::new(next).as_bytes().to_vec()
}

/// Waits 1 ms, asks for up to 100 messages, joins a snapshot beyond, and holds 64.
fn config() -> FeedConfig {
    FeedConfig {
        first_seq: Some(1),
        jump_max: 10_000,
        wait_ns: MS,
        retransmit: Some(RetransmitConfig {
            messages_max: 100,
            request_messages_max: 10,
            timeout_ns: 5 * MS,
            tries_max: 2,
        }),
        snapshot: Some(SnapshotJoinConfig {
            join_at_start: false,
            timeout_ns: 50 * MS,
            retry_ns: 10 * MS,
            tries_max: 2,
        }),
        held_messages_max: 64,
        held_bytes_max: 1024,
        session_silence_ns: 1_000 * MS,
        ..FeedConfig::default()
    }
}

/// A feed with what it told, for tests to be short.
struct Rig {
    feed: Feed,
    seen: Seen,
}

impl Rig {
    fn new(config: FeedConfig) -> Rig {
        Rig { feed: Feed::new(&config), seen: Seen::default() }
    }

    /// A feed that has message 1 and is live.
    fn live(config: FeedConfig) -> Rig {
        let mut rig = Rig::new(config);
        assert_eq!(rig.a(0, &packet(1, 1)), [Changed(DAY), Message(1)]);
        rig
    }

    fn a(&mut self, now_ns: u64, payload: &[u8]) -> Vec<Told> {
        self.feed.on_packet(Line::A, now_ns, payload, &mut self.seen);
        self.seen.take()
    }

    fn b(&mut self, now_ns: u64, payload: &[u8]) -> Vec<Told> {
        self.feed.on_packet(Line::B, now_ns, payload, &mut self.seen);
        self.seen.take()
    }

    fn reply(&mut self, now_ns: u64, payload: &[u8]) -> Vec<Told> {
        self.feed.on_retransmission(now_ns, payload, &mut self.seen);
        self.seen.take()
    }

    fn snapshot(&mut self, now_ns: u64, message: &[u8]) -> Vec<Told> {
        self.feed.on_snapshot_message(now_ns, message, &mut self.seen);
        self.seen.take()
    }

    fn poll(&mut self, now_ns: u64) -> Vec<Told> {
        self.feed.poll(now_ns, &mut self.seen);
        self.seen.take()
    }

    /// First number and count of the request that should go out.
    fn request(&mut self, now_ns: u64) -> Option<(u64, u16)> {
        let mut out = [0; HEADER_LEN];
        let is_due = self.feed.next_request(now_ns, &mut out);
        let request = moldudp64::parse_request(&out).unwrap();
        is_due.then(|| {
            assert_eq!(request.session, DAY);
            (request.sequence_number.get(), request.message_count.get())
        })
    }

    fn counters(&self) -> &FeedCounters {
        self.feed.counters()
    }
}

fn messages(range: std::ops::Range<u64>) -> Vec<Told> {
    range.map(Message).collect()
}
