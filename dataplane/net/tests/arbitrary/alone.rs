//! One host, and a peer that says whatever the script says.
//!
//! Held against the host, whatever comes: it does not panic; an application reads the peer's bytes
//! in their order, each once; it acknowledges only what was said, never less than before, and never
//! takes back a window; it sends only what was written, inside the widest window it was offered
//! (but for one byte of a probe); at the end every slot is free.

#[path = "../common/segment.rs"]
mod segment;

use super::{MS, PORT, SEC, Script, US, Wire, byte_at, interface, ip};
use net::{Class, ConnId, NetEvent, RxChecks, TcpConfig, TcpHost, TxChecks, classify};
use segment::Fields;
use std::net::SocketAddrV4;
use wire::checksum::pseudo_header;
use wire::tcp::{self, ACK, FIN, PSH, RST, SYN};
use wire::{ether, ipv4};

/// Our port when we connect, and the peer's when it does.
const OTHER_PORT: u16 = 50_000;
const MTU: u16 = 1_500;
/// No segment goes so far beyond what was taken: what does is no part of the stream.
const FAR: u32 = 1 << 20;

/// Connections so far apart have different first numbers, which are a clock's (RFC 9293, 3.4.1).
const CLOCK_NS: u64 = 8 * US;

/// What both said of the connection under way.
#[derive(Default)]
struct Notes {
    /// The host's first sequence number, and the peer's.
    iss: Option<u32>,
    irs: u32,
    /// Behind the last byte or FIN the host said, from its first byte on.
    reach: u32,
    /// Behind the last byte the peer ever allowed.
    allowed: u32,
    /// The same of the peer's stream: what it said, what was acknowledged, what was allowed.
    said: u32,
    acked: u32,
    told_edge: u32,
    /// What the application wrote and read.
    written: u32,
    read: u32,
    has_closed: bool,
}

struct Alone {
    host: TcpHost,
    out: Wire,
    now: u64,
    /// Whether the host connects, and is not connected to.
    connects: bool,
    slots: usize,
    conn: Option<ConnId>,
    /// The sequence number of the peer's SYNs.
    first: u32,
    notes: Notes,
}

/// Runs a script; panics where the host does what it must not.
pub fn run(bytes: &[u8]) {
    let mut script = Script(bytes);
    let mut alone = Alone::new(&mut script);
    while !script.is_over() {
        alone.act(&mut script);
        alone.settle();
    }
    alone.finish();
}

impl Alone {
    fn new(script: &mut Script<'_>) -> Alone {
        let config = TcpConfig {
            slots: 2,
            rx_bytes: script.one_of(&[1_024, 1_500, 8_192, 65_535]),
            tx_bytes: script.one_of(&[1_024, 1_500, 8_192]),
            rto_min_ns: script.one_of(&[MS, 10 * MS]),
            seed: u64::from(script.byte()) << 32,
            ..TcpConfig::default()
        };
        let mut host = TcpHost::new(interface(2, MTU), config, TxChecks::default()).unwrap();
        host.listen(PORT).unwrap();
        Alone {
            host,
            out: Wire::default(),
            now: SEC,
            connects: script.byte() & 1 != 0,
            slots: config.slots,
            conn: None,
            first: script.one_of(&[1, u32::MAX - 5, u32::MAX - 600, 1 << 31, 0x7FFF_FF00]),
            notes: Notes::default(),
        }
    }

    fn act(&mut self, script: &mut Script<'_>) {
        match script.byte() % 16 {
            // What mostly comes: the next bytes, and all acknowledged.
            0 | 1 => self.say(script, ACK | PSH, self.next_expected(), self.all()),
            2..=6 => self.say_anything(script),
            7 => self.open(script),
            8 => self.now += script.time_ns(),
            9 => self.write(script.length()),
            10 => {
                let most = script.length();
                self.read(most);
            }
            11 | 12 => {
                self.host.poll(self.now, &mut self.out);
            }
            13 => {
                if let Some(conn) = self.conn {
                    self.host.flush(self.now, conn, &mut self.out);
                }
            }
            14 => self.out.is_full = script.byte().is_multiple_of(4),
            _ => self.end_somehow(script),
        }
    }

    /// Begins a connection, from whichever side is to.
    fn open(&mut self, script: &mut Script<'_>) {
        if !self.connects {
            if self.conn.is_none() {
                self.first = self.first.wrapping_add(script.word());
            }
            return self.say(script, SYN, self.first, 0);
        }
        if self.conn.is_some() || self.host.free_slots() < self.slots {
            return;
        }
        self.first = self.first.wrapping_add(script.word());
        self.now += CLOCK_NS;
        let (peer, mac) = (SocketAddrV4::new(ip(1), PORT), interface(1, MTU).mac);
        let conn = self.host.connect(self.now, OTHER_PORT, peer, ip(1), Some(mac));
        self.conn = Some(conn.unwrap());
        self.notes = Notes { irs: self.first, ..Notes::default() };
        self.host.poll(self.now, &mut self.out);
        self.settle();
        // The answer, unless the script goes on to say another.
        if script.byte() < 128 {
            self.say(script, SYN | ACK, self.first, self.all());
        }
    }

    fn end_somehow(&mut self, script: &mut Script<'_>) {
        let Some(conn) = self.conn else { return };
        match script.byte() % 4 {
            0 => self.host.abort(conn),
            _ => {
                self.host.close(conn);
                self.notes.has_closed = true;
            }
        }
    }

    /// The next sequence number the host expects, as far as it told.
    fn next_expected(&self) -> u32 {
        self.notes.irs.wrapping_add(1).wrapping_add(self.notes.acked)
    }

    /// The number that acknowledges all the host has said.
    fn all(&self) -> u32 {
        self.notes.iss.unwrap_or(0).wrapping_add(1).wrapping_add(self.notes.reach)
    }

    fn say_anything(&mut self, script: &mut Script<'_>) {
        const KINDS: [u8; 12] = [
            ACK,
            ACK,
            ACK | PSH,
            ACK | FIN,
            ACK | FIN,
            FIN,
            SYN,
            SYN | ACK,
            RST,
            RST | ACK,
            0,
            255,
        ];
        let flags = script.one_of(&KINDS);
        let near = |script: &mut Script<'_>| {
            let by = i32::from(script.byte().cast_signed());
            script.one_of(&[0, 0, 1, -1, by, 6 * by, 536, 1_460, -1_460, 65_535, i32::MIN, 8 * by])
        };
        let mut sequence = self.next_expected().wrapping_add_signed(near(script));
        if flags & SYN != 0 {
            sequence = self.first;
        }
        let ack = self.all().wrapping_add_signed(near(script));
        self.say(script, flags, sequence, ack);
    }

    /// A segment of the peer's arrives.
    fn say(&mut self, script: &mut Script<'_>, flags: u8, sequence: u32, ack: u32) {
        self.now += if flags & SYN != 0 { CLOCK_NS } else { 0 };
        let len = if flags & (SYN | RST) == 0 { script.length().min(1_460) } else { 0 };
        let window = script.one_of(&[65_535, 8_192, 1_460, 536, 100, 1, 0, 0]);
        let harm = script.byte();
        let options: Vec<u8> = match harm & 0x18 {
            0x18 => (0..4 * (harm >> 5)).map(|_| script.byte()).collect(),
            0x10 => vec![2, 4, script.byte() % 8, script.byte()],
            _ => Vec::new(),
        };
        let payload: Vec<u8> =
            (0..len as u32).map(|at| byte_at(sequence.wrapping_add(at))).collect();
        let ports = if self.connects { (PORT, OTHER_PORT) } else { (OTHER_PORT, PORT) };
        let (from, to) = (interface(1, MTU), interface(2, MTU));
        let says =
            Fields { ports, sequence, acknowledgment: ack, flags, window, options: &options };
        let mut frame = segment::frame(&from, &to, &says, &payload);
        let is_spoiled = harm & 7 == 7;
        if is_spoiled {
            let at = 14 + usize::from(script.byte()) % (frame.len() - 14);
            frame[at] ^= 1 << (harm >> 5);
        } else {
            self.notes.count(flags, (sequence, ack), window, len as u32);
        }
        self.hear(script, &frame);
    }

    fn hear(&mut self, script: &mut Script<'_>, frame: &[u8]) {
        let Class::Tcp(segment) = classify(frame, &interface(2, MTU), &[], RxChecks::default())
        else {
            return;
        };
        let Ok(Some(data)) = self.host.on_segment(self.now, &segment, &mut self.out) else {
            return;
        };
        let (conn, how) = (data.conn(), script.byte());
        self.settle_frames();
        match how % 4 {
            0 => {
                self.host.keep(data);
            }
            1 => {} // Not taken: the peer has to say it again.
            _ => {
                let mut taken = Vec::new();
                self.host.read(data, |bytes| take(&mut taken, bytes, usize::from(how) * 16));
                self.check_read(&taken);
            }
        }
        if how & 4 != 0 {
            self.host.flush(self.now, conn, &mut self.out);
        }
    }

    fn write(&mut self, len: usize) {
        let Some(conn) = self.conn else { return };
        let len = len.min(self.host.send_room(conn));
        let bytes: Vec<u8> = (0..len as u32).map(|at| byte_at(self.notes.written + at)).collect();
        assert!(self.host.send_all(conn, &bytes), "there was room");
        self.notes.written += len as u32;
    }

    fn read(&mut self, most: usize) {
        let Some(conn) = self.conn else { return };
        let mut taken = Vec::new();
        self.host.recv(conn, |bytes| take(&mut taken, bytes, most));
        self.check_read(&taken);
    }

    /// The bytes are the peer's next ones.
    fn check_read(&mut self, taken: &[u8]) {
        let from = self.notes.irs.wrapping_add(1).wrapping_add(self.notes.read);
        for (at, byte) in taken.iter().enumerate() {
            assert_eq!(*byte, byte_at(from.wrapping_add(at as u32)), "byte {at} of those read");
        }
        self.notes.read += taken.len() as u32;
        assert!(self.notes.read <= self.notes.said, "more was read than was said");
    }

    fn settle_frames(&mut self) {
        while let Some(frame) = self.out.frames.pop_front() {
            self.notes.check(&frame, self.connects);
        }
    }

    /// Looks at what the host said, and at what it told its application.
    fn settle(&mut self) {
        self.settle_frames();
        while let Some(event) = self.host.next_event() {
            match event {
                NetEvent::Accepted { conn, .. } => {
                    assert_eq!(self.conn.replace(conn), None, "two connections of the same ends");
                }
                NetEvent::Closed { conn, .. } if self.conn == Some(conn) => {
                    self.read(usize::MAX);
                    self.conn = None;
                }
                NetEvent::Connected { .. } | NetEvent::PeerClosed { .. } => {}
                NetEvent::Closed { .. } => panic!("{event:?} of another connection"),
            }
        }
    }

    /// Whatever was said, nothing is kept of it.
    fn finish(mut self) {
        self.out.is_full = false;
        if let Some(conn) = self.conn {
            self.host.abort(conn);
        }
        for _ in 0..60 {
            self.host.poll(self.now, &mut self.out);
            self.settle();
            self.now += 100 * MS;
        }
        assert_eq!(self.host.free_slots(), self.slots, "a slot is not free");
    }
}

/// Takes at most so many of the bytes shown; gives how many.
fn take(taken: &mut Vec<u8>, shown: &[u8], most: usize) -> usize {
    let len = shown.len().min(most.saturating_sub(taken.len()));
    taken.extend(&shown[..len]);
    len
}

impl Notes {
    /// Takes note of what the peer says.
    fn count(&mut self, flags: u8, (sequence, ack): (u32, u32), window: u16, len: u32) {
        let end = len + u32::from(flags & FIN != 0);
        let from = sequence.wrapping_sub(self.irs.wrapping_add(1)).wrapping_add(end);
        if from < FAR && flags & (SYN | RST) == 0 {
            self.said = self.said.max(from);
        }
        let Some(iss) = self.iss.filter(|_| flags & ACK != 0) else { return };
        let acked = ack.wrapping_sub(iss.wrapping_add(1));
        if acked <= self.reach {
            self.allowed = self.allowed.max(acked + u32::from(window));
        }
    }

    /// Checks a frame of the host's.
    fn check(&mut self, frame: &[u8], connects: bool) {
        let packet = ipv4::parse(ether::parse(frame).unwrap().payload).unwrap();
        assert!(packet.checksum_ok());
        let (src, dst) = (packet.header.src, packet.header.dst);
        let sum = pseudo_header(src, dst, ipv4::TCP, packet.payload.len() as u16);
        assert_eq!(sum.bytes(packet.payload).finish(), 0, "TCP's checksum");
        let segment = tcp::parse(packet.payload).unwrap();
        let header = segment.header;
        if header.flags & RST != 0 {
            return;
        }
        let (sequence, ack) = (header.sequence.get(), header.acknowledgment.get());
        if header.flags & SYN != 0 {
            return self.check_syn(sequence, ack, header.flags, connects);
        }
        let Some(iss) = self.iss else { panic!("{header:?} before a SYN") };
        let from = sequence.wrapping_sub(iss.wrapping_add(1));
        let (len, fin) = (segment.payload.len() as u32, u32::from(header.flags & FIN != 0));
        if len + fin > 0 {
            let end = from + len;
            assert!(end <= self.written, "{end} of {} bytes", self.written);
            assert!(len <= u32::from(MTU) - 40);
            assert!(end <= self.allowed || len <= 1, "{end} where {} may be", self.allowed);
            assert!(fin == 0 || (self.has_closed && end == self.written), "a FIN too early");
            let is_right = |(at, byte): (usize, &u8)| *byte == byte_at(from + at as u32);
            assert!(segment.payload.iter().enumerate().all(is_right), "other bytes than written");
            self.reach = self.reach.max(end + fin);
        }
        self.check_ack(ack, header.window.get().into());
    }

    fn check_syn(&mut self, sequence: u32, ack: u32, flags: u8, connects: bool) {
        if self.iss != Some(sequence) {
            let irs = if connects { self.irs } else { ack.wrapping_sub(1) };
            *self = Notes { iss: Some(sequence), irs, ..Notes::default() };
        }
        assert!(flags & ACK == 0 || ack == self.irs.wrapping_add(1), "{ack} in a SYN");
    }

    fn check_ack(&mut self, ack: u32, window: u32) {
        let acked = ack.wrapping_sub(self.irs.wrapping_add(1));
        assert!(acked >= self.acked, "acknowledged {}, and then {acked}", self.acked);
        assert!(acked <= self.said, "acknowledged {acked} of {}", self.said);
        assert!(acked >= self.read, "read {}, and acknowledged {acked}", self.read);
        assert!(acked + window >= self.told_edge, "took back a window");
        (self.acked, self.told_edge) = (acked, acked + window);
    }
}
