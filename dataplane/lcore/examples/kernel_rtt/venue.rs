//! The venue: an event loop over the kernel's sockets, with all that stands behind our ports.

use crate::{Options, Outcome, plain};
use hostcpu::TscClock;
use lcore::Now;
use lcore::duty::sample;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use session::{
    MoldPublisher, PublisherConfig, ServerConfig, ServerHandler, SessionId, Sessions, SoupServer,
};
use std::io::{ErrorKind, Read, Write};
use types::{Nanos, Symbol};
use venue::{Core, Stores};

const SLOTS: usize = 16;
const LISTENER: Token = Token(SLOTS);
const READ_BYTES: usize = 1 << 16;

/// A client's socket, and what could not be written to it yet.
struct Conn {
    stream: TcpStream,
    unsent: Vec<u8>,
}

struct Venue {
    core: Core,
    sessions: Sessions,
    publisher: MoldPublisher,
    servers: Vec<SoupServer>,
    conns: Vec<Option<Conn>>,
    input: Box<[u8]>,
    /// Where the tape ends: written, and sent nowhere.
    tape: Box<[u8]>,
}

/// OUCH on its way into the core.
struct Inbound<'a> {
    core: &'a mut Core,
    publisher: &'a mut MoldPublisher,
    now: Now,
}

impl ServerHandler for Inbound<'_> {
    fn on_message(&mut self, sessions: &mut Sessions, who: SessionId, message: &[u8]) {
        let stores = Stores { sessions, publisher: self.publisher };
        self.core.on_message(Nanos(self.now.ns), stores, who, message, &mut ());
    }
}

/// Serves until it is killed.
pub(crate) fn run(options: &Options) -> Outcome {
    let wrong = |error: std::io::Error| format!("{}: {error}", options.at);
    let clock = TscClock::calibrate().map_err(|error| error.to_string())?;
    let mut venue = venue(options)?;
    let mut poll = Poll::new().map_err(wrong)?;
    let mut listener = TcpListener::bind(options.at).map_err(wrong)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE).map_err(wrong)?;
    let mut events = Events::with_capacity(SLOTS + 1);
    eprintln!("kernel_rtt: venue at {}", options.at);
    loop {
        match poll.poll(&mut events, Some(options.patience())) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(wrong(error)),
            _ => {}
        }
        let now = sample(&clock);
        for event in &events {
            match event.token() {
                LISTENER => venue.accept(&listener, &poll, now).map_err(wrong)?,
                Token(slot) => venue.serve(slot, now),
            }
        }
        venue.tend(now);
    }
}

fn venue(options: &Options) -> Result<Venue, String> {
    let symbol = Symbol::new(&options.symbol).ok_or("--symbol: not a symbol")?;
    let sessions = plain::sessions(&options.user, &options.password);
    let publisher = MoldPublisher::new(PublisherConfig::new(*b"KERNEL    "));
    Ok(Venue {
        core: plain::core(symbol),
        sessions: sessions.map_err(|error| error.to_string())?,
        publisher: publisher.map_err(|error| error.to_string())?,
        servers: (0..SLOTS).map(|_| SoupServer::new(ServerConfig::default())).collect(),
        conns: (0..SLOTS).map(|_| None).collect(),
        input: vec![0; READ_BYTES].into_boxed_slice(),
        tape: vec![0; 1_472].into_boxed_slice(),
    })
}

impl Venue {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll, now: Now) -> std::io::Result<()> {
        while let Ok((mut stream, _)) = listener.accept() {
            let Some(slot) = self.conns.iter().position(Option::is_none) else { continue };
            stream.set_nodelay(true)?;
            poll.registry().register(&mut stream, Token(slot), Interest::READABLE)?;
            self.servers[slot].open(now.ns);
            self.conns[slot] = Some(Conn { stream, unsent: Vec::with_capacity(READ_BYTES) });
        }
        Ok(())
    }

    /// Reads all there is, and answers.
    fn serve(&mut self, slot: usize, now: Now) {
        let Some(conn) = &mut self.conns[slot] else { return };
        let server = &mut self.servers[slot];
        let (core, publisher) = (&mut self.core, &mut self.publisher);
        let mut is_over = false;
        loop {
            let got = match conn.stream.read(&mut self.input) {
                Ok(0) => {
                    is_over = true;
                    break;
                }
                Ok(got) => got,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    is_over = true;
                    break;
                }
            };
            let mut inbound = Inbound { core, publisher, now };
            // The reason why it is over is counted by the sessions, and `is_drained` tells.
            let _ = server.on_bytes(now.ns, &self.input[..got], &mut self.sessions, &mut inbound);
            if got < self.input.len() {
                break;
            }
        }
        is_over |= !conn.answer(server, now, &self.sessions);
        if is_over || server.is_drained() {
            self.close(slot, now);
        }
    }

    fn close(&mut self, slot: usize, now: Now) {
        let mut inbound = Inbound { core: &mut self.core, publisher: &mut self.publisher, now };
        self.servers[slot].on_closed(&mut self.sessions, &mut inbound);
        self.conns[slot] = None;
    }

    /// Heartbeats and timeouts, replies that others caused, and the tape.
    fn tend(&mut self, now: Now) {
        while self.core.next_dirty().is_some() {}
        for slot in 0..SLOTS {
            let Some(conn) = &mut self.conns[slot] else { continue };
            let server = &mut self.servers[slot];
            let mut inbound = Inbound { core: &mut self.core, publisher: &mut self.publisher, now };
            // As in `serve`.
            let _ = server.check(now.ns, &mut self.sessions, &mut inbound);
            if !conn.answer(server, now, &self.sessions) || server.is_drained() {
                self.close(slot, now);
            }
        }
        while self.publisher.pump(now.ns, &mut self.tape) > 0 {}
    }
}

impl Conn {
    /// Writes what the server has to say; `false` when the socket is gone.
    fn answer(&mut self, server: &mut SoupServer, now: Now, sessions: &Sessions) -> bool {
        while server.wants_pump(now.ns, sessions) {
            let from = self.unsent.len();
            self.unsent.resize(from + 256, 0);
            let wrote = server.pump(now.ns, sessions, &mut self.unsent[from..]);
            self.unsent.truncate(from + wrote);
            if wrote == 0 {
                break;
            }
        }
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(wrote) => drop(self.unsent.drain(..wrote)),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}
