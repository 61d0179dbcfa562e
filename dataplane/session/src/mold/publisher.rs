//! The sending side: packs what was published, beats when idle, answers retransmission requests.
//!
//! Layout: one [`ReplayStore`] is queue and memory at once. [`MoldPublisher::publish`] puts a
//! message in, `sent_seq` is the cursor behind the last packed one, and requests read any message
//! still held. A message is thus copied once in and once out, and nothing is lost when the port has
//! no room: the cursor moves only when a packet was written.
//!
//! Limits: a packet is what the caller's buffer holds, at most 65,534 messages; a request is
//! answered with one packet.
//!
//! Failure modes: when more is published than the store holds before any of it was packed, the
//! oldest is gone unsent; the sequence numbers show it to every receiver and `unsent_evicted`
//! counts it here.

use crate::image::{ImageError, Reader, put};
use crate::rate::{Bucket, Rate, RateTable};
use crate::store::{ReplayStore, StoreConfig, StoreError};
use wire::moldudp64::{self, HEADER_LEN, Header, Session};

/// How often retransmission may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// By one requester.
    pub requester: Rate,
    /// Requesters remembered at most.
    pub requesters_max: usize,
    /// By all together.
    pub all: Rate,
}

impl Default for RequestLimits {
    /// A thousand a second and 256 at once from each of 1,024 addresses, ten thousand a second and
    /// 2,048 at once from all: a packet a request, that is at most 120 Mbit/s of answers.
    fn default() -> Self {
        RequestLimits {
            requester: Rate::per_second(1_000, 256),
            requesters_max: 1024,
            all: Rate::per_second(10_000, 2_048),
        }
    }
}

/// How a publisher behaves. [`PublisherConfig::new`] has the specification's times.
#[derive(Clone, Copy, Debug)]
pub struct PublisherConfig {
    /// The session's name.
    pub session: Session,
    /// How much is kept for sending and for retransmission.
    pub store: StoreConfig,
    /// Silence after which a heartbeat goes out, in ns.
    pub heartbeat_ns: u64,
    /// For how long the end of the session is announced, once a heartbeat interval, in ns.
    pub end_linger_ns: u64,
    /// The longest message taken, in bytes: with 22 bytes more it has to fit the caller's packets.
    pub message_bytes_max: usize,
    /// How often retransmission may be asked for.
    pub requests: RequestLimits,
}

impl PublisherConfig {
    /// Heartbeats every second, the end of the session announced for 30 s, messages of at most
    /// 1,024 bytes, which any Ethernet frame has room for (ITCH's longest has 50).
    pub fn new(session: Session) -> PublisherConfig {
        PublisherConfig {
            session,
            store: StoreConfig::default(),
            heartbeat_ns: crate::SECOND_NS,
            end_linger_ns: 30 * crate::SECOND_NS,
            message_bytes_max: 1024,
            requests: RequestLimits::default(),
        }
    }
}

/// Why a retransmission request got no answer. One byte, one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RequestRefusal {
    /// Fewer than the twenty bytes of a request.
    Short = 0,
    /// A request for another session.
    OtherSession = 1,
    /// It asks for nothing.
    Empty = 2,
    /// The first message asked for is no longer held.
    Evicted = 3,
    /// The first message asked for has not been sent.
    NotYetSent = 4,
    /// The first message asked for does not fit the reply's buffer.
    NoRoom = 5,
    /// The requester, or all together, ask too often.
    Throttled = 6,
}

impl RequestRefusal {
    /// Every reason, in the order of its code.
    pub const ALL: [RequestRefusal; 7] = [
        RequestRefusal::Short,
        RequestRefusal::OtherSession,
        RequestRefusal::Empty,
        RequestRefusal::Evicted,
        RequestRefusal::NotYetSent,
        RequestRefusal::NoRoom,
        RequestRefusal::Throttled,
    ];

    /// The counter's name.
    pub const fn name(self) -> &'static str {
        match self {
            RequestRefusal::Short => "request_short",
            RequestRefusal::OtherSession => "request_other_session",
            RequestRefusal::Empty => "request_empty",
            RequestRefusal::Evicted => "request_evicted",
            RequestRefusal::NotYetSent => "request_not_yet_sent",
            RequestRefusal::NoRoom => "request_no_room",
            RequestRefusal::Throttled => "request_throttled",
        }
    }
}

/// What a publisher did since its birth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublisherCounters {
    /// Packets with messages.
    pub packets: u64,
    /// Messages in them.
    pub messages: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// End of session packets.
    pub ends: u64,
    /// Messages refused: too long, or the session is over.
    pub not_taken: u64,
    /// Messages that were evicted before they were ever sent.
    pub unsent_evicted: u64,
    /// Requests answered.
    pub requests: u64,
    /// Messages sent again.
    pub retransmitted: u64,
    /// Requests not answered, by [`RequestRefusal`].
    pub refused: [u64; RequestRefusal::ALL.len()],
}

/// What a call of `pump` would send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    Messages,
    Heartbeat,
    End,
}

/// The publishing side of one MoldUDP64 session.
#[derive(Debug)]
pub struct MoldPublisher {
    config: PublisherConfig,
    store: ReplayStore,
    /// Sequence number of the next message to be packed.
    sent_seq: u64,
    /// When the last downstream packet was written; `None` before the first.
    last_out_ns: Option<u64>,
    /// Since when the session is over, and the input that ended it.
    ended_ns: Option<u64>,
    end_mark: u64,
    /// The input that is enacted: what is published comes of it.
    input: u64,
    /// What came of inputs up to this may be sent.
    released: u64,
    stalled: bool,
    /// What each requester may still ask for, and all together.
    requesters: RateTable,
    requests: Bucket,
    counters: PublisherCounters,
}

impl MoldPublisher {
    /// Takes all the memory the publisher will ever use.
    pub fn new(config: PublisherConfig) -> Result<MoldPublisher, StoreError> {
        Ok(MoldPublisher {
            store: ReplayStore::new(config.store)?,
            requesters: RateTable::new(config.requests.requester, config.requests.requesters_max),
            requests: Bucket::default(),
            config,
            sent_seq: 1,
            last_out_ns: None,
            ended_ns: None,
            end_mark: 0,
            input: 0,
            released: u64::MAX,
            stalled: false,
            counters: PublisherCounters::default(),
        })
    }

    /// Queues a message and gives its sequence number; `None`, counted, when it is too long or the
    /// session is over.
    #[inline]
    pub fn publish(&mut self, message: &[u8]) -> Option<u64> {
        self.publish_with(message.len(), |room| {
            room.copy_from_slice(message);
            message.len()
        })
    }

    /// Queues a message that `fill` writes where it will lie, in room of `len_max` bytes; `fill`
    /// says how many it used.
    #[inline]
    pub fn publish_with(
        &mut self,
        len_max: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Option<u64> {
        let seq = match self.ended_ns {
            None if len_max <= self.config.message_bytes_max => {
                self.store.append_marked(self.input, len_max, fill)
            }
            _ => None,
        };
        self.counters.not_taken += u64::from(seq.is_none());
        seq
    }

    /// Length of the packet that [`MoldPublisher::pump`] would write now into `room` bytes; 0 for
    /// none.
    ///
    /// A port that must know a frame's length before it gives a buffer asks here first: `pump` into
    /// a buffer of just this length writes the same packet.
    #[inline]
    pub fn next_len(&self, now_ns: u64, room: usize) -> usize {
        match self.due(now_ns) {
            Due::Nothing => 0,
            _ if room < HEADER_LEN => 0,
            Due::Heartbeat | Due::End => HEADER_LEN,
            Due::Messages => {
                let first = self.sent_seq.max(self.store.oldest_seq());
                match measure(&self.store, self.released, first, u16::MAX - 1, room) {
                    HEADER_LEN => 0,
                    len => len,
                }
            }
        }
    }

    /// Writes the next packet, if one is due, and gives its length; 0 for none.
    ///
    /// One packet may be sent as often as there are lines: what is written does not depend on the
    /// line, and the publisher keeps nothing of `out`. Call until it gives 0: messages first, then
    /// a heartbeat when nothing was sent for a while, and the end of the session once all is sent.
    /// `out` must hold the longest message that is taken ([`PublisherConfig::message_bytes_max`])
    /// and 22 bytes, or it may wait for ever.
    pub fn pump(&mut self, now_ns: u64, out: &mut [u8]) -> usize {
        let due = self.due(now_ns);
        let len = match due {
            Due::Nothing => 0,
            Due::Messages => self.write_messages(out),
            // Mold 1.00: heartbeats come about once a second, with the next sequence number, so
            // that loss shows even when nothing else is sent.
            Due::Heartbeat => self.write_empty(out, moldudp64::HEARTBEAT),
            Due::End => self.write_empty(out, moldudp64::END_OF_SESSION),
        };
        if len > 0 {
            self.last_out_ns = Some(now_ns);
            match due {
                Due::Heartbeat => self.counters.heartbeats += 1,
                Due::End => self.counters.ends += 1,
                Due::Messages | Due::Nothing => {}
            }
        }
        len
    }

    #[inline]
    fn due(&self, now_ns: u64) -> Due {
        if self.store.is_due(self.sent_seq, self.released) {
            return Due::Messages;
        }
        let all_sent = self.sent_seq >= self.store.next_seq();
        let silent = self
            .last_out_ns
            .is_none_or(|last| now_ns.saturating_sub(last) >= self.config.heartbeat_ns);
        match self.ended_ns {
            Some(_) if self.is_over(now_ns) => Due::Nothing,
            // The first announcement does not wait for silence.
            Some(_) if all_sent && self.end_mark <= self.released => {
                if silent || self.counters.ends == 0 { Due::End } else { Due::Nothing }
            }
            _ if silent && !self.stalled => Due::Heartbeat,
            _ => Due::Nothing,
        }
    }

    fn write_messages(&mut self, out: &mut [u8]) -> usize {
        let first = self.sent_seq.max(self.store.oldest_seq());
        self.counters.unsent_evicted += first - self.sent_seq;
        self.sent_seq = first;
        let session = self.config.session;
        let count_max = u16::MAX - 1;
        let (len, count) = pack(&self.store, self.released, session, (first, count_max), out);
        if count == 0 {
            return 0;
        }
        self.sent_seq += u64::from(count);
        self.counters.packets += 1;
        self.counters.messages += u64::from(count);
        len
    }

    fn write_empty(&self, out: &mut [u8], count: u16) -> usize {
        let Some((head, _)) = out.split_first_chunk_mut::<HEADER_LEN>() else { return 0 };
        // What is held has no number that anyone may know.
        let header = Header::new(self.config.session, self.sent_seq, count);
        head.copy_from_slice(wire::IntoBytes::as_bytes(&header));
        HEADER_LEN
    }

    /// Answers a retransmission request with as many of the messages asked for as fit in `out`, and
    /// gives the reply's length. Mold 1.00: the request names session, first sequence number and
    /// count. Not limited: for requesters that are trusted.
    ///
    /// # Errors
    /// The reason why there is no answer, which was counted.
    pub fn on_request(&mut self, request: &[u8], out: &mut [u8]) -> Result<usize, RequestRefusal> {
        let answer = self.answer(request, out);
        self.count(answer)
    }

    /// As [`MoldPublisher::on_request`], for a requester by IPv4 address and within
    /// [`PublisherConfig::requests`]. Whatever comes is charged, sound or not.
    ///
    /// # Errors
    /// The reason why there is no answer, which was counted.
    pub fn on_request_from(
        &mut self,
        now_ns: u64,
        requester: u32,
        request: &[u8],
        out: &mut [u8],
    ) -> Result<usize, RequestRefusal> {
        // The requester first, so that one that asks too often does not use up what all may.
        let may = self.requesters.take(requester, now_ns)
            && self.requests.take(self.config.requests.all, now_ns);
        let answer = if may { self.answer(request, out) } else { Err(RequestRefusal::Throttled) };
        self.count(answer)
    }

    fn count(
        &mut self,
        answer: Result<(usize, u16), RequestRefusal>,
    ) -> Result<usize, RequestRefusal> {
        match answer {
            Ok((_, count)) => {
                self.counters.requests += 1;
                self.counters.retransmitted += u64::from(count);
            }
            Err(refusal) => self.counters.refused[refusal as usize] += 1,
        }
        answer.map(|(len, _)| len)
    }

    fn answer(&self, request: &[u8], out: &mut [u8]) -> Result<(usize, u16), RequestRefusal> {
        let request = moldudp64::parse_request(request).map_err(|_| RequestRefusal::Short)?;
        if request.session != self.config.session {
            return Err(RequestRefusal::OtherSession);
        }
        let (first, count) = (request.sequence_number.get(), request.message_count.get());
        if count == 0 {
            return Err(RequestRefusal::Empty);
        }
        // What is queued but not yet sent is no business of a retransmission.
        if first >= self.sent_seq {
            return Err(RequestRefusal::NotYetSent);
        }
        if first < self.store.oldest_seq() {
            return Err(RequestRefusal::Evicted);
        }
        let sent = u16::try_from(self.sent_seq - first).unwrap_or(u16::MAX);
        let count = count.min(sent).min(u16::MAX - 1);
        match pack(&self.store, self.released, self.config.session, (first, count), out) {
            (_, 0) => Err(RequestRefusal::NoRoom),
            packed => Ok(packed),
        }
    }

    /// Ends the session: nothing more can be published, and once all is sent the end is announced.
    pub fn end_session(&mut self, now_ns: u64) {
        if self.ended_ns.is_none() {
            (self.ended_ns, self.end_mark) = (Some(now_ns), self.input);
        }
    }

    /// What is published from here on comes of this input, and is held until it is released.
    #[inline]
    pub fn begin_input(&mut self, sequence: u64) {
        self.input = sequence;
    }

    /// What came of inputs up to `through` may be sent from here on. Without a call everything may.
    #[inline]
    pub fn release_through(&mut self, through: u64) {
        self.released = through;
    }

    /// Whether nothing is released any more: receivers are to notice by silence then.
    pub fn set_stalled(&mut self, stalled: bool) {
        self.stalled = stalled;
    }

    /// A new day: a session that has ended begins again, with its first message.
    pub fn begin_day(&mut self) {
        self.store.begin();
        (self.sent_seq, self.ended_ns, self.end_mark) = (1, None, 0);
        self.counters.ends = 0;
    }

    /// Messages that were published and not yet packed.
    pub fn unsent(&self) -> u64 {
        self.store.next_seq() - self.sent_seq
    }

    /// Adds to `out` what was published.
    pub fn save(&self, out: &mut Vec<u8>) {
        put(out, u64::from(self.ended_ns.is_some()));
        put(out, self.ended_ns.unwrap_or(0));
        self.store.save(out);
    }

    /// Becomes the publisher that was saved.
    ///
    /// # Errors
    /// Bytes that are not of a publisher like this; it is not to be used then.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), ImageError> {
        let [is_ended, ended_ns] = from.numbers()?;
        (self.ended_ns, self.end_mark) = ((is_ended != 0).then_some(ended_ns), 0);
        self.store.load(from)?;
        self.skip_sent();
        Ok(())
    }

    /// Takes all that was published for sent, as it may have been by whoever published before, and
    /// beats at once: the number tells receivers what they miss, and they ask for it.
    pub fn skip_sent(&mut self) {
        self.sent_seq = self.store.next_seq();
        self.last_out_ns = None;
    }

    /// Sends the last messages once more: whoever sent them may have lost some on the way, and a
    /// receiver drops what it has.
    pub fn send_again(&mut self, messages: u64) {
        let first = self.sent_seq.saturating_sub(messages).max(self.store.oldest_seq());
        self.sent_seq = first.min(self.sent_seq);
    }

    /// Whether the session's end has been announced for as long as it shall be.
    pub fn is_over(&self, now_ns: u64) -> bool {
        self.ended_ns.is_some_and(|end| {
            now_ns.saturating_sub(end) > self.config.end_linger_ns && self.counters.ends > 0
        })
    }

    /// The session's name.
    pub fn session(&self) -> Session {
        self.config.session
    }

    /// Sequence number that the next published message will have.
    pub fn next_seq(&self) -> u64 {
        self.store.next_seq()
    }

    /// What it did so far.
    pub fn counters(&self) -> &PublisherCounters {
        &self.counters
    }

    /// The messages held.
    pub fn store(&self) -> &ReplayStore {
        &self.store
    }
}

/// Length of a packet with the messages from `first` on that fit in `room`, at most `count_max`.
#[inline]
fn measure(store: &ReplayStore, through: u64, first: u64, count_max: u16, room: usize) -> usize {
    let mut len = HEADER_LEN;
    for seq in first..first.saturating_add(u64::from(count_max)) {
        let Some(message) = store.get_released(seq, through) else { break };
        let after = len + 2 + message.len();
        if after > room {
            break;
        }
        len = after;
    }
    len
}

/// Writes that packet; gives its length and how many messages it holds.
#[inline]
fn pack(
    store: &ReplayStore,
    through: u64,
    session: Session,
    (first, count_max): (u64, u16),
    out: &mut [u8],
) -> (usize, u16) {
    let Some(mut packer) = moldudp64::Packer::new(out) else { return (0, 0) };
    while packer.count() < count_max {
        let seq = first + u64::from(packer.count());
        let Some(message) = store.get_released(seq, through) else { break };
        if !packer.push(message) {
            break;
        }
    }
    let count = packer.count();
    (packer.finish(session, first), count)
}
