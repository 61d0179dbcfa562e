use super::*;

fn account(user: &str, password: &str, session: &str) -> AccountConfig {
    AccountConfig {
        user: user.into(),
        password: password.into(),
        session: session.into(),
        store: StoreConfig { messages_max: 4, bytes_max: 64 },
    }
}

fn login(sessions: &mut Sessions, user: &str) -> Result<SessionId, DisconnectReason> {
    let request = LoginRequest::new(user.as_bytes(), b"pw", b"", 0);
    knock(sessions, 0, &request).map(|admission| admission.who)
}

fn knock(
    sessions: &mut Sessions,
    now_ns: u64,
    request: &LoginRequest,
) -> Result<Admission, DisconnectReason> {
    sessions.login(&Knock { now_ns, from: Some(1), takeover_after_ns: 3000, request })
}

#[test]
fn each_user_finds_the_own_account_whatever_the_order() {
    let names = ["zoe", "ANN", "mike", "Bob", "x"];
    let configs: Vec<_> = names.iter().map(|name| account(name, "PW", "DAY")).collect();
    let mut sessions = Sessions::new(&configs).unwrap();
    for (index, name) in names.iter().enumerate() {
        assert_eq!(login(&mut sessions, &name.to_lowercase()), Ok(SessionId(index as u16)));
        assert_eq!(login(&mut sessions, name), Err(DisconnectReason::SessionInUse));
        sessions.release(SessionId(index as u16), 1);
        assert_eq!(login(&mut sessions, &name.to_uppercase()), Ok(SessionId(index as u16)));
    }
    assert_eq!(login(&mut sessions, "eve"), Err(DisconnectReason::NotAuthorized));
    assert_eq!(login(&mut sessions, ""), Err(DisconnectReason::NotAuthorized));
}

#[test]
fn accounts_that_cannot_be_are_named() {
    let make = |configs: &[AccountConfig]| Sessions::new(configs).unwrap_err().to_string();
    assert_eq!(
        make(&[account("toolong", "p", "s")]),
        "account 0: user \"toolong\" is not 1 to 6 printable ASCII characters"
    );
    assert_eq!(
        make(&[account("a", "elevenchars", "s")]),
        "account 0: the password is not 1 to 10 printable ASCII characters"
    );
    assert_eq!(
        make(&[account("a", "p", "s"), account("b", "p", "")]),
        "account 1: session \"\" is not 1 to 10 printable ASCII characters"
    );
    assert_eq!(
        make(&[account("a", "p", "s"), account("A", "q", "t")]),
        "user \"a\" has two accounts"
    );
    let mut odd = account("a", "p", "s");
    odd.store.messages_max = 3;
    assert_eq!(
        make(&[odd]),
        "account 0: a store of 3 messages: not a power of two of at most 2^31"
    );
}

#[test]
fn nobody_learns_a_password_from_a_log() {
    let config = account("ann", "hunter2", "DAY");
    let sessions = Sessions::new(core::slice::from_ref(&config)).unwrap();
    assert!(!format!("{config:?}{sessions:?}").contains("hunter2"));
}

#[test]
fn a_session_takes_messages_until_it_ends() {
    let mut sessions = Sessions::new(&[account("a", "p", "s"), account("b", "p", "t")]).unwrap();
    let who = SessionId(1);
    assert_eq!(sessions.append(who, b"x"), Some(1));
    let written = sessions.append_with(who, 4, |room| {
        room[..2].copy_from_slice(b"yz");
        2
    });
    assert_eq!(written, Some(2));
    assert_eq!(sessions.append(SessionId(2), b"x"), None);
    sessions.end(who);
    assert_eq!(sessions.append(who, b"x"), None);
    assert_eq!(sessions.store(who).unwrap().get(2), Some(&b"yz"[..]));
    assert!(sessions.store(SessionId(0)).unwrap().is_empty());
    assert_eq!(sessions.append(SessionId(0), b"x"), Some(1));
    sessions.end_all();
    assert!(sessions.is_ended(SessionId(0)) && sessions.is_ended(SessionId(7)));
}

#[test]
fn a_silent_connection_loses_its_session_to_the_next_login() {
    let mut sessions = Sessions::new(&[account("a", "p", "s")]).unwrap();
    let request = LoginRequest::new(b"a", b"p", b"", 1);
    let first = knock(&mut sessions, 0, &request).unwrap();
    sessions.heard(first.who, 1000);
    assert_eq!(knock(&mut sessions, 4000, &request), Err(DisconnectReason::SessionInUse));
    // Neither a wrong password nor a wrong place takes anything away.
    let wrong = LoginRequest::new(b"a", b"q", b"", 1);
    assert_eq!(knock(&mut sessions, 4001, &wrong), Err(DisconnectReason::NotAuthorized));
    let beyond = LoginRequest::new(b"a", b"p", b"", 2);
    assert_eq!(knock(&mut sessions, 4001, &beyond), Err(DisconnectReason::NotYetSent));
    assert!(sessions.holds(first.who, first.generation));
    let second = knock(&mut sessions, 4001, &request).unwrap();
    assert!(second.took_over && !first.took_over);
    assert!(!sessions.holds(first.who, first.generation));
    sessions.release(first.who, first.generation);
    assert!(sessions.holds(second.who, second.generation));
}

#[test]
fn guessing_is_slowed_down_and_the_right_password_too() {
    let mut sessions = Sessions::new(&[account("a", "p", "s"), account("b", "p", "t")]).unwrap();
    let wrong = LoginRequest::new(b"a", b"q", b"", 1);
    let right = LoginRequest::new(b"a", b"p", b"", 1);
    for _ in 0..10 {
        assert_eq!(knock(&mut sessions, 0, &wrong), Err(DisconnectReason::NotAuthorized));
    }
    for request in [&wrong, &right] {
        assert_eq!(knock(&mut sessions, 0, request), Err(DisconnectReason::LoginThrottled));
    }
    assert!(knock(&mut sessions, 2 * crate::SECOND_NS, &right).is_ok());
}
