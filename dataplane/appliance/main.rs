//! The `peregrine` binary: one file a subcommand.
fn main() {}
