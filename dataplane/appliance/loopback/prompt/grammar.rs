//! The commands of the prompt, as a table: the parser, the help, the completion and the advice on a
//! command that is none all read it.

use lcore::loopback::{BURST_MAX, Mode};

use super::{Ask, Change, Config, PortChange, PortView, Which};

/// What one word of a command may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// This word.
    Word(&'static str),
    /// `all`, or a port's number.
    Which,
    /// A number in a range; its name is for people.
    Number(&'static str, u64, u64),
    /// A forward mode's name.
    Forward,
    /// `on` or `off`.
    Switch,
    /// A subject of `help`.
    Topic,
}

/// What the words of a command said. Each kind occurs at most once in a command.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) which: Which,
    pub(super) number: u64,
    pub(super) mode: Mode,
    pub(super) on: bool,
    pub(super) topic: Option<Topic>,
}

impl Default for Said {
    fn default() -> Said {
        Said { which: Which::All, number: 0, mode: Mode::Io, on: false, topic: None }
    }
}

/// A command: its words, what it is for, and what it asks.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) tokens: &'static [Token],
    pub(super) topic: Topic,
    pub(super) help: &'static str,
    pub(super) ask: fn(&Said) -> Ask,
}

/// What `help` can be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Starting and stopping.
    Control,
    /// Looking.
    Display,
    /// Changing.
    Config,
    /// Ports.
    Ports,
}

impl Topic {
    /// All of them, with the word that `help` takes.
    pub(super) const ALL: [(&'static str, Topic); 4] = [
        ("control", Topic::Control),
        ("display", Topic::Display),
        ("config", Topic::Config),
        ("ports", Topic::Ports),
    ];
}

/// Bytes of the shortest and the longest frame that can be made.
const PACKET_BYTES: (u64, u64) = (60, 9_600);
/// The most lcores that a number can name; fewer may have been given to the run.
const LCORES_MAX: u64 = 128;
/// Bursts that `start tx_first` can send ahead.
const TX_FIRST_MAX: u64 = 1_000_000;
/// Above 100 Gbit/s of the shortest frames.
const RATE_PPS_MAX: u64 = 200_000_000;

use Token::{Forward, Number, Switch, Topic as TopicWord, Which as WhichPort, Word};

/// A [`Pattern`] on one line or two.
const fn pattern(
    tokens: &'static [Token],
    topic: Topic,
    help: &'static str,
    ask: fn(&Said) -> Ask,
) -> Pattern {
    Pattern { tokens, topic, help, ask }
}

/// Every command there is.
pub(super) const PATTERNS: &[Pattern] = &[
    pattern(&[Word("start")], Topic::Control, "forward frames", |_| Ask::Start { tx_first: 0 }),
    pattern(
        &[Word("start"), Word("tx_first")],
        Topic::Control,
        "the same, after a burst out of each transmit queue",
        |_| Ask::Start { tx_first: 1 },
    ),
    pattern(
        &[Word("start"), Word("tx_first"), Number("bursts", 1, TX_FIRST_MAX)],
        Topic::Control,
        "the same, after so many bursts",
        |said| Ask::Start { tx_first: said.number },
    ),
    pattern(&[Word("stop")], Topic::Control, "forward no more, and show what was", |_| Ask::Stop),
    pattern(&[Word("help")], Topic::Control, "every command", |_| Ask::Help(None)),
    pattern(&[Word("help"), TopicWord], Topic::Control, "the commands of one subject", |said| {
        Ask::Help(said.topic)
    }),
    pattern(&[Word("quit")], Topic::Control, "stop, show, and end", |_| Ask::Quit),
    pattern(
        &[Word("show"), Word("port"), Word("info"), WhichPort],
        Topic::Display,
        "what a port is and how it is set up",
        |said| Ask::ShowPort(PortView::Info, said.which),
    ),
    pattern(
        &[Word("show"), Word("port"), Word("stats"), WhichPort],
        Topic::Display,
        "what a device counted, and its rates since shown last",
        |said| Ask::ShowPort(PortView::Stats, said.which),
    ),
    pattern(
        &[Word("show"), Word("port"), Word("xstats"), WhichPort],
        Topic::Display,
        "what a driver counts by names of its own",
        |said| Ask::ShowPort(PortView::Xstats, said.which),
    ),
    pattern(
        &[Word("show"), Word("fwd"), Word("stats"), Word("all")],
        Topic::Display,
        "what was forwarded, lost and why",
        |_| Ask::ShowForward,
    ),
    pattern(
        &[Word("show"), Word("config"), Word("fwd")],
        Topic::Display,
        "which lcore forwards from where to where",
        |_| Ask::ShowConfig(Config::Forward),
    ),
    pattern(
        &[Word("show"), Word("config"), Word("rxtx")],
        Topic::Display,
        "bursts, queues, descriptors and offloads",
        |_| Ask::ShowConfig(Config::RxTx),
    ),
    pattern(
        &[Word("show"), Word("config"), Word("cores")],
        Topic::Display,
        "the CPUs that forward",
        |_| Ask::ShowConfig(Config::Cores),
    ),
    pattern(
        &[Word("show"), Word("events")],
        Topic::Display,
        "what happened: links down and up, peers that stall",
        |_| Ask::ShowEvents,
    ),
    pattern(
        &[Word("show"), Word("latency")],
        Topic::Display,
        "quantiles, in a mode that times frames",
        |_| Ask::ShowLatency,
    ),
    pattern(
        &[Word("clear"), Word("port"), Word("stats"), WhichPort],
        Topic::Display,
        "count a device's frames from nothing",
        |said| Ask::ChangePort(PortChange::ClearStats, said.which),
    ),
    pattern(
        &[Word("clear"), Word("port"), Word("xstats"), WhichPort],
        Topic::Display,
        "count by a driver's own names from nothing",
        |said| Ask::ChangePort(PortChange::ClearXstats, said.which),
    ),
    pattern(
        &[Word("clear"), Word("fwd"), Word("stats"), Word("all")],
        Topic::Display,
        "count what is forwarded from nothing",
        |_| Ask::ClearForward,
    ),
    pattern(
        &[Word("set"), Word("fwd"), Forward],
        Topic::Config,
        "what is done with a frame, from the next start",
        |said| Ask::Change(Change::Mode(said.mode)),
    ),
    pattern(
        &[Word("set"), Word("burst"), Number("burst", 1, BURST_MAX as u64)],
        Topic::Config,
        "frames a burst, from the next start",
        |said| Ask::Change(Change::Burst(said.number as u16)),
    ),
    pattern(
        &[Word("set"), Word("txpkts"), Number("length", PACKET_BYTES.0, PACKET_BYTES.1)],
        Topic::Config,
        "bytes of a frame that is made here, from the next start",
        |said| Ask::Change(Change::PacketBytes(said.number as u16)),
    ),
    pattern(
        &[Word("set"), Word("rate"), Number("pps", 0, RATE_PPS_MAX)],
        Topic::Config,
        "frames a second that leave, 0 for all that go, from the next start",
        |said| Ask::Change(Change::Rate((said.number > 0).then_some(said.number))),
    ),
    pattern(
        &[Word("set"), Word("nbcore"), Number("lcores", 1, LCORES_MAX)],
        Topic::Config,
        "lcores that forward, from the next start",
        |said| Ask::Change(Change::Lcores(said.number as u16)),
    ),
    pattern(
        &[Word("set"), Word("promisc"), WhichPort, Switch],
        Topic::Config,
        "whether a port takes frames for others",
        |said| Ask::ChangePort(PortChange::Promiscuous(said.on), said.which),
    ),
    pattern(
        &[Word("set"), Word("verbose"), Number("level", 0, 3)],
        Topic::Config,
        "0: frames are counted here, and never printed",
        |said| Ask::Change(Change::Verbose(said.number as u8)),
    ),
    pattern(
        &[Word("port"), Word("start"), WhichPort],
        Topic::Ports,
        "start a port that was stopped",
        |said| Ask::ChangePort(PortChange::Start, said.which),
    ),
    pattern(
        &[Word("port"), Word("stop"), WhichPort],
        Topic::Ports,
        "stop a port; forwarding must have been stopped",
        |said| Ask::ChangePort(PortChange::Stop, said.which),
    ),
    pattern(
        &[Word("port"), Word("close"), WhichPort],
        Topic::Ports,
        "give a stopped port back for good",
        |said| Ask::ChangePort(PortChange::Close, said.which),
    ),
];

impl Token {
    /// As help shows it.
    pub(super) fn shown(self) -> String {
        match self {
            Word(word) => word.to_owned(),
            WhichPort => "all|PORT".to_owned(),
            Number(name, ..) => name.to_uppercase(),
            Forward => "MODE".to_owned(),
            Switch => "on|off".to_owned(),
            TopicWord => "SUBJECT".to_owned(),
        }
    }

    /// The words it takes, as far as they can be listed.
    pub(super) fn words(self) -> Vec<&'static str> {
        match self {
            Word(word) => vec![word],
            WhichPort => vec!["all"],
            Number(..) => Vec::new(),
            Forward => Mode::ALL.iter().map(|mode| mode.name()).collect(),
            Switch => vec!["on", "off"],
            TopicWord => Topic::ALL.map(|(word, _)| word).to_vec(),
        }
    }

    /// Takes a word; false when it is none of this kind.
    pub(super) fn take(self, word: &str, said: &mut Said) -> bool {
        match self {
            Word(known) => return known == word,
            WhichPort if word == "all" => said.which = Which::All,
            WhichPort => match word.parse() {
                Ok(port) => said.which = Which::One(port),
                Err(_) => return false,
            },
            Number(_, least, most) => match word.parse::<u64>() {
                Ok(number) if (least..=most).contains(&number) => said.number = number,
                _ => return false,
            },
            Forward => match word.parse() {
                Ok(mode) => said.mode = mode,
                Err(_) => return false,
            },
            Switch if ["on", "off"].contains(&word) => said.on = word == "on",
            Switch => return false,
            TopicWord => match Topic::ALL.iter().find(|(known, _)| *known == word) {
                Some((_, topic)) => said.topic = Some(*topic),
                None => return false,
            },
        }
        true
    }
}

impl Pattern {
    /// As help shows it.
    pub(super) fn shown(&self) -> String {
        self.tokens.iter().map(|token| token.shown()).collect::<Vec<_>>().join(" ")
    }
}
