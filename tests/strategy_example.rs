//! `docs/strategies.md` says what is so: its worked example is compiled and its tests are run here,
//! and its tables are those of the built-in strategies.

#[path = "../docs/examples/dip.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it reads as in a crate of its own")]
mod dip;

use algos::{Builtin, ParamSpec, Strategy};

const DOCUMENT: &str = include_str!("../docs/strategies.md");
const EXAMPLE: &str = include_str!("../docs/examples/dip.rs");

#[test]
fn the_document_quotes_the_example_as_it_is() {
    assert!(
        DOCUMENT.contains(&format!("```rust\n{EXAMPLE}```\n")),
        "put docs/examples/dip.rs between ```rust and ``` in docs/strategies.md"
    );
}

#[test]
fn the_document_lists_every_parameter_as_it_is() {
    for kind in Builtin::KINDS {
        let (name, help) = (kind.name, capital(kind.help));
        let table = format!("## `{name}`\n\n{help}.\n\n{}\n", table(kind.params));
        assert!(DOCUMENT.contains(&table), "docs/strategies.md should have:\n\n{table}");
    }
}

#[test]
fn the_example_is_a_strategy() {
    let mut dip = dip::Dip::new(1, [50, 100]);
    dip.set_param(1, 200);
    assert_eq!(dip.params().len(), 2);
    assert_eq!((dip.param(0), dip.param(1)), (50, 200));
}

fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

fn table(params: &[ParamSpec]) -> String {
    let mut text = String::from("| parameter | default | bounds | |\n|---|---|---|---|\n");
    for ParamSpec { name, min, max, default, help } in params {
        text += &format!("| `{name}` | {default} | {min} to {max} | {help} |\n");
    }
    text
}
