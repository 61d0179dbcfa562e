//! The prompt of `peregrine loopback`, driven through a pipe as scripts do; and what
//! docs/loopback.md shows, run.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

mod common;

#[path = "common/appliance.rs"]
mod appliance;
#[path = "common/prompted.rs"]
mod prompted;

use appliance::{Scratch, cpus, machine};
use prompted::{Prompted, forwarded};

/// On a cable in memory, with its report in `folder`.
fn prompt(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.args(["loopback", "-i", "--no-huge", "--json", "report.json"]).current_dir(folder);
    command
}

fn json(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_script_drives_it_as_it_drives_testpmd() {
    let _machine = machine();
    let folder = Scratch::new();
    let mut run = Prompted::start(&mut prompt(folder.path()));
    let config = run.ask(&["show config fwd", "show config rxtx"]);
    assert!(config.starts_with("io packet forwarding - ports=2 - cores=1 - streams=0"), "{config}");
    assert!(config.contains("packets/burst=32"), "{config}");
    let info = run.ask(&["show port info all"]);
    assert!(info.contains("Infos for port 1") && info.contains("Driver name: net_ring"), "{info}");

    run.ask(&["set fwd macswap", "set burst 16", "set txpkts 128", "start tx_first 2"]);
    assert_eq!(run.ask(&["show config fwd"]).lines().count(), 4, "two streams on a lcore");
    let refused = run.ask(&["set fwd io", "start", "port stop all"]);
    assert_eq!(refused.lines().count(), 3, "each is refused while it forwards: {refused}");
    let first = run.stop();
    assert!(first.rx > 0 && first.tx > 0, "{first:?}");
    assert_eq!((first.rx_lost, first.tx_lost), (0, 0));

    run.ask(&["clear port stats all"]);
    assert_eq!(run.device().rx, 0, "counted from nothing");
    run.ask(&["port stop 1"]);
    let refused = run.ask(&["start"]);
    assert!(refused.contains("port 1"), "{refused}");
    run.ask(&["port start 1", "set fwd io", "start"]);
    let second = run.stop();
    assert!(second.rx > 0, "what was on the wire goes on round: {second:?}");
    run.ask(&["start"]);
    let text = run.ask(&["stop"]);
    assert_eq!(forwarded(&text).rx_lost, 0);
    let (status, _) = run.quit();
    // Commands were refused, and a script is to notice.
    assert_eq!(status.code(), Some(1));
    let report = json(folder.path());
    assert_eq!(report["passed"], true, "the frames themselves were fine: {report}");
    assert_eq!(report["snapshot"]["mode"], "io");
}

#[test]
fn the_end_of_the_pipe_is_the_end_of_the_run() {
    let _machine = machine();
    let folder = Scratch::new();
    let script = format!(
        "printf '%s\\n' '# warm up' 'start tx_first' 'show fwd stats all' | {} loopback -i \
         --no-huge --json report.json",
        env!("CARGO_BIN_EXE_peregrine")
    );
    let output = shell(folder.path(), &script);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Accumulated forward statistics"), "{said}");
    assert_eq!(json(folder.path())["snapshot"]["forwarding"], false);
}

#[test]
fn rubbish_is_told_and_the_run_goes_on() {
    let _machine = machine();
    let folder = Scratch::new();
    let mut run = Prompted::start(&mut prompt(folder.path()));
    let long = "x".repeat(100_000);
    let told =
        run.ask(&["shwo port stats all", "set burst 0", "\u{7f}\u{0}\u{1b}[2J", &long, "start"]);
    assert!(told.contains("did you mean `show"), "{told}");
    assert!(told.contains("burst, 1 to 512"), "{told}");
    assert!(told.contains("at most 256 bytes"), "{told}");
    assert!(!told.contains('\u{1b}'), "nothing of it reaches a terminal: {told:?}");
    assert!(told.contains("packet forwarding"), "the last command was done: {told}");
    run.stop();
    run.quit();
}

/// Runs a script; a process that it leaves in the background is ended in order.
fn shell(folder: &Path, script: &str) -> Output {
    let script = format!("trap 'kill -INT $(jobs -p) 2>/dev/null; wait' EXIT\n{script}");
    let output = Command::new("bash").args(["-c", &script]).current_dir(folder).output();
    output.expect("a shell")
}

fn document() -> String {
    fs::read_to_string(common::repo_root().join("docs/loopback.md")).expect("docs/loopback.md")
}

/// The block of commands that has these words in it, with this machine's CPUs and paths.
fn recipe(words: &str, folder: &Path) -> String {
    let text = document();
    let mut blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let block = blocks.find(|block| block.contains(words)).expect("the recipe is there");
    let [first, last] = cpus();
    let binary = env!("CARGO_BIN_EXE_peregrine");
    let background = block.replace(" &\n", " &\nsleep 3\n");
    background
        .replace("peregrine loopback", &format!("{binary} loopback"))
        .replace("--lcores 2", &format!("--lcores {first}"))
        .replace("--lcores 3", &format!("--lcores {last}"))
        .replace("/run/lo.sock", &folder.join("lo.sock").display().to_string())
        .replace("--duration 10s", "--duration 1s")
        .replace("--rate 1000000 --count 10000000", "--rate 10000 --count 20000")
}

fn works(words: &str) {
    let folder = Scratch::new();
    let script = recipe(words, folder.path());
    let output = shell(folder.path(), &script);
    let [said, complained] = [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b));
    assert!(output.status.success(), "{script}\n{said}{complained}");
    assert!(said.contains("Accumulated forward statistics"), "{script}\n{said}{complained}");
    assert!(!said.contains("RX-packets: 0 "), "frames came: {script}\n{said}{complained}");
}

#[test]
fn the_recipes_work() {
    let _machine = machine();
    works("printf");
    let folder = Scratch::new();
    let memif = recipe("net_memif0", folder.path());
    let output = shell(folder.path(), &memif);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{memif}\n{complained}");
}

#[test]
fn the_recipe_with_hugepages_works() {
    // First alone: other tests here take some of the pages that are asked for.
    let _machine = machine();
    if common::need_hugepages("the_recipe_with_hugepages_works", 96) {
        works("net_vhost0");
    }
}

#[test]
fn the_document_knows_every_mode_option_and_drop() {
    let text = document();
    let output = Command::new(env!("CARGO_BIN_EXE_peregrine"))
        .args(["loopback", "--help"])
        .output()
        .expect("help");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        let of_others = ["--bind", "--noisy-"].contains(&word) || word.trim_matches('-').is_empty();
        assert!(of_others || !word.starts_with("--") || help.contains(word), "{word} is no option");
    }
    let modes = help.split("possible values: ").nth(1).and_then(|rest| rest.split(']').next());
    for mode in modes.expect("modes").split(',').map(str::trim) {
        assert!(text.contains(&format!("| `{mode}` |")), "no word of the mode {mode}");
    }
}
