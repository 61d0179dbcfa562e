//! What the order ports hand messages to, and what the cluster asks of an lcore.

use super::disk::Disk;
use crate::agent::Now;
use crate::replica_port::ReplicaPort;
use crate::venue::{Desk, Watchers};
use cluster::{Host, Member, Need, Standing, Time};
use engine::Engine;
use replica::{Record, Role};
use session::{ImageWriter, MoldPublisher};
use types::{Nanos, SessionId};
use venue::Stores;

/// The node behind the order ports.
pub(super) struct Seat {
    pub(super) member: Member,
}

/// The lcore's clock, as consensus wants it: the time stamp counter neither stops nor goes back.
pub(super) fn time(now: Now) -> Time {
    Time { clock_ns: now.ns, stamp: Nanos(now.ns) }
}

impl Desk for Seat {
    #[inline]
    fn engine(&self) -> &Engine {
        self.member.core().engine()
    }

    fn connected(&self) {
        self.member.core().connected();
    }

    #[inline]
    fn mark_dirty(&mut self, who: SessionId) {
        self.member.mark_dirty(who);
    }

    #[inline]
    fn has_room(&mut self, _watchers: &mut Watchers) -> bool {
        self.member.has_room()
    }

    #[inline]
    fn on_message(
        &mut self,
        now: Now,
        stores: Stores<'_>,
        who: SessionId,
        message: &[u8],
        watchers: &mut Watchers,
    ) {
        // What is not taken was counted by the member.
        let _ = self.member.on_message(time(now), stores, who, message, watchers);
    }

    /// With what is enacted and not committed: the image is held until that is released, as all
    /// that came of it.
    fn write_snapshot(
        &self,
        now: Now,
        publisher: &MoldPublisher,
        image: &mut ImageWriter<'_>,
    ) -> Option<u64> {
        let core = self.member.core();
        core.write_snapshot(Nanos(now.ns), publisher, image)
    }
}

/// What a poll of the member may reach.
pub(super) struct Hands<'a, 'e> {
    pub(super) peers: &'a mut ReplicaPort<'e>,
    pub(super) disk: &'a mut Disk,
    pub(super) committed: u64,
    pub(super) standing: Option<Standing>,
    pub(super) need: Option<Need>,
    pub(super) role: Option<Role>,
    pub(super) left_behind: u64,
}

impl Host for Hands<'_, '_> {
    #[inline]
    fn send(&mut self, to: u64, datagram: &[u8]) {
        self.peers.send(to, datagram);
    }

    #[inline]
    fn persist(&mut self, number: u64, record: Record<'_>) {
        self.disk.persist(number, &record, self.committed);
    }

    fn standing(&mut self, standing: Standing) {
        self.standing = Some(standing);
    }

    fn state_wanted(&mut self, need: Need) {
        self.need = Some(need);
    }

    fn role(&mut self, role: Role) {
        self.role = Some(role);
    }

    fn snapshot_wanted(&mut self, _peer: u64, _index_min: u64) {
        self.left_behind += 1;
    }
}
