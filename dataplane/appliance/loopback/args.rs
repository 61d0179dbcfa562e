//! What can be typed, by testpmd's names where testpmd has them, and what it amounts to.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lcore::loopback::latency::ORDER_FRAME_BYTES;
use lcore::loopback::{BURST_MAX, FRAME_BYTES_MIN, Mode, Noisy, Settings, TxFull};
use wire::Mac;

use super::LoopbackError;
use super::orders::{OrderArgs, TripArgs};
use super::topology::Topology;
use crate::cli::parse_duration;

/// Flows that `flowgen` makes where nothing else is said, as in testpmd.
pub(super) const FLOWGEN_FLOWS: u32 = 1024;
/// The most flows: so many differ by 16 bits of an address.
const FLOWS_MAX: u32 = 1 << 16;
/// Bytes of Ethernet header and VLAN tag beside an MTU.
pub(super) const FRAME_OVERHEAD: u16 = 18;

/// Arguments of `loopback`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoopbackArgs {
    /// What is done with each frame
    #[arg(long, alias = "forward-mode", value_name = "MODE", default_value = "io",
          value_parser = modes())]
    pub(crate) mode: Mode,
    #[command(flatten)]
    pub(crate) ports: PortArgs,
    #[command(flatten)]
    pub(crate) forward: ForwardArgs,
    #[command(flatten)]
    pub(crate) generate: GenerateArgs,
    #[command(flatten)]
    pub(crate) trips: TripArgs,
    #[command(flatten)]
    pub(crate) orders: OrderArgs,
    #[command(flatten)]
    pub(crate) noisy: NoisyArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Which ports, and how they are set up.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Ports")]
pub(crate) struct PortArgs {
    /// Make a virtual device, as net_memif0,role=server; may be given more than once
    #[arg(long, value_name = "DEVICE")]
    pub(crate) vdev: Vec<String>,
    /// Take this NIC, as 0000:21:00.0; may be given more than once
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) allow_pci: Vec<String>,
    /// Take the links and ports of this configuration, and its EAL settings
    #[arg(long, value_name = "CONFIG", conflicts_with_all = ["vdev", "allow_pci"])]
    pub(crate) config: Option<PathBuf>,
    /// Do without hugepages
    #[arg(long)]
    pub(crate) no_huge: bool,
    /// Which port the frames of a port go out of
    #[arg(long, value_enum, default_value_t, value_name = "TOPOLOGY")]
    pub(crate) port_topology: Topology,
    /// Receive queues a port; flows are spread over them where the device can
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) rxq: u16,
    /// Transmit queues a port
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) txq: u16,
    /// Descriptors of a receive queue, brought to what the device can
    #[arg(long, default_value_t = 1024, value_name = "N",
          value_parser = clap::value_parser!(u16).range(8..=32_768))]
    pub(crate) rxd: u16,
    /// Descriptors of a transmit queue, brought to what the device can
    #[arg(long, default_value_t = 1024, value_name = "N",
          value_parser = clap::value_parser!(u16).range(8..=32_768))]
    pub(crate) txd: u16,
    /// The MTU in bytes [default: as the device has it]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(68..=9_600))]
    pub(crate) mtu: Option<u16>,
    /// Mbufs in the pool [default: as many as queues and lcores can hold]
    #[arg(long, alias = "total-num-mbufs", value_name = "N",
          value_parser = clap::value_parser!(u32).range(255..=16_777_215))]
    pub(crate) mbufs: Option<u32>,
    /// Have devices check the checksums of received frames, where they can
    #[arg(long)]
    pub(crate) enable_rx_cksum: bool,
}

/// How frames are forwarded.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Forwarding")]
pub(crate) struct ForwardArgs {
    /// CPUs that forward, as 2,4-7 [default: the best one]
    #[arg(long, value_name = "LIST")]
    pub(crate) lcores: Option<String>,
    /// How many CPUs forward, the best ones first
    #[arg(long, value_name = "N", conflicts_with = "lcores",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) nb_cores: Option<u16>,
    /// Frames taken at once
    #[arg(long, default_value_t = 32, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=BURST_MAX as i64))]
    pub(crate) burst: u16,
    /// Send so many bursts first: something to forward, where nothing else is
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) tx_first: Option<u32>,
    /// Offer frames again so often, then drop them [default: let them wait, receive no more]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(crate) tx_retries: Option<u32>,
    /// The address at the other end of a port, as 0,02:00:00:00:00:01; more than once
    #[arg(long, value_name = "PORT,MAC", value_parser = parse_peer)]
    pub(crate) eth_peer: Vec<(u16, Mac)>,
    /// Who fills in checksums in mode csum
    #[arg(long, value_enum, default_value_t = CsumBy::Sw, value_name = "WHO")]
    pub(crate) csum: CsumBy,
    /// Let a mode that is to lose nothing lose frames
    #[arg(long)]
    pub(crate) allow_loss: bool,
}

/// Who fills in checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CsumBy {
    /// The lcore.
    Sw,
    /// The device, as far as it can.
    Hw,
}

/// What frames are made.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Frames made here (txonly, flowgen, latency, --tx-first)")]
pub(crate) struct GenerateArgs {
    /// Bytes of a frame, in one mbuf: a list of segments is refused [default: 64; latency: 104, an
    /// order's]
    #[arg(long, value_name = "BYTES", value_parser = parse_txpkts)]
    pub(crate) txpkts: Option<u16>,
    /// Frames a second of all streams together, in an open loop [default: as many as go]
    #[arg(long, value_name = "PPS",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) rate: Option<u64>,
    /// Flows that frames belong to [default: 1; flowgen: 1024]
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(FLOWS_MAX)))]
    pub(crate) flows: Option<u32>,
}

/// The delay and the work of mode noisy.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Mode noisy")]
pub(crate) struct NoisyArgs {
    /// Frames held back
    #[arg(long, default_value_t = 0, value_name = "FRAMES",
          value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    pub(crate) noisy_tx_sw_buffer_size: u32,
    /// Let them go after nothing went for so long; 0 never
    #[arg(long, default_value_t = 0, value_name = "MS",
          value_parser = clap::value_parser!(u32).range(0..=3_600_000))]
    pub(crate) noisy_tx_sw_buffer_flushtime: u32,
    /// Memory to read and write
    #[arg(long, default_value_t = 0, value_name = "MB",
          value_parser = clap::value_parser!(u32).range(0..=65_536))]
    pub(crate) noisy_lkup_memory: u32,
    /// Writes a frame
    #[arg(long, default_value_t = 0, value_name = "N",
          value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(crate) noisy_lkup_num_writes: u32,
    /// Reads a frame
    #[arg(long, default_value_t = 0, value_name = "N",
          value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(crate) noisy_lkup_num_reads: u32,
    /// Reads and writes a frame
    #[arg(long, default_value_t = 0, value_name = "N",
          value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(crate) noisy_lkup_num_reads_writes: u32,
}

/// How long, and what is told.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunArgs {
    /// End after this time: 500ms, 10s, 5m, 2h [default: at Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// End after so many frames, made or received
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Tell rates every so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) stats_period: Option<Duration>,
    /// Write the whole report as JSON into a file; - for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Take testpmd's commands from standard input
    #[arg(long, short, conflicts_with_all = ["tui", "count"])]
    pub(crate) interactive: bool,
    /// Show the run live on the terminal
    #[arg(long)]
    pub(crate) tui: bool,
}

impl LoopbackArgs {
    /// What streams are told, but for what is shared out between them: rate and count.
    ///
    /// # Errors
    /// Options that contradict each other.
    pub(crate) fn settings(&self) -> Result<Settings, LoopbackError> {
        let mtu = self.ports.mtu.unwrap_or(1500);
        let unasked = if self.mode == Mode::Latency { ORDER_FRAME_BYTES } else { 64 };
        let frame_bytes = self.generate.txpkts.unwrap_or(unasked);
        if frame_bytes > mtu.saturating_add(FRAME_OVERHEAD) {
            return Err(LoopbackError::FrameBytes { bytes: frame_bytes, mtu });
        }
        if self.generate.rate.is_some() && !self.mode.is_paced() && !self.run.interactive {
            return Err(LoopbackError::Rate { mode: self.mode });
        }
        let noisy = self.noisy.options();
        if noisy.memory_mb == 0 && noisy.reads + noisy.writes + noisy.reads_writes > 0 {
            return Err(LoopbackError::NoisyMemory);
        }
        Ok(Settings {
            mode: self.mode,
            burst: self.forward.burst,
            tx_first: self.forward.tx_first.unwrap_or(0),
            tx_full: match self.forward.tx_retries {
                Some(retries) => TxFull::Drop { retries },
                None => TxFull::Wait,
            },
            frame_bytes,
            flows: self.generate.flows.unwrap_or(1),
            csum_offload: self.forward.csum == CsumBy::Hw,
            noisy,
            probe: self.trips.probe(),
            ..Settings::default()
        })
    }
}

impl NoisyArgs {
    fn options(&self) -> Noisy {
        Noisy {
            buffer_frames: self.noisy_tx_sw_buffer_size,
            flush_ms: self.noisy_tx_sw_buffer_flushtime,
            memory_mb: self.noisy_lkup_memory,
            writes: self.noisy_lkup_num_writes,
            reads: self.noisy_lkup_num_reads,
            reads_writes: self.noisy_lkup_num_reads_writes,
        }
    }
}

/// Modes by name: clap knows which is the nearest.
fn modes() -> impl TypedValueParser<Value = Mode> {
    let known = PossibleValuesParser::new(Mode::ALL.iter().map(|mode| mode.name()));
    known.try_map(|name| name.parse::<Mode>())
}

/// Reads `0,02:00:00:00:00:01`.
fn parse_peer(text: &str) -> Result<(u16, Mac), String> {
    let wanted = || "give a port and an address, as 0,02:00:00:00:00:01".to_owned();
    let (port, mac) = text.split_once(',').ok_or_else(wanted)?;
    let port = port.trim().parse().map_err(|_| wanted())?;
    parse_mac(mac.trim()).map(|mac| (port, mac))
}

/// Reads `02:00:00:00:00:01`.
pub(super) fn parse_mac(text: &str) -> Result<Mac, String> {
    let wanted = || "give an address, as 02:00:00:00:00:01".to_owned();
    let bytes: Vec<u8> = text
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16).map_err(|_| wanted()))
        .collect::<Result<_, _>>()?;
    let mac: Mac = bytes.try_into().map_err(|_| wanted())?;
    if wire::ether::is_group(mac) || mac == [0; 6] {
        return Err("the address of a group, or of nobody, is no station's".to_owned());
    }
    Ok(mac)
}

/// Reads the bytes of a frame. testpmd takes a list of segments; a frame here is one.
fn parse_txpkts(text: &str) -> Result<u16, String> {
    if text.contains(',') {
        return Err("a frame lies in one mbuf here: give its bytes, not a list of segments".into());
    }
    let most = 9_600 + FRAME_OVERHEAD;
    match text.parse::<u16>() {
        Ok(bytes) if (FRAME_BYTES_MIN..=most).contains(&bytes) => Ok(bytes),
        _ => Err(format!("must be from {FRAME_BYTES_MIN} to {most}")),
    }
}

/// Reads seconds, as testpmd has them, or a time with a unit.
fn parse_seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(seconds @ 1..=604_800) => Ok(Duration::from_secs(u64::from(seconds))),
        Ok(_) => Err("must be from 1 to 604800".into()),
        Err(_) => parse_duration(text),
    }
}

#[cfg(test)]
mod tests;
