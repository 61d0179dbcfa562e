//! A session as the prompt and the live view drive it.

use anyhow::{Error, Result, anyhow, bail};

use super::prompt::{Change, Driven, PortChange};
use super::run;
use super::session::Session;
use super::stats::Snapshot;
use super::tables::{ForwardFacts, PortFacts};
use super::view;
use crate::run::Signals;

impl Driven for Session<'_, '_> {
    type Error = Error;

    fn snapshot(&mut self) -> Snapshot {
        self.everything_but_cleared()
    }

    fn port_facts(&mut self, port: u16) -> Option<PortFacts> {
        Session::port_facts(self, usize::from(port))
    }

    fn forward_facts(&self) -> ForwardFacts {
        Session::forward_facts(self)
    }

    fn start(&mut self, tx_first: u64) -> Result<()> {
        Session::start(self, u32::try_from(tx_first).unwrap_or(u32::MAX))
    }

    fn stop(&mut self) -> Result<()> {
        Session::stop(self)
    }

    fn change(&mut self, change: Change) -> Result<()> {
        self.must_be_stopped()?;
        let plan = &mut self.plan;
        match change {
            Change::Mode(mode) => plan.settings.mode = mode,
            Change::Burst(frames) => plan.settings.burst = frames,
            Change::PacketBytes(bytes) => self.set_frame_bytes(bytes)?,
            Change::Rate(rate) => plan.rate = rate,
            Change::Lcores(lcores) if usize::from(lcores) <= plan.cpus.len() => {
                plan.lcores = usize::from(lcores);
            }
            Change::Lcores(_) => bail!("there are {} CPUs to forward with", plan.cpus.len()),
            Change::Verbose(0) => {}
            Change::Verbose(_) => bail!("frames are counted here, not printed"),
        }
        Ok(())
    }

    fn change_port(&mut self, port: u16, change: PortChange) -> Result<()> {
        if matches!(change, PortChange::Start | PortChange::Stop | PortChange::Close) {
            self.must_be_stopped()?;
        }
        let eal = self.eal;
        let slot = self.slots.get_mut(usize::from(port)).ok_or_else(|| anyhow!("no such port"))?;
        if !slot.is_open() {
            bail!("it is closed");
        }
        match change {
            PortChange::Start => slot.start(),
            PortChange::Stop => slot.stop(),
            PortChange::Close => slot.close(),
            PortChange::Promiscuous(on) => slot.set_promiscuous(on),
            PortChange::ClearStats => Ok(eal.reset_stats(slot.id)?),
            PortChange::ClearXstats => Ok(eal.reset_xstats(slot.id)?),
        }
    }

    fn clear_forward(&mut self) {
        self.base = self.everything();
    }
}

impl Session<'_, '_> {
    fn must_be_stopped(&self) -> Result<()> {
        if self.is_forwarding() {
            bail!("forwarding is under way: stop it first");
        }
        Ok(())
    }

    /// Frames are no longer than every port sends.
    fn set_frame_bytes(&mut self, bytes: u16) -> Result<()> {
        let least = lcore::loopback::FRAME_BYTES_MIN;
        let mtus = self.slots.iter().map(|slot| slot.settings.mtu);
        let most = mtus.min().unwrap_or(1500).saturating_add(super::args::FRAME_OVERHEAD);
        if !(least..=most).contains(&bytes) {
            bail!("a frame has {least} to {most} bytes");
        }
        self.plan.settings.frame_bytes = bytes;
        Ok(())
    }
}

/// A session on the live view.
pub(super) struct Live<'a, 's, 'e> {
    pub(super) session: &'a mut Session<'s, 'e>,
    pub(super) ending: run::Ending<'a>,
    pub(super) signals: &'a Signals,
}

impl view::Watched for Live<'_, '_, '_> {
    fn tick(&mut self) -> bool {
        // The view shows what has happened.
        self.session.tick();
        !self.ending.is_due(self.session) && !self.signals.any()
    }

    fn snapshot(&mut self) -> Snapshot {
        self.session.everything_but_cleared()
    }

    fn toggle(&mut self) -> Result<(), String> {
        let done = match self.session.is_forwarding() {
            true => self.session.stop(),
            false => self.session.start(0),
        };
        done.map_err(|error| error.to_string())
    }

    fn clear(&mut self) {
        self.session.base = self.session.everything();
    }
}
