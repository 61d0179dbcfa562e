//! What the streams of a session are told.

use super::Mode;
use super::latency::ProbeSettings;
use super::soup::SoupSettings;

/// The most frames of a burst, as testpmd has it.
pub const BURST_MAX: usize = 512;

/// What becomes of frames that a transmit queue does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxFull {
    /// They wait, and their stream receives nothing more until they are out: the queue behind it
    /// fills, and the sender sees it. What still waits at the end is dropped.
    Wait,
    /// They are offered again so many times and then dropped, as testpmd does (0 without `retry`).
    Drop {
        /// How many times.
        retries: u32,
    },
}

/// The delay and the work of [`Mode::Noisy`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noisy {
    /// Frames held back, in a buffer of so many; 0 holds none. `--noisy-tx-sw-buffer-size`
    pub buffer_frames: u32,
    /// The buffer is emptied when nothing left it for this long, in milliseconds; 0 never.
    /// `--noisy-tx-sw-buffer-flushtime`
    pub flush_ms: u32,
    /// Memory that is read and written, in MiB. `--noisy-lkup-memory`
    pub memory_mb: u32,
    /// Writes a frame. `--noisy-lkup-num-writes`
    pub writes: u32,
    /// Reads a frame. `--noisy-lkup-num-reads`
    pub reads: u32,
    /// Reads followed by writes a frame. `--noisy-lkup-num-reads-writes`
    pub reads_writes: u32,
}

/// What the streams of a session are told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// What is done with a frame.
    pub mode: Mode,
    /// Frames taken at once, 1 to [`BURST_MAX`].
    pub burst: u16,
    /// Bursts that each stream sends before it forwards anything.
    pub tx_first: u32,
    /// What becomes of frames that a transmit queue does not take.
    pub tx_full: TxFull,
    /// Bytes of a frame that is made here, without the frame check sequence.
    pub frame_bytes: u16,
    /// Flows that frames made here belong to.
    pub flows: u32,
    /// Frames a second that one stream makes; none: as many as go.
    pub rate_pps: Option<f64>,
    /// Frames that one stream makes; none: without an end.
    pub frames_max: Option<u64>,
    /// Whether the device fills in checksums, as far as it can, in [`Mode::Csum`].
    pub csum_offload: bool,
    /// The delay and the work of [`Mode::Noisy`].
    pub noisy: Noisy,
    /// Where the probes of [`Mode::Latency`] go.
    pub probe: ProbeSettings,
    /// Where the orders of [`Mode::Soup`] go; nothing is done there without.
    pub soup: Option<SoupSettings>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            mode: Mode::Io,
            burst: 32,
            tx_first: 0,
            tx_full: TxFull::Wait,
            frame_bytes: 64,
            flows: 1,
            rate_pps: None,
            frames_max: None,
            csum_offload: false,
            noisy: Noisy::default(),
            probe: ProbeSettings::default(),
            soup: None,
        }
    }
}
