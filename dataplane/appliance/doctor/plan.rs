//! What is measured where.

use std::thread;

use anyhow::Result;
use doctor::Host;
use doctor::appliance::{self, Found};
use doctor::settings::Wanted;
use hostcpu::{CpuSet, Topology, allowed_cpus, pin_current};

use super::{DoctorArgs, DoctorError};
use crate::config::{Config, Huge};
use crate::placement;

/// CPUs that are watched where none is isolated: enough for a figure.
const UNJUDGED_MAX: usize = 8;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The appliances that run here, or those that were named.
    pub(crate) found: Vec<Found>,
    /// What the settings are for.
    pub(crate) wanted: Wanted,
    /// CPUs to spin on, and whether they are judged; none where an appliance would feel it.
    pub(crate) spun: Vec<(usize, bool)>,
    /// CPUs whose counters are compared, the first with each other one.
    pub(crate) compared: Vec<usize>,
    /// CPUs to chase memory from, the best first.
    pub(crate) chased: Vec<usize>,
}

impl Plan {
    /// Decides, and refuses what cannot be.
    ///
    /// # Errors
    /// [`DoctorError`], a process that is no appliance, a configuration that is wrong.
    pub(crate) fn make(host: &Host, args: &DoctorArgs) -> Result<Plan> {
        let topology = host.topology()?;
        let config = args.config.as_deref().map(Config::load).transpose()?;
        let every = appliance::find(host);
        let found = match args.pid.as_slice() {
            [] => every.clone(),
            pids => pids
                .iter()
                .map(|&pid| appliance::open(host, pid))
                .collect::<Result<Vec<Found>, doctor::Error>>()?,
        };
        let spun = spun(host, args, &topology, &every)?;
        let taken = |cpu: &usize| every.iter().any(|found| found.cpus.contains(*cpu));
        let mut compared = Vec::new();
        if !spun.is_empty() {
            compared.extend(spun.iter().map(|(cpu, _)| *cpu));
            // Isolated CPUs are compared with the house as well, which stamps the kernel's time.
            let house = allowed_cpus()?.iter().find(|cpu| !compared.contains(cpu) && !taken(cpu));
            compared.splice(0..0, house);
        }
        let mut chased: Vec<usize> = spun.iter().map(|(cpu, _)| *cpu).collect();
        if args.cpus.is_none() && !spun.is_empty() {
            chased.extend(allowed_cpus()?.iter().filter(|cpu| !taken(cpu)));
        }
        let wanted = settings_for(config.as_ref(), args, &found)?;
        Ok(Plan { found, wanted, spun, compared, chased })
    }
}

/// The CPUs to spin on.
fn spun(
    host: &Host,
    args: &DoctorArgs,
    topology: &Topology,
    every: &[Found],
) -> Result<Vec<(usize, bool)>> {
    if let Some(cpus) = &args.cpus {
        return named(cpus, topology, every);
    }
    if !every.is_empty() {
        return Ok(Vec::new());
    }
    let allowed = allowed_cpus()?;
    let isolated: Vec<usize> = host
        .isolated()
        .iter()
        .filter(|&cpu| topology.cpu(cpu).is_some() && usable(cpu).is_ok())
        .collect();
    if !isolated.is_empty() {
        return Ok(isolated.into_iter().map(|cpu| (cpu, true)).collect());
    }
    Ok(allowed.iter().take(UNJUDGED_MAX).map(|cpu| (cpu, false)).collect())
}

/// CPUs that were asked for by name: these are judged.
fn named(cpus: &CpuSet, topology: &Topology, every: &[Found]) -> Result<Vec<(usize, bool)>> {
    if cpus.is_empty() {
        return Err(DoctorError::NoCpus.into());
    }
    for cpu in cpus.iter() {
        if topology.cpu(cpu).is_none() {
            let online = topology.online().to_string();
            return Err(DoctorError::NoCpu { cpu, online }.into());
        }
        if let Some(found) = every.iter().find(|found| found.cpus.contains(cpu)) {
            return Err(DoctorError::Busy { cpu, pid: found.pid }.into());
        }
        usable(cpu).map_err(|reason| DoctorError::NotOurs { cpu, reason })?;
    }
    Ok(cpus.iter().map(|cpu| (cpu, true)).collect())
}

/// Whether a thread of ours may run there; tried, since an isolated CPU stands in no mask.
fn usable(cpu: usize) -> Result<(), String> {
    let tried = thread::scope(|scope| scope.spawn(|| pin_current(cpu)).join());
    match tried {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// What the settings are looked at for: the configuration, else what runs, else what was named,
/// else what is isolated.
fn settings_for(config: Option<&Config>, args: &DoctorArgs, found: &[Found]) -> Result<Wanted> {
    if let Some(config) = config {
        return Ok(wanted_by(config, &placement::place(config)?));
    }
    let running: CpuSet = found.iter().flat_map(|found| found.cpus.iter()).collect();
    let cpus = if running.is_empty() { args.cpus.unwrap_or_default() } else { running };
    Ok(Wanted { cpus, huge_mb: None })
}

/// What a configuration's run is about to take.
pub(crate) fn wanted_by(config: &Config, placement: &placement::Placement) -> Wanted {
    let huge_mb = match config.eal.huge {
        Huge::Off => 0,
        Huge::Auto | Huge::Require => u64::from(config.eal.memory_mb),
    };
    let cpus = placement.threads.iter().map(|thread| thread.cpu).collect();
    Wanted { cpus, huge_mb: Some(huge_mb) }
}
