//! What lies between ports: a stage that harms frames, a switch.

use crate::config::{ImpairConfig, SwitchConfig};
use crate::run::ports::Ports;
use anyhow::Result;
use lcore::impair::{Impair, ImpairParts};
use lcore::switch::Switch;

pub(super) fn impair<'e>(config: &ImpairConfig, ports: &mut Ports<'e>) -> Result<Impair<'e>> {
    Ok(Impair::new(ImpairParts {
        name: config.name.clone(),
        a: ports.take_bare(&config.a)?,
        b: ports.take_bare(&config.b)?,
        seed: config.seed,
        a_to_b: config.a_to_b,
        b_to_a: config.b_to_a,
    }))
}

pub(super) fn switch<'e>(config: &SwitchConfig, ports: &mut Ports<'e>) -> Result<Switch<'e>> {
    let ios = config.ports.iter().map(|port| ports.take_bare(port)).collect::<Result<_>>()?;
    Ok(Switch::new(config.name.clone(), ios))
}
