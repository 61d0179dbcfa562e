//! All that was found, in the shape that `--json` prints; docs/doctor.md tells each field.

use std::collections::BTreeMap;

use doctor::appliance::Appliance;
use doctor::clock::Clocks;
use doctor::jitter::CpuJitter;
use doctor::latency::Latency;
use doctor::{Host, Line, line};
use serde::Serialize;

use super::plan::Plan;
use super::{DoctorArgs, INTERRUPTED};

/// The shape's number: it changes when a field goes, or means something else.
const SCHEMA: u32 = 1;

/// See the module.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The shape's number.
    pub(crate) schema: u32,
    /// The machine.
    pub(crate) host: Machine,
    /// How long each part watched, in s.
    pub(crate) seconds: f64,
    /// Where the lines of `plan` come from; `None` where there are none.
    pub(crate) plan_from: Option<String>,
    /// A line a check.
    pub(crate) lines: Vec<Line>,
    /// What took CPUs away.
    pub(crate) jitter: Vec<CpuJitter>,
    /// The time stamp counters.
    pub(crate) tsc: Option<Clocks>,
    /// How long memory took.
    pub(crate) memory: Vec<Latency>,
    /// The appliances that run.
    pub(crate) appliances: Vec<Appliance>,
    /// What is to be known besides.
    pub(crate) notes: Vec<String>,
    /// Lines by state.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// Whether it was broken off.
    pub(crate) interrupted: bool,
    /// The exit status.
    pub(crate) exit: u8,
}

/// The machine.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu_model: String,
    pub(crate) kernel: String,
    pub(crate) virtualised: bool,
    /// CPUs that are online, as `0-3,8`.
    pub(crate) online: String,
    /// CPUs that the scheduler leaves alone.
    pub(crate) isolated: String,
    /// NUMA nodes with CPUs.
    pub(crate) nodes: usize,
    /// The CPUs that the settings were looked at for; empty where there are none.
    pub(crate) lcores: String,
}

impl Report {
    /// One that knows the machine, and nothing else yet.
    pub(crate) fn of(host: &Host, args: &DoctorArgs, plan: &Plan) -> Report {
        let facts = host.facts();
        let isolated = host.isolated();
        let topology = host.topology().ok();
        let lcores = if plan.wanted.cpus.is_empty() { isolated } else { plan.wanted.cpus };
        Report {
            schema: SCHEMA,
            host: Machine {
                cpu_model: facts.cpu_model,
                kernel: facts.kernel,
                virtualised: facts.virtualised,
                online: topology.as_ref().map(|t| t.online().to_string()).unwrap_or_default(),
                isolated: isolated.to_string(),
                nodes: topology.as_ref().map_or(1, |topology| topology.nodes()),
                lcores: lcores.to_string(),
            },
            seconds: args.time().as_secs_f64(),
            plan_from: None,
            lines: Vec::new(),
            jitter: Vec::new(),
            tsc: None,
            memory: Vec::new(),
            appliances: Vec::new(),
            notes: Vec::new(),
            counts: BTreeMap::new(),
            interrupted: false,
            exit: 0,
        }
    }

    /// Counts, and judges.
    pub(crate) fn close(&mut self, interrupted: bool) {
        self.counts =
            line::counts(&self.lines).into_iter().map(|(state, n)| (state.name(), n)).collect();
        self.interrupted = interrupted;
        self.exit = match (interrupted, line::is_unfit(&self.lines)) {
            (true, _) => INTERRUPTED,
            (_, true) => 1,
            _ => 0,
        };
    }

    /// As JSON, and a newline.
    ///
    /// # Errors
    /// None that a report of this shape can cause.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}
