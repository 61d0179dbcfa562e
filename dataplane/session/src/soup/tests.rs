//! The rules one by one; [`limits`] has what bounds a client, [`pipe`] has both sides talk over a
//! bad line.

mod hostile;
mod limits;
mod pipe;

use super::*;
use crate::reason::DisconnectReason::{self, *};
use crate::sessions::{AccountConfig, Sessions};
use crate::store::StoreConfig;
use types::SessionId;
use wire::soup::{LoginRequest, Packet, Session};

const SECOND: u64 = crate::SECOND_NS;
const WHO: SessionId = SessionId(0);

/// Remembers all that the server's handler is told.
#[derive(Default, Debug)]
pub(super) struct Desk {
    pub(super) messages: Vec<Vec<u8>>,
    pub(super) logins: usize,
    pub(super) logouts: Vec<DisconnectReason>,
}

impl ServerHandler for Desk {
    fn on_login(&mut self, sessions: &mut Sessions, who: SessionId) {
        assert!(sessions.in_use(who));
        self.logins += 1;
    }

    fn on_message(&mut self, _: &mut Sessions, _: SessionId, message: &[u8]) {
        self.messages.push(message.to_vec());
    }

    fn on_logout(&mut self, sessions: &mut Sessions, who: SessionId, why: DisconnectReason) {
        assert!(why == TakenOver || !sessions.in_use(who));
        self.logouts.push(why);
    }
}

/// Remembers all that the client's handler is told.
#[derive(Default, Debug)]
pub(super) struct Trader {
    pub(super) sequenced: Vec<(u64, Vec<u8>)>,
    pub(super) accepted: Vec<(Session, u64)>,
    pub(super) rejected: Vec<u8>,
    pub(super) ended: Option<u64>,
}

impl ClientHandler for Trader {
    fn on_accepted(&mut self, session: &Session, next_seq: u64) {
        self.accepted.push((*session, next_seq));
    }

    fn on_sequenced(&mut self, seq: u64, message: &[u8]) {
        self.sequenced.push((seq, message.to_vec()));
    }

    fn on_rejected(&mut self, letter: u8) {
        self.rejected.push(letter);
    }

    fn on_end_of_session(&mut self, next_seq: u64) {
        self.ended = Some(next_seq);
    }
}

pub(super) fn sessions(messages_max: usize, bytes_max: usize) -> Sessions {
    let store = StoreConfig { messages_max, bytes_max };
    let account = |user: &str, session: &str| AccountConfig {
        user: user.into(),
        password: "secret".into(),
        session: session.into(),
        store,
    };
    Sessions::new(&[account("ANN", "DAY1"), account("BOB", "DAY2")]).unwrap()
}

/// A server with the accounts it serves.
struct Bench {
    server: SoupServer,
    sessions: Sessions,
    desk: Desk,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(ServerConfig::default())
    }

    fn with(config: ServerConfig) -> Bench {
        let mut server = SoupServer::new(config);
        server.open(0);
        Bench { server, sessions: sessions(64, 4096), desk: Desk::default() }
    }

    fn bytes(&mut self, now_ns: u64, input: &[u8]) -> Result<(), DisconnectReason> {
        self.server.on_bytes(now_ns, input, &mut self.sessions, &mut self.desk)
    }

    fn send(&mut self, now_ns: u64, packet: Packet<'_>) -> Result<(), DisconnectReason> {
        let mut out = [0; 600];
        let len = packet.write(&mut out).unwrap();
        self.bytes(now_ns, &out[..len])
    }

    fn login(&mut self, user: &str, session: &str, seq: u64) -> Result<(), DisconnectReason> {
        let request = LoginRequest::new(user.as_bytes(), b"secret", session.as_bytes(), seq);
        self.send(0, Packet::LoginRequest(&request))
    }

    fn check(&mut self, now_ns: u64) -> Result<(), DisconnectReason> {
        self.server.check(now_ns, &mut self.sessions, &mut self.desk)
    }

    fn pump(&mut self, now_ns: u64) -> Vec<u8> {
        let mut out = [0; 4096];
        let wanted = self.server.wants_pump(now_ns, &self.sessions);
        let len = self.server.pump(now_ns, &self.sessions, &mut out);
        assert_eq!(wanted, len > 0);
        out[..len].to_vec()
    }
}

fn accepted(session: &[u8; 10], seq: &str) -> Vec<u8> {
    [&[0, 31, b'A'], &session[..], format!("{seq:>20}").as_bytes()].concat()
}

#[test]
fn a_login_is_answered_with_session_and_place() {
    for (asked, seq, place) in [("", 0, "4"), ("DAY1", 1, "1"), ("", 3, "3"), ("DAY1", 4, "4")] {
        let mut bench = Bench::new();
        for message in [b"a", b"b", b"c"] {
            bench.sessions.append(WHO, message);
        }
        assert_eq!(bench.login("ann", asked, seq), Ok(()));
        assert_eq!(bench.server.session(), Some(WHO));
        let missed: Vec<u8> = [b"a", b"b", b"c"]
            .iter()
            .skip(place.parse::<usize>().unwrap() - 1)
            .flat_map(|m| [0, 2, b'S', m[0]])
            .collect();
        assert_eq!(bench.pump(0), [accepted(b"DAY1      ", place), missed].concat());
    }
}

#[test]
fn a_session_name_may_be_padded_on_either_side() {
    let mut bench = Bench::new();
    assert_eq!(bench.login("ANN", "      DAY1", 1), Ok(()));
}

#[test]
fn a_wrong_login_is_told_why_and_closed() {
    for (user, session, seq, reason, letter) in [
        ("EVE", "", 1, NotAuthorized, b'A'),
        ("ANN", "DAY2", 1, UnknownSession, b'S'),
        ("ANN", "", 2, NotYetSent, b'S'),
    ] {
        let mut bench = Bench::new();
        assert_eq!(bench.login(user, session, seq), Err(reason));
        assert!(!bench.server.is_drained());
        assert_eq!(bench.pump(0), [0, 2, b'J', letter]);
        assert!(bench.server.is_drained());
        assert_eq!((bench.desk.logins, bench.desk.logouts.len()), (0, 0));
        assert_eq!(bench.sessions.disconnects().get(reason), 1);
        assert_eq!((bench.bytes(1, b"more"), bench.check(SECOND * 99)), (Ok(()), Ok(())));
    }
    let mut bench = Bench::new();
    let request = LoginRequest::new(b"ANN", b"guess", b"", 1);
    assert_eq!(bench.send(0, Packet::LoginRequest(&request)), Err(NotAuthorized));
    let mut bench = Bench::new();
    let mut request = LoginRequest::new(b"ANN", b"SECRET", b"", 1);
    request.requested_sequence_number = [b'x'; 20];
    assert_eq!(bench.send(0, Packet::LoginRequest(&request)), Err(LoginNumber));
    assert_eq!(bench.pump(0), [0, 2, b'J', b'S']);
}

#[test]
fn who_asks_for_evicted_messages_is_refused() {
    let mut bench = Bench::new();
    for n in 0..65u8 {
        bench.sessions.append(WHO, &[n]);
    }
    assert_eq!(bench.login("ANN", "", 1), Err(Evicted));
    assert_eq!(bench.pump(0), [0, 2, b'J', b'S']);
    bench.server.on_closed(&mut bench.sessions, &mut bench.desk);
    bench.server.open(0);
    assert_eq!(bench.login("ANN", "", 2), Ok(()));
}

#[test]
fn who_reads_too_slowly_is_disconnected() {
    let mut bench = Bench::new();
    bench.login("ANN", "", 0).unwrap();
    for n in 0..65u8 {
        bench.sessions.append(WHO, &[n]);
    }
    // Never a stream with a hole: the acceptance goes out, then nothing.
    assert_eq!(bench.pump(0).len(), 33);
    assert_eq!(bench.check(0), Err(Overrun));
    assert_eq!(bench.desk.logouts, [Overrun]);
    assert!(bench.server.is_drained());
}

#[test]
fn a_session_has_one_connection() {
    let mut bench = Bench::new();
    bench.login("ANN", "", 1).unwrap();
    let first = core::mem::replace(&mut bench.server, SoupServer::new(ServerConfig::default()));
    bench.server.open(0);
    assert_eq!(bench.login("ANN", "", 1), Err(SessionInUse));
    assert_eq!(bench.pump(0), [0, 2, b'J', b'A']);
    bench.server.on_closed(&mut bench.sessions, &mut bench.desk);
    assert!(bench.sessions.in_use(WHO));
    // The one whose client is dead is noticed, and then the session is free.
    bench.server = first;
    assert_eq!(bench.check(15 * SECOND), Err(PeerSilent));
    bench.server.on_closed(&mut bench.sessions, &mut bench.desk);
    bench.server.open(0);
    assert_eq!(bench.login("ANN", "", 1), Ok(()));
    assert_eq!(bench.desk.logouts, [PeerSilent]);
}

#[test]
fn the_clock_ends_what_is_silent() {
    let mut bench = Bench::new();
    assert_eq!(bench.check(5 * SECOND - 1), Ok(()));
    // Bytes of an unfinished packet do not help.
    assert_eq!(bench.bytes(5 * SECOND - 1, &[0, 47, b'L', b'A']), Ok(()));
    assert_eq!(bench.check(5 * SECOND), Err(LoginTimeout));
    assert!(bench.server.is_drained() && bench.desk.logouts.is_empty());

    let mut bench = Bench::new();
    bench.login("ANN", "", 1).unwrap();
    assert_eq!(bench.send(10 * SECOND, Packet::ClientHeartbeat), Ok(()));
    assert_eq!(bench.bytes(20 * SECOND, &[0, 9, b'U']), Ok(()));
    assert_eq!(bench.check(25 * SECOND - 1), Ok(()));
    assert_eq!(bench.check(25 * SECOND), Err(PeerSilent));
    assert_eq!(bench.check(25 * SECOND), Ok(()));
}

#[test]
fn heartbeats_fill_the_silence_of_a_second() {
    let mut bench = Bench::new();
    assert_eq!(bench.pump(3 * SECOND), b"");
    bench.login("ANN", "", 1).unwrap();
    bench.pump(0);
    assert_eq!(bench.pump(SECOND - 1), b"");
    assert_eq!(bench.pump(SECOND), [0, 1, b'H']);
    assert_eq!(bench.pump(SECOND), b"");
    bench.sessions.append(WHO, b"x");
    assert_eq!(bench.pump(SECOND + 5), [0, 2, b'S', b'x']);
    assert_eq!(bench.pump(2 * SECOND), b"");
    assert_eq!(bench.pump(2 * SECOND + 5), [0, 1, b'H']);
}

#[test]
fn only_whole_packets_are_written() {
    let mut bench = Bench::new();
    bench.login("ANN", "", 1).unwrap();
    bench.sessions.append(WHO, b"abc");
    let mut out = [0; 100];
    for room in 0..33 {
        assert_eq!(bench.server.pump(0, &bench.sessions, &mut out[..room]), 0);
    }
    assert_eq!(bench.server.pump(0, &bench.sessions, &mut out[..38]), 33);
    assert_eq!(bench.server.pump(0, &bench.sessions, &mut out[..5]), 0);
    assert_eq!(bench.server.pump(0, &bench.sessions, &mut out[..6]), 6);
    assert_eq!(out[..6], *b"\0\x04Sabc");
}

#[test]
fn a_client_may_send_only_what_clients_send() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(0, Packet::Unsequenced(b"x")), Err(NotLogin));
    for packet in [Packet::Sequenced(b"x"), Packet::ServerHeartbeat, Packet::EndOfSession] {
        let mut bench = Bench::new();
        bench.login("ANN", "", 1).unwrap();
        bench.send(0, Packet::Debug(b"hello")).unwrap();
        bench.send(0, Packet::Unsequenced(b"one")).unwrap();
        assert_eq!(bench.send(0, packet), Err(UnexpectedPacket));
        assert_eq!(bench.desk.messages, [b"one"]);
        assert_eq!(bench.desk.logouts, [UnexpectedPacket]);
    }
    let mut bench = Bench::new();
    bench.login("ANN", "", 1).unwrap();
    assert_eq!(bench.login("ANN", "", 1), Err(UnexpectedPacket));
}

#[test]
fn nothing_behind_a_logout_is_looked_at() {
    let mut bench = Bench::new();
    bench.login("ANN", "", 1).unwrap();
    assert_eq!(bench.bytes(0, b"\0\x02Ua\0\x01O\0\x02Ub"), Err(LoggedOut));
    assert_eq!(bench.desk.messages, [b"a"]);
    assert_eq!(bench.desk.logouts, [LoggedOut]);
    assert!(!bench.sessions.in_use(WHO));
}

#[test]
fn broken_framing_ends_the_connection_at_once() {
    for (bytes, reason) in [
        (&[0, 0][..], ZeroLength),
        (&[2, 1], PacketTooLong),
        (&[0xFF, 0xFF], PacketTooLong),
        (&[0, 1, b'?'], UnknownType),
        (&[0, 2, b'R'], PacketLength),
    ] {
        for cut in 0..=bytes.len() {
            let mut bench = Bench::new();
            bench.login("ANN", "", 1).unwrap();
            let (head, tail) = bytes.split_at(cut);
            let first = bench.bytes(0, head);
            let both = first.and_then(|()| bench.bytes(0, tail));
            assert_eq!(both, Err(reason));
            assert_eq!(bench.desk.logouts, [reason]);
        }
    }
}

#[test]
fn the_longest_packet_passes_in_any_cut() {
    let mut stream = vec![0; 2 + 512];
    Packet::Unsequenced(&[7; 511]).write(&mut stream).unwrap();
    for cut in 0..stream.len() {
        let mut bench = Bench::new();
        bench.login("ANN", "", 1).unwrap();
        bench.bytes(0, &stream[..cut]).unwrap();
        bench.bytes(0, &stream[cut..]).unwrap();
        assert_eq!(bench.desk.messages, [[7; 511]]);
    }
}

#[test]
fn an_ended_session_is_read_to_its_end() {
    let mut bench = Bench::new();
    bench.sessions.append(WHO, b"last");
    bench.sessions.end(WHO);
    assert_eq!(bench.sessions.append(WHO, b"no more"), None);
    bench.login("ANN", "", 1).unwrap();
    assert_eq!(bench.check(0), Ok(()));
    let sent = bench.pump(0);
    assert_eq!(sent[33..], *b"\0\x05Slast\0\x01Z");
    assert_eq!(bench.check(0), Err(EndOfSession));
    assert!(bench.server.is_drained());
}

#[test]
fn a_lost_transport_frees_session_and_slot() {
    let mut bench = Bench::new();
    bench.login("ANN", "", 1).unwrap();
    bench.bytes(0, b"\0\x09Uhalf").unwrap();
    bench.server.on_closed(&mut bench.sessions, &mut bench.desk);
    assert!(bench.server.is_idle() && !bench.sessions.in_use(WHO));
    assert_eq!(bench.desk.logouts, [TransportClosed]);
    bench.server.open(0);
    assert_eq!(bench.login("BOB", "", 1), Ok(()));
    assert_eq!(bench.server.session(), Some(SessionId(1)));
}

/// A client that has sent its login.
fn client(first_seq: u64) -> SoupClient {
    let config = ClientConfig { first_seq, ..ClientConfig::new("ann", "secret") };
    let mut client = SoupClient::new(&config).unwrap();
    client.open(0);
    assert!(client.wants_pump(0));
    let mut out = [0; 64];
    assert_eq!(client.pump(0, &mut out[..48]), 0);
    assert_eq!(client.pump(0, &mut out), 49);
    assert_eq!(out[..29], *b"\0\x2fLann   secret              ");
    assert_eq!(out[29..49], *format!("{first_seq:>20}").as_bytes());
    client
}

#[test]
fn a_client_counts_from_where_it_was_accepted() {
    let mut client = client(0);
    let mut seen = Trader::default();
    let mut out = [0; 16];
    assert_eq!(client.send_unsequenced(0, &mut out, b"x"), None);
    client.on_bytes(0, &accepted(b"      DAY1", "7"), &mut seen).unwrap();
    client.on_bytes(0, b"\0\x02Sa\0\x01H\0\x02Sb", &mut seen).unwrap();
    assert_eq!(seen.accepted, [(*b"DAY1      ", 7)]);
    assert_eq!(seen.sequenced, [(7, b"a".to_vec()), (8, b"b".to_vec())]);
    assert_eq!(client.send_unsequenced(0, &mut out, b"x"), Some(4));
    assert_eq!(out[..4], *b"\0\x02Ux");
    assert_eq!(client.send_unsequenced(0, &mut out[..3], b"x"), None);
    client.on_closed();
    client.open(0);
    let mut login = [0; 49];
    client.pump(0, &mut login);
    assert_eq!(login[19..], *format!("DAY1      {:>20}", 9).as_bytes());
}

#[test]
fn a_client_refuses_a_place_it_did_not_ask_for() {
    for (first, session, seq, reason) in [
        (1, b"DAY1      ", "2", AcceptMismatch),
        (0, b"DAY1      ", "0", AcceptMismatch),
        (1, b"DAY1      ", "one", LoginNumber),
    ] {
        let mut client = client(first);
        let mut seen = Trader::default();
        assert_eq!(client.on_bytes(0, &accepted(session, seq), &mut seen), Err(reason));
        assert!(client.is_over() && seen.accepted.is_empty());
        assert_eq!(client.counters().disconnects.get(reason), 1);
    }
    let mut client = client(1);
    let mut seen = Trader::default();
    client.on_bytes(0, &accepted(b"DAY1      ", "1"), &mut seen).unwrap();
    client.on_closed();
    client.open(0);
    client.pump(0, &mut [0; 64]);
    let other = accepted(b"DAY2      ", "1");
    assert_eq!(client.on_bytes(0, &other, &mut seen), Err(AcceptMismatch));
}

#[test]
fn a_client_is_told_why_it_may_not() {
    for (letter, reason) in
        [(b'A', RejectedNotAuthorized), (b'S', RejectedSession), (b'?', RejectedUnknown)]
    {
        let mut client = client(1);
        let mut seen = Trader::default();
        assert_eq!(client.on_bytes(0, &[0, 2, b'J', letter], &mut seen), Err(reason));
        assert_eq!(seen.rejected, [letter]);
    }
    for early in [&b"\0\x02Sx"[..], b"\0\x01Z", b"\0\x01R", b"\0\x01O"] {
        let mut client = client(1);
        let mut seen = Trader::default();
        assert_eq!(client.on_bytes(0, early, &mut seen), Err(UnexpectedPacket));
        assert!(seen.sequenced.is_empty());
    }
}

#[test]
fn a_client_beats_waits_and_leaves() {
    let mut client = client(1);
    let mut seen = Trader::default();
    let mut out = [0; 16];
    client.on_bytes(0, &accepted(b"DAY1      ", "1"), &mut seen).unwrap();
    assert_eq!(client.pump(SECOND - 1, &mut out), 0);
    assert_eq!((client.pump(SECOND, &mut out), out[2]), (3, b'R'));
    assert_eq!(client.pump(SECOND, &mut out), 0);
    client.send_unsequenced(SECOND + 7, &mut out, b"x").unwrap();
    assert!(!client.wants_pump(2 * SECOND) && client.wants_pump(2 * SECOND + 7));
    assert_eq!(client.check(15 * SECOND - 1), Ok(()));
    client.logout();
    assert_eq!((client.pump(3 * SECOND, &mut out), out[2]), (3, b'O'));
    assert_eq!(client.check(3 * SECOND), Err(LoggedOut));
    assert!(client.is_over());

    let mut client = self::client(1);
    assert_eq!(client.check(15 * SECOND), Err(PeerSilent));
    client.on_closed();
    assert_eq!(client.counters().disconnects.iter().map(|(_, n)| n).sum::<u64>(), 1);
}

#[test]
fn a_client_reads_to_the_end_of_the_session() {
    let mut client = client(1);
    let mut seen = Trader::default();
    let stream = [accepted(b"DAY1      ", "1"), b"\0\x02Sx\0\x01Z\0\x02Sy".to_vec()].concat();
    assert_eq!(client.on_bytes(0, &stream, &mut seen), Err(EndOfSession));
    assert_eq!((seen.sequenced.len(), seen.ended), (1, Some(2)));
}

#[test]
fn names_that_do_not_fit_are_refused() {
    let with = |user: &str, password: &str, session: &str| {
        let config = ClientConfig { session: session.into(), ..ClientConfig::new(user, password) };
        SoupClient::new(&config).map(|_| ())
    };
    assert_eq!(with("SEVENTH", "p", ""), Err(ClientConfigError::User("SEVENTH".into())));
    assert_eq!(with("ANN", "", ""), Err(ClientConfigError::Password));
    assert_eq!(with("ANN", "p", "a b"), Err(ClientConfigError::Session("a b".into())));
    assert_eq!(with("ANN", "p", "DAY1"), Ok(()));
}
