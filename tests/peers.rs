//! The independent Python peers, over a real cable into a network namespace.
//!
//! Here both ends are the kernel's: this proves the cable, the listener and the client themselves,
//! so that a failure against a venue is the venue's. The near end speaks hand-written bytes and
//! none of our codecs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::Value;

mod common;

use common::Proc;
use common::netns::Cable;

/// Longer than any of this takes, shorter than anybody's patience.
const PATIENCE: Duration = Duration::from_secs(20);

fn peer(name: &str) -> String {
    common::repo_root().join("tests/peers").join(name).to_string_lossy().into_owned()
}

fn last_json_line(text: &str) -> Value {
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

/// A MoldUDP64 packet.
fn mold(sequence: u64, messages: &[&[u8]]) -> Vec<u8> {
    let mut packet = b"TEST      ".to_vec();
    packet.extend(sequence.to_be_bytes());
    packet.extend((messages.len() as u16).to_be_bytes());
    for message in messages {
        packet.extend((message.len() as u16).to_be_bytes());
        packet.extend(*message);
    }
    packet
}

/// An ITCH system event, 12 bytes.
const SYSTEM_EVENT: &[u8] = b"S\0\0\0\0\0\0\0\0\0\x01O";

#[test]
fn listener_counts_messages_and_names_the_gap() {
    if !common::need_netns("listener_counts_messages_and_names_the_gap") {
        return;
    }
    let cable = Cable::lay("10.77.1.2/24").expect("a cable");
    cable.address_host("10.77.1.1/24").expect("an address");
    let mut listener = cable.command("python3");
    listener.arg(peer("mold_listen.py"));
    listener.args(["--group", "239.77.0.1:30001", "--interface", Cable::PEER_IF]);
    listener.args(["--seconds", "1.5"]);
    let mut listener = Proc::start(&mut listener);
    let mut out = BufReader::new(listener.child().stdout.take().expect("its output"));
    let mut joined = String::new();
    out.read_line(&mut joined).expect("a first line");
    assert!(joined.contains("joined"), "{joined}");

    let socket = multicast_socket(&cable);
    for packet in [mold(1, &[SYSTEM_EVENT; 3]), mold(6, &[SYSTEM_EVENT]), mold(8, &[])] {
        socket.send_to(&packet, ("239.77.0.1", 30001)).expect("sent");
    }
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("its summary");
    let summary = last_json_line(&rest);
    assert_eq!(summary["types"]["S"], 4, "{summary}");
    assert_eq!(summary["gaps"], serde_json::json!([[4, 6], [7, 8]]), "{summary}");
    assert_eq!(summary["heartbeats"], 1, "{summary}");
    assert_eq!(summary["malformed"], 0, "{summary}");
    // It says by its status, too, that something is missing.
    assert!(!listener.finish().0);
}

/// A socket whose multicast leaves through the cable: `10.77.1.1` is its near end. The kernel
/// routes multicast by the bound source address only with a route that says so.
fn multicast_socket(cable: &Cable) -> UdpSocket {
    let route = format!("239.77.0.0/16 dev {} src 10.77.1.1", cable.host_if());
    let mut command = std::process::Command::new("ip");
    command.args(["route", "add"]).args(route.split(' '));
    common::netns::run(&mut command).expect("a route");
    UdpSocket::bind((Ipv4Addr::new(10, 77, 1, 1), 0)).expect("a socket")
}

#[test]
fn client_logs_in_trades_and_hears_the_answer() {
    if !common::need_netns("client_logs_in_trades_and_hears_the_answer") {
        return;
    }
    let cable = Cable::lay("10.77.2.2/24").expect("a cable");
    cable.address_host("10.77.2.1/24").expect("an address");
    let server = TcpListener::bind("10.77.2.1:0").expect("a listener");
    let port = server.local_addr().expect("its address").port().to_string();

    let script = concat!(
        r#"{"do": "enter", "side": "B", "quantity": 100, "symbol": "AAPL", "price": 1000000}"#,
        "\n",
        r#"{"do": "wait", "type": "J"}"#,
        "\n"
    );
    let commands = std::env::temp_dir().join(format!("{}.commands", cable.ns()));
    std::fs::write(&commands, script).expect("the commands");
    let mut client = cable.command("python3");
    client.arg(peer("soup_ouch.py"));
    client.args(["--host", "10.77.2.1", "--port", &port, "--user", "u", "--password", "p"]);
    client.arg("--commands").arg(&commands);
    let client = Proc::start(&mut client);

    let mut stream = accept(&server);
    let login = read_packet(&mut stream);
    assert_eq!(login.len(), 1 + 6 + 10 + 10 + 20);
    assert_eq!(&login[..8], b"Lu     p");
    write_packet(&mut stream, b"A      TEST                   1");
    let order = read_packet(&mut stream);
    // Unsequenced; Enter Order; user_ref_num 1; a buy of 100 AAPL.
    assert_eq!(&order[..20], b"UO\0\0\0\x01B\0\0\0\x64AAPL    \0");
    assert_eq!(order.len(), 1 + 47);
    let mut rejected = b"SJ\0\0\0\0\0\0\0\x09\0\0\0\x01\0\x17".to_vec();
    rejected.extend(b"PEER1         ");
    write_packet(&mut stream, &rejected);

    let (succeeded, text) = client.finish();
    std::fs::remove_file(&commands).expect("the commands are removed");
    assert!(succeeded, "{text}");
    let message = text.lines().find(|line| line.contains("\"message\"")).expect("a message");
    let message: Value = serde_json::from_str(message).expect("JSON");
    assert_eq!(message["rejected_order_reason"], 0x17, "{message}");
    assert_eq!(message["clordid"], "PEER1", "{message}");
    assert_eq!(last_json_line(&text)["next_sequence"], 2, "{text}");
}

/// Accepts one connection, or panics when none comes.
fn accept(server: &TcpListener) -> TcpStream {
    server.set_nonblocking(true).expect("a listener that does not block");
    let until = Instant::now() + PATIENCE;
    loop {
        match server.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).expect("a stream that blocks");
                stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
                return stream;
            }
            Err(error) => assert!(Instant::now() < until, "nobody connected: {error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The next SoupBinTCP packet that is no heartbeat: its type and payload.
fn read_packet(stream: &mut TcpStream) -> Vec<u8> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length).expect("a length");
        let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut packet).expect("a packet");
        if packet != b"R" {
            return packet;
        }
    }
}

fn write_packet(stream: &mut TcpStream, packet: &[u8]) {
    stream.write_all(&(packet.len() as u16).to_be_bytes()).expect("sent");
    stream.write_all(packet).expect("sent");
}
