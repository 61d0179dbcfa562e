//! Who forwards to whom, and which lcore does it. As testpmd has it.

use std::fmt;

/// Which port the frames of a port go out of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Topology {
    /// Port 0 to port 1 and back, port 2 to port 3 and back; an odd last one to itself.
    #[default]
    Paired,
    /// Port 0 to port 1, 1 to 2, the last to port 0.
    Chained,
    /// Each port to itself.
    Loop,
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Topology::Paired => "paired",
            Topology::Chained => "chained",
            Topology::Loop => "loop",
        })
    }
}

impl Topology {
    /// Where the frames of port `rx` go, of `ports` ports. No two go to the same.
    pub(crate) fn tx_of(self, rx: usize, ports: usize) -> usize {
        match self {
            Topology::Paired if rx ^ 1 < ports => rx ^ 1,
            Topology::Chained => (rx + 1) % ports,
            Topology::Paired | Topology::Loop => rx,
        }
    }
}

/// From which queue to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    /// Port received from, its place among the ports of the run.
    pub(crate) rx_port: usize,
    /// Port sent to.
    pub(crate) tx_port: usize,
    /// The number of both queues.
    pub(crate) queue: u16,
}

/// One stream for each queue of each port, queue by queue, so that the ports of a queue are spread
/// over lcores first.
pub(crate) fn ways(topology: Topology, ports: usize, queues: u16) -> Vec<Way> {
    let of_queue = |queue| {
        (0..ports).map(move |rx_port| Way {
            rx_port,
            tx_port: topology.tx_of(rx_port, ports),
            queue,
        })
    };
    (0..queues).flat_map(of_queue).collect()
}

/// How many streams each of `lcores` lcores gets, one after the other: as even as can be. No lcore
/// is left without one.
pub(crate) fn shares(streams: usize, lcores: usize) -> Vec<usize> {
    let lcores = lcores.min(streams).max(1);
    (0..lcores).map(|lcore| streams / lcores + usize::from(lcore < streams % lcores)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_go_to_each_other_as_in_testpmd() {
        let all = |topology: Topology, ports| -> Vec<usize> {
            (0..ports).map(|rx| topology.tx_of(rx, ports)).collect()
        };
        assert_eq!(all(Topology::Paired, 4), [1, 0, 3, 2]);
        assert_eq!(all(Topology::Paired, 3), [1, 0, 2]);
        assert_eq!(all(Topology::Paired, 1), [0]);
        assert_eq!(all(Topology::Chained, 3), [1, 2, 0]);
        assert_eq!(all(Topology::Loop, 2), [0, 1]);
    }

    #[test]
    fn no_queue_is_in_two_streams() {
        for topology in [Topology::Paired, Topology::Chained, Topology::Loop] {
            for ports in 1..6 {
                let ways = ways(topology, ports, 3);
                let mut rx: Vec<_> = ways.iter().map(|w| (w.rx_port, w.queue)).collect();
                let mut tx: Vec<_> = ways.iter().map(|w| (w.tx_port, w.queue)).collect();
                rx.sort_unstable();
                tx.sort_unstable();
                let each: Vec<_> = (0..ports).flat_map(|p| (0..3).map(move |q| (p, q))).collect();
                assert_eq!((rx, tx), (each.clone(), each), "{topology} {ports}");
            }
        }
    }

    #[test]
    fn streams_are_shared_out_evenly() {
        assert_eq!(shares(5, 2), [3, 2]);
        assert_eq!(shares(2, 8), [1, 1]);
        assert_eq!(shares(4, 1), [4]);
    }
}
