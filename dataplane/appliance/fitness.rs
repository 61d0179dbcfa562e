//! What `run` says of the host before it trades on it, or that it will not.
//!
//! The settings of `peregrine doctor` for the CPUs and the memory that this run takes: some
//! milliseconds, no program started unless `host.verify` asks for it. On a developer's machine all
//! of it is one line.

use std::fmt::Write;

use anyhow::Result;
use doctor::verify::{self, Program};
use doctor::{Host, Line, State, settings};

use crate::cli::RunOptions;
use crate::config::{Config, HostConfig, Unfit, Warnings};
use crate::doctor::wanted_by;
use crate::placement::Placement;
use crate::run::Signals;

/// `host.unfit = "refuse"`, and the host is not fit.
#[derive(Debug, thiserror::Error)]
#[error(
    "host.unfit = \"refuse\", and this host is not fit to trade: {} of {checks} settings are \
     wrong\n{}`peregrine doctor` tells more; host.unfit = \"warn\" trades all the same",
    wrong.len(),
    block(wrong)
)]
pub(crate) struct UnfitError {
    /// What is wrong, and what mends it; never empty.
    wrong: Vec<Line>,
    /// How many were looked at.
    checks: usize,
}

/// Looks, and tells on stderr as the configuration and the command line want it.
///
/// # Errors
/// [`UnfitError`], or a `/sys` that does not even list the CPUs.
pub(crate) fn look(
    config: &Config,
    placement: &Placement,
    options: &RunOptions,
    signals: &Signals,
) -> Result<()> {
    let HostConfig { unfit, warnings, verify } = config.host;
    if unfit == Unfit::Ignore && !options.verbose {
        return Ok(());
    }
    let mut lines = settings::check(&Host::here(), &wanted_by(config, placement))?;
    if verify {
        lines.extend(verified(signals));
    }
    let checks = lines.len();
    let wrong: Vec<Line> = lines.into_iter().filter(|line| line.state.is_unfit()).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    if unfit == Unfit::Refuse {
        return Err(UnfitError { wrong, checks }.into());
    }
    if !options.quiet {
        let full = options.verbose || warnings == Warnings::Lines;
        eprint!("{}", told(&wrong, checks, full));
    }
    Ok(())
}

/// Provisioning's lines; one that says why, where there are none.
fn verified(signals: &Signals) -> Vec<Line> {
    let Some(program) = Program::find(std::env::current_exe().ok().as_deref()) else {
        return vec![verify::missing("provisioning is not installed here")];
    };
    match verify::run(&program, &|| signals.any()) {
        Ok(verified) => verified.lines,
        Err(error) => vec![verify::failed(&program, &error)],
    }
}

/// One line, or a line each.
fn told(wrong: &[Line], checks: usize, full: bool) -> String {
    let count = format!("peregrine: {} of {checks} settings do not suit trading", wrong.len());
    if full {
        return format!("{count} on this host:\n{}", block(wrong));
    }
    let names: Vec<&str> = wrong.iter().map(|line| line.id.as_str()).collect();
    format!("{count}: {}; `peregrine doctor` tells what mends them\n", names.join(", "))
}

fn block(wrong: &[Line]) -> String {
    let mut out = String::new();
    for Line { what, found, wanted, mend, state, .. } in wrong {
        let when = if *state == State::Reboot { " (after a boot)" } else { "" };
        let _ = writeln!(out, "  {what}: {found}; wanted: {wanted}{when}");
        if !mend.is_empty() {
            let _ = writeln!(out, "      {mend}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use doctor::Section;

    fn wrong() -> Vec<Line> {
        let line = |id: &str, what: &str| Line::new(Section::Host, id, what).wanted("none");
        vec![
            line("swap", "swap").wrong("/dev/sda2", "swapoff -a"),
            line("irqs", "device interrupts on lcores").wrong("3 of 9", ""),
        ]
    }

    #[test]
    fn a_laptop_is_told_in_one_line_and_whoever_asks_in_one_each() {
        let brief = told(&wrong(), 12, false);
        assert_eq!(brief.lines().count(), 1);
        assert!(brief.contains("2 of 12") && brief.contains("swap, irqs"), "{brief}");
        let full = told(&wrong(), 12, true);
        assert_eq!(full.lines().count(), 4);
        assert!(full.contains("  swap: /dev/sda2; wanted: none\n      swapoff -a\n"), "{full}");
    }

    #[test]
    fn a_refusal_names_what_is_wrong_what_mends_it_and_the_way_round() {
        let told = UnfitError { wrong: wrong(), checks: 12 }.to_string();
        for part in ["host.unfit = \"refuse\"", "2 of 12", "/dev/sda2", "swapoff -a", "\"warn\""] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }
}
