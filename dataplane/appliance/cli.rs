//! The command line: what can be typed, and how a failure is told.
//!
//! Exit status: 0 for success; 2 when what was asked for cannot be done as asked (arguments, the
//! configuration, the host), with one message on stderr that names the place, the value and the
//! remedy; 1 when something failed that should not have.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use clap::error::ErrorKind as Parsing;
use clap::{Args, Parser, Subcommand};

use crate::backtest::{BacktestArgs, BacktestError};
use crate::config::{ConfigError, Overrides, Pace, parse_pace};
use crate::decode::DecodeArgs;
use crate::doctor::{DoctorArgs, DoctorError};
use crate::drill::{DrillArgs, DrillRefused};
use crate::fitness::UnfitError;
use crate::journal::{JournalArgs, JournalRefused};
use crate::loopback::{LoopbackArgs, LoopbackError};
use crate::placement::PlacementError;
use crate::replay::{ReplayArgs, ReplayError};
use crate::sim::SimArgs;

/// Exit status for what cannot be done as asked.
pub(crate) const REFUSED: u8 = 2;

/// What the binary was made from. The build script sets these; a plain compiler run does not.
const GIT: Option<&str> = option_env!("PEREGRINE_GIT_REV");
const DPDK: Option<&str> = option_env!("PEREGRINE_DPDK_VERSION");
const TARGET_CPU: Option<&str> = option_env!("PEREGRINE_TARGET_CPU");

/// A trading appliance on DPDK: venue, trader and load generator in one binary
#[derive(Debug, Parser)]
#[command(name = "peregrine", arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start what a configuration describes, and report how it went
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Say whether a configuration is right, and what it would place where; starts nothing
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Replay a recorded feed through ports: to a trader here, or out of a device
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArgs),
    /// Test a strategy against a recording: what it would have traded, gained and held
    #[command(after_help = BACKTEST_EXAMPLES)]
    Backtest(Box<BacktestArgs>),
    /// Run the bare matching engine on a script of JSON lines, and print its events as JSON lines
    #[command(after_help = MATCH_EXAMPLES)]
    Match(MatchArgs),
    /// Tell a running venue or trader what its operator wants: halt, cross, limit, kill, status
    #[command(after_help = TELL_EXAMPLES)]
    Tell(TellArgs),
    /// Decode captures and ITCH files into JSON lines
    #[command(after_help = DECODE_EXAMPLES)]
    Decode(DecodeArgs),
    /// Read a journal: is it whole, what is in it
    #[command(after_help = JOURNAL_EXAMPLES)]
    Journal(JournalArgs),
    /// Forward, make or end frames on any ports, as testpmd does, and say what became of them
    #[command(after_help = LOOPBACK_EXAMPLES)]
    Loopback(Box<LoopbackArgs>),
    /// Live through a cluster's bad weather on a virtual clock, seed by seed, and check everything
    #[command(after_help = SIM_EXAMPLES)]
    Sim(SimArgs),
    /// Say whether this host is fit to trade: settings, jitter, clocks, memory, and a running
    /// appliance's lcores
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(Box<DoctorArgs>),
    /// Start a cluster on this machine, load it, take its leader away, and say what clients noticed
    #[command(after_help = DRILL_EXAMPLES)]
    Drill(DrillArgs),
    /// List the ports that DPDK sees, and what they can do
    #[command(after_help = PORTS_EXAMPLES)]
    Ports(PortsArgs),
}

/// Arguments of `run`.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The configuration
    #[arg(value_name = "CONFIG")]
    pub(crate) config: PathBuf,
    /// Do without hugepages, whatever the configuration says
    #[arg(long)]
    pub(crate) no_huge: bool,
    /// Folder for report.json and index.html, instead of run.report_dir
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// End the run after this time at the latest: 500ms, 10s, 5m, 2h
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// Pace of every load generator: recorded, 10x, 250000/s, max
    #[arg(long, value_name = "PACE", value_parser = parse_pace)]
    pub(crate) pace: Option<Pace>,
    /// Write memory and mbufs in use to this file, a line of JSON a look, and judge their growth
    #[arg(long, value_name = "FILE")]
    pub(crate) samples: Option<PathBuf>,
    /// How often to look
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "1s",
        requires = "samples")]
    pub(crate) samples_every: Duration,
    /// Folder for heap profiles in pprof's form: before, after, and the difference
    #[arg(long, value_name = "DIR")]
    pub(crate) heap_profile: Option<PathBuf>,
    /// Print nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Tell each setting of this host that does not suit, and what mends it
    #[arg(long, short, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
}

/// What `run` needs besides the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunOptions {
    /// Print nothing but errors.
    pub(crate) quiet: bool,
    /// Tell every setting of the host that does not suit.
    pub(crate) verbose: bool,
    /// Where looks at memory go, and how often there is one.
    pub(crate) samples: Option<(PathBuf, Duration)>,
    /// Where heap profiles go.
    pub(crate) heap_profile: Option<PathBuf>,
}

/// Arguments of `check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The configuration
    #[arg(value_name = "CONFIG")]
    pub(crate) config: PathBuf,
}

/// Arguments of `match`.
#[derive(Args, Debug)]
pub(crate) struct MatchArgs {
    /// The script, one JSON object a line; - for standard input
    #[arg(value_name = "COMMANDS")]
    pub(crate) commands: PathBuf,
    /// Which of two orders of one firm gives way when they would meet
    #[arg(long, value_enum, default_value_t = SelfMatchArg::Newest, value_name = "WHICH")]
    pub(crate) self_match: SelfMatchArg,
    /// What prices must be multiples of
    #[arg(long, value_enum, default_value_t = TicksArg::None, value_name = "TABLE")]
    pub(crate) ticks: TicksArg,
    /// Orders that can rest at once [default: as many as the script has lines]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub(crate) orders: Option<u32>,
    /// Print the hash of the final state on stderr
    #[arg(long)]
    pub(crate) hash: bool,
}

/// Arguments of `tell`.
#[derive(Args, Debug)]
pub(crate) struct TellArgs {
    /// The role's socket, as `control` in its configuration names it
    #[arg(value_name = "SOCKET")]
    pub(crate) socket: PathBuf,
    /// Commands as JSON; without any, lines of standard input
    #[arg(value_name = "COMMAND")]
    pub(crate) commands: Vec<String>,
}

/// Which of two orders of one firm gives way.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum SelfMatchArg {
    /// The one that comes in.
    Newest,
    /// The one that rests.
    Oldest,
    /// Both lose what would have traded.
    Decrement,
    /// Neither: they trade.
    Trade,
}

/// A table of ticks.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum TicksArg {
    /// 1/10000 dollar everywhere.
    None,
    /// A cent from one dollar on.
    RegNms,
}

/// Arguments of `ports`.
#[derive(Args, Debug)]
pub(crate) struct PortsArgs {
    /// Start EAL as this configuration says, and list its links and ports
    #[arg(long, value_name = "CONFIG", conflicts_with_all = ["vdev", "allow_pci"])]
    pub(crate) config: Option<PathBuf>,
    /// Make a virtual device, as net_tap0,iface=tap0; may be given more than once
    #[arg(long, value_name = "DEVICE")]
    pub(crate) vdev: Vec<String>,
    /// Take this NIC alone, as 0000:21:00.0; may be given more than once
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) allow_pci: Vec<String>,
    /// Do without hugepages
    #[arg(long)]
    pub(crate) no_huge: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

impl RunArgs {
    /// What the run needs besides the configuration.
    pub(crate) fn options(&self) -> RunOptions {
        RunOptions {
            quiet: self.quiet,
            verbose: self.verbose,
            samples: self.samples.clone().map(|file| (file, self.samples_every)),
            heap_profile: self.heap_profile.clone(),
        }
    }

    /// What these arguments say over the configuration.
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            no_huge: self.no_huge,
            report_dir: self.report.clone(),
            duration: self.duration,
            pace: self.pace,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  peregrine run config/quickstart.toml     a market in one process: no NIC, no root needed
  peregrine check config/quickstart.toml   is the file right? what goes where?
  peregrine backtest --itch day.itch       a strategy against a recording
  peregrine match orders.jsonl             the bare engine on a script
  peregrine decode data/sample/aapl.itch   ITCH messages as JSON lines
  peregrine doctor                         is this host fit to trade?
  peregrine ports --vdev net_tap0          what DPDK makes of a device

Exit status: 0 done; 2 the arguments, the configuration or the host do not allow it; 1 it failed.";

const RUN_EXAMPLES: &str = "\
Examples:
  peregrine run config/quickstart.toml
      Trade as the file says; report.json and index.html go to target/report.
  peregrine run config/quickstart.toml --no-huge --pace 10x
      On ordinary pages, at ten times the recorded speed.
  peregrine run config/quickstart.toml --pace 250000/s --duration 10s --report /tmp/r
      At 250,000 messages a second for ten seconds, the report in /tmp/r.

SIGINT or SIGTERM ends a run in good order: what is under way is finished, the report written.";

const REPLAY_EXAMPLES: &str = "\
Examples:
  peregrine replay data/sample/sod.itch data/sample/aapl.itch --symbols AAPL
      The sample's five minutes at 50 times their pace, from tick to trade by stage.
  peregrine replay day.NASDAQ_ITCH50.gz --symbols AAPL,MSFT --strategy market-maker --pace max
  peregrine replay day.itch --device net_af_packet0,iface=eth1 --ip 10.0.4.1/24 --pace recorded
      The feed alone, out of an interface, for a trader on another host.";

const BACKTEST_EXAMPLES: &str = "\
Examples:
  peregrine backtest --itch data/sample/sod.itch --itch data/sample/aapl.itch --symbols AAPL
      The market maker on five minutes of AAPL; the report goes to target/backtest.
  peregrine backtest --itch day.itch.gz --symbols AAPL --set half_spread_ticks=2
      With a wider spread.
  peregrine backtest --list
      The strategies and their parameters.

docs/backtest.md says what is assumed. Two runs of the same give the same report, to the byte.";

const CHECK_EXAMPLES: &str = "\
Examples:
  peregrine check config/quickstart.toml
      Print which role runs on which CPU, the ports, and the memory as a sum of its parts.
  peregrine check my.toml && peregrine run my.toml
      Exit status 2 and a message for each error, with its line, when the file is wrong.";

const DECODE_EXAMPLES: &str = "\
Examples:
  peregrine decode data/sample/aapl.itch
      One JSON line a message.
  peregrine decode capture.pcap --port 26400
      OUCH over SoupBinTCP, from a capture.
  zcat day.itch.gz | peregrine decode -
      From standard input; files may also be gzip themselves.";

const MATCH_EXAMPLES: &str = "\
Examples:
  peregrine match orders.jsonl
      Events go to standard output, in the order they happen; docs/match.md lists both.
  echo '{\"op\":\"enter\",\"session\":1,\"ref\":1,\"side\":\"B\",\"qty\":9,\"symbol\":\"A\"}' |
    peregrine match -
  peregrine match day.jsonl --self-match decrement --ticks reg-nms --hash

A line that is no command is told among the events, and the others go on; exit status 2 then.";

const TELL_EXAMPLES: &str = "\
Examples:
  peregrine tell /run/venue.sock '{\"op\":\"halt\",\"symbol\":\"AAPL\",\"reason\":\"T1\"}'
  peregrine tell /run/venue.sock '{\"op\":\"resume\"}' '{\"op\":\"bust\",\"match\":17}'
  peregrine tell /run/venue.sock < close_of_day.jsonl

docs/match.md lists the operator's commands. Exit status 1 when one was refused.";

const SIM_EXAMPLES: &str = "\
Examples:
  peregrine sim --seeds 1000
  peregrine sim --seed 402 --trace --canary forget-vote";

const DRILL_EXAMPLES: &str = "\
Examples:
  peregrine drill failover --rounds 20
      Three nodes; the leader is killed twenty times. Exit status 1 when anything was lost.
  peregrine drill pause --nodes 5 --json
      The leader is stopped for longer than its lease, and wakes up when another one serves.

The processes share hugepages, 64 MB each. Their logs, journals and reports stay in --dir.";

const JOURNAL_EXAMPLES: &str = "\
Examples:
  peregrine journal verify /var/lib/peregrine/journal
      Every segment read and checked; exit status 1 when one is damaged, with offset and sequence.
  peregrine journal stat /var/lib/peregrine/journal
      How much there is of what.
  peregrine journal dump /var/lib/peregrine/journal --from 1000 --count 20
      Twenty records as text.
  peregrine journal export /var/lib/peregrine/journal | jq 'select(.kind == \"enter\") | .qty'
      Every record as a JSON line.

Nothing is changed, but for the snapshot that `snapshot` adds. docs/journal.md tells what is on
disk, and what damage is called.";

const LOOPBACK_EXAMPLES: &str = "\
Examples:
  peregrine loopback --duration 2s
      A burst of frames goes round an in-memory cable: no NIC, no root needed.
  peregrine loopback --vdev net_tap0,iface=tap0 --mode icmpecho --port-topology loop
      Answer pings to any address behind tap0.
  peregrine loopback --allow-pci 0000:21:00.0 --allow-pci 0000:21:00.1 --mode macswap -i
      Between two NICs, with testpmd's commands at a prompt.
  peregrine loopback --allow-pci 0000:21:00.0 --mode txonly --rate 1000000 --duration 10s --json -

docs/loopback.md tells the modes, the commands and the report. Exit status 1 when frames were lost
that should not be, or a port, a peer or a rate failed.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  peregrine doctor
      Every part: the isolated CPUs are measured and judged, running appliances watched.
  peregrine doctor --cpus 3 --seconds 60 --only jitter,tsc
      A minute on CPU 3, where an lcore is to run.
  peregrine doctor --pid $(pidof peregrine) --only appliance --seconds 10
      What happens to the lcores of a run.
  peregrine doctor --json | jq '.lines[] | select(.state == \"wrong\")'

Exit status: 0 nothing is wrong; 1 something is; 2 it cannot be done as asked; 130 broken off.
docs/doctor.md tells each line, and the JSON.";

const PORTS_EXAMPLES: &str = "\
Examples:
  peregrine ports
      The NICs that are bound to vfio-pci.
  peregrine ports --config config/quickstart.toml
      The links and ports of a configuration.
  peregrine ports --no-huge --vdev net_ring0 --vdev net_null0 --json
      Two virtual devices, as JSON.";

/// `1.2.3 (git 0123abc, DPDK 22.11.5, target CPU native)`
pub(crate) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let or_unknown = |fact: Option<&'static str>| fact.unwrap_or("unknown");
    format!(
        "{} (git {}, DPDK {}, target CPU {})",
        env!("CARGO_PKG_VERSION"),
        or_unknown(GIT),
        or_unknown(DPDK),
        or_unknown(TARGET_CPU)
    )
});

/// Reads the command line; `Err` is the status to exit with, everything having been said.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Cli, ExitCode> {
    use clap::{CommandFactory, FromArgMatches};
    let command = Cli::command().version(VERSION.as_str());
    let parsed =
        command.try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| match error.kind() {
        Parsing::DisplayHelp | Parsing::DisplayVersion => {
            // Who closed our output does not want to hear of it.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        Parsing::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(REFUSED)
        }
        _ => {
            let text = error.render().to_string();
            complain(text.strip_prefix("error: ").unwrap_or(&text).trim_end());
            ExitCode::from(REFUSED)
        }
    })
}

/// Tells a failure, and says what to exit with.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    complain(&format!("{error:#}"));
    let refused = error.chain().any(|cause| {
        cause.is::<ConfigError>()
            || cause.is::<PlacementError>()
            || cause.is::<BacktestError>()
            || cause.is::<ReplayError>()
            || cause.is::<LoopbackError>()
            || cause.is::<DoctorError>()
            || cause.is::<JournalRefused>()
            || cause.is::<DrillRefused>()
            || cause.is::<UnfitError>()
            || cause.is::<doctor::Error>()
            || cause.is::<doctor::verify::VerifyError>()
            || cause.downcast_ref::<dpdk::Error>().is_some_and(is_refusal)
            || cause.downcast_ref::<::journal::JournalError>().is_some_and(is_no_journal_of_ours)
    });
    ExitCode::from(if refused { REFUSED } else { 1 })
}

/// Whether DPDK's failure is of the host's or the configuration's making.
fn is_refusal(error: &dpdk::Error) -> bool {
    use dpdk::Error as E;
    matches!(
        error,
        E::TooOld { .. }
            | E::NoHugepages { .. }
            | E::NoDevice { .. }
            | E::BadText { .. }
            | E::CpuNotAllowed { .. }
    )
}

/// Whether a journal is none that this program can read, as against one that is damaged.
fn is_no_journal_of_ours(error: &::journal::JournalError) -> bool {
    use ::journal::JournalError as E;
    matches!(
        error,
        E::NoSegment { .. }
            | E::NewerVersion { .. }
            | E::OlderVersion { .. }
            | E::Foreign { .. }
            | E::NotThere { .. }
            | E::Locked { .. }
    )
}

fn complain(message: &str) {
    // There is nowhere left to say that stderr is gone.
    let _ = writeln!(io::stderr().lock(), "peregrine: {message}");
}

/// Writes to standard output. A reader that has closed the pipe has seen enough: no error.
///
/// # Errors
/// Standard output cannot be written for another reason.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Reads `500ms`, `10s`, `1.5m`, `2h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("give a unit: 500ms, 10s, 5m or 2h".into()),
    };
    match number.parse::<f64>() {
        Ok(number) if (0.001..=604_800.0).contains(&(number * seconds)) => {
            Ok(Duration::from_secs_f64(number * seconds))
        }
        _ => Err("must be from 1ms to 168h".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_units_and_bounds() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("1.5m"), Ok(Duration::from_secs(90)));
        for bad in ["", "10", "s", "0s", "-1s", "1d", "1e9h", "nan s", "NaNs", "inf"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
