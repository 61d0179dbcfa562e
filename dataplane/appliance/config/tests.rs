//! The parser against hostile text, and what a configuration gives in good order. What each fault
//! reads like on the terminal is in `tests/config.rs`.

use super::*;
use engine::SelfMatch;
use engine::ledger::AccountLimits;
use lcore::venue::Due;
use proptest::prelude::*;
use types::{Operation, Phase, SymbolId};

fn quickstart() -> (String, PathBuf) {
    configuration("quickstart")
}

fn configuration(name: &str) -> (String, PathBuf) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/{name}.toml"));
    (std::fs::read_to_string(&path).unwrap(), path)
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, &quickstart().1)
}

#[test]
fn the_quickstart_is_what_it_says() {
    let config = Config::load(&quickstart().1).unwrap();
    let roles: Vec<_> = config.roles().collect();
    assert_eq!(roles, [("venue", "venue", 0), ("trader", "trader", 1), ("loadgen", "loadgen", 2)]);
    let [listing] = config.venues[0].symbols.as_slice() else { panic!("one symbol") };
    assert_eq!((listing.locate, listing.symbol.to_string()), (SymbolId(13), "AAPL".into()));
    assert!(listing.entry.is_some());
    let pace = Pace::Recorded { speed: 50.0, gap_ns_max: 1_000_000_000 };
    assert_eq!(config.loadgens[0].pace, pace);
    assert_eq!(config.venues[0].risk.notional_max, 200_000_000 * 10_000);
    assert_eq!(config.endpoints().len(), 8);
    // Once, and that is EAL's file prefix: passwords do not show.
    assert_eq!(format!("{config:?}").matches("\"quickstart\"").count(), 1);
}

#[test]
fn written_defaults_are_the_defaults() {
    let full = Config::load(&quickstart().1).unwrap();
    // The same file without every line whose comment says that its value is the default.
    let is_default = |line: &&str| {
        let value = line.split_once('=').map(|(_, rest)| rest.split('#').next().unwrap_or(""));
        let told = line.trim_end().strip_suffix(']').and_then(|l| l.rsplit_once('['));
        match (value, told) {
            (Some(value), Some((_, told))) => {
                let value = value.trim().trim_matches('"');
                value == told || (value == "[]" && line.ends_with("[[]]"))
            }
            _ => false,
        }
    };
    let (text, path) = quickstart();
    let dropped = text.lines().filter(is_default).count();
    let short: String =
        text.lines().filter(|line| !is_default(line)).map(|line| format!("{line}\n")).collect();
    let bare = Config::parse(&short, &path).unwrap();
    assert!(dropped > 40, "{dropped} lines say their default");
    let mut bare = format!("{bare:?}");
    bare = bare.replace("file_prefix: \"peregrine\"", "file_prefix: \"quickstart\"");
    assert_eq!(bare, format!("{full:?}"));
}

#[test]
fn the_exchange_is_what_it_says() {
    let config = Config::load(&configuration("exchange").1).unwrap();
    let [venue] = config.venues.as_slice() else { panic!("one venue") };
    assert_eq!((venue.self_match, venue.opens_trading), (SelfMatch::CancelNewest, false));
    assert_eq!(venue.ticks, engine::REG_NMS);
    let names: Vec<_> = venue.ledger.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(names, ["alpha", "beta", "SNAP1"]);
    let [alpha, beta, snap] = [0, 1, 2].map(|at| venue.ledger[at].terms);
    assert_eq!((alpha.cash, beta.cash, snap.cash), (100_000_000_000, 50_000_000_001, 0));
    assert_eq!((alpha.limits.cash_floor, beta.limits.cash_floor), (0, i64::MIN));
    assert_eq!(alpha.limits.order_notional_max, 10_000_000_000);
    assert_eq!(snap.limits, AccountLimits::default());
    assert!(alpha.limits.short_allowed && !beta.limits.short_allowed);
    let traded: Vec<_> = venue.accounts.iter().map(|a| (a.ledger, a.snapshot)).collect();
    assert_eq!(traded, [(0, false), (1, false), (2, true)]);
    let line_b = venue.itch.line_b.as_ref().unwrap();
    assert_eq!(line_b.group.udp_port, 26_478);
    assert_eq!(line_b.endpoint.as_ref().unwrap().port, "line_b");
    let (first, last) = (venue.schedule[0], venue.schedule[4]);
    let phase = |phase| Operation::Phase { symbol: SymbolId(0), phase };
    assert_eq!(first, (Due::At(13 * 3600 * 1_000_000_000), phase(Phase::PreOpen)));
    assert_eq!(last, (Due::At(22 * 3600 * 1_000_000_000), phase(Phase::End)));
    assert_eq!(venue.throttle.server.messages_burst_max, 5_000);
    assert_eq!(config.endpoints().len(), 3);
}

#[test]
fn a_reference_goes_before_its_cross() {
    let (text, path) = configuration("exchange");
    let tell = r#"{"op":"imbalance"}"#;
    let cross = r#"{"op":"cross","symbol":"AAPL","reference":1500000}"#;
    let config = Config::parse(&text.replace(tell, cross), &path).unwrap();
    let told: Vec<_> = config.venues[0].schedule[1..3].iter().map(|(_, told)| *told).collect();
    let symbol = SymbolId(13);
    let reference = Operation::Reference { symbol, price: types::Price(1_500_000) };
    assert_eq!(told[0], reference);
    assert!(matches!(told[1], Operation::Cross { symbol: SymbolId(13), .. }));
}

#[test]
fn many_logins_have_names_and_accounts_of_their_own() {
    let (text, path) = quickstart();
    let text = text.replace("# accounts_count = 4096", "accounts_count = 4094");
    let text = text.replace("# accounts_password =", "accounts_password =");
    let config = Config::parse(&text, &path).unwrap();
    let venue = &config.venues[0];
    assert_eq!((venue.accounts.len(), venue.ledger.len()), (4096, 4096));
    for (at, account) in venue.accounts.iter().enumerate() {
        assert_eq!(usize::from(account.ledger), at);
        assert_eq!(venue.ledger[at].name, account.user);
    }
    assert_eq!((&*venue.accounts[2].user, &*venue.accounts[4095].user), ("U0001", "U4094"));
    assert_eq!(venue.accounts[4095].password.0, "of-all");
}

#[test]
fn a_symbol_is_held_to_its_own_limits_and_the_firm_to_one() {
    let (text, _) = quickstart();
    let text =
        text.replace("ticks = \"none\"                  # limits", "ticks = \"reg-nms\" # limits");
    let text = text.replace(
        "position_max_shares = 10000     # [as above, and so the others]",
        "position_max_shares = 7",
    );
    let firm = "firm_exposure_max_dollars = 0   # of all traders";
    let second = |dollars: u64| {
        let text = text.replace(firm, "firm_exposure_max_dollars = 5 # of all traders");
        let (from, to) = (text.find("[[trader]]").unwrap(), text.find("[[loadgen]]").unwrap());
        let other = text[from..to]
            .replace("name = \"trader\"", "name = \"other\"")
            .replace("dollars = 5 #", &format!("dollars = {dollars} #"));
        parse(&format!("{text}\n{other}")).map_err(|error| error.to_string())
    };
    let told = second(6).unwrap_err();
    assert!(told.contains("trader[1].risk.firm_exposure_max_dollars") && told.contains("differs"));
    // The same again is no fault of the firm's; that the ports are used twice is another's.
    assert!(!second(5).unwrap_err().contains("differs"));
    let config = parse(&text).unwrap();
    let limits = config.traders[0].ticker_limits[0];
    assert_eq!((limits.position_max, limits.tick), (7, types::Price(100)));
    assert_eq!((limits.exposure_max, limits.open_orders_max), (u64::MAX, 64));
}

#[test]
fn the_command_line_has_the_last_word() {
    let mut config = Config::load(&quickstart().1).unwrap();
    config.apply(&Overrides {
        no_huge: true,
        report_dir: Some("elsewhere".into()),
        duration: Some(Duration::from_secs(3)),
        pace: Some(parse_pace("2x").unwrap()),
    });
    assert_eq!(config.eal.huge, Huge::Off);
    assert_eq!(config.run.report_dir, Path::new("elsewhere"));
    assert_eq!(config.run.duration, Some(Duration::from_secs(3)));
    let pace = Pace::Recorded { speed: 2.0, gap_ns_max: 1_000_000_000 };
    assert_eq!(config.loadgens[0].pace, pace, "the file's cut of pauses stays");
}

#[test]
fn paces_are_read_as_people_write_them() {
    let recorded = |speed| Pace::Recorded { speed, gap_ns_max: 0 };
    assert_eq!(parse_pace("recorded"), Ok(recorded(1.0)));
    assert_eq!(parse_pace("0.5x"), Ok(recorded(0.5)));
    assert_eq!(parse_pace("250_000/s"), Ok(Pace::Rate { messages_per_s: 250_000 }));
    assert_eq!(parse_pace("max"), Ok(Pace::Max));
    for bad in
        ["", "x", "0x", "-1x", "nanx", "infx", "0/s", "1.5/s", "99999999999999999999/s", "10"]
    {
        assert!(parse_pace(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_name_is_matched_to_the_one_that_was_meant() {
    let near = |word, known: &[&'static str]| fault::nearest(word, known.iter().copied());
    assert_eq!(near("slotz", &["name", "kind", "slots"]), Some("slots"));
    assert_eq!(near("MEMORY", &["memory_mb", "huge"]), Some("memory_mb"));
    assert_eq!(near("zzzz", &["name", "kind"]), None);
    assert_eq!(near(&"é".repeat(100), &["name"]), None);
}

/// Text that gets past the TOML grammar more often than bytes do.
fn toml_like() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "run",
        "eal",
        "link",
        "port",
        "venue",
        "trader",
        "loadgen",
        "name",
        "slots",
        "mtu",
        "=",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        ".",
        ",",
        "\"",
        "\n",
        "0",
        "-1",
        "1e999",
        "nan",
        "true",
        "é",
        "'",
        "\"a\"",
        "9223372036854775807",
        "1979-05-27",
        "#",
        "\0",
        "\u{feff}",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_refused_without_a_panic(text in prop_oneof![any::<String>(), toml_like()]) {
        let told = parse(&text).unwrap_err().to_string();
        prop_assert!(told.contains("quickstart.toml:"), "{told}");
    }

    /// Cuts, doubles and overwrites pieces of a good file.
    #[test]
    fn a_mutated_file_never_panics(
        name in prop::sample::select(vec!["quickstart", "exchange"]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, ".{0,6}"), 1..4),
    ) {
        let (mut text, path) = configuration(name);
        for (at, length, insert) in edits {
            let floor = |mut at: usize| { while !text.is_char_boundary(at) { at -= 1 } at };
            let start = floor(at.index(text.len()));
            let end = floor((start + length).min(text.len())).max(start);
            text.replace_range(start..end, &insert);
        }
        if let Err(error) = Config::parse(&text, &path) {
            let place = format!("{name}.toml:");
            prop_assert!(error.to_string().contains(&place));
        }
    }

    /// Dollars are what their digits say, whether they are a number or a text.
    #[test]
    fn dollars_are_exact(units in -10_000_000_000_000_000i64..=10_000_000_000_000_000, text: bool) {
        let (whole, part) = (units.unsigned_abs() / 10_000, units.unsigned_abs() % 10_000);
        let minus = if units < 0 { "-" } else { "" };
        let quote = if text { "\"" } else { "" };
        let written = format!("cash_dollars = {quote}{minus}{whole}.{part:04}{quote} ");
        let (text, path) = configuration("exchange");
        let text = text.replace("cash_dollars = 10000000.0 ", &written);
        let config = Config::parse(&text, &path).unwrap();
        prop_assert_eq!(config.venues[0].ledger[0].terms.cash, units);
    }

    /// No command in a schedule makes it panic, whatever it is.
    #[test]
    fn any_scheduled_command_is_taken_or_told(
        op in "phase|halt|resume|cross|quote|reference|bands|breaker|imbalance|bust|[a-z]{0,8}",
        key in "phase|symbol|price|lower|upper|level|cross|reference|[a-z]{0,6}",
        value in prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            "\"(AAPL|open|halt|market|.{0,9})\"",
            Just("null".to_owned()),
        ],
    ) {
        let (text, path) = configuration("exchange");
        let tell = format!("{{\"op\":\"{op}\",\"{key}\":{value}}}");
        let tell = toml::Value::String(tell).to_string();
        let text = text.replace(r#"'{"op":"imbalance"}'"#, &tell);
        if let Err(error) = Config::parse(&text, &path) {
            prop_assert!(error.to_string().contains("exchange.toml:"), "{error}");
        }
    }

    /// Every number is held to its bounds, whatever it is.
    #[test]
    fn any_number_in_any_place_never_panics(
        name in prop::sample::select(vec!["quickstart", "exchange"]),
        which in any::<prop::sample::Index>(),
        number in prop_oneof![any::<i64>(), -2i64..=100_000],
    ) {
        let (text, path) = configuration(name);
        let numbered: Vec<usize> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| {
                let value = line.split_once("= ").map(|(_, value)| value);
                value.is_some_and(|value| value.starts_with(|c: char| c.is_ascii_digit()))
            })
            .map(|(index, _)| index)
            .collect();
        let chosen = numbered[which.index(numbered.len())];
        let changed: String = text
            .lines()
            .enumerate()
            .map(|(index, line)| match line.split_once('=') {
                Some((key, _)) if index == chosen => format!("{key}= {number}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        if let Err(error) = Config::parse(&changed, &path) {
            prop_assert!(error.to_string().contains("out of bounds")
                || error.to_string().contains("power of two")
                || error.to_string().contains("set at least")
                || error.to_string().contains("four decimals")
                || error.to_string().contains("give that too")
                || error.to_string().contains("set pool.data_room")
                || error.to_string().contains("the other end"), "{error}");
        }
    }
}
