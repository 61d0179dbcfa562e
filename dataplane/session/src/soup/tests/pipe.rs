//! Both sides over a line that is cut at arbitrary points and breaks at arbitrary moments.
//!
//! The naive model is two lists: what was appended, and what the client was told. The second must
//! always be the beginning of the first, and once the line holds, all of it.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Debug)]
enum Step {
    /// The venue has a message of this length for the client.
    Append(usize),
    /// The client sends a message of this length.
    Send(usize),
    /// Either side writes, given room for this many bytes.
    PumpServer(usize),
    PumpClient(usize),
    /// The line carries at most this many bytes.
    ToServer(usize),
    ToClient(usize),
    /// Time passes, in ms.
    Wait(u64),
    /// The line breaks, and both sides are told.
    Break,
    /// The line breaks, and only the client is told: the server's slot lingers.
    BreakHalf,
    /// The client connects, if it is not connected and a slot is free.
    Connect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0usize..40).prop_map(Step::Append),
        3 => (0usize..40).prop_map(Step::Send),
        6 => (0usize..200).prop_map(Step::PumpServer),
        4 => (0usize..120).prop_map(Step::PumpClient),
        6 => (1usize..120).prop_map(Step::ToServer),
        6 => (1usize..120).prop_map(Step::ToClient),
        2 => (0u64..3000).prop_map(Step::Wait),
        1 => Just(Step::Break),
        1 => Just(Step::BreakHalf),
        4 => Just(Step::Connect),
    ]
}

/// How a server may end a connection here that did nothing wrong.
const ENDS: [DisconnectReason; 4] = [PeerSilent, LoginTimeout, TakenOver, SlowConsumer];

/// Limits so tight that each is met often.
fn tight() -> ServerConfig {
    ServerConfig {
        backlog_messages_max: 2,
        backlog_bytes_max: 60,
        stall_ns_max: 700_000_000,
        messages_per_second_max: 4,
        messages_burst_max: 2,
        ..ServerConfig::default()
    }
}

/// One slot of the server and its end of a line.
struct Slot {
    server: SoupServer,
    desk: Desk,
    /// What the client sent over this connection.
    sent: Vec<Vec<u8>>,
}

struct World {
    now_ns: u64,
    sessions: Sessions,
    slots: [Slot; 2],
    client: SoupClient,
    seen: Trader,
    /// The slot the client's line leads to.
    line: Option<usize>,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    appended: Vec<Vec<u8>>,
}

impl World {
    fn new(config: ServerConfig) -> World {
        let slot =
            || Slot { server: SoupServer::new(config), desk: Desk::default(), sent: Vec::new() };
        World {
            now_ns: 0,
            sessions: sessions(1 << 10, 1 << 16),
            slots: [slot(), slot()],
            client: SoupClient::new(&ClientConfig::new("ANN", "secret")).unwrap(),
            seen: Trader::default(),
            line: None,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            appended: Vec::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Append(len) => self.append(len),
            Step::Send(len) => self.send(len),
            Step::PumpServer(room) => self.pump_server(room),
            Step::PumpClient(room) => self.pump_client(room),
            Step::ToServer(bytes) => self.carry_to_server(bytes),
            Step::ToClient(bytes) => self.carry_to_client(bytes),
            Step::Wait(ms) => self.now_ns += ms * 1_000_000,
            Step::Break => self.hang_up(true),
            Step::BreakHalf => self.hang_up(false),
            Step::Connect => self.connect(),
        }
        self.check();
    }

    fn append(&mut self, len: usize) {
        let message: Vec<u8> = (0..len).map(|k| (self.appended.len() + k) as u8).collect();
        let seq = self.sessions.append(WHO, &message);
        self.appended.push(message);
        assert_eq!(seq, Some(self.appended.len() as u64));
    }

    fn send(&mut self, len: usize) {
        let Some(line) = self.line else { return };
        let message = vec![self.slots[line].sent.len() as u8; len];
        let mut out = [0; 64];
        if let Some(n) = self.client.send_unsequenced(self.now_ns, &mut out, &message) {
            assert_eq!(n, 3 + len);
            self.to_server.extend(&out[..n]);
            self.slots[line].sent.push(message);
        }
    }

    fn pump_server(&mut self, room: usize) {
        let Some(line) = self.line else { return };
        let mut out = [0; 200];
        let wanted = self.slots[line].server.wants_pump(self.now_ns, &self.sessions);
        let len = self.slots[line].server.pump(self.now_ns, &self.sessions, &mut out[..room]);
        assert!(wanted || len == 0);
        assert!(len > 0 || !wanted || room < 43);
        self.to_client.extend(&out[..len]);
    }

    fn pump_client(&mut self, room: usize) {
        let mut out = [0; 120];
        let wanted = self.client.wants_pump(self.now_ns);
        let len = self.client.pump(self.now_ns, &mut out[..room]);
        assert!(wanted || len == 0);
        assert!(len > 0 || !wanted || room < 49);
        self.to_server.extend(&out[..len]);
    }

    fn carry_to_server(&mut self, bytes: usize) {
        let Some(line) = self.line else { return };
        let bytes: Vec<u8> = self.to_server.drain(..bytes.min(self.to_server.len())).collect();
        let Slot { server, desk, .. } = &mut self.slots[line];
        match server.take_bytes(self.now_ns, &bytes, &mut self.sessions, desk) {
            Ok(taken) => {
                assert!(taken == bytes.len() || server.held_until_ns().is_some());
                bytes[taken..].iter().rev().for_each(|&byte| self.to_server.push_front(byte));
            }
            // The only thing this client can do wrong: its old slot still lingers.
            Err(reason) => assert_eq!(reason, SessionInUse),
        }
    }

    fn carry_to_client(&mut self, bytes: usize) {
        let bytes: Vec<u8> = self.to_client.drain(..bytes.min(self.to_client.len())).collect();
        match self.client.on_bytes(self.now_ns, &bytes, &mut self.seen) {
            Ok(()) => {}
            Err(reason) => assert_eq!(reason, RejectedNotAuthorized),
        }
    }

    fn hang_up(&mut self, both: bool) {
        let Some(line) = self.line.take() else { return };
        self.client.on_closed();
        self.to_server.clear();
        self.to_client.clear();
        if both {
            let Slot { server, desk, .. } = &mut self.slots[line];
            server.on_closed(&mut self.sessions, desk);
        }
    }

    fn connect(&mut self) {
        let free = self.slots.iter().position(|slot| slot.server.is_idle());
        let (None, Some(line)) = (self.line, free) else { return };
        let Slot { server, sent, desk } = &mut self.slots[line];
        server.open(self.now_ns);
        sent.clear();
        desk.messages.clear();
        self.client.open(self.now_ns);
        self.line = Some(line);
    }

    /// Looks at all clocks, and closes what is over, as a driver would.
    fn check(&mut self) {
        for (i, Slot { server, desk, sent }) in self.slots.iter_mut().enumerate() {
            let end = server.check(self.now_ns, &mut self.sessions, desk);
            assert!(end.is_ok() || ENDS.contains(&end.unwrap_err()), "{end:?}");
            assert_eq!(desk.messages, sent[..desk.messages.len()]);
            if server.is_drained() && self.line != Some(i) {
                server.on_closed(&mut self.sessions, desk);
            }
        }
        // Never two connections of one session: at a takeover the new one's desk is told of both.
        let logins: usize = self.slots.iter().map(|slot| slot.desk.logins).sum();
        let logouts: usize = self.slots.iter().map(|slot| slot.desk.logouts.len()).sum();
        assert_eq!(logins, logouts + usize::from(self.sessions.in_use(WHO)));
        let end = self.client.check(self.now_ns);
        assert!(matches!(end, Ok(()) | Err(PeerSilent)), "{end:?}");
        let ended_here = self.line.is_some_and(|line| self.slots[line].server.is_drained());
        if self.client.is_over() || (ended_here && self.to_client.is_empty()) {
            self.hang_up(true);
        }
        self.compare();
    }

    /// Each message once, in order, and nothing else.
    fn compare(&self) {
        assert!(self.seen.sequenced.len() <= self.appended.len());
        let model = (1..).zip(&self.appended);
        for ((seq, message), (model_seq, model)) in self.seen.sequenced.iter().zip(model) {
            assert_eq!((*seq, message), (model_seq, model));
        }
        assert_eq!(self.client.next_seq(), 1 + self.seen.sequenced.len() as u64);
    }

    /// From here on the line holds: everything must arrive, in bounded time.
    fn settle(&mut self) {
        for _ in 0..200 {
            for step in [
                Step::Connect,
                Step::PumpClient(120),
                Step::ToServer(200),
                Step::PumpServer(200),
                Step::ToClient(200),
                Step::Wait(200),
            ] {
                self.take(&step);
            }
            if self.seen.sequenced.len() == self.appended.len() && self.client.is_open() {
                return;
            }
        }
        panic!("the client has {} of {}", self.seen.sequenced.len(), self.appended.len());
    }
}

proptest! {
    #[test]
    fn every_message_arrives_once_and_in_order(steps in prop::collection::vec(step(), 0..400)) {
        run(ServerConfig::default(), &steps);
    }

    #[test]
    fn and_so_it_does_within_tight_limits(steps in prop::collection::vec(step(), 0..400)) {
        run(tight(), &steps);
    }
}

fn run(config: ServerConfig, steps: &[Step]) {
    let mut world = World::new(config);
    for step in steps {
        world.take(step);
    }
    world.settle();
    assert_eq!(world.seen.sequenced.len(), world.appended.len());
}

#[test]
fn one_byte_at_a_time() {
    let mut world = World::new(ServerConfig::default());
    world.take(&Step::Connect);
    for round in 0..2000 {
        if round % 50 == 0 {
            world.take(&Step::Append(round / 50));
            world.take(&Step::Send(round / 50));
        }
        for step in
            [Step::PumpClient(100), Step::ToServer(1), Step::PumpServer(100), Step::ToClient(1)]
        {
            world.take(&step);
        }
    }
    assert_eq!(world.seen.sequenced.len(), 40);
    assert_eq!(world.slots[0].desk.messages.len(), world.slots[0].sent.len());
    assert!(world.slots[0].sent.len() > 35);
}
