//! What is replicated of sessions and of a feed, as bytes: numbers of eight bytes, little endian,
//! and messages as they are. Whoever keeps them sees to it that they are the bytes that were
//! written.

/// Why bytes are no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// They end early.
    #[error("the image ends early")]
    Short,
    /// They are of other sessions, or of stores of another size.
    #[error("the image is of stores of another size")]
    Size,
    /// They say what cannot be.
    #[error("the image contradicts itself")]
    Contradiction,
}

/// Adds a number.
pub fn put(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// What is left to be read.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next number.
    ///
    /// # Errors
    /// There are not eight bytes left.
    pub fn number(&mut self) -> Result<u64, ImageError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(ImageError::Short)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// The next numbers.
    ///
    /// # Errors
    /// There are not as many left.
    pub fn numbers<const N: usize>(&mut self) -> Result<[u64; N], ImageError> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Ok(numbers)
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// There are not as many left.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], ImageError> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(ImageError::Short)?;
        self.0 = rest;
        Ok(bytes)
    }
}
