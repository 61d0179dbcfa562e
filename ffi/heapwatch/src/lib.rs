//! A counting global allocator.
