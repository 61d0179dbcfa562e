//! Which places of a store are free.
//!
//! Last in, first out: what is taken is what was used last, and warm. The numbers lie in a row
//! apart from the places, so that taking one waits for no place's line: a list through the
//! places makes each taking wait for the one before, and for memory where the place is cold.

/// The free places of a store.
#[derive(Clone, Debug)]
pub struct FreeList {
    /// Those that are free, from the bottom up.
    stack: Box<[u32]>,
    len: usize,
    /// Places ever taken since all were free: those from here on lie where they lay then.
    used: u32,
}

impl FreeList {
    /// All of so many places, the first of which is the first to be taken.
    pub fn all(places: u32) -> FreeList {
        FreeList { stack: (0..places).rev().collect(), len: places as usize, used: 0 }
    }

    /// Gives all places back. Costs what was ever taken since the last time, whatever the capacity.
    pub fn clear(&mut self) {
        for (place, at) in self.stack.iter_mut().rev().zip(0..self.used) {
            *place = at;
        }
        (self.len, self.used) = (self.stack.len(), 0);
    }

    /// How many places are free.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no place is free.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes the place that was given back last; none when all are taken.
    #[inline]
    pub fn take(&mut self) -> Option<u32> {
        let len = self.len.wrapping_sub(1);
        let at = *self.stack.get(len)?;
        self.len = len;
        self.used = self.used.max(at + 1);
        Some(at)
    }

    /// Gives a place back that was taken.
    #[inline]
    pub fn give(&mut self, at: u32) {
        self.stack[self.len] = at;
        self.len += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_free_list_is_a_stack(
            len in 0usize..20,
            steps in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut list = FreeList::all(len as u32);
            let mut twin: Vec<u32> = (0..len as u32).rev().collect();
            let mut taken = Vec::new();
            for step in steps {
                if step % 2 == 0 {
                    let at = list.take();
                    prop_assert_eq!(at, twin.pop());
                    taken.extend(at);
                } else if !taken.is_empty() {
                    let at = taken.swap_remove(step as usize % taken.len());
                    list.give(at);
                    twin.push(at);
                }
                prop_assert_eq!((list.len(), list.is_empty()), (twin.len(), twin.is_empty()));
            }
            list.clear();
            for at in 0..len as u32 {
                prop_assert_eq!(list.take(), Some(at));
            }
            prop_assert_eq!(list.take(), None);
        }
    }
}
