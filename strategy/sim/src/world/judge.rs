//! Whether it is over, what is missing, and the last judgement; and who hears the feed.

use super::{What, World};
use crate::floor::FEED;
use crate::outcome::{Check, Violation};
use wire::IntoBytes;
use wire::moldudp64::{self, Request};

/// How often the listener asks for what is missing.
const ASK_EVERY_NS: u64 = 300_000;

impl World {
    /// Whether all is answered and equal.
    pub(super) fn is_over(&self) -> bool {
        let committed = self.oracle.committed();
        let equal = |node: &crate::node::Node| match &node.run {
            None => node.refused,
            Some(run) => {
                let replica = run.member.replica();
                run.member.need().is_none()
                    && run.member.checked() == committed
                    && replica.last().0 == committed
            }
        };
        let heard = |client: &crate::client::Client| {
            client.is_done() && client.soup.next_seq() == self.oracle.session_next(client.who)
        };
        self.clients.iter().all(heard)
            && self.nodes.iter().all(equal)
            && self.listener.next == self.oracle.feed_next()
    }

    pub(super) fn what_is_missing(&self) -> String {
        let mut out = format!("{} entries committed", self.oracle.committed());
        for client in &self.clients {
            let (who, has) = (client.who, client.soup.next_seq());
            let due = self.oracle.session_next(who);
            let waits: Vec<u32> = client.unanswered.iter().map(|asked| asked.user_ref).collect();
            let taken = self.oracle.last_user_ref(who).0;
            out += &format!("; client {who} at {has} of {due}, waits for {waits:?} of {taken}");
        }
        for node in &self.nodes {
            let Some(run) = &node.run else {
                out += &format!("; node {} down", node.id);
                continue;
            };
            let (replica, member) = (run.member.replica(), &run.member);
            out += &format!(
                "; node {} {:?} last {:?} committed {} checked {} inputs {} {:?} need {:?}",
                node.id,
                replica.role(),
                replica.last(),
                replica.committed(),
                member.checked(),
                member.core().inputs(),
                member.standing(),
                member.need()
            );
        }
        out + &format!("; feed at {} of {}", self.listener.next, self.oracle.feed_next())
    }

    /// All nodes have the same bytes, and all adds up.
    pub(super) fn last_judgement(&self) -> Result<(), Violation> {
        self.oracle.audit()?;
        for node in &self.nodes {
            let Some(run) = &node.run else { continue };
            self.oracle.same_stores(node.id, &run.floor)?;
            let hash = run.member.core().engine().state_hash();
            self.oracle.hold(node.id, self.oracle.committed(), hash)?;
            let checked = run.member.core().engine().check();
            checked.map_err(|broken| Check::Ledger.broken(broken.to_string()))?;
        }
        Ok(())
    }

    /// A packet of the feed leaves.
    pub(super) fn publish(&mut self, packet: Vec<u8>) -> Result<(), Violation> {
        let (first, messages) = read(&packet);
        for (at, message) in messages.iter().enumerate() {
            self.oracle.published(first + at as u64, message)?;
        }
        if self.fine || !self.rng.ppm(self.weather.loss_ppm * 4) {
            self.after(self.weather.hop_ns, What::Feed { bytes: packet });
        }
        Ok(())
    }

    pub(super) fn hear(&mut self, packet: &[u8]) -> Result<(), Violation> {
        let (first, messages) = read(packet);
        let it = &mut self.listener;
        it.heard = it.heard.max(first + messages.len() as u64);
        for (at, message) in messages.into_iter().enumerate() {
            let seq = first + at as u64;
            if seq >= it.next {
                it.ahead.insert(seq, message.to_vec());
            }
        }
        while let Some(message) = it.ahead.remove(&it.next) {
            self.oracle.published(it.next, &message)?;
            it.next += 1;
        }
        Ok(())
    }

    /// Whoever listens asks for what it lacks.
    pub(super) fn listen(&mut self) -> Result<(), Violation> {
        self.after(ASK_EVERY_NS, What::Listen);
        let it = &self.listener;
        let missing = it.heard.saturating_sub(it.next).min(1_000) as u16;
        if let (Some(node), 1..) = (self.owner, missing) {
            let request = Request::new(FEED, it.next, missing);
            let bytes = request.as_bytes().to_vec();
            self.after(self.weather.hop_ns, What::Request { node, bytes });
        }
        Ok(())
    }

    pub(super) fn answer(&mut self, node: usize, request: &[u8]) -> Result<(), Violation> {
        if !self.serves(node) {
            return Ok(());
        }
        let Some(run) = &mut self.nodes[node].run else { return Ok(()) };
        let mut out = vec![0; 1400];
        // What cannot be answered is counted, and asked again.
        let Ok(len) = run.floor.publisher.on_request(request, &mut out) else { return Ok(()) };
        out.truncate(len);
        self.publish(out)
    }
}

/// The number of a packet's first message, and its messages.
fn read(packet: &[u8]) -> (u64, Vec<&[u8]>) {
    let Ok(packet) = moldudp64::parse(packet) else { return (0, Vec::new()) };
    let messages = packet.messages().map_while(Result::ok).map(|block| block.data);
    (packet.header.sequence_number.get(), messages.collect())
}
