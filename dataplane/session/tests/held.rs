//! What came of an input is not sent before the input is released, and is then sent as it was; and
//! what is saved of sessions and of a feed is theirs again when it is loaded.

use proptest::prelude::*;
use session::image::{ImageError, Reader};
use session::{
    AccountConfig, MoldPublisher, PublisherConfig, RequestRefusal, ServerConfig, ServerHandler,
    SessionId, Sessions, SoupServer, StoreConfig,
};
use wire::moldudp64;
use wire::soup::Packet;

const WHO: SessionId = SessionId(0);
const SECOND: u64 = 1_000_000_000;
const STORE: StoreConfig = StoreConfig { messages_max: 16, bytes_max: 256 };

struct Nobody;

impl ServerHandler for Nobody {
    fn on_message(&mut self, _: &mut Sessions, _: SessionId, _: &[u8]) {}
}

fn sessions() -> Sessions {
    let account = |at| AccountConfig {
        user: format!("U{at}"),
        password: "secret".into(),
        session: format!("S{at}"),
        store: STORE,
    };
    Sessions::new(&[account(0), account(1)]).expect("sessions")
}

fn publisher() -> MoldPublisher {
    let config = PublisherConfig { store: STORE, ..PublisherConfig::new(*b"FEED      ") };
    MoldPublisher::new(config).expect("a publisher")
}

/// A connection that logged in for a sequence number, and what it was told comes next.
fn logged_in(sessions: &mut Sessions, wanted: &str, now_ns: u64) -> (SoupServer, Option<u64>) {
    let mut server = SoupServer::new(ServerConfig::default());
    server.open(now_ns);
    let mut login = b"\x00\x2fLU0    secret              ".to_vec();
    login.extend(format!("{wanted:>20}").bytes());
    let _ = server.on_bytes(now_ns, &login, sessions, &mut Nobody);
    let mut out = [0; 64];
    let len = server.pump(now_ns, sessions, &mut out);
    let told = match wire::soup::parse_packet(&out[..len], 1_000) {
        Ok(Some((Packet::LoginAccepted(accepted), _))) => {
            wire::soup::text::parse(&accepted.sequence_number).ok()
        }
        _ => None,
    };
    (server, told)
}

/// Sequenced messages that the server sends now.
fn heard(server: &mut SoupServer, sessions: &Sessions, now_ns: u64) -> Vec<Vec<u8>> {
    let mut out = [0; 4096];
    let mut said = Vec::new();
    while server.wants_pump(now_ns, sessions) {
        let len = server.pump(now_ns, sessions, &mut out);
        assert!(len > 0, "what wants to be written is written");
        let mut rest = &out[..len];
        while let Ok(Some((packet, used))) = wire::soup::parse_packet(rest, 1_000) {
            match packet {
                Packet::Sequenced(message) => said.push(message.to_vec()),
                Packet::ServerHeartbeat => said.push(b"beat".to_vec()),
                Packet::EndOfSession => said.push(b"end".to_vec()),
                other => panic!("{other:?}"),
            }
            rest = &rest[used..];
        }
    }
    said
}

#[test]
fn a_session_waits_for_the_release_and_nothing_tells_of_what_is_held() {
    let mut sessions = sessions();
    sessions.release_through(0);
    sessions.begin_input(1);
    sessions.append(WHO, b"one").unwrap();
    sessions.begin_input(2);
    sessions.append(WHO, b"two").unwrap();
    sessions.append(WHO, b"also two").unwrap();
    // Whoever asks for what comes next is not told how much is held, nor is more to be had.
    assert_eq!(logged_in(&mut sessions, "3", 0).1, None);
    let (mut server, next) = logged_in(&mut sessions, "0", 10 * SECOND);
    let now = 10 * SECOND;
    assert_eq!(next, Some(1));
    assert!(heard(&mut server, &sessions, now).is_empty());
    assert!(sessions.holds_back(WHO));
    sessions.release_through(1);
    assert_eq!(heard(&mut server, &sessions, now), [b"one"]);
    sessions.release_through(2);
    assert_eq!(heard(&mut server, &sessions, now), [&b"two"[..], b"also two"]);
    assert!(!sessions.holds_back(WHO));
    // An end is held as what was said before it.
    sessions.begin_input(3);
    sessions.end_all();
    assert!(heard(&mut server, &sessions, now).is_empty() && sessions.holds_back(WHO));
    assert_eq!(heard(&mut server, &sessions, now + 2 * SECOND), [b"beat"]);
    sessions.set_stalled(true);
    assert!(heard(&mut server, &sessions, now + 9 * SECOND).is_empty(), "silence");
    sessions.release_through(3);
    assert_eq!(heard(&mut server, &sessions, now + 9 * SECOND), [b"end"]);
}

/// The next packet: its number, and its messages or what is in their place.
fn packet(publisher: &mut MoldPublisher, now_ns: u64) -> Option<(u64, Vec<Vec<u8>>)> {
    let mut out = [0; 1024];
    let len = publisher.next_len(now_ns, out.len());
    assert_eq!(publisher.pump(now_ns, &mut out[..len]), len);
    let packet = moldudp64::parse(out.get(..len).filter(|o| !o.is_empty())?).expect("a packet");
    let header = packet.header;
    let messages: Vec<_> = match header.message_count.get() {
        moldudp64::HEARTBEAT => vec![b"beat".to_vec()],
        moldudp64::END_OF_SESSION => vec![b"end".to_vec()],
        _ => packet.messages().map(|message| message.expect("a block").data.to_vec()).collect(),
    };
    Some((header.sequence_number.get(), messages))
}

#[test]
fn a_feed_waits_for_the_release_and_no_heartbeat_or_answer_tells_of_what_is_held() {
    let mut publisher = publisher();
    publisher.release_through(0);
    publisher.begin_input(1);
    publisher.publish(b"one").unwrap();
    publisher.begin_input(2);
    publisher.publish(b"two").unwrap();
    assert_eq!(packet(&mut publisher, 0), Some((1, vec![b"beat".to_vec()])));
    assert_eq!(packet(&mut publisher, 1), None);
    publisher.release_through(1);
    assert_eq!(packet(&mut publisher, 1), Some((1, vec![b"one".to_vec()])));
    assert_eq!(packet(&mut publisher, 2), None);
    let mut request = b"FEED      ".to_vec();
    request.extend(2_u64.to_be_bytes());
    request.extend(9_u16.to_be_bytes());
    let answer = publisher.on_request(&request, &mut [0; 256]);
    assert_eq!(answer, Err(RequestRefusal::NotYetSent));
    publisher.begin_input(3);
    publisher.end_session(3);
    assert_eq!(packet(&mut publisher, 2 * SECOND), Some((2, vec![b"beat".to_vec()])));
    publisher.release_through(2);
    assert_eq!(packet(&mut publisher, 2 * SECOND), Some((2, vec![b"two".to_vec()])));
    assert_eq!(packet(&mut publisher, 2 * SECOND), None);
    publisher.release_through(3);
    assert_eq!(packet(&mut publisher, 2 * SECOND), Some((3, vec![b"end".to_vec()])));
    publisher.set_stalled(true);
    publisher.begin_day();
    assert_eq!(packet(&mut publisher, 9 * SECOND), None, "silence");
}

proptest! {
    #[test]
    fn what_is_saved_comes_back_and_goes_on_the_same(
        before in proptest::collection::vec((0..3_u16, 0..60_usize), 0..60),
        after in proptest::collection::vec((0..3_u16, 0..60_usize), 0..60),
        cut in any::<proptest::sample::Index>(),
    ) {
        let (mut sessions, mut publisher) = (sessions(), publisher());
        let say = |sessions: &mut Sessions, publisher: &mut MoldPublisher, what: (u16, usize)| {
            let (who, len) = what;
            let message = vec![len as u8; len];
            match who {
                2 => publisher.publish(&message),
                who => sessions.append(SessionId(who), &message),
            };
        };
        before.iter().for_each(|what| say(&mut sessions, &mut publisher, *what));
        let mut bytes = Vec::new();
        sessions.save(&mut bytes);
        publisher.save(&mut bytes);
        let (mut again, mut feed) = (self::sessions(), self::publisher());
        let mut reader = Reader(&bytes);
        prop_assert!(again.load(&mut reader).is_ok() && feed.load(&mut reader).is_ok());
        prop_assert!(reader.0.is_empty() && feed.unsent() == 0);
        after.iter().for_each(|what| say(&mut sessions, &mut publisher, *what));
        after.iter().for_each(|what| say(&mut again, &mut feed, *what));
        for who in [SessionId(0), SessionId(1)] {
            let (was, is) = (sessions.store(who).unwrap(), again.store(who).unwrap());
            prop_assert_eq!(was.oldest_seq()..was.next_seq(), is.oldest_seq()..is.next_seq());
            prop_assert!((was.oldest_seq()..was.next_seq()).all(|seq| was.get(seq) == is.get(seq)));
        }
        let (was, is) = (publisher.store(), feed.store());
        prop_assert_eq!(was.oldest_seq()..was.next_seq(), is.oldest_seq()..is.next_seq());
        prop_assert!((was.oldest_seq()..was.next_seq()).all(|seq| was.get(seq) == is.get(seq)));
        // Any part of it is refused, and any change is survived.
        let at = cut.index(bytes.len());
        let (mut again, mut feed) = (self::sessions(), self::publisher());
        let mut short = Reader(&bytes[..at]);
        let part = again.load(&mut short).and_then(|()| feed.load(&mut short));
        prop_assert_eq!(part, Err(ImageError::Short));
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let (mut again, mut feed) = (self::sessions(), self::publisher());
        let mut reader = Reader(&changed);
        let _ = again.load(&mut reader).and_then(|()| feed.load(&mut reader));
    }
}
