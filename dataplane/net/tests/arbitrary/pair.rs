//! Two hosts, and a link that does to their frames whatever the script says.
//!
//! Held against them: however frames were lost, doubled, reordered and spoiled, once the link is
//! sound again both applications have read exactly what the other wrote, both ends close as
//! friends, and every slot is free.

use super::{MS, PORT, SEC, Script, US, Wire, byte_at, interface, ip};
use net::{CloseReason, ConnId, ConnState, Host, HostConfig, Input, NetEvent, RxChecks, TcpConfig};
use std::net::SocketAddrV4;

const DAY_NS: u64 = 86_400 * SEC;
const SLOTS: usize = 2;
/// Bytes each application writes at most.
const BYTES_MAX: u32 = 200_000;
/// Frames under way one way; a longer queue loses what comes.
const UNDER_WAY_MAX: usize = 64;
/// Steps of the clock within which everything has arrived over a sound link.
const STEPS_MAX: u32 = 40_000;

struct Station {
    host: Host,
    out: Wire,
    conn: Option<ConnId>,
    written: u32,
    read: u32,
    peer_has_closed: bool,
    has_closed: bool,
    closed: Option<CloseReason>,
}

struct Pair {
    stations: [Station; 2],
    now: u64,
}

/// Runs a script; panics where the streams differ.
pub fn run(bytes: &[u8]) {
    let mut script = Script(bytes);
    let mut pair = Pair::new(&mut script);
    while !script.is_over() {
        pair.act(&mut script);
    }
    pair.finish();
}

impl Station {
    fn new(last: u8, script: &mut Script<'_>) -> Station {
        // Nothing but the link can go wrong: no time is long enough to give up.
        let tcp = TcpConfig {
            slots: SLOTS,
            rx_bytes: script.one_of(&[1_024, 1_500, 4_096, 65_535]),
            tx_bytes: script.one_of(&[1_024, 1_500, 4_096, 65_536]),
            rto_min_ns: script.one_of(&[MS, 10 * MS]),
            keep_alive_ns: script.one_of(&[5 * SEC, DAY_NS / 2]),
            timeout_ns: DAY_NS,
            user_timeout_ns: DAY_NS,
            close_ns: DAY_NS,
            half_open_ns: DAY_NS,
            seed: u64::from(script.word()) << 16,
            ..TcpConfig::default()
        };
        let mtu = script.one_of(&[1_500, 576, 1_000]);
        let host = Host::new(interface(last, mtu), HostConfig { tcp, ..HostConfig::default() });
        Station {
            host: host.unwrap(),
            out: Wire::default(),
            conn: None,
            written: 0,
            read: 0,
            peer_has_closed: false,
            has_closed: false,
            closed: None,
        }
    }

    fn write(&mut self, len: usize) {
        let Some(conn) = self.conn.filter(|_| !self.has_closed) else { return };
        let len = len.min(self.host.send_room(conn)).min((BYTES_MAX - self.written) as usize);
        let bytes: Vec<u8> = (0..len as u32).map(|at| byte_at(self.written + at)).collect();
        assert!(self.host.send_all(conn, &bytes), "there was room");
        self.written += len as u32;
    }

    fn read(&mut self, most: usize) {
        let Some(conn) = self.conn else { return };
        let read = &mut self.read;
        let mut left = most;
        self.host.recv(conn, |bytes| check(read, bytes, &mut left));
    }

    fn close(&mut self) {
        let Some(conn) = self.conn else { return };
        let is_open =
            matches!(self.host.state(conn), ConnState::Established | ConnState::PeerClosed);
        if is_open && !self.has_closed {
            // Behind a peer that has closed, this is the end.
            self.read(if self.peer_has_closed { usize::MAX } else { 0 });
            self.host.close(conn);
            self.has_closed = true;
        }
    }

    /// A frame arrives; its bytes are read at once, kept, or not taken.
    fn hear(&mut self, now: u64, frame: &[u8], how: u8) {
        let input = self.host.on_frame(now, frame, RxChecks::default(), &mut self.out);
        if let Input::Tcp(data) = input {
            let (read, conn) = (&mut self.read, data.conn());
            let mut left = usize::from(how) * 8;
            match how % 4 {
                0 => drop(self.host.keep(data)),
                1 => {} // The peer has to say it again.
                _ => drop(self.host.read(data, |bytes| check(read, bytes, &mut left))),
            }
            if how & 4 != 0 {
                self.host.flush(now, conn, &mut self.out);
            }
        }
        self.settle();
    }

    fn poll(&mut self, now: u64) {
        self.host.poll(now, &mut self.out);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(event) = self.host.next_event() {
            match event {
                NetEvent::Accepted { conn, .. } => {
                    assert_eq!(self.conn.replace(conn), None, "a second connection");
                }
                NetEvent::Connected { conn } => assert_eq!(self.conn, Some(conn)),
                NetEvent::PeerClosed { .. } => self.peer_has_closed = true,
                NetEvent::Closed { reason, .. } => {
                    self.read(usize::MAX);
                    self.closed = Some(reason);
                }
            }
        }
    }
}

/// The bytes shown are the next ones; takes at most `left`.
fn check(read: &mut u32, shown: &[u8], left: &mut usize) -> usize {
    let len = shown.len().min(*left);
    for (at, byte) in (*read..).zip(&shown[..len]) {
        assert_eq!(*byte, byte_at(at), "byte {at}");
    }
    *read += len as u32;
    *left -= len;
    len
}

fn is_arp(frame: &[u8]) -> bool {
    frame[12..14] == wire::ether::ARP.to_be_bytes()
}

impl Pair {
    fn new(script: &mut Script<'_>) -> Pair {
        let [mut a, mut b] = [1, 2].map(|last| Station::new(last, script));
        b.host.listen(PORT).unwrap();
        let now = SEC + u64::from(script.word()) * 4 * US;
        let conn = a.host.connect(now, 0, SocketAddrV4::new(ip(2), PORT));
        a.conn = Some(conn.unwrap());
        Pair { stations: [a, b], now }
    }

    fn act(&mut self, script: &mut Script<'_>) {
        let (act, side) = (script.byte(), usize::from(script.byte()) % 2);
        let now = self.now;
        let station = &mut self.stations[side];
        match act % 16 {
            0..=3 => self.deliver(side, 0, usize::from(act / 16), script.byte()),
            4 => self.deliver(side, usize::from(script.byte()), 1, script.byte()),
            5 => drop(pick(&mut station.out, script)),
            6 => {
                if let Some(frame) = pick(&mut station.out, script) {
                    station.out.frames.push_back(frame.clone());
                    station.out.frames.push_front(frame);
                }
            }
            7 => self.spoil(side, script),
            8 => self.now += script.time_ns(),
            9 | 10 => station.write(script.length() * 2),
            11 => station.read(script.length()),
            12 | 13 => station.poll(now),
            14 if act >= 240 => station.close(),
            14 => station.out.is_full = act >= 192,
            _ => self.step(act),
        }
        self.bypass();
        for station in &mut self.stations {
            station.out.frames.truncate(UNDER_WAY_MAX);
        }
    }

    /// Frames that say who is where are not harmed: they have no checksum.
    fn bypass(&mut self) {
        let now = self.now;
        for side in [0, 1, 0] {
            let [a, b] = &mut self.stations;
            let (from, to) = if side == 0 { (a, b) } else { (b, a) };
            while let Some(at) = from.out.frames.iter().position(|frame| is_arp(frame)) {
                let frame = from.out.frames.remove(at).unwrap();
                let was_full = std::mem::take(&mut to.out.is_full);
                to.hear(now, &frame, 0);
                to.out.is_full = was_full;
            }
        }
    }

    /// `count` frames of a station arrive, from the one at `at` on.
    fn deliver(&mut self, side: usize, at: usize, count: usize, how: u8) {
        let now = self.now;
        let [a, b] = &mut self.stations;
        let (from, to) = if side == 0 { (a, b) } else { (b, a) };
        for _ in 0..count {
            let at = at.checked_rem(from.out.frames.len()).unwrap_or(0);
            let Some(frame) = from.out.frames.remove(at) else { break };
            to.hear(now, &frame, how);
        }
    }

    /// A frame arrives with a bit changed behind Ethernet's header, which has a checksum of its
    /// own. Not two: those can make up for each other.
    fn spoil(&mut self, side: usize, script: &mut Script<'_>) {
        let Some(mut frame) = pick(&mut self.stations[side].out, script) else { return };
        let bit = (script.word() >> 8) as usize % ((frame.len() - 14) * 8);
        frame[14 + bit / 8] ^= 1 << (bit % 8);
        self.stations[1 - side].hear(self.now, &frame, script.byte());
    }

    /// Both poll, and all that is under way arrives.
    fn step(&mut self, how: u8) {
        for side in [0, 1] {
            self.stations[side].poll(self.now);
            let count = self.stations[side].out.frames.len();
            self.deliver(side, 0, count, how);
        }
    }

    /// Steps over a sound link until `done`.
    fn run_until(&mut self, what: &str, mut done: impl FnMut(&mut Pair) -> bool) {
        for at in 0..STEPS_MAX {
            if done(self) {
                return;
            }
            self.step(0);
            self.now += if at < 500 { 50 * US } else { 5 * MS };
        }
        let told = self.stations.each_ref().map(|s| (s.written, s.read, s.closed));
        panic!("not done: {what}; wrote, read, closed: {told:?}");
    }

    fn finish(mut self) {
        for station in &mut self.stations {
            station.out.is_full = false;
        }
        self.run_until("all was read", |pair| {
            pair.stations.iter_mut().for_each(|station| station.read(usize::MAX));
            let [a, b] = &pair.stations;
            b.conn.is_some() && (a.written, b.written) == (b.read, a.read)
        });
        self.run_until("both are closed", |pair| {
            pair.stations.iter_mut().for_each(Station::close);
            pair.stations.iter().all(|station| station.closed.is_some())
        });
        for Station { closed, .. } in &self.stations {
            assert_eq!(*closed, Some(CloseReason::Finished));
        }
        self.now += 2 * SEC;
        self.run_until("every slot is free", |pair| {
            pair.stations.iter().all(|station| station.host.free_slots() == SLOTS)
        });
        let [a, b] = &self.stations;
        assert_eq!((a.written, b.written), (b.read, a.read), "bytes came after the end");
    }
}

/// Takes out one of the frames under way.
fn pick(out: &mut Wire, script: &mut Script<'_>) -> Option<Vec<u8>> {
    let at = usize::from(script.byte()).checked_rem(out.frames.len())?;
    out.frames.remove(at)
}
