//! Decoding in process: joined streams, other capture formats, and inputs broken in every way.

use super::{Summary, decode};
use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::PathBuf;

const CAPTURE: &str = "Nasdaq.Equities.TotalView.Itch.v5.0.Multiple.Packets.pcap";
const ORDER: &str = "Nasdaq.Nsm.Ouch.v5.0.EnterOrderMessage.pcap";

fn capture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures");
    std::fs::read(folder.join(name)).unwrap()
}

fn lines(name: &str, bytes: &[u8], ports: &[u16]) -> (Summary, Vec<String>) {
    let mut out = Vec::new();
    let summary = decode(name, bytes, ports, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(summary.lines, text.lines().count() as u64);
    assert_eq!(summary.errors, text.lines().filter(|l| l.contains("\"error\": ")).count() as u64);
    (summary, text.lines().map(str::to_owned).collect())
}

/// The frames of a little-endian pcap file.
fn frames(pcap: &[u8]) -> Vec<&[u8]> {
    let (mut at, mut out) = (24, Vec::new());
    while at < pcap.len() {
        let length = u32::from_le_bytes(pcap[at + 8..at + 12].try_into().unwrap()) as usize;
        out.push(&pcap[at + 16..at + 16 + length]);
        at += 16 + length;
    }
    out
}

/// A big-endian microsecond pcap file of Ethernet frames.
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<_>>();
    let mut out = words(&[0xA1B2_C3D4, 0x0002_0004, 0, 0, 65_535, 1]);
    for frame in frames {
        let length = frame.len() as u32;
        out.extend(words(&[1, 2, length, length]));
        out.extend(frame);
    }
    out
}

/// A pcapng file of either byte order: enhanced packets with an option each, and one simple packet
/// at the end.
fn pcapng(frames: &[&[u8]], big: bool) -> Vec<u8> {
    let word = |w: u32| if big { w.to_be_bytes() } else { w.to_le_bytes() };
    let half = |h: u16| if big { h.to_be_bytes() } else { h.to_le_bytes() };
    let mut out = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let length = word(12 + body.len() as u32);
        for part in [&word(kind)[..], &length, body, &length] {
            out.extend_from_slice(part);
        }
    };
    let section = [&word(0x1A2B_3C4D)[..], &half(1), &half(0), &[0xFF; 8]].concat();
    block(0x0A0D_0D0A, &section);
    block(1, &[&half(1)[..], &half(0), &word(0)].concat());
    let padded = |frame: &[u8]| {
        let mut data = frame.to_vec();
        data.resize(frame.len().next_multiple_of(4), 0);
        data
    };
    for (at, frame) in frames.iter().enumerate() {
        let length = word(frame.len() as u32);
        if at + 1 == frames.len() {
            block(3, &[&length[..], &padded(frame)].concat());
            continue;
        }
        let head = [word(0), word(1), word(2), length, length].concat();
        let comment = [&half(1)[..], &half(4), b"note", &word(0)].concat();
        block(6, &[&head[..], &padded(frame), &comment].concat());
        block(0x0BAD_0BAD, &[1, 2, 3, 4]);
    }
    out
}

/// The frame of `ORDER` with another TCP payload and sequence number.
fn segment(sequence: u32, payload: &[u8]) -> Vec<u8> {
    let file = capture(ORDER);
    let order = frames(&file)[0];
    let ether = wire::ether::parse(order).unwrap();
    let ip = wire::ipv4::parse(ether.payload).unwrap();
    let tcp = wire::tcp::parse(ip.payload).unwrap();
    let head = order.len() - (ether.payload.len() - ip.header_len()) + 20 + tcp.options.len();
    let mut frame = order[..head].to_vec();
    let at = ether.header_len();
    let total = (head - at + payload.len()) as u16;
    frame[at + 2..at + 4].copy_from_slice(&total.to_be_bytes());
    let tcp_at = at + ip.header_len();
    frame[tcp_at + 4..tcp_at + 8].copy_from_slice(&sequence.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

fn order_payload() -> Vec<u8> {
    let file = capture(ORDER);
    let ether = wire::ether::parse(frames(&file)[0]).unwrap();
    let ip = wire::ipv4::parse(ether.payload).unwrap();
    wire::tcp::parse(ip.payload).unwrap().payload.to_vec()
}

#[test]
fn pcapng_of_both_byte_orders_says_what_pcap_says() {
    let file = capture(CAPTURE);
    let (_, expected) = lines("x", &file, &[]);
    for big in [false, true] {
        let (summary, got) = lines("x", &pcapng(&frames(&file), big), &[]);
        assert_eq!(summary.errors, 0);
        assert_eq!(got, expected);
    }
    let frames: Vec<_> = frames(&file).iter().map(|f| f.to_vec()).collect();
    assert_eq!(lines("x", &pcap(&frames), &[]).1, expected);
}

#[test]
fn gzip_and_short_reads_make_no_difference() {
    struct Drip<'a>(&'a [u8]);
    impl Read for Drip<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let count = to.len().min(7);
            self.0.read(&mut to[..count])
        }
    }
    let file = capture(CAPTURE);
    let mut packed = flate2::read::GzEncoder::new(&file[..], flate2::Compression::default());
    let mut gzip = Vec::new();
    packed.read_to_end(&mut gzip).unwrap();
    let (_, expected) = lines("x", &file, &[]);
    assert_eq!(lines("x", &gzip, &[]).1, expected);
    for bytes in [&file, &gzip] {
        let mut out = Vec::new();
        decode("x", Drip(bytes), &[], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().collect::<Vec<_>>(), expected);
    }
    let (cut, got) = lines("x", &gzip[..gzip.len() / 2], &[]);
    assert!(cut.errors > 0 && got.last().unwrap().contains("reading failed at offset"));
}

#[test]
fn soup_packets_join_over_segments() {
    let payload = [&order_payload()[..], &[0, 1, b'R'], &order_payload()].concat();
    let (whole, expected) = lines("x", &pcap(&[segment(100, &payload)]), &[]);
    assert_eq!((whole.lines, whole.errors), (1, 0));
    let messages = |lines: &[String]| {
        lines.iter().fold(String::new(), |mut all, line| {
            let from = line.find("\"messages\": [").unwrap() + 13;
            let inside = &line[from..line.rfind(']').unwrap()];
            let comma = if all.is_empty() || inside.is_empty() { "" } else { ", " };
            let _ = write!(all, "{comma}{inside}");
            all
        })
    };
    for cut in 1..payload.len() {
        // Near the end of the sequence space, so that it wraps inside.
        let start = u32::MAX - 10;
        let next = start.wrapping_add(cut as u32);
        let parts = [segment(start, &payload[..cut]), segment(next, &payload[cut..])];
        let (summary, got) = lines("x", &pcap(&parts), &[]);
        assert_eq!((summary.lines, summary.errors), (2, 0), "cut at {cut}: {got:?}");
        assert_eq!(messages(&got), messages(&expected));
    }
}

#[test]
fn repeats_are_skipped_gaps_and_cut_ends_are_errors() {
    let payload = order_payload();
    let half = payload.len() / 2;
    let (summary, got) = lines(
        "x",
        &pcap(&[
            segment(1, &payload),
            segment(1, &payload),
            segment(1 + payload.len() as u32 + 5, &payload[..half]),
        ]),
        &[],
    );
    assert_eq!((summary.lines, summary.errors), (4, 2));
    assert!(got[1].contains("\"skipped\": \"tcp retransmission\""));
    assert!(got[2].contains("\"error\": \"5 bytes of TCP stream"), "{}", got[2]);
    assert!(got[3].contains("the capture ends inside a SoupBinTCP packet"), "{}", got[3]);
}

#[test]
fn a_sequenced_itch_message_is_shown_as_itch() {
    let message = [&[0u8, 13, b'S', b'S'][..], &[0; 10], b"O"].concat();
    let (summary, got) = lines("x", &pcap(&[segment(1, &message)]), &[]);
    assert_eq!(summary.errors, 0, "{got:?}");
    assert!(
        got[0].contains("\"packettype\": \"S\", \"messagetype\": \"S\", \"stocklocate\": \"0\"")
    );
}

#[test]
fn session_packets_and_optional_fields_have_the_dissectors_keys() {
    let mut stream = [0; 256];
    let login = wire::soup::LoginRequest::new(b"me", b"secret", b"", 7);
    let mut used = wire::soup::Packet::LoginRequest(&login).write(&mut stream).unwrap();
    used += wire::soup::Packet::LoginRejected(b'A').write(&mut stream[used..]).unwrap();
    let restated = wire::ouch::outbound::OrderRestated {
        message_type: wire::ouch::outbound::OrderRestated::TYPE,
        timestamp: 5.into(),
        user_ref_num: 6.into(),
        order_restated_reason: b'R',
        appendage_length: 0.into(),
    };
    let optional =
        [wire::ouch::Optional::PegOffset(-12_500), wire::ouch::Optional::Unknown(99, b"??")];
    let mut message = [0; 64];
    let length = wire::ouch::write(&mut message, &restated, &optional).unwrap();
    used += wire::soup::Packet::Sequenced(&message[..length]).write(&mut stream[used..]).unwrap();
    let (summary, got) = lines("x", &pcap(&[segment(1, &stream[..used])]), &[]);
    assert_eq!(summary.errors, 0);
    assert_eq!(
        got[0],
        "{\"file\": \"x\", \"packet\": 1, \"messages\": [\
         {\"packetlength\": \"47\", \"packettype\": \"L\", \"username\": \"me\", \
         \"password\": \"secret\", \"requestedsequencenumber\": \"7\"}, \
         {\"packetlength\": \"2\", \"packettype\": \"J\", \"rejectreasoncode\": \"A\"}, \
         {\"packetlength\": \"27\", \"packettype\": \"S\", \"sequencedmessagetype\": \"R\", \
         \"timestamp\": \"5\", \"userrefnum\": \"6\", \"orderrestatedreason\": \"R\", \
         \"appendagelength\": \"10\", \"optionalfieldlength\": \"3\", \
         \"orderrestatedoptionalfield\": \"99\", \"pegoffset\": \"-1.25\"}]}"
    );
}

#[test]
fn ports_select_and_other_traffic_is_skipped() {
    let (summary, got) = lines("x", &capture(CAPTURE), &[1]);
    assert_eq!((summary.lines, summary.errors), (2, 0));
    assert!(got.iter().all(|line| line.contains("\"skipped\": \"udp port ")));
    let mut arp = vec![0xFF; 60];
    arp[12..14].copy_from_slice(&[8, 6]);
    let (_, got) = lines("x", &pcap(&[arp]), &[]);
    assert_eq!(got, ["{\"file\": \"x\", \"packet\": 1, \"skipped\": \"arp\"}"]);
}

#[test]
fn an_itch_file_names_the_offset_of_what_is_wrong() {
    let good = [&[0u8, 12, b'S'][..], &[0; 10], b"O"].concat();
    let mut file = good.repeat(3);
    file[16] = b'?';
    let (summary, got) = lines("x", &file, &[]);
    assert_eq!((summary.lines, summary.errors), (3, 1));
    assert!(got[1].contains("at offset 16: unknown ITCH message type 0x3f in 12 bytes"));
    let (summary, got) = lines("x", &good.repeat(3)[..40], &[]);
    assert_eq!((summary.lines, summary.errors), (3, 1));
    assert!(got[2].contains("message block at offset 28 needs 14 bytes, 12 are left"));
    let noise = [&good[..], &[0, 1, b'?'].repeat(100)].concat();
    let (summary, got) = lines("x", &noise, &[]);
    assert_eq!((summary.lines, summary.errors), (18, 17));
    assert!(got[17].contains("gave up at offset 62"));
}

#[test]
fn what_is_no_capture_says_so() {
    for bytes in [&b""[..], b"\0", b"hello world", &[0x1F, 0x8B, 1, 2, 3]] {
        let (summary, got) = lines("x", bytes, &[]);
        assert!(summary.errors > 0 && summary.errors == summary.lines, "{got:?}");
    }
}

#[test]
fn a_capture_cut_at_any_byte_ends_in_an_error_or_at_a_packet() {
    let file = capture(CAPTURE);
    let first = 24 + 16 + frames(&file)[0].len();
    let sizes = [24, first, file.len()];
    for cut in 0..file.len() {
        let (summary, got) = lines("x", &file[..cut], &[]);
        assert_eq!(summary.errors > 0, !sizes.contains(&cut), "cut at {cut}: {got:?}");
    }
    let order = capture(ORDER);
    for bytes in [pcapng(&frames(&file), true), order] {
        for cut in 0..bytes.len() {
            lines("x", &bytes[..cut], &[]);
        }
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let sources = [
        capture(CAPTURE),
        capture(ORDER),
        capture("Nasdaq.Nsm.Ouch.v5.0.OrderAcceptedMessage.pcap"),
        pcapng(&frames(&capture(ORDER)), false),
    ];
    for mut bytes in sources {
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xFF] {
                bytes[at] ^= flip;
                lines("x", &bytes, &[]);
                bytes[at] ^= flip;
            }
        }
    }
}
