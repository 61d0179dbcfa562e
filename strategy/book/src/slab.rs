//! A fixed array of nodes with a list of free places through it.

/// No place.
pub(crate) const NONE: u32 = u32::MAX;

/// Nodes addressed by `u32`; places are used again last in, first out, while they are warm.
#[derive(Clone, Debug)]
pub(crate) struct Slab<T> {
    nodes: Box<[T]>,
    free: Vec<u32>,
}

impl<T: Copy> Slab<T> {
    /// Room for `capacity` nodes, all of it touched.
    pub(crate) fn new(capacity: u32, blank: T) -> Slab<T> {
        let nodes = vec![blank; capacity as usize].into_boxed_slice();
        Slab { nodes, free: (0..capacity).rev().collect() }
    }

    pub(crate) fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    pub(crate) fn insert(&mut self, node: T) -> Option<u32> {
        let at = self.free.pop()?;
        self.nodes[at as usize] = node;
        Some(at)
    }

    /// Frees a place that is in use.
    pub(crate) fn remove(&mut self, at: u32) {
        debug_assert!(self.free.len() < self.nodes.len());
        self.free.push(at);
    }

    #[inline]
    pub(crate) fn get(&self, at: u32) -> &T {
        &self.nodes[at as usize]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: u32) -> &mut T {
        &mut self.nodes[at as usize]
    }

    /// Places in use.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }
}
