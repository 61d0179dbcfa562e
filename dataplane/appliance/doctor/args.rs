//! What can be typed after `doctor`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use doctor::jitter;
use hostcpu::CpuSet;

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// Do these parts alone: plan, host, jitter, tsc, memory, appliance
    #[arg(
        long,
        value_name = "PARTS",
        value_enum,
        value_delimiter = ',',
        hide_possible_values = true
    )]
    only: Vec<Part>,
    /// Look at the settings for what this configuration runs: its lcores' CPUs and its hugepages
    #[arg(long, value_name = "CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Spin, and chase memory, on these CPUs, and judge them: 2-5,8 [default: the isolated ones]
    #[arg(long, value_name = "LIST", value_parser = cpu_list)]
    pub(crate) cpus: Option<CpuSet>,
    /// How long CPUs, clocks and appliances are watched
    #[arg(long, value_name = "N", value_parser = seconds, default_value = "1")]
    seconds: Duration,
    /// What counts as an interruption: longer than this
    #[arg(long, value_name = "NS", default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(100..=1_000_000_000))]
    pub(crate) threshold_ns: u64,
    /// Watch the appliance of this process; may be given more than once [default: all there are]
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Vec<u32>,
    /// Length of the chain through memory [default: twice the last cache, 256 at most]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(16..=1024))]
    pub(crate) memory_mb: Option<u64>,
    /// Take settings from this provision.sh or provision.pyz [default: what is installed]
    #[arg(long, value_name = "PATH")]
    pub(crate) provision: Option<PathBuf>,
    /// The host's configuration that it is given [default: what was applied]
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    pub(crate) host_config: Option<PathBuf>,
    /// Take settings from what `provision.sh verify --json` has printed into this file
    #[arg(long, value_name = "FILE", conflicts_with = "provision")]
    pub(crate) verify: Option<PathBuf>,
    /// Longest interruption of a CPU that is fit
    #[arg(long, value_name = "NS", default_value_t = jitter::Limits::default().longest_ns,
        help_heading = "Limits")]
    longest_ns_max: u64,
    /// Interruptions a second of a CPU that is fit
    #[arg(long, value_name = "N", default_value_t = jitter::Limits::default().per_s,
        value_parser = limit, help_heading = "Limits")]
    interruptions_per_s_max: f64,
    /// Parts of a million of the time that interruptions may take
    #[arg(long, value_name = "PPM", default_value_t = jitter::Limits::default().stolen_ppm,
        value_parser = limit, help_heading = "Limits")]
    stolen_ppm_max: f64,
    /// Interrupts a second on a CPU that is fit, with an lcore or without
    #[arg(long, value_name = "N", default_value_t = jitter::Limits::default().interrupts_per_s,
        value_parser = limit, help_heading = "Limits")]
    pub(crate) interrupts_per_s_max: f64,
    /// How far the TSC's rate may be from what a run finds at its start, in parts of a million
    #[arg(long, value_name = "PPM", default_value_t = 50.0, value_parser = limit,
        help_heading = "Limits")]
    pub(crate) tsc_ppm_max: f64,
    /// A load from the own node's memory, on bare metal and hugepages
    #[arg(long, value_name = "NS", default_value_t = 150.0, value_parser = limit,
        help_heading = "Limits")]
    pub(crate) local_ns_max: f64,
}

/// A part of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Provisioning's verdicts.
    Plan,
    /// Settings that lcores feel.
    Host,
    /// What takes CPUs away.
    Jitter,
    /// The time stamp counters.
    Tsc,
    /// How long memory takes.
    Memory,
    /// Appliances that run.
    Appliance,
}

impl DoctorArgs {
    /// Whether a part is to be done.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// How long each part watches.
    pub(crate) fn time(&self) -> Duration {
        self.seconds
    }

    /// What a CPU is held to.
    pub(crate) fn jitter_limits(&self) -> jitter::Limits {
        jitter::Limits {
            longest_ns: self.longest_ns_max,
            per_s: self.interruptions_per_s_max,
            stolen_ppm: self.stolen_ppm_max,
            interrupts_per_s: self.interrupts_per_s_max,
        }
    }
}

/// clap says which option it is of.
fn cpu_list(text: &str) -> Result<CpuSet, String> {
    text.parse().map_err(|error: hostcpu::Error| error.to_string())
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.01..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("seconds are a number from 0.01 to 86400".to_owned()),
    }
}

fn limit(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(limit) if (0.0..=1e12).contains(&limit) => Ok(limit),
        _ => Err("a limit is a number from 0 on".to_owned()),
    }
}
