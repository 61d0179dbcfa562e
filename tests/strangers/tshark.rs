//! Captures by tcpdump, read by tshark.
//!
//! tshark 4.0 dissects ARP, IGMP, ICMP, UDP, TCP, MoldUDP64 and SoupBinTCP. Its ITCH is that of
//! version 2.0, its OUCH that of 4.x: both would call our messages malformed and stay off. What
//! rides in a message is for the other tests of this file's parent.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::appliance::wait_until;
use crate::common::Proc;
use crate::common::netns::{Cable, run};

/// A capture under way.
pub(crate) struct Capture(Proc);

impl Capture {
    /// Captures every frame at the cable's far end into `file`.
    pub(crate) fn start(cable: &Cable, file: &Path) -> Capture {
        let mut command = cable.command("tcpdump");
        // It stays root, since it writes into a folder of ours.
        command.args([
            "-i",
            Cable::PEER_IF,
            "-U",
            "-q",
            "--immediate-mode",
            "-s",
            "0",
            "-Z",
            "root",
        ]);
        let dump = Proc::start(command.arg("-w").arg(file));
        wait_until("a capture", || file.metadata().is_ok_and(|file| file.len() >= 24));
        Capture(dump)
    }

    /// Ends it; the file is whole then.
    pub(crate) fn stop(self) {
        run(Command::new("kill").args(["-INT", &self.0.id().to_string()])).expect("a signal");
        let (succeeded, _) = self.0.finish();
        assert!(succeeded, "tcpdump failed");
    }
}

/// What tshark says of each frame, in the order of [`FIELDS`].
pub(crate) struct Frames(Vec<Vec<String>>);

const FIELDS: [&str; 13] = [
    "frame.number",
    "frame.protocols",
    "_ws.expert.severity",
    "_ws.expert.message",
    "ip.checksum.status",
    "tcp.checksum.status",
    "udp.checksum.status",
    "icmp.checksum.status",
    "igmp.checksum.status",
    "ip.src",
    "moldudp64.sequence",
    "moldudp64.count",
    "soupbintcp.packet_type",
];
/// Where the status of checksums is among them.
const CHECKSUMS: std::ops::Range<usize> = 4..9;
/// The severity that tshark calls a warning; an error is above it, a note and a chat below.
const WARNING: u64 = 0x0060_0000;
/// What it calls warnings and are none, on a machine that is busy: an acknowledgement comes so late
/// that TCP has sent again, and the receiver says that it has both; two CPUs hand the two ways of a
/// conversation to the sniffer, which sees an answer before what it answers.
const NO_WARNINGS: [&str; 3] = [
    "D-SACK Sequence",
    "ACKed segment that wasn't captured (common at capture start)",
    "Previous segment(s) not captured (common at capture start)",
];

/// Reads a capture, checksums checked.
pub(crate) fn read(file: &Path) -> Frames {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file).args(["-T", "fields", "-E", "separator=|", "-E", "aggregator=,"]);
    for protocol in ["ip", "tcp", "udp"] {
        command.args(["-o", &format!("{protocol}.check_checksum:TRUE")]);
    }
    command.args(["-d", "udp.port==26477,moldudp64", "-d", "tcp.port==26400,soupbintcp"]);
    command.args(["--disable-protocol", "ouch", "--disable-protocol", "nasdaq_itch"]);
    FIELDS.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    let output = command.output().expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let frames = text.lines().map(|line| line.split('|').map(String::from).collect());
    Frames(frames.collect())
}

impl Frames {
    /// Frames that hold this protocol.
    pub(crate) fn count(&self, protocol: &str) -> usize {
        let holds = |frame: &&Vec<String>| frame[1].split(':').any(|name| name == protocol);
        self.0.iter().filter(holds).count()
    }

    /// Panics at a frame that tshark finds malformed, wrongly summed or worth a warning.
    pub(crate) fn is_well_formed(&self) {
        assert!(!self.0.is_empty(), "nothing was captured");
        for frame in &self.0 {
            assert!(!frame[1].contains("malformed"), "{frame:?}");
            for status in frame[CHECKSUMS].iter().flat_map(|s| s.split(',')) {
                assert!(["", "1"].contains(&status), "a bad or unverified checksum: {frame:?}");
            }
            let told = frame[2].split(',').zip(frame[3].split(','));
            let severe = |(severity, what): (&str, &str)| {
                severity.parse::<u64>().is_ok_and(|s| s >= WARNING) && !NO_WARNINGS.contains(&what)
            };
            assert!(!told.into_iter().any(severe), "{frame:?}");
        }
    }

    /// Messages in MoldUDP64 packets from `host`, those told again not counted.
    pub(crate) fn messages_first_told(&self, host: &str) -> u64 {
        let mut sequences = BTreeMap::new();
        for frame in self.0.iter().filter(|frame| frame[9] == host && !frame[11].is_empty()) {
            let number = |at: usize| frame[at].parse::<u64>().expect("a number");
            if number(11) != 0xFFFF {
                (number(10)..number(10) + number(11))
                    .for_each(|n| *sequences.entry(n).or_insert(0) += 1);
            }
        }
        sequences.len() as u64
    }

    /// SoupBinTCP packets of this type.
    pub(crate) fn soup_packets(&self, kind: &str) -> u64 {
        let kinds = self.0.iter().flat_map(|frame| frame[12].split(','));
        kinds.filter(|found| found.trim_matches('\'') == kind).count() as u64
    }
}
