//! Once constructed, no part of the session layer asks the allocator for anything: logins, traffic
//! in both directions, eviction, reconnection, market data with loss, retransmission.

use session::{
    AccountConfig, AccountKind, ClientConfig, ClientHandler, DisconnectReason, Gap, ImageWriter,
    MoldHandler, MoldPublisher, MoldReceiver, PublisherConfig, ReceiverConfig, ServerConfig,
    ServerHandler, SessionId, Sessions, SnapshotConfig, SoupClient, SoupServer, StoreConfig,
};

#[global_allocator]
static ALLOC: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

const STORE: StoreConfig = StoreConfig { messages_max: 256, bytes_max: 1 << 14 };

/// Echoes what clients send, as the venue answers orders.
struct Echo;

impl ServerHandler for Echo {
    fn on_message(&mut self, sessions: &mut Sessions, who: SessionId, message: &[u8]) {
        sessions.append(who, message);
    }
}

#[derive(Default)]
struct Count {
    messages: u64,
    missing: u64,
}

impl ClientHandler for Count {
    fn on_sequenced(&mut self, _: u64, _: &[u8]) {
        self.messages += 1;
    }
}

impl MoldHandler for Count {
    fn on_message(&mut self, _: u64, _: &[u8]) {
        self.messages += 1;
    }

    fn on_gap(&mut self, gap: Gap) {
        self.missing += gap.missing();
    }
}

/// Runs `work` and gives how many blocks it took from or gave to the allocator.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = heapwatch::thread_allocations();
    work();
    let counts = heapwatch::thread_allocations().since(before);
    counts.allocs + counts.frees
}

#[test]
fn an_order_session_does_not_allocate() {
    assert!(heapwatch::is_counting());
    let account = AccountConfig {
        user: "ANN".into(),
        password: "secret".into(),
        session: "DAY".into(),
        store: STORE,
    };
    let mut sessions = Sessions::new(&[account]).unwrap();
    let mut server = SoupServer::new(ServerConfig {
        messages_per_second_max: 50,
        messages_burst_max: 4,
        ..ServerConfig::default()
    });
    let mut client = SoupClient::new(&ClientConfig::new("ANN", "secret")).unwrap();
    let mut seen = Count::default();
    let mut buffer = [0u8; 2048];
    let taken = allocations(|| {
        for connection in 0..4u64 {
            let start_ns = connection * 100_000_000_000;
            server.open_from(start_ns, connection as u32);
            client.open(start_ns);
            for round in 0..1000u64 {
                let now_ns = start_ns + round * 10_000_000;
                let mut len = client.pump(now_ns, &mut buffer);
                if round % 4 == 0 {
                    let order = [round as u8; 47];
                    let out = &mut buffer[len..];
                    len += client.send_unsequenced(now_ns, out, &order).unwrap_or(0);
                }
                // Two cuts, so that reassembly is part of it.
                for part in [&buffer[..len / 2], &buffer[len / 2..len]] {
                    // 25 orders a second come and 50 may: all are taken.
                    let taken = server.take_bytes(now_ns, part, &mut sessions, &mut Echo);
                    assert_eq!(taken, Ok(part.len()));
                }
                let len = server.pump(now_ns, &sessions, &mut buffer);
                for part in [&buffer[..len / 3], &buffer[len / 3..len]] {
                    client.on_bytes(now_ns, part, &mut seen).unwrap();
                }
                server.check(now_ns, &mut sessions, &mut Echo).unwrap();
                client.check(now_ns).unwrap();
            }
            server.on_closed(&mut sessions, &mut Echo);
            client.on_closed();
        }
    });
    assert_eq!(taken, 0);
    assert!(seen.messages > 900, "{}", seen.messages);
    assert!(sessions.store(SessionId(0)).unwrap().evicted() > 0);
    assert_eq!(sessions.disconnects().get(DisconnectReason::TransportClosed), 4);
}

/// A market of a thousand orders.
struct Market;

impl ServerHandler for Market {
    fn on_message(&mut self, _: &mut Sessions, _: SessionId, _: &[u8]) {}

    fn on_snapshot(&mut self, image: &mut ImageWriter<'_>) -> Option<u64> {
        (0..1000).all(|_| image.push(&[b'A'; 36]));
        Some(1001)
    }
}

#[test]
fn a_snapshot_does_not_allocate() {
    let account = AccountConfig {
        user: "ANN".into(),
        password: "secret".into(),
        session: "DAY".into(),
        store: STORE,
    };
    let mut sessions = Sessions::new(&[account]).unwrap();
    sessions.set_kind(SessionId(0), AccountKind::Snapshot);
    sessions.enable_snapshots(SnapshotConfig {
        messages_max: 1024,
        bytes_max: 1 << 16,
        ..<_>::default()
    });
    let mut server = SoupServer::new(ServerConfig::default());
    let mut client = SoupClient::new(&ClientConfig::new("ANN", "secret")).unwrap();
    let mut buffer = [0u8; 2048];
    let mut bytes = 0;
    let taken = allocations(|| {
        for connection in 0..4u64 {
            let now_ns = connection * 100_000_000_000;
            server.open_from(now_ns, 1);
            client.open(now_ns);
            let len = client.pump(now_ns, &mut buffer);
            server.on_bytes(now_ns, &buffer[..len], &mut sessions, &mut Market).unwrap();
            while server.wants_pump(now_ns, &sessions) {
                bytes += server.pump(now_ns, &sessions, &mut buffer);
            }
            let end = server.check(now_ns, &mut sessions, &mut Market);
            assert_eq!(end, Err(DisconnectReason::EndOfSession));
            server.on_closed(&mut sessions, &mut Market);
            client.on_closed();
        }
    });
    assert_eq!(taken, 0);
    // The acceptance, a thousand orders, the end of the snapshot and of the session.
    assert_eq!(bytes, 4 * (33 + 1000 * 39 + 24 + 3));
}

#[test]
fn market_data_does_not_allocate() {
    let config = PublisherConfig { store: STORE, ..PublisherConfig::new(*b"DAY       ") };
    let mut publisher = MoldPublisher::new(config).unwrap();
    let mut receiver = MoldReceiver::new(ReceiverConfig::default());
    let mut seen = Count::default();
    let mut buffer = [0u8; 1400];
    let taken = allocations(|| {
        for round in 0..2000u64 {
            for n in 0..round % 7 {
                publisher.publish(&[n as u8; 36]);
            }
            let now_ns = round * 300_000_000;
            let len = publisher.pump(now_ns, &mut buffer);
            if len > 0 && round % 10 != 3 {
                receiver.on_packet(now_ns, &buffer[..len], &mut seen);
            }
            // Twenty bytes: the header of what was just sent asks for it again.
            let mut request = [0; 20];
            request.copy_from_slice(&buffer[..20]);
            let _ = publisher.on_request_from(now_ns, round as u32, &request, &mut buffer);
        }
    });
    assert_eq!(taken, 0);
    assert!(seen.messages > 5000 && seen.missing > 100, "{} {}", seen.messages, seen.missing);
    assert!(publisher.counters().requests > 1000);
}
