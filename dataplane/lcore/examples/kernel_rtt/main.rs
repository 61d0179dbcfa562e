//! Order to ack over the kernel's sockets: the yardstick for what going around the kernel gains.
//!
//! ```text
//! cargo run --release -p lcore --example kernel_rtt -- venue --at 10.9.0.1:26400
//! cargo run --release -p lcore --example kernel_rtt -- orders --at 10.9.0.1:26400 --count 100000
//! ```
//!
//! `venue` serves orders as the appliance's venue does, with the same sessions, codecs, gate,
//! engine and replies, over the kernel's TCP and epoll (`venue.rs`). It has no feed: the tape is
//! written and not sent, which favours it. `orders` is mode `soup` of `peregrine loopback` over the
//! same sockets (`orders.rs`): it enters orders, cancels what was accepted, and tells how long each
//! took.
//!
//! | option | default | |
//! |---|---|---|
//! | `--at` | `127.0.0.1:26400` | where the venue listens |
//! | `--user`, `--password` | `PROBE`, `probe` | |
//! | `--symbol` | `AAPL` | |
//! | `--cpu` | none | pins the thread |
//! | `--wait` | `epoll` | `spin`: asks the kernel again and again instead of sleeping |
//! | `--rate` | 0 | `orders`: a second; 0 is ping-pong |
//! | `--in-flight` | 1024 | `orders`: under way at most |
//! | `--count` | 100000 | `orders`: how many |
//! | `--price` | `100.00` | `orders`: a price at which they rest |
//!
//! `orders` ends with a line of JSON, and with status 1 when an order was not answered; both end
//! with 2 when an argument cannot be used. `venue` runs until it is killed.

mod orders;
mod plain;
mod venue;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

/// What was asked for.
pub(crate) struct Options {
    pub(crate) at: SocketAddr,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) symbol: String,
    pub(crate) spin: bool,
    pub(crate) rate: u64,
    pub(crate) in_flight: u32,
    pub(crate) count: u64,
    /// In 1/10000 dollar.
    pub(crate) price: u32,
    cpu: Option<usize>,
}

impl Options {
    /// How long to sleep for a socket.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(if self.spin { 0 } else { 100 })
    }
}

/// What goes wrong is told in words: this is no appliance.
pub(crate) type Outcome = Result<(), String>;

fn options(words: &[String]) -> Result<Options, String> {
    let mut options = Options {
        at: SocketAddr::from(([127, 0, 0, 1], 26_400)),
        user: "PROBE".to_owned(),
        password: "probe".to_owned(),
        symbol: "AAPL".to_owned(),
        spin: false,
        rate: 0,
        in_flight: 1_024,
        count: 100_000,
        price: 1_000_000,
        cpu: None,
    };
    for pair in words.chunks(2) {
        let [option, value] = pair else { return Err(format!("{}: no value", pair[0])) };
        let wrong = || format!("{option}: {value:?} cannot be used");
        match option.as_str() {
            "--at" => options.at = value.parse().map_err(|_| wrong())?,
            "--user" => options.user.clone_from(value),
            "--password" => options.password.clone_from(value),
            "--symbol" if (1..=8).contains(&value.len()) => options.symbol.clone_from(value),
            "--cpu" => options.cpu = Some(value.parse().map_err(|_| wrong())?),
            "--wait" if value == "spin" => options.spin = true,
            "--wait" if value == "epoll" => options.spin = false,
            "--rate" => options.rate = value.parse().map_err(|_| wrong())?,
            "--in-flight" => options.in_flight = value.parse().map_err(|_| wrong())?,
            "--count" => options.count = value.parse().map_err(|_| wrong())?,
            "--price" => {
                let dollars: f64 = value.parse().map_err(|_| wrong())?;
                options.price = (dollars * 10_000.0).round() as u32;
            }
            "--symbol" | "--wait" => return Err(wrong()),
            _ => return Err(format!("there is no option {option:?}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (what, rest) = words.split_first().map_or(("", &[][..]), |(w, rest)| (w.as_str(), rest));
    let run = match what {
        "venue" => venue::run,
        "orders" => orders::run,
        _ => {
            eprintln!("kernel_rtt: say venue or orders");
            return ExitCode::from(2);
        }
    };
    let ready = options(rest).and_then(|options| {
        let pinned = options.cpu.map_or(Ok(()), hostcpu::pin_current);
        pinned.map(|()| options).map_err(|error| error.to_string())
    });
    match ready.map(|options| run(&options)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            eprintln!("kernel_rtt: {failure}");
            ExitCode::FAILURE
        }
        Err(refusal) => {
            eprintln!("kernel_rtt: {refusal}");
            ExitCode::from(2)
        }
    }
}
