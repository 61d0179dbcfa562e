//! Sessions that have something to be sent, each once.

use types::SessionId;

/// See the module.
#[derive(Debug)]
pub struct Dirty {
    listed: Vec<bool>,
    list: Vec<SessionId>,
}

impl Dirty {
    /// With room for so many sessions.
    pub fn new(sessions: usize) -> Dirty {
        Dirty { listed: vec![false; sessions], list: Vec::with_capacity(sessions) }
    }

    /// Lists a session; the list has room for each of them once.
    #[inline]
    pub fn push(&mut self, who: SessionId) {
        if let Some(listed) = self.listed.get_mut(usize::from(who.0))
            && !std::mem::replace(listed, true)
        {
            self.list.push(who);
        }
    }

    /// One of them, which is then listed no more.
    #[inline]
    pub fn pop(&mut self) -> Option<SessionId> {
        let who = self.list.pop()?;
        self.listed[usize::from(who.0)] = false;
        Some(who)
    }
}
