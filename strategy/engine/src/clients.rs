//! What the engine knows of each client session.

use prefetch_index::prefetch_index;
use rkyv::{Archive, Deserialize, Serialize};
use types::{Firm, SessionId, UserRef};

/// Firms that can be switched off at once; one more switches off the whole session.
const FIRMS_OFF_MAX: usize = 256;

#[derive(Clone, Copy, Debug, Default, Archive, Serialize, Deserialize)]
pub(crate) struct Client {
    /// The highest number so far.
    pub(crate) last: UserRef,
    /// No order below this number is live.
    pub(crate) floor: UserRef,
    /// Orders resting.
    pub(crate) live: u32,
    /// Order entry is switched off.
    pub(crate) off: bool,
}

/// All sessions.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    table: Box<[Client]>,
    firms_off: Vec<(SessionId, Firm)>,
}

impl Clients {
    pub(crate) fn new(sessions: u16) -> Clients {
        let table = vec![Client::default(); usize::from(sessions)].into_boxed_slice();
        Clients { table, firms_off: Vec::with_capacity(FIRMS_OFF_MAX) }
    }

    /// Asks memory for a session.
    #[inline]
    pub(crate) fn ask(&self, who: SessionId) {
        prefetch_index(&self.table, usize::from(who.0));
    }

    pub(crate) fn knows(&self, who: SessionId) -> bool {
        usize::from(who.0) < self.table.len()
    }

    #[inline]
    pub(crate) fn get(&self, who: SessionId) -> Client {
        self.table.get(usize::from(who.0)).copied().unwrap_or_default()
    }

    /// Whether a number is above the session's last; it is the last from then on.
    ///
    /// OUCH 5.0, 2.1: UserRefNum "must be day-unique and strictly increasing", repeats are ignored.
    #[inline]
    pub(crate) fn is_new(&mut self, who: SessionId, user_ref: UserRef) -> bool {
        let Some(client) = self.table.get_mut(usize::from(who.0)) else { return false };
        if user_ref <= client.last {
            return false;
        }
        client.last = user_ref;
        true
    }

    /// An order came to rest. One that follows the midpoint may have gone just before, and its
    /// number may lie below the session's others.
    #[inline]
    pub(crate) fn came(&mut self, who: SessionId, user_ref: UserRef) {
        if let Some(client) = self.table.get_mut(usize::from(who.0)) {
            client.live += 1;
            client.floor = client.floor.min(user_ref);
        }
    }

    #[inline]
    pub(crate) fn went(&mut self, who: SessionId) {
        let Some(client) = self.table.get_mut(usize::from(who.0)) else { return };
        client.live -= 1;
        if client.live == 0 {
            client.floor = client.last;
        }
    }

    /// An order that rests was replaced by one under the session's last number.
    #[inline]
    pub(crate) fn swapped(&mut self, who: SessionId) {
        if let Some(client) = self.table.get_mut(usize::from(who.0))
            && client.live == 1
        {
            client.floor = client.last;
        }
    }

    /// Nothing below `floor` is live.
    pub(crate) fn raise_floor(&mut self, who: SessionId, floor: UserRef) {
        if let Some(client) = self.table.get_mut(usize::from(who.0)) {
            client.floor = client.floor.max(floor);
        }
    }

    /// Whether a firm may enter orders on a session.
    #[inline]
    pub(crate) fn may_enter(&self, who: SessionId, firm: Firm) -> bool {
        !self.get(who).off && (self.firms_off.is_empty() || !self.firms_off.contains(&(who, firm)))
    }

    /// Switches order entry; a blank firm means the whole session.
    pub(crate) fn permit(&mut self, who: SessionId, firm: Firm, enable: bool) {
        let full = self.firms_off.len() == FIRMS_OFF_MAX;
        if !firm.is_blank() {
            match (enable, self.firms_off.iter().position(|f| *f == (who, firm))) {
                (true, Some(at)) => drop(self.firms_off.remove(at)),
                (false, None) if !full => self.firms_off.push((who, firm)),
                (false, None) => self.switch(who, true),
                (true, None) | (false, Some(_)) => {}
            }
            return;
        }
        self.switch(who, !enable);
        if enable {
            self.firms_off.retain(|(session, _)| *session != who);
        }
    }

    fn switch(&mut self, who: SessionId, off: bool) {
        if let Some(client) = self.table.get_mut(usize::from(who.0)) {
            client.off = off;
        }
    }

    /// Every session, and every firm that is switched off, for hashes and snapshots.
    pub(crate) fn all(&self) -> (&[Client], &[(SessionId, Firm)]) {
        (&self.table, &self.firms_off)
    }

    /// Puts a session's state back.
    pub(crate) fn put(&mut self, who: SessionId, client: &Client) {
        if let Some(place) = self.table.get_mut(usize::from(who.0)) {
            *place = *client;
        }
    }

    /// Puts back a firm that is switched off; `false` when it cannot be.
    pub(crate) fn put_firm_off(&mut self, who: SessionId, firm: Firm) -> bool {
        let fits = self.firms_off.len() < FIRMS_OFF_MAX
            && self.knows(who)
            && !firm.is_blank()
            && !self.firms_off.contains(&(who, firm));
        if fits {
            self.firms_off.push((who, firm));
        }
        fits
    }
}
