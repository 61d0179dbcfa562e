//! The parser against hostile text, and what a configuration gives in good order. What each fault
//! reads like on the terminal is in `tests/config.rs`.

use super::*;
use proptest::prelude::*;
use types::SymbolId;

fn quickstart() -> (String, PathBuf) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/quickstart.toml");
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
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, ".{0,6}"), 1..4),
    ) {
        let (mut text, _) = quickstart();
        for (at, length, insert) in edits {
            let floor = |mut at: usize| { while !text.is_char_boundary(at) { at -= 1 } at };
            let start = floor(at.index(text.len()));
            let end = floor((start + length).min(text.len())).max(start);
            text.replace_range(start..end, &insert);
        }
        if let Err(error) = parse(&text) {
            prop_assert!(error.to_string().contains("quickstart.toml:"));
        }
    }

    /// Every number is held to its bounds, whatever it is.
    #[test]
    fn any_number_in_any_place_never_panics(which in any::<prop::sample::Index>(), number: i64) {
        let (text, _) = quickstart();
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
        if let Err(error) = parse(&changed) {
            prop_assert!(error.to_string().contains("out of bounds")
                || error.to_string().contains("power of two")
                || error.to_string().contains("set at least")
                || error.to_string().contains("set pool.data_room")
                || error.to_string().contains("the other end"), "{error}");
        }
    }
}
