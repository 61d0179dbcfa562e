//! Message blocks, `length[2] data[length]`: how MoldUDP64 packs messages and how an ITCH file
//! holds them.
//!
//! Failure modes: a length that reaches beyond the bytes ends the walk with a [`BlockError`] that
//! names the offset of that length; the blocks before it have been given.

/// A block that does not fit in the bytes at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message block at offset {offset} needs {needed} bytes, {left} are left")]
pub struct BlockError {
    /// Where the block's length begins, in bytes from the start of the slice.
    pub offset: usize,
    /// Bytes the block needs, its length field included.
    pub needed: usize,
    /// Bytes left at `offset`.
    pub left: usize,
}

/// A message and where its length field begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// Offset of the length field from the start of the slice.
    pub offset: usize,
    /// The message.
    pub data: &'a [u8],
}

/// Walks over the blocks in a slice.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Blocks still to give; `None` until the bytes end.
    left: Option<u16>,
}

impl<'a> Blocks<'a> {
    /// Every block until the bytes end: an ITCH file.
    pub const fn to_end(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, left: None }
    }

    /// Exactly `count` blocks from `offset` on: a MoldUDP64 packet. Offsets count from the start of
    /// `bytes`.
    pub const fn counted(bytes: &'a [u8], offset: usize, count: u16) -> Self {
        Self { bytes, at: offset, left: Some(count) }
    }

    /// The offset the walk has reached: of the first byte no block has claimed.
    pub const fn offset(&self) -> usize {
        self.at
    }

    fn fail(&mut self, needed: usize, left: usize) -> Option<Result<Block<'a>, BlockError>> {
        self.left = Some(0);
        Some(Err(BlockError { offset: self.at, needed, left }))
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, BlockError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        match &mut self.left {
            Some(0) => return None,
            Some(left) => *left -= 1,
            None if rest.is_empty() => return None,
            None => {}
        }
        let Some((length, after)) = rest.split_first_chunk::<2>() else {
            return self.fail(2, rest.len());
        };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some(data) = after.get(..length) else {
            return self.fail(2 + length, rest.len());
        };
        let block = Block { offset: self.at, data };
        self.at += 2 + length;
        Some(Ok(block))
    }
}
