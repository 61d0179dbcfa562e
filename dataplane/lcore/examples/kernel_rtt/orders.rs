//! The client: mode `soup`'s orders over a kernel's socket.

use crate::{Options, Outcome};
use hostcpu::{TscClock, tsc};
use lcore::Now;
use lcore::duty::sample;
use lcore::loopback::soup::{MESSAGE_LEN_MAX, OrderCounter, OrderSettings, OrderStats, Orders};
use lcore::loopback::trips::{Pacing, TripCounter, TripSettings};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use session::{ClientConfig, SoupClient};
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;
use types::OrderSide;
use wire::soup::HEADER_LEN;

/// How long a login may take.
const LOGIN_NS_MAX: u64 = 5_000_000_000;
const READ_BYTES: usize = 1 << 16;

struct Client {
    stream: TcpStream,
    soup: SoupClient,
    orders: Orders,
    input: Box<[u8]>,
    unsent: Vec<u8>,
}

/// Sends the orders, and tells.
pub(crate) fn run(options: &Options) -> Outcome {
    let wrong = |error: std::io::Error| format!("{}: {error}", options.at);
    let clock = TscClock::calibrate().map_err(|error| error.to_string())?;
    // Connects before the loop: a venue that is not there is told at once.
    let stream = std::net::TcpStream::connect_timeout(&options.at, Duration::from_secs(5));
    let stream = stream.map_err(wrong)?;
    stream.set_nonblocking(true).map_err(wrong)?;
    stream.set_nodelay(true).map_err(wrong)?;
    let mut client = client(options, &clock, TcpStream::from_std(stream))?;
    let mut poll = Poll::new().map_err(wrong)?;
    let registry = poll.registry();
    registry.register(&mut client.stream, Token(0), Interest::READABLE).map_err(wrong)?;
    let mut events = Events::with_capacity(4);
    let began = sample(&clock);
    client.soup.open(began.ns);
    let mut started = false;
    while !client.orders.is_over() {
        let now = sample(&clock);
        client.send(now)?;
        let patience = client.patience(options);
        match poll.poll(&mut events, Some(patience)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(wrong(error)),
            _ => {}
        }
        if options.spin || !events.is_empty() {
            client.receive(sample(&clock))?;
        }
        client.orders.expire(tsc());
        if !started && client.orders.is_ready() {
            started = true;
            client.orders.start();
        }
        if !started && now.ns - began.ns > LOGIN_NS_MAX {
            return Err(format!("{}: no answer to the login", options.at));
        }
    }
    client.tell()
}

fn client(options: &Options, clock: &TscClock, stream: TcpStream) -> Result<Client, String> {
    let mut config = ClientConfig::new(&options.user, &options.password);
    config.first_seq = 0;
    let orders = OrderSettings {
        symbol: wire::field::padded(options.symbol.as_bytes()),
        side: OrderSide::Buy,
        shares: 100,
        price: options.price,
        cancels: true,
    };
    let trips = TripSettings {
        pacing: match options.rate {
            0 => Pacing::PingPong,
            rate => Pacing::PerSecond(rate),
        },
        in_flight_max: options.in_flight,
        trips_max: options.count,
        ..TripSettings::default()
    };
    Ok(Client {
        stream,
        soup: SoupClient::new(&config).map_err(|error| error.to_string())?,
        orders: Orders::new(orders, trips, clock, tsc, OrderStats::default()),
        input: vec![0; READ_BYTES].into_boxed_slice(),
        unsent: Vec::with_capacity(READ_BYTES),
    })
}

impl Client {
    /// An open loop sleeps no longer than to the next order: it does not sleep.
    fn patience(&self, options: &Options) -> Duration {
        if options.rate > 0 && self.orders.is_ready() { Duration::ZERO } else { options.patience() }
    }

    /// Writes what there is to say.
    fn send(&mut self, now: Now) -> Outcome {
        let mut packet = [0; 64];
        if self.soup.wants_pump(now.ns) {
            let len = self.soup.pump(now.ns, &mut packet);
            self.unsent.extend_from_slice(&packet[..len]);
        }
        let mut message = [0; MESSAGE_LEN_MAX];
        while self.soup.is_open() {
            if self.unsent.len() + HEADER_LEN + MESSAGE_LEN_MAX > READ_BYTES {
                self.orders.held();
                break;
            }
            let len = self.orders.next(&mut message);
            if len == 0 {
                break;
            }
            let wrote = self.soup.send_unsequenced(now.ns, &mut packet, &message[..len]);
            self.unsent.extend_from_slice(&packet[..wrote.unwrap_or(0)]);
        }
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(wrote) => drop(self.unsent.drain(..wrote)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(format!("the connection was lost: {error}")),
            }
        }
        Ok(())
    }

    /// Reads all there is.
    fn receive(&mut self, now: Now) -> Outcome {
        loop {
            match self.stream.read(&mut self.input) {
                Ok(0) => return Err("the venue closed the connection".to_owned()),
                Ok(got) => {
                    let taken = self.soup.on_bytes(now.ns, &self.input[..got], &mut self.orders);
                    taken.map_err(|reason| format!("the session is over: {reason:?}"))?;
                    if got < self.input.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(format!("the connection was lost: {error}")),
            }
        }
    }

    fn tell(&self) -> Outcome {
        let stats = self.orders.trips().stats();
        let times = stats.times.snapshot();
        let at = |quantile| times.value_at_quantile(quantile);
        let rejected = self.orders.counters().get(OrderCounter::Rejected);
        println!(
            "{{\"sent\":{},\"count\":{},\"lost\":{},\"rejected\":{rejected},\"min_ns\":{},\
             \"p50_ns\":{},\"p90_ns\":{},\"p99_ns\":{},\"p99_9_ns\":{},\"p99_99_ns\":{},\
             \"max_ns\":{}}}",
            stats.counters.get(TripCounter::Sent),
            stats.times.count(),
            stats.lost(),
            times.min(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(0.9999),
            stats.times.max_ns(),
        );
        match stats.lost() {
            0 => Ok(()),
            lost => Err(format!("{lost} orders were not answered")),
        }
    }
}
