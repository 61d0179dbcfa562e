//! Which places of a store are free.
//!
//! The list goes through the places themselves: taking one reads the line that is about to be
//! written anyway, and giving it back writes one that was just read. Last in, first out: what is
//! taken is what was used last, and warm.

use crate::tree::NIL;

/// What can be on a list: it has a word for the next one while it is free.
pub trait Place {
    /// The next free place.
    fn next(&self) -> u32;

    /// Sets the next free place.
    fn set_next(&mut self, next: u32);
}

/// The free places of a slice, which every call is given.
#[derive(Clone, Copy, Debug)]
pub struct FreeList {
    first: u32,
}

impl FreeList {
    /// All of `places`, the first of which is the first to be taken.
    pub fn all<P: Place>(places: &mut [P]) -> FreeList {
        FreeList::again(places, places.len())
    }

    /// All of `places` again, when those from `used` on were never taken since they were listed.
    pub fn again<P: Place>(places: &mut [P], used: usize) -> FreeList {
        let end = places.len();
        for (at, place) in (1u32..).zip(places.iter_mut().take(used)) {
            place.set_next(if (at as usize) < end { at } else { NIL });
        }
        FreeList { first: if end == 0 { NIL } else { 0 } }
    }

    /// Whether no place is free.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first == NIL
    }

    /// Takes the place that was given back last; none when all are taken.
    #[inline]
    pub fn take<P: Place>(&mut self, places: &[P]) -> Option<u32> {
        let at = self.first;
        self.first = places.get(at as usize)?.next();
        Some(at)
    }

    /// Gives a place back that was taken.
    #[inline]
    pub fn give<P: Place>(&mut self, places: &mut [P], at: u32) {
        places[at as usize].set_next(self.first);
        self.first = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Place for u32 {
        fn next(&self) -> u32 {
            *self
        }

        fn set_next(&mut self, next: u32) {
            *self = next;
        }
    }

    proptest! {
        #[test]
        fn a_free_list_is_a_stack(
            len in 0usize..20,
            steps in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut places = vec![0u32; len];
            let mut list = FreeList::all(&mut places);
            let mut twin: Vec<u32> = (0..len as u32).rev().collect();
            let (mut taken, mut used) = (Vec::new(), 0);
            for step in steps {
                if step % 2 == 0 {
                    let at = list.take(&places);
                    prop_assert_eq!(at, twin.pop());
                    taken.extend(at);
                } else if !taken.is_empty() {
                    let at = taken.swap_remove(step as usize % taken.len());
                    list.give(&mut places, at);
                    twin.push(at);
                }
                prop_assert_eq!(list.is_empty(), twin.is_empty());
                used = used.max(taken.iter().max().map_or(0, |at| *at as usize + 1));
            }
            list = FreeList::again(&mut places, used);
            for at in 0..len as u32 {
                prop_assert_eq!(list.take(&places), Some(at));
            }
            prop_assert_eq!(list.take(&places), None);
        }
    }
}
