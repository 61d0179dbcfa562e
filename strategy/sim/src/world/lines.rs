//! Connections between clients and whoever has the service's address: bytes in order, late now and
//! then, until one end is gone.

use super::{What, World};
use crate::canary::Canary;
use crate::floor;
use crate::node::End;
use crate::outcome::Violation;
use cluster::Standing;
use session::SoupServer;
use std::collections::BTreeMap;
use wire::soup::{Packet, parse_packet};

/// A connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) client: usize,
    pub(super) node: usize,
    /// Pieces sent so far, and the next to be taken: to the node, and to the client.
    sent: [u64; 2],
    next: [u64; 2],
    /// Pieces that came ahead of others.
    waiting: [BTreeMap<u64, Vec<u8>>; 2],
}

impl World {
    fn line_cut(&self, line: usize, to_client: bool) -> bool {
        let node = self.lines[line].node as u64 + 1;
        if to_client { self.is_cut(node, 0) } else { self.is_cut(0, node) }
    }

    /// Sends bytes over a connection.
    fn say(&mut self, line: usize, to_client: bool, bytes: Vec<u8>) {
        let sent = &mut self.lines[line].sent[usize::from(to_client)];
        let number = *sent;
        *sent += 1;
        let takes_ns = self.weather.hop_ns + self.rng.below(2_000);
        self.after(takes_ns, What::Bytes { line, to_client, number, bytes });
    }

    pub(super) fn arrive(
        &mut self,
        line: usize,
        to_client: bool,
        number: u64,
        bytes: Vec<u8>,
    ) -> Result<(), Violation> {
        if self.line_cut(line, to_client) {
            // Sent again until it comes through.
            self.after(200_000, What::Bytes { line, to_client, number, bytes });
            return Ok(());
        }
        let side = usize::from(to_client);
        let it = &mut self.lines[line];
        it.waiting[side].insert(number, bytes);
        let mut now = Vec::new();
        while let Some(bytes) = it.waiting[side].remove(&it.next[side]) {
            now.extend(bytes);
            it.next[side] += 1;
        }
        if to_client { self.bring_client(line, &now) } else { self.bring_node(line, now) }
    }

    fn bring_client(&mut self, line: usize, bytes: &[u8]) -> Result<(), Violation> {
        let client = self.lines[line].client;
        let it = &mut self.clients[client];
        if it.conn != Some(line) {
            return Ok(());
        }
        for (seq, message) in it.take(self.now_ns, bytes) {
            self.tally.told += 1;
            self.oracle.said(it.who, seq, &message)?;
            let index = |user_ref| self.oracle.order(client as u16, user_ref);
            it.judge(&message, index, &mut self.floor)?;
        }
        Ok(())
    }

    fn bring_node(&mut self, line: usize, bytes: Vec<u8>) -> Result<(), Violation> {
        let node = self.lines[line].node;
        let Some(run) = &mut self.nodes[node].run else { return Ok(()) };
        match run.ends.iter_mut().find(|end| end.conn == line) {
            Some(end) => end.bytes.extend(bytes),
            // Of a connection from before; whoever serves says so, and nobody else.
            None if matches!(run.member.standing(), Standing::Serving { .. }) => {
                self.after(self.weather.hop_ns, What::Reset { line, to_client: true });
                return Ok(());
            }
            None => return Ok(()),
        }
        self.poll(node)
    }

    pub(super) fn connect(&mut self, line: usize) -> Result<(), Violation> {
        let node = self.lines[line].node;
        if self.line_cut(line, false) {
            return Ok(());
        }
        let time = self.nodes[node].clocks.time(self.now_ns);
        let Some(run) = &mut self.nodes[node].run else { return Ok(()) };
        if !matches!(run.member.standing(), Standing::Serving { .. }) {
            return Ok(());
        }
        let mut server = SoupServer::new(floor::server());
        server.open(time.clock_ns);
        run.ends.push(End { server, conn: line, bytes: Vec::new(), next_seq: 0 });
        let client = self.lines[line].client;
        if self.clients[client].conn == Some(line) {
            self.clients[client].soup.open(self.now_ns);
            let first = self.clients[client].speak(self.now_ns, &mut self.rng, self.floor);
            self.say(line, false, first);
        }
        Ok(())
    }

    pub(super) fn reset(&mut self, line: usize, to_client: bool) -> Result<(), Violation> {
        if to_client {
            let client = self.lines[line].client;
            if self.clients[client].conn == Some(line) {
                self.drop_line(client);
            }
            return Ok(());
        }
        let node = self.lines[line].node;
        let time = self.nodes[node].clocks.time(self.now_ns);
        if let Some(run) = &mut self.nodes[node].run
            && let Some(at) = run.ends.iter().position(|end| end.conn == line)
        {
            run.close(at, time);
        }
        Ok(())
    }

    /// A client's end of its connection is gone.
    fn drop_line(&mut self, client: usize) {
        let it = &mut self.clients[client];
        it.soup.on_closed();
        it.retry_ns = self.now_ns + 100_000;
        if let Some(line) = it.conn.take() {
            self.after(self.weather.hop_ns, What::Reset { line, to_client: false });
        }
    }

    pub(super) fn client(&mut self, client: usize) -> Result<(), Violation> {
        let pause_ns = 1 + self.rng.below(2 * self.weather.order_every_ns);
        self.after(pause_ns, What::Client { client });
        let (now_ns, floor) = (self.now_ns, self.floor);
        let it = &mut self.clients[client];
        let gives_up = it.conn.is_some() && it.gives_up(now_ns);
        match it.conn {
            None if now_ns >= it.retry_ns => {
                let Some(node) = self.owner else { return Ok(()) };
                let line = self.lines.len();
                (it.conn, it.opened_ns) = (Some(line), now_ns);
                let (sent, next, waiting) = Default::default();
                self.lines.push(Line { client, node, sent, next, waiting });
                self.after(self.weather.hop_ns, What::Connect { line });
            }
            None => {}
            Some(_) if gives_up => self.drop_line(client),
            Some(_) if it.soup.is_idle() => {}
            Some(line) => {
                let bytes = it.speak(now_ns, &mut self.rng, floor);
                if !bytes.is_empty() {
                    self.say(line, false, bytes);
                }
            }
        }
        Ok(())
    }

    /// Has an end of a node say what it has to say, message by message held against what is true.
    pub(super) fn pump_end(&mut self, node: usize, at: usize) -> Result<(), Violation> {
        let drops = self.is(Canary::DropMessage);
        loop {
            let it = &mut self.nodes[node];
            let time = it.clocks.time(self.now_ns);
            let Some(run) = &mut it.run else { return Ok(()) };
            let later = run.member.replica().role().term > 2;
            let mut bytes = run.pump(at, time);
            if bytes.is_empty() {
                return Ok(());
            }
            let end = &mut run.ends[at];
            let who = end.server.session().map_or(0, |who| who.0);
            let (mut rest, mut offset) = (&bytes[..], 0);
            let mut dropped = None;
            while let Ok(Some((packet, len))) = parse_packet(rest, usize::from(u16::MAX)) {
                match packet {
                    Packet::LoginAccepted(accepted) => {
                        let number = wire::soup::text::parse(&accepted.sequence_number);
                        end.next_seq = number.unwrap_or_default();
                    }
                    Packet::Sequenced(message) => {
                        self.oracle.said(who, end.next_seq, message)?;
                        if drops && later && offset > 0 && dropped.is_none() {
                            dropped = Some(offset..offset + len);
                        }
                        end.next_seq += 1;
                    }
                    _ => {}
                }
                offset += len;
                rest = &rest[len..];
            }
            if let Some(dropped) = dropped {
                bytes.drain(dropped);
            }
            let line = run.ends[at].conn;
            self.say(line, true, bytes);
        }
    }

    /// A node ends a connection.
    pub(super) fn hang_up(&mut self, node: usize, at: usize) {
        let time = self.nodes[node].clocks.time(self.now_ns);
        let Some(run) = &mut self.nodes[node].run else { return };
        let line = run.ends[at].conn;
        run.close(at, time);
        self.after(self.weather.hop_ns * 2, What::Reset { line, to_client: true });
    }
}
