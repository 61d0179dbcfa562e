//! Filled in with the tests.
