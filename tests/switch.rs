//! The quickstart's market in one room: every cable of it ends in a switch.

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use appliance::{Scenario, machine};

/// A cable and the role's end of it that is moved to a cable of its own, on the switch as well.
const CABLES: [(&str, &str); 4] = [("feed", "b"), ("order", "a"), ("flow", "a"), ("md", "b")];

fn one_room() -> Scenario {
    let (mut links, mut ports) = (String::new(), Vec::new());
    for (cable, end) in CABLES {
        links += &format!("[[link]]\nname = \"{cable}2\"\nslots = 512\n\n");
        ports.extend([format!("{cable}.{end}"), format!("{cable}2.a")]);
    }
    let switch =
        format!("[[switch]]\nname = \"room\"\nlcore = 1\nports = {ports:?}\n\n[[loadgen]]");
    let scenario = Scenario::new("config/quickstart.toml")
        .edit("[pool]", &format!("{links}[pool]"))
        .edit("[[loadgen]]", &switch);
    CABLES.into_iter().fold(scenario, |scenario, (cable, end)| {
        let own = |cable, end: &str| format!("port = \"{cable}.{end}\"");
        scenario.edit(&own(cable.to_owned(), end), &own(format!("{cable}2"), "b"))
    })
}

#[test]
fn a_market_trades_through_a_switch() {
    let _machine = machine();
    let ended = one_room().args("--no-huge --pace max").run();
    let report = ended.passed();
    let count = |what: &str| -> u64 {
        (0..8).map(|port| report.counter("room", &format!("port_{port}"), what)).sum()
    };
    assert_eq!((count("malformed"), count("moved"), count("table_full")), (0, 0, 0));
    assert!(count("learned") >= 6, "{}", report.counted());
    assert!(count("forwarded") > 1_000, "{}", report.counted());
    assert!(ended.stdout.contains("room"), "{}", ended.stdout);
}

#[test]
fn a_ring_of_one_cable_is_refused() {
    let ring =
        "[[switch]]\nname = \"ring\"\nlcore = 1\nports = [\"hurt.a\", \"hurt.b\"]\n[[loadgen]]";
    let ended = Scenario::new("config/quickstart.toml")
        .edit("[pool]", "[[link]]\nname = \"hurt\"\n\n[pool]")
        .edit("[[loadgen]]", ring)
        .args("--no-huge")
        .run();
    assert!(!ended.status.success());
    assert!(ended.stderr.contains("frames would go round for ever"), "{}", ended.stderr);
}
