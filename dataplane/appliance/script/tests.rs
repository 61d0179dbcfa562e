//! Words and names, without an engine's answers: `tests/match.rs` has those.

use super::{Names, Words};
use types::{Firm, Operation, Price, Symbol, SymbolId};

fn words(line: &str) -> Words {
    serde_json::from_str(line).unwrap()
}

#[test]
fn an_operation_names_its_symbol_and_all_without_one() {
    let mut names = Names::default();
    names.list(Symbol(*b"AAPL    "), SymbolId(7));
    let resume = words(r#"{"op":"resume","symbol":"AAPL"}"#);
    assert_eq!(resume.operation(&names), Ok(Operation::Resume { symbol: SymbolId(7) }));
    let resume = words(r#"{"op":"resume"}"#);
    assert_eq!(resume.operation(&names), Ok(Operation::Resume { symbol: SymbolId(0) }));
    let resume = words(r#"{"op":"resume","symbol":"NONE"}"#);
    assert!(resume.operation(&names).is_err());
}

#[test]
fn numbers_below_zero_are_beyond_every_bound() {
    let names = Names::default();
    for (line, price) in [
        (r#"{"op":"reference","price":-1}"#, Price(u32::MAX)),
        (r#"{"op":"reference","price":9999999999}"#, Price(u32::MAX)),
        (r#"{"op":"reference","price":"dear"}"#, Price(u32::MAX)),
        (r#"{"op":"reference","price":"Market"}"#, Price::MARKET),
        (r#"{"op":"reference","price":2000000000}"#, Price::MARKET),
        (r#"{"op":"reference","price":0}"#, Price(0)),
    ] {
        let symbol = SymbolId(0);
        assert_eq!(words(line).operation(&names), Ok(Operation::Reference { symbol, price }));
    }
}

#[test]
fn what_only_a_client_may_say_is_no_operation() {
    let enter = words(r#"{"op":"enter","session":1,"ref":1,"side":"B","qty":1,"symbol":"A"}"#);
    assert!(enter.operation(&Names::default()).is_err());
}

#[test]
fn firms_of_any_name_differ() {
    let mut names = Names::default();
    assert_eq!(names.firm("ACME"), Firm::new("ACME"));
    assert_eq!(names.firm("ACME INC"), None);
    for firm in ["ACME INC", "ACME LTD", "ACME INC", "ACME"] {
        names.open_firm(firm);
    }
    let all = ["ACME INC", "ACME LTD", "ACME"].map(|firm| names.firm(firm).unwrap());
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    assert_eq!(names.firm(""), Some(Firm::BLANK));
}

#[test]
fn names_keep_their_numbers() {
    let mut names = Names::default();
    let (a, b) = (Symbol(*b"A       "), Symbol(*b"B       "));
    for symbol in [a, b, a] {
        names.list_next(symbol, 2);
    }
    names.list_next(Symbol(*b"C       "), 2);
    assert_eq!(names.symbol_id(&a), Some(SymbolId(1)));
    assert_eq!(names.symbol_id(&b), Some(SymbolId(2)));
    assert_eq!(names.listed().count(), 2);
    assert_eq!((names.symbol(SymbolId(2)), names.symbol(SymbolId(9))), ("B".into(), String::new()));
    let account = names.open_account("alice");
    assert!(account.is_some());
    assert_eq!((names.open_account("alice"), names.accounts()), (account, 1));
}
