//! Words and names, without an engine's answers: `tests/match.rs` has those.

use super::{Names, Words};
use types::{Operation, Symbol, SymbolId};

#[test]
fn an_operation_names_its_symbol_and_all_without_one() {
    let mut names = Names::default();
    names.list(Symbol(*b"AAPL    "), SymbolId(7));
    let words: Words = serde_json::from_str(r#"{"op":"resume","symbol":"AAPL"}"#).unwrap();
    assert_eq!(words.operation(&names), Ok(Operation::Resume { symbol: SymbolId(7) }));
    let words: Words = serde_json::from_str(r#"{"op":"resume"}"#).unwrap();
    assert_eq!(words.operation(&names), Ok(Operation::Resume { symbol: SymbolId(0) }));
    let words: Words = serde_json::from_str(r#"{"op":"resume","symbol":"NONE"}"#).unwrap();
    assert!(words.operation(&names).is_err());
}
