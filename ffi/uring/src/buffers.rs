//! Buffers that O_DIRECT takes.

use hugemem::{Backing, HugePolicy, HugeSlab};

/// What a buffer is a multiple of, and aligned to.
pub const BLOCK_BYTES: usize = 4096;

#[derive(Clone, Copy)]
#[repr(C, align(4096))]
struct Block([u8; BLOCK_BYTES]);

/// Buffers of one size, zero when made.
pub struct Buffers {
    blocks: HugeSlab<Block>,
    blocks_a_buffer: usize,
}

impl Buffers {
    /// `count` buffers of `buffer_bytes` each.
    ///
    /// # Errors
    /// As [`HugeSlab::new`].
    ///
    /// # Panics
    /// When there are none, or they are no whole blocks.
    pub fn new(
        count: usize,
        buffer_bytes: usize,
        policy: HugePolicy,
    ) -> Result<Buffers, hugemem::Error> {
        let whole = buffer_bytes > 0 && buffer_bytes.is_multiple_of(BLOCK_BYTES);
        assert!(count > 0 && whole, "{count} buffers of {buffer_bytes} bytes");
        let blocks_a_buffer = buffer_bytes / BLOCK_BYTES;
        let blocks = HugeSlab::new(count * blocks_a_buffer, Block([0; BLOCK_BYTES]), policy)?;
        Ok(Buffers { blocks, blocks_a_buffer })
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.blocks.len() / self.blocks_a_buffer
    }

    /// The size of each.
    pub fn buffer_bytes(&self) -> usize {
        self.blocks_a_buffer * BLOCK_BYTES
    }

    /// Where they lie.
    pub fn backing(&self) -> Backing {
        self.blocks.backing()
    }

    /// One of them.
    pub fn get_mut(&mut self, buffer: usize) -> Option<&mut [u8]> {
        let from = buffer.checked_mul(self.blocks_a_buffer)?;
        let blocks = self.blocks.get_mut(from..)?.get_mut(..self.blocks_a_buffer)?;
        Some(blocks.as_flattened_bytes())
    }

    /// Where a buffer lies, for the kernel. Never made into a reference there.
    ///
    /// # Panics
    /// When there is no such buffer.
    pub(crate) fn address(&mut self, buffer: usize) -> *const u8 {
        let address = self.get_mut(buffer).map(|bytes| bytes.as_ptr());
        address.unwrap_or_else(|| panic!("no buffer {buffer}"))
    }

    /// All of them, as the kernel registers them.
    pub(crate) fn spans(&self) -> Vec<libc::iovec> {
        let buffers = self.blocks.chunks_exact(self.blocks_a_buffer);
        let span = |blocks: &[Block]| libc::iovec {
            iov_base: blocks.as_ptr().cast_mut().cast(),
            iov_len: size_of_val(blocks),
        };
        buffers.map(span).collect()
    }
}

trait Flat {
    fn as_flattened_bytes(&mut self) -> &mut [u8];
}

impl Flat for [Block] {
    fn as_flattened_bytes(&mut self) -> &mut [u8] {
        let len = size_of_val(self);
        // SAFETY: a `Block` is 4,096 bytes at an alignment of as many: no padding, every byte
        // initialised, and any byte is one. The borrow goes on to the result.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), len) }
    }
}

impl std::fmt::Debug for Buffers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffers({} of {} bytes)", self.count(), self.buffer_bytes())
    }
}
