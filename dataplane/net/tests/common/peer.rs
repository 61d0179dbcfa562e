//! A TCP peer built by hand: it says exactly what a test wants, and hears what the host says.
//!
//! It is no state machine but a notebook of sequence numbers, and knows nothing of `smoltcp`.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(unreachable_pub, reason = "a module of each test binary")]
#![allow(clippy::unwrap_used, reason = "only tests use it")]

#[path = "segment.rs"]
mod segment;

use super::common::*;
use segment::Fields;
use std::collections::BTreeMap;
use wire::{ether, ipv4, tcp};

/// What a segment of the host said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub port: u16,
    pub sequence: u32,
    pub acknowledgment: u32,
    pub flags: u8,
    pub window: u16,
    pub payload: Vec<u8>,
}

impl Said {
    /// The segment in a frame, if it is one.
    pub fn parse(frame: &[u8]) -> Option<Said> {
        let packet = ipv4::parse(ether::parse(frame).ok()?.payload).ok()?;
        let segment = tcp::parse(packet.payload).ok()?;
        let header = segment.header;
        Some(Said {
            port: header.dst_port.get(),
            sequence: header.sequence.get(),
            acknowledgment: header.acknowledgment.get(),
            flags: header.flags,
            window: header.window.get(),
            payload: segment.payload.to_vec(),
        })
    }
}

/// Everything the host has said since it was last asked.
pub fn said(host: &mut Station) -> Vec<Said> {
    host.out.frames.drain(..).filter_map(|frame| Said::parse(&frame)).collect()
}

/// Station 1's end of a connection to port [`PORT`] of station 2.
#[derive(Clone, Debug)]
pub struct Peer {
    pub port: u16,
    /// The sequence number of the next byte to say.
    pub next: u32,
    /// The next sequence number expected.
    pub expected: u32,
    pub window: u16,
    /// The bytes heard, in order.
    pub heard: Vec<u8>,
    /// What came too early.
    early: BTreeMap<u64, Vec<u8>>,
}

impl Peer {
    /// One that will say `first` in its SYN.
    pub fn new(port: u16, first: u32) -> Peer {
        let (heard, early) = (Vec::new(), BTreeMap::new());
        Peer { port, next: first, expected: 0, window: 60_000, heard, early }
    }

    /// A frame with these header fields.
    pub fn frame(&self, flags: u8, (sequence, ack): (u32, u32), payload: &[u8]) -> Vec<u8> {
        let says = Fields {
            ports: (self.port, PORT),
            sequence,
            acknowledgment: ack,
            flags,
            window: self.window,
            options: if flags & tcp::SYN != 0 { &[2, 4, 0x05, 0xB4] } else { &[] },
        };
        segment::frame(&interface(1), &interface(2), &says, payload)
    }

    /// Says something at a distance from where it is, acknowledging all it heard.
    pub fn say(&self, host: &mut Station, now: u64, flags: u8, by: i32, payload: &[u8]) {
        let numbers = (self.next.wrapping_add_signed(by), self.expected);
        host.hear(now, &self.frame(flags, numbers, payload));
    }

    /// Says `payload` and moves on.
    pub fn tell(&mut self, host: &mut Station, now: u64, payload: &[u8]) {
        self.say(host, now, tcp::ACK | tcp::PSH, 0, payload);
        self.next = self.next.wrapping_add(payload.len() as u32);
    }

    /// Acknowledges what it heard.
    pub fn ack(&self, host: &mut Station, now: u64) {
        self.say(host, now, tcp::ACK, 0, &[]);
    }

    /// Sends the SYN; the answer's numbers are noted.
    pub fn syn(&mut self, host: &mut Station, now: u64) {
        host.hear(now, &self.frame(tcp::SYN, (self.next, 0), &[]));
        let answer = said(host).pop().expect("an answer to the SYN");
        assert_eq!(answer.flags, tcp::SYN | tcp::ACK, "{answer:?}");
        self.next = self.next.wrapping_add(1);
        assert_eq!(answer.acknowledgment, self.next);
        self.expected = answer.sequence.wrapping_add(1);
    }

    /// Opens the connection.
    pub fn open(&mut self, host: &mut Station, now: u64) -> net::ConnId {
        self.syn(host, now);
        self.ack(host, now);
        *host.accepted().last().expect("a connection")
    }

    /// Takes in what the host said; bytes are put in order. Gives whether it moved.
    pub fn hear(&mut self, said: &Said) -> bool {
        let at = self.heard.len() as u64;
        let by = i64::from(said.sequence.wrapping_sub(self.expected) as i32);
        let from = at.checked_add_signed(by).unwrap_or(0);
        let skip = from.saturating_sub(at.wrapping_add_signed(by)).min(said.payload.len() as u64);
        self.early.insert(from, said.payload[skip as usize..].to_vec());
        while let Some(entry) = self.early.first_entry() {
            let (start, have) = (*entry.key() as usize, self.heard.len());
            if start > have {
                break;
            }
            let bytes = entry.remove();
            self.heard.extend(bytes.get(have - start..).unwrap_or(&[]));
        }
        let moved = (self.heard.len() as u64 - at) as u32;
        self.expected = self.expected.wrapping_add(moved);
        let fin_at = said.sequence.wrapping_add(said.payload.len() as u32);
        let fin = said.flags & tcp::FIN != 0 && fin_at == self.expected;
        self.expected = self.expected.wrapping_add(u32::from(fin));
        moved > 0 || fin
    }
}
