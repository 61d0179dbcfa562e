//! Two lines through loss, bursts of it, reordering, repetition and damage, with a real publisher
//! as retransmission server and a model of a snapshot server, on a virtual clock.

use super::*;
use proptest::prelude::*;
use session::{MoldPublisher, PublisherConfig, StoreConfig};

const STEP_NS: u64 = 10_000;

/// Splitmix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn percent(&mut self, percent: u8) -> bool {
        self.next() % 100 < u64::from(percent)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

#[derive(Clone, Copy, Debug)]
struct Bad {
    loss: u8,
    both: u8,
    burst: u64,
    twice: u8,
    damaged: u8,
    jitter_steps: u64,
}

/// Packets on their way.
#[derive(Default)]
struct Wire {
    on_way: Vec<(u64, Vec<u8>)>,
    burst_left: u64,
}

impl Wire {
    fn send(&mut self, now_ns: u64, payload: &[u8], bad: &Bad, dice: &mut Dice) {
        if self.burst_left == 0 && dice.percent(bad.loss) {
            self.burst_left = 1 + dice.below(bad.burst);
        }
        if self.burst_left > 0 {
            self.burst_left -= 1;
            return;
        }
        for _ in 0..1 + usize::from(dice.percent(bad.twice)) {
            let at_ns = now_ns + STEP_NS * (1 + dice.below(bad.jitter_steps));
            let mut payload = payload.to_vec();
            // A checksum catches the rest; what is cut or of another session the feed must refuse.
            if dice.percent(bad.damaged) {
                match dice.below(2) {
                    0 => payload.truncate(dice.below(payload.len() as u64) as usize),
                    _ => payload[dice.below(10) as usize] ^= 1,
                }
            }
            self.on_way.push((at_ns, payload));
        }
    }

    fn arrived(&mut self, now_ns: u64) -> Vec<Vec<u8>> {
        self.on_way.extract_if(.., |packet| packet.0 <= now_ns).map(|packet| packet.1).collect()
    }
}

/// What the messages before `next` come to: the books, for that matter.
fn content_of(next: u64) -> u64 {
    (1..next).fold(0, fold)
}

fn fold(content: u64, seq: u64) -> u64 {
    message(seq).iter().fold(content, |c, &b| (c ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3))
}

/// A listener that holds the feed to its word.
#[derive(Default)]
struct Books {
    content: u64,
    /// The next message, as far as it was told.
    next: u64,
    delivered: u64,
    lost: u64,
    covered: u64,
    in_snapshot: bool,
    is_behind: bool,
    ended: Option<u64>,
}

impl FeedHandler for Books {
    fn on_message(&mut self, seq: u64, bytes: &[u8]) {
        assert!(!self.in_snapshot && self.ended.is_none());
        assert_eq!((seq, bytes), (self.next, &message(seq)[..]));
        self.content = fold(self.content, seq);
        self.next += 1;
        self.delivered += 1;
    }
    fn on_behind(&mut self, _: Gap) {
        self.is_behind = true;
    }
    fn on_whole(&mut self) {
        assert!(self.is_behind && !self.in_snapshot);
        self.is_behind = false;
    }
    fn on_lost(&mut self, gap: Gap) {
        assert_eq!(gap.from, self.next);
        self.in_snapshot = false;
        self.lost += gap.missing();
        self.next = gap.to;
    }
    fn on_snapshot_begin(&mut self) {
        (self.in_snapshot, self.content) = (true, 0);
    }
    fn on_snapshot_message(&mut self, message: &[u8]) {
        assert!(self.in_snapshot);
        if message.len() == 9 {
            self.content = u64::from_be_bytes(message[1..].try_into().unwrap());
        }
    }
    fn on_snapshot_end(&mut self, next_seq: u64) {
        assert!(self.in_snapshot && next_seq >= self.next);
        self.in_snapshot = false;
        self.covered += next_seq - self.next;
        self.next = next_seq;
    }
    fn on_end_of_session(&mut self, next_seq: u64) {
        assert!(!self.is_behind && self.ended.is_none());
        self.ended = Some(next_seq);
    }
}

/// A snapshot's connection: what is still to come, one a step.
#[derive(Default)]
struct Glimpse {
    connection: Option<Vec<Vec<u8>>>,
}

impl Glimpse {
    /// `image` is where an image was taken, at some time before.
    fn step(&mut self, now_ns: u64, feed: &mut Feed, books: &mut Books, image: u64, breaks: bool) {
        if !feed.wants_snapshot() {
            self.connection = None;
            return;
        }
        let rest = self.connection.get_or_insert_with(|| {
            let content = content_of(image).to_be_bytes();
            let mut rest = vec![end_of_snapshot(image)];
            rest.extend(std::iter::repeat_n(b"A".to_vec(), 20));
            rest.push([b"H", &content[..]].concat());
            rest
        });
        match rest.pop() {
            Some(message) if !breaks => feed.on_snapshot_message(now_ns, &message, books),
            _ => {
                feed.on_snapshot_closed(now_ns);
                self.connection = None;
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    bad: Bad,
    server: bool,
    snapshot: bool,
    small: bool,
    count: u64,
    wait_steps: u64,
}

fn feed_of(case: &Case) -> Feed {
    let retransmit = RetransmitConfig {
        messages_max: if case.snapshot { 40 } else { 1 << 20 },
        request_messages_max: 30,
        timeout_ns: 40 * STEP_NS,
        tries_max: if case.snapshot { 2 } else { 1_000 },
    };
    let snapshot = SnapshotJoinConfig {
        join_at_start: false,
        timeout_ns: 100 * STEP_NS,
        retry_ns: 30 * STEP_NS,
        tries_max: 1_000,
    };
    Feed::new(&FeedConfig {
        session: Some(DAY),
        first_seq: Some(1),
        jump_max: 1 << 20,
        wait_ns: case.wait_steps * STEP_NS,
        retransmit: case.server.then_some(retransmit),
        snapshot: case.snapshot.then_some(snapshot),
        held_messages_max: if case.small { 50 } else { 4_096 },
        held_bytes_max: if case.small { 900 } else { 1 << 16 },
        ..FeedConfig::default()
    })
}

fn publisher() -> MoldPublisher {
    let store = StoreConfig { messages_max: 4_096, bytes_max: 1 << 17 };
    MoldPublisher::new(PublisherConfig {
        store,
        heartbeat_ns: 20 * STEP_NS,
        end_linger_ns: u64::MAX / 2,
        ..PublisherConfig::new(DAY)
    })
    .unwrap()
}

/// Publishes `count` messages, ends the session, and goes on until that was told.
fn run(case: &Case) -> (Feed, Books) {
    let mut dice = Dice(case.seed);
    let (mut feed, mut publisher) = (feed_of(case), publisher());
    let mut books = Books { next: 1, ..Books::default() };
    let mut glimpse = Glimpse::default();
    let (mut lines, mut replies) = ([Wire::default(), Wire::default()], Wire::default());
    let (mut out, mut image) = ([0; 150], 1);
    for step in 0..400_000 {
        let now_ns = step * STEP_NS;
        let left = case.count + 1 - publisher.next_seq();
        for seq in (publisher.next_seq()..).take(left.min(dice.below(8)) as usize) {
            publisher.publish(&message(seq)).unwrap();
        }
        if left == 0 {
            publisher.end_session(now_ns);
        }
        loop {
            let len = publisher.pump(now_ns, &mut out);
            if len == 0 {
                break;
            }
            if !dice.percent(case.bad.both) {
                lines.iter_mut().for_each(|l| l.send(now_ns, &out[..len], &case.bad, &mut dice));
            }
        }
        for (line, wire) in Line::ALL.into_iter().zip(&mut lines) {
            for payload in wire.arrived(now_ns) {
                feed.on_packet(line, now_ns, &payload, &mut books);
            }
        }
        for payload in replies.arrived(now_ns) {
            feed.on_retransmission(now_ns, &payload, &mut books);
        }
        if step % 25 == 0 {
            image = publisher.next_seq();
        }
        glimpse.step(now_ns, &mut feed, &mut books, image, dice.percent(2));
        feed.poll(now_ns, &mut books);
        let mut request = [0; HEADER_LEN];
        while feed.next_request(now_ns, &mut request) {
            if let Ok(len) = publisher.on_request(&request, &mut out) {
                replies.send(now_ns, &out[..len], &case.bad, &mut dice);
            }
        }
        assert_eq!(books.is_behind, !matches!(feed.state(), FeedState::Start | FeedState::Live));
        if books.ended.is_some() {
            break;
        }
    }
    (feed, books)
}

fn bad() -> impl Strategy<Value = Bad> {
    (0u8..30, 0u8..10, 1u64..12, 0u8..10, 0u8..10, 1u64..12).prop_map(
        |(loss, both, burst, twice, damaged, jitter_steps)| Bad {
            loss,
            both,
            burst,
            twice,
            damaged,
            jitter_steps,
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    (any::<u64>(), bad(), any::<[bool; 3]>(), 1u64..1_500, 0u64..30).prop_map(
        |(seed, bad, [server, snapshot, small], count, wait_steps)| Case {
            seed,
            bad,
            server,
            snapshot,
            small,
            count,
            wait_steps,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]
    /// Nothing is lost silently, and nothing at all when there is a means of recovery.
    #[test]
    fn what_is_not_delivered_is_covered_or_told(case in case()) {
        let (feed, books) = run(&case);
        prop_assert_eq!(books.ended, Some(case.count + 1));
        prop_assert_eq!(books.delivered + books.lost + books.covered, case.count);
        let counters = feed.counters();
        prop_assert_eq!(counters.delivered, books.delivered);
        prop_assert_eq!(counters.lost_messages, books.lost);
        prop_assert_eq!(counters.snapshot_covered, books.covered);
        let [a, b] = Line::ALL.map(|line| *feed.line(line));
        prop_assert_eq!(a.packets + b.packets, counters.packets);
        prop_assert_eq!(a.duplicates + b.duplicates, counters.duplicates);
        prop_assert_eq!(a.gaps + b.gaps, counters.gaps);
        prop_assert_eq!(a.missing + b.missing, counters.missing);
        prop_assert_eq!(a.refused + b.refused, counters.refused.iter().sum::<u64>());
        let snapshots = counters.snapshots_done + counters.snapshots_failed;
        prop_assert_eq!(counters.snapshots_begun, snapshots + counters.snapshots_cancelled);
        // A hold too small with nothing but a server to turn to may lose.
        if case.snapshot || (case.server && !case.small) {
            prop_assert_eq!(books.lost, 0);
            prop_assert_eq!(books.content, content_of(case.count + 1));
        }
        if !case.snapshot {
            prop_assert_eq!(books.covered, 0);
        }
    }
}

#[test]
fn the_cases_reach_every_means() {
    let harsh = Bad { loss: 15, both: 5, burst: 8, twice: 5, damaged: 5, jitter_steps: 6 };
    let mild = Bad { loss: 3, both: 1, burst: 3, ..harsh };
    let case = |bad, small| Case {
        seed: 7,
        bad,
        server: true,
        snapshot: true,
        small,
        count: 3_000,
        wait_steps: 8,
    };
    let roomy = run(&case(harsh, false)).0;
    let (harsh, mild) = (run(&case(harsh, true)).0, run(&case(mild, false)).0);
    for (name, of) in [
        ("hold_overflows", &harsh),
        ("held_dropped", &harsh),
        ("snapshots_done", &harsh),
        ("snapshots_failed", &harsh),
        ("snapshots_stale", &harsh),
        ("snapshot_covered", &harsh),
        ("packet_malformed", &harsh),
        ("packet_other_session", &harsh),
        ("request_timeouts", &roomy),
        ("requests", &mild),
        ("recovered_messages", &mild),
        ("waited_out", &mild),
        ("late_messages", &mild),
        ("duplicates", &mild),
    ] {
        let value = of.counters().iter().find(|counter| counter.0 == name);
        assert!(value.is_some_and(|(_, n)| n > 0), "{name}: {:?}", of.counters());
    }
}
