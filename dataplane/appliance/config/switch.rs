//! The switches, each a network of its own between any number of ports.

use lcore::switch::PORTS_MAX;

use super::SwitchConfig;
use super::raw;
use super::roles::LCORES;
use super::scope::Scope;

/// `[[switch]]`
pub(super) fn switches(scope: &mut Scope<'_>, raw: &[raw::Switch]) -> Vec<SwitchConfig> {
    let one = |(index, raw)| switch(scope, &format!("switch[{index}]"), raw);
    raw.iter().enumerate().map(one).collect()
}

fn switch(scope: &mut Scope<'_>, table: &str, raw: &raw::Switch) -> SwitchConfig {
    let name = scope.name((table, "name"), &raw.name);
    if !(2..=PORTS_MAX).contains(&raw.ports.len()) {
        let problem = format!("{} ports; a switch has 2 to {PORTS_MAX}", raw.ports.len());
        scope.fault((table, "ports"), raw.name.span(), problem);
    }
    SwitchConfig {
        name,
        lcore: scope.int((table, "lcore"), Some(&raw.lcore), 0, LCORES),
        control: super::exchange::control(scope, table, raw.control.as_ref()),
        ports: raw.ports.iter().map(|port| port.get_ref().clone()).collect(),
    }
}
