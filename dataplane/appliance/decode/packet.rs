//! A captured frame, from its link layer to its messages.

use super::fields;
use super::flow::{Fit, Flow, Flows, Key};
use super::line::Line;
use wire::soup::{self, Packet};
use wire::{ether, ipv4, moldudp64, tcp, udp};

/// The longest SoupBinTCP packet: all its length field can say.
const SOUP_LENGTH_MAX: usize = u16::MAX as usize;

/// Link layers that are read, by their number in pcap.
const LINK_ETHERNET: u32 = 1;
const LINK_RAW: [u32; 2] = [101, 228];
const LINK_COOKED: u32 = 113;
const LINK_COOKED_2: u32 = 276;

/// Decodes frames of one capture, in order.
pub(super) struct Decoder<'a> {
    ports: &'a [u16],
    flows: Flows,
}

impl<'a> Decoder<'a> {
    /// A decoder for packets from or to `ports`; none means all.
    pub(super) fn new(ports: &'a [u16]) -> Decoder<'a> {
        Decoder { ports, flows: Flows::default() }
    }

    /// Decodes one frame of link layer `link` onto `line`.
    pub(super) fn frame(&mut self, line: &mut Line, link: u32, frame: &[u8], packet: u64) {
        let (ethertype, payload, offset) = match link {
            LINK_ETHERNET => match ether::parse(frame) {
                Ok(ether) => (ether.ethertype, ether.payload, ether.header_len()),
                Err(error) => return line.fail(format_args!("at frame offset 0: {error}")),
            },
            link if LINK_RAW.contains(&link) => (ether::IPV4, frame, 0),
            LINK_COOKED | LINK_COOKED_2 => match cooked(link, frame) {
                Some(parts) => parts,
                None => {
                    let length = frame.len();
                    return line.fail(format_args!(
                        "at frame offset 0: cooked header cut short in {length} bytes"
                    ));
                }
            },
            other => {
                return line.fail(format_args!(
                    "link type {other} is not read, expected {LINK_ETHERNET} (Ethernet), \
                     {LINK_COOKED}, {LINK_COOKED_2} (Linux cooked) or {LINK_RAW:?} (raw IP)"
                ));
            }
        };
        match ethertype {
            ether::IPV4 => self.ip(line, payload, offset, packet),
            ether::ARP => line.skip(format_args!("arp")),
            other => line.skip(format_args!("ethertype {other:#06x}")),
        }
    }

    fn ip(&mut self, line: &mut Line, bytes: &[u8], offset: usize, packet: u64) {
        let ip = match ipv4::parse(bytes) {
            Ok(ip) => ip,
            Err(error) => return line.fail(format_args!("at frame offset {offset}: {error}")),
        };
        let offset = offset + ip.header_len();
        match ip.header.protocol {
            _ if ip.is_fragment() => line.skip(format_args!("ip fragment")),
            ipv4::UDP => self.udp(line, &ip, offset),
            ipv4::TCP => self.tcp(line, &ip, offset, packet),
            ipv4::ICMP => line.skip(format_args!("icmp")),
            ipv4::IGMP => line.skip(format_args!("igmp")),
            other => line.skip(format_args!("ip protocol {other}")),
        }
    }

    fn wanted(&self, src: u16, dst: u16) -> bool {
        self.ports.is_empty() || self.ports.contains(&src) || self.ports.contains(&dst)
    }

    fn udp(&self, line: &mut Line, ip: &ipv4::Packet<'_>, offset: usize) {
        let datagram = match udp::parse(ip.payload) {
            Ok(datagram) => datagram,
            Err(error) => return line.fail(format_args!("at frame offset {offset}: {error}")),
        };
        let (src, dst) = (datagram.header.src_port.get(), datagram.header.dst_port.get());
        if !self.wanted(src, dst) {
            return line.skip(format_args!("udp port {src} to {dst}"));
        }
        // Requests are unicast. Zeroed addresses come with captures whose addresses were taken out.
        let unicast = !ipv4::is_multicast(ip.header.dst) && ip.header.dst != [0; 4];
        mold(line, datagram.payload, unicast);
    }

    fn tcp(&mut self, line: &mut Line, ip: &ipv4::Packet<'_>, offset: usize, packet: u64) {
        let segment = match tcp::parse(ip.payload) {
            Ok(segment) => segment,
            Err(error) => return line.fail(format_args!("at frame offset {offset}: {error}")),
        };
        let header = segment.header;
        let (src, dst) = (header.src_port.get(), header.dst_port.get());
        if !self.wanted(src, dst) {
            return line.skip(format_args!("tcp port {src} to {dst}"));
        }
        let key = Key { src: (ip.header.src, src), dst: (ip.header.dst, dst) };
        let mut sequence = header.sequence.get();
        if header.has(tcp::SYN) {
            sequence = sequence.wrapping_add(1);
            self.flows.begin(key, sequence, packet);
        }
        if segment.payload.is_empty() {
            line.skip(format_args!("tcp without payload"));
        } else {
            let (flow, fit) = self.flows.segment(key, sequence, segment.payload, packet);
            match fit {
                Fit::Next => {}
                Fit::Repeat => line.skip(format_args!("tcp retransmission")),
                Fit::Gap { missing } => line.fail(format_args!(
                    "{missing} bytes of TCP stream {key} are missing before sequence number \
                     {sequence}"
                )),
            }
            if fit != Fit::Repeat {
                line.market();
                soup_packets(line, flow, packet);
            }
        }
        if header.has(tcp::FIN) || header.has(tcp::RST) {
            match self.flows.end(&key) {
                0 => {}
                held => line.fail(format_args!(
                    "TCP stream {key} closes {held} bytes into a SoupBinTCP packet"
                )),
            }
        }
    }

    /// What the capture's end cut off: the packet at which it began, and a sentence.
    pub(super) fn unfinished(&self) -> Vec<(u64, String)> {
        let cut = self.flows.unfinished().into_iter();
        cut.map(|(packet, key, held, offset)| {
            let what = format!(
                "the capture ends inside a SoupBinTCP packet of TCP stream {key}, which began at \
                 stream offset {offset}, after {held} bytes"
            );
            (packet, what)
        })
        .collect()
    }
}

/// Linux's cooked headers: ethertype, payload, payload's offset. Version 1 is `14 bytes,
/// ethertype[2]`, version 2 `ethertype[2], 18 bytes`.
fn cooked(link: u32, frame: &[u8]) -> Option<(u16, &[u8], usize)> {
    let (at, offset) = if link == LINK_COOKED { (14, 16) } else { (0, 20) };
    let ethertype = frame.get(at..)?.first_chunk::<2>()?;
    Some((u16::from_be_bytes(*ethertype), frame.get(offset..)?, offset))
}

/// A MoldUDP64 packet's header and messages.
fn mold(line: &mut Line, payload: &[u8], unicast: bool) {
    let packet = match moldudp64::parse(payload) {
        Ok(packet) => packet,
        Err(error) => return line.fail(format_args!("at payload offset 0: {error}")),
    };
    line.market();
    if unicast && packet.count() > 0 && payload.len() == moldudp64::HEADER_LEN {
        let key = "requested_message_count";
        return line.header(|fields| fields::mold_header(fields, packet.header, key));
    }
    line.header(|fields| fields::mold_header(fields, packet.header, "message_count"));
    for (at, block) in packet.messages().enumerate() {
        let index = at + 1;
        match block {
            Ok(block) => {
                let offset = block.offset + 2;
                itch_message(line, index, block.data, format_args!("payload offset {offset}"));
            }
            Err(error) => line.fail(format_args!(
                "message {index} of {}: {error} of the payload",
                packet.count()
            )),
        }
    }
    if let Err(error) = packet.check() {
        line.fail(format_args!("{error}"));
    }
}

/// An ITCH message with its place; `place` is for the error.
pub(super) fn itch_message(
    line: &mut Line,
    index: usize,
    message: &[u8],
    place: std::fmt::Arguments<'_>,
) {
    let parsed = wire::itch::parse(message);
    line.message(|fields| {
        fields::block(fields, index, message.len());
        match &parsed {
            Ok(message) => fields::itch(fields, message),
            Err(_) => fields::type_only(fields, "message_type", message),
        }
    });
    if let Err(error) = parsed {
        line.fail(format_args!("message {index} at {place}: {error}"));
    }
}

/// Every whole SoupBinTCP packet a direction has; what is left waits for the next segment.
fn soup_packets(line: &mut Line, flow: &mut Flow, packet: u64) {
    let mut used = 0;
    let (bytes, begin) = flow.pending();
    loop {
        let offset = begin + used as u64;
        match soup::parse_packet(bytes.get(used..).unwrap_or_default(), SOUP_LENGTH_MAX) {
            Ok(Some((read, length))) => {
                soup_packet(line, read, length - 2, offset);
                used += length;
            }
            Ok(None) => break flow.consume(used, packet),
            Err(error) => {
                line.fail(format_args!("at stream offset {offset}: {error}"));
                break flow.drop_pending();
            }
        }
    }
}

/// One SoupBinTCP packet, `length` as its length field says, at `offset` of its stream.
fn soup_packet(line: &mut Line, packet: Packet<'_>, length: usize, offset: u64) {
    let mut wrong = None;
    line.message(|fields| {
        fields::soup_head(fields, length, packet.kind());
        wrong = match packet {
            Packet::Sequenced(payload) => fields::sequenced(fields, payload).err().map(to_text),
            Packet::Unsequenced(payload) => fields::unsequenced(fields, payload).err().map(to_text),
            Packet::LoginRequest(login) => fields::login_request(fields, login).err().map(to_text),
            Packet::LoginAccepted(login) => {
                fields::login_accepted(fields, login).err().map(to_text)
            }
            Packet::LoginRejected(reason) => {
                fields::login_rejected(fields, reason);
                None
            }
            Packet::Debug(text) => {
                fields::debug(fields, text);
                None
            }
            Packet::ServerHeartbeat
            | Packet::ClientHeartbeat
            | Packet::EndOfSession
            | Packet::Logout => None,
        };
    });
    if let Some(wrong) = wrong {
        let payload = offset + soup::HEADER_LEN as u64;
        line.fail(format_args!("at stream offset {payload}: {wrong}"));
    }
}

fn to_text(error: impl std::error::Error) -> String {
    error.to_string()
}
