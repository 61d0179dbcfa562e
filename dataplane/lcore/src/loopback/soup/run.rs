//! Mode `soup` on a stream: log in, enter orders until there are no more, log out.

use super::{OrderSettings, OrderStats, Orders, SoupLink};
use crate::agent::{Agent, Now};
use crate::control::Fault;
use crate::duty::{LcoreFacts, Mark, sample};
use crate::loopback::trips::TripSettings;
use crate::loopback::{Route, Stream, StreamCounter, StreamStats, Switch};
use crate::order_link::{CLIENT_RX_BYTES, OrderLink};
use crate::port_io::PortIo;
use arrayvec::ArrayString;
use dpdk::Mempool;
use hostcpu::{TscClock, tsc};
use net::{Host, HostConfig, Interface, NetError, TcpConfig};
use session::{ClientConfig, ClientConfigError, SoupClient};
use std::net::SocketAddrV4;
use std::sync::Arc;

/// How long connecting and logging in may take, in ns.
pub const CONNECT_NS_MAX: u64 = 5_000_000_000;
/// How long a goodbye may take, in ns.
const LEAVE_NS_MAX: u64 = 1_000_000_000;
/// TCP's transmit ring, in bytes.
const TX_BYTES: usize = 1 << 17;

/// Who we are, whom we log in to, and what we order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoupSettings {
    /// Our end of the network.
    pub interface: Interface,
    /// Where the venue takes orders.
    pub venue: SocketAddrV4,
    /// Who logs in.
    pub user: ArrayString<6>,
    /// Its password.
    pub password: ArrayString<10>,
    /// What sequence numbers and ports come from: random, but in a test.
    pub seed: u64,
    /// The orders.
    pub order: OrderSettings,
    /// How many, how fast.
    pub trips: TripSettings,
}

/// Why no order could be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoupError {
    /// Nobody has the venue's address, or that of the gateway to it.
    #[error(
        "venue {0}: nobody on the link answers for its address; is the venue running, on the other \
         end of this port, and are both in one network?"
    )]
    NoNeighbour(SocketAddrV4),
    /// Its host is there, and takes no connection.
    #[error("venue {0}: it takes no connection; is this the port where it listens?")]
    NoConnection(SocketAddrV4),
    /// The connection is there, and nobody speaks SoupBinTCP.
    #[error("venue {0}: no answer to the login; does it speak SoupBinTCP and OUCH 5.0 there?")]
    NoLogin(SocketAddrV4),
    /// The venue said no.
    #[error("venue {0}: {1}")]
    Refused(SocketAddrV4, Fault),
    /// The settings cannot be: see [`SoupSettings::check`].
    #[error("the client's addresses, user or password cannot be")]
    Settings,
}

/// Settings that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoupSettingsError {
    /// Addresses.
    #[error(transparent)]
    Net(#[from] NetError),
    /// User or password.
    #[error(transparent)]
    Client(#[from] ClientConfigError),
}

impl SoupSettings {
    /// Whether they can be.
    ///
    /// # Errors
    /// The first setting that cannot.
    pub fn check(&self) -> Result<(), SoupSettingsError> {
        self.ends().map(drop)
    }

    /// TCP's end and SoupBinTCP's.
    fn ends(&self) -> Result<(Host, SoupClient), SoupSettingsError> {
        let tcp = TcpConfig {
            slots: 2,
            rx_bytes: CLIENT_RX_BYTES,
            tx_bytes: TX_BYTES,
            seed: self.seed,
            ..TcpConfig::default()
        };
        let host = Host::new(self.interface, HostConfig { tcp, ..HostConfig::default() })?;
        // From the next message on: what the session has seen before is nobody's business here.
        let login = ClientConfig { first_seq: 0, ..ClientConfig::new(&self.user, &self.password) };
        Ok((host, SoupClient::new(&login)?))
    }
}

/// Runs the session of an lcore's stream, until its orders are over or the switch is off. How it
/// went is in the stream's [`StreamStats`].
pub fn run<'e>(
    index: usize,
    streams: &mut Vec<Stream<'e>>,
    settings: &SoupSettings,
    clock: &TscClock,
    switch: &Switch,
) -> LcoreFacts {
    let mut facts = LcoreFacts::default();
    switch.begin();
    for stream in std::mem::take(streams) {
        let stats = Arc::clone(&stream.stats);
        let Ok(ends) = settings.ends() else {
            stats.fail(SoupError::Settings);
            streams.push(stream);
            continue;
        };
        let mut session = SoupSession::new(stream, settings, ends, clock);
        if let Err(error) = session.run(index, clock, switch, &mut facts) {
            stats.fail(error);
        }
        streams.push(session.finish());
    }
    facts
}

/// A client on its stream.
struct SoupSession<'e> {
    client: SoupLink<'e>,
    venue: SocketAddrV4,
    drain_ns_max: u64,
    /// What is left of the stream meanwhile.
    stats: Arc<StreamStats>,
    route: Route,
    pool: Mempool<'e>,
}

impl<'e> SoupSession<'e> {
    /// Takes a stream over, which is given back by [`finish`](Self::finish).
    fn new(
        stream: Stream<'e>,
        settings: &SoupSettings,
        (host, soup): (Host, SoupClient),
        clock: &TscClock,
    ) -> SoupSession<'e> {
        let (route, pool, stats) = (stream.route, stream.pool, Arc::clone(&stream.stats));
        let (rx, tx) = stream.into_queues();
        let link = OrderLink::new(PortIo::new(rx, tx, pool), host, soup, settings.venue);
        let told =
            OrderStats { trips: Arc::clone(&stats.trips), answers: Arc::clone(&stats.answers) };
        let orders = Orders::new(settings.order, settings.trips, clock, tsc, told);
        SoupSession {
            client: SoupLink::new(link, orders),
            venue: settings.venue,
            drain_ns_max: settings.trips.timeout_ns,
            stats,
            route,
            pool,
        }
    }

    /// Logs in, and sends orders until there are no more or the switch is off; waits for answers,
    /// and logs out.
    ///
    /// # Errors
    /// The venue was not reached, or did not let us in.
    fn run(
        &mut self,
        index: usize,
        clock: &TscClock,
        switch: &Switch,
        facts: &mut LcoreFacts,
    ) -> Result<(), SoupError> {
        let names = [format!("lc{index}-hot"), format!("lc{index}-done")];
        let ready = self.connect(clock, switch);
        if ready == Ok(true) {
            let mark = Mark::take(&names[0]);
            self.client.orders().start();
            self.poll_until(clock, u64::MAX, |client| !switch.is_on() || client.is_drained());
            mark.close(facts, clock, &names[1]);
            self.client.drain(sample(clock));
            self.poll_until(clock, self.drain_ns_max, |client| client.is_drained());
        }
        self.poll_until(clock, LEAVE_NS_MAX, |client| client.stop(sample(clock)));
        ready.map(drop)
    }

    /// Whether we are logged in: the switch may have been put off before.
    fn connect(&mut self, clock: &TscClock, switch: &Switch) -> Result<bool, SoupError> {
        self.client.start(sample(clock));
        self.poll_until(clock, CONNECT_NS_MAX, |client| {
            !switch.is_on() || client.is_ready() || client.fault().is_some()
        });
        if let Some(fault) = self.client.fault() {
            return Err(SoupError::Refused(self.venue, fault));
        }
        if self.client.is_ready() || !switch.is_on() {
            return Ok(self.client.is_ready());
        }
        let (link, venue) = (self.client.link(), self.venue);
        let host = link.host().counters();
        Err(match (host.tcp.connected, host.arp_unreachable) {
            (0, 0) => SoupError::NoConnection(venue),
            (0, _) => SoupError::NoNeighbour(venue),
            _ => SoupError::NoLogin(venue),
        })
    }

    /// Polls until `done`, for `ns_max` at the longest.
    fn poll_until(
        &mut self,
        clock: &TscClock,
        ns_max: u64,
        mut done: impl FnMut(&mut SoupLink<'e>) -> bool,
    ) {
        let began = sample(clock);
        loop {
            let now: Now = sample(clock);
            self.client.poll(now);
            let counts = self.client.link().io().counts();
            self.stats.counters.set(StreamCounter::RxFrames, counts.rx_frames);
            self.stats.counters.set(StreamCounter::TxFrames, counts.tx_frames);
            let behind = self.client.orders().behind(now.tsc);
            self.stats.counters.set(StreamCounter::Behind, behind);
            if done(&mut self.client) || now.ns.saturating_sub(began.ns) > ns_max {
                return;
            }
        }
    }

    /// Gives the stream back.
    fn finish(self) -> Stream<'e> {
        let (rx, tx) = self.client.into_io().into_queues();
        let mut stream = Stream::new(self.route, rx, tx, self.pool);
        stream.stats = self.stats;
        stream
    }
}
