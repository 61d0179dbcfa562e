//! A venue whose ports are cables into network namespaces: orders on the first, market data on the
//! second.
//!
//! Beside [`appliance`](crate::appliance) and [`peers`](crate::peers), which a test takes in first:
//!
//! ```ignore
//! #[path = "common/market.rs"]
//! mod market;
//! ```

// Each test binary uses its own part of this, and reaches it by its private module.
#![allow(dead_code, unreachable_pub)]

use crate::appliance::Scenario;
use crate::common::netns::Cable;
use crate::peers::{self, Peer};

/// Where the venue of `tests/data/kernel-venue.toml` takes orders.
pub const VENUE: (&str, u16) = ("10.77.1.1", 26_400);
/// Where it publishes, and where it repeats what it published.
pub const GROUP: &str = "239.192.0.1:26477";
/// The retransmission server.
pub const RECOVERY: &str = "10.77.2.1:26477";

/// A venue and the cables to it.
pub struct Market {
    /// Orders, market data.
    pub cables: [Cable; 2],
    /// The venue, not yet started.
    pub scenario: Scenario,
}

impl Market {
    /// Lays the cables and reads the configuration.
    pub fn new() -> Market {
        let lay = |address| Cable::lay(address).expect("a cable");
        let cables = [lay("10.77.1.2/24"), lay("10.77.2.2/24")];
        let scenario = Scenario::new("tests/data/kernel-venue.toml")
            .edit("iface=ORDERS", &format!("iface={}", cables[0].host_if()))
            .edit("iface=MARKET", &format!("iface={}", cables[1].host_if()))
            .args("--no-huge");
        Market { cables, scenario }
    }

    /// Logs a user in from message `sequence`; its first order will be `user_ref_num`.
    pub fn login(&self, user: &str, sequence: u64, user_ref_num: u32) -> Peer {
        Peer::login(&self.cables[0], VENUE, user, (sequence, user_ref_num))
    }

    /// A listener on the venue's group that joined, for `arguments` besides. It wants every message
    /// from the first one and asks again for those it missed.
    pub fn listen(&self, arguments: &str) -> Peer {
        let mut program = peers::command(&self.cables[1], "mold_listen.py");
        program.args(["--group", GROUP, "--interface", Cable::PEER_IF, "--first", "1"]);
        program.args(["--recover", RECOVERY, "--seconds", "90", "--orders"]);
        program.args(arguments.split_whitespace());
        let mut listener = Peer::start(&mut program);
        listener.until("joined");
        listener
    }
}
