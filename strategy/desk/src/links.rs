//! Doubly linked lists over slots; the heads are their owners'.

/// No slot.
pub(crate) const NIL: u32 = u32::MAX;

/// The neighbours of every slot in the list it is in.
#[derive(Debug)]
pub(crate) struct Links(Box<[(u32, u32)]>);

impl Links {
    pub(crate) fn new(slots: usize) -> Links {
        Links(vec![(NIL, NIL); slots].into_boxed_slice())
    }

    /// Puts `slot` behind `last`, which is the list's last or [`NIL`].
    #[inline]
    pub(crate) fn push(&mut self, slot: u32, last: u32) {
        self.0[slot as usize] = (last, NIL);
        if last != NIL {
            self.0[last as usize].1 = slot;
        }
    }

    /// Puts `slot` before `first`, which is the list's first or [`NIL`].
    #[inline]
    pub(crate) fn push_front(&mut self, slot: u32, first: u32) {
        self.0[slot as usize] = (NIL, first);
        if first != NIL {
            self.0[first as usize].0 = slot;
        }
    }

    /// Takes `slot` out; its neighbours.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) -> (u32, u32) {
        let (before, after) = self.0[slot as usize];
        if before != NIL {
            self.0[before as usize].1 = after;
        }
        if after != NIL {
            self.0[after as usize].0 = before;
        }
        (before, after)
    }

    /// The slot after `slot`.
    #[inline]
    pub(crate) fn after(&self, slot: u32) -> u32 {
        self.0[slot as usize].1
    }
}
