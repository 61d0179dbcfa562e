//! The house rules that a machine can check.
//!
//! * [`graph`]: who may depend on whom, and what we take from others (from `cargo metadata`).
//! * [`portable`]: that the default build asks for no newer CPU than it must.
//! * [`source`]: how Rust reads here: unsafe, unwrap, length of lines, functions and files.
//! * [`house`]: every other text in the tree: scripts, configurations, the README and its links.
//!
//! A broken rule is told as `file:line: rule`. A rule that is wrong is changed here, in the open,
//! not worked around at the place that it names.

#[path = "tidy/graph.rs"]
mod graph;
#[path = "tidy/house.rs"]
mod house;
#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/portable.rs"]
mod portable;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/spdx.rs"]
mod spdx;
#[path = "tidy/tree.rs"]
mod tree;

/// Fails the test with every violation of a rule at once.
fn expect_none(violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{} violation(s) of the house rules:\n{}\n",
        violations.len(),
        violations.join("\n")
    );
}
