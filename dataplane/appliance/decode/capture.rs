//! pcap and pcapng captures, block by block, through `pcap-parser`.
//!
//! Limits: a block may have [`BLOCK_MAX`] bytes, a pcapng section [`INTERFACES_MAX`] interfaces.

use super::Sink;
use super::packet::Decoder;
use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{Block, LegacyPcapReader, PcapBlockOwned, PcapError, PcapNGReader};
use std::io::{self, Read};

/// The longest block: above tcpdump's largest snapshot length of 256 KiB.
const BLOCK_MAX: usize = 1 << 20;
/// The most interfaces a section may describe.
const INTERFACES_MAX: usize = 1 << 16;

/// An interface, as a section describes it.
#[derive(Clone, Copy)]
struct Interface {
    link: u32,
    snaplen: u32,
}

/// Decodes a pcap capture.
pub(super) fn decode_pcap(reader: impl Read, ports: &[u16], sink: &mut Sink<'_>) -> io::Result<()> {
    match LegacyPcapReader::new(BLOCK_MAX, reader) {
        Ok(reader) => blocks(reader, ports, sink),
        Err(error) => sink.fail_after(format_args!("at offset 0: {}", reason(&error))),
    }
}

/// Decodes a pcapng capture.
pub(super) fn decode_pcapng(
    reader: impl Read,
    ports: &[u16],
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    match PcapNGReader::new(BLOCK_MAX, reader) {
        Ok(reader) => blocks(reader, ports, sink),
        Err(error) => sink.fail_after(format_args!("at offset 0: {}", reason(&error))),
    }
}

fn blocks(
    mut reader: impl PcapReaderIterator,
    ports: &[u16],
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    let mut capture =
        Capture { decoder: Decoder::new(ports), interfaces: Vec::new(), packet: 0, offset: 0 };
    loop {
        match reader.next() {
            Ok((length, block)) => {
                capture.block(&block, sink)?;
                capture.offset += length as u64;
                reader.consume(length);
            }
            Err(PcapError::Eof) => break,
            Err(PcapError::Incomplete(_)) => {
                // The reader below never fails, see `Watched`; an empty refill ends the capture.
                if reader.refill().is_err() {
                    break;
                }
            }
            Err(error) => {
                let offset = capture.offset;
                sink.fail_after(format_args!("at offset {offset}: {}", reason(&error)))?;
                break;
            }
        }
    }
    for (packet, what) in capture.decoder.unfinished() {
        sink.line.fail(format_args!("{what}"));
        sink.finish(packet)?;
    }
    Ok(())
}

struct Capture<'a> {
    decoder: Decoder<'a>,
    /// Of the section under way; of a pcap file, its one.
    interfaces: Vec<Interface>,
    packet: u64,
    /// Of the block under way, from the start of the capture.
    offset: u64,
}

impl Capture<'_> {
    fn block(&mut self, block: &PcapBlockOwned<'_>, sink: &mut Sink<'_>) -> io::Result<()> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                // The upper half says how a frame check sequence is kept, which is not looked at.
                let link = header.network.0 as u32 & 0xFFFF;
                self.interfaces.push(Interface { link, snaplen: header.snaplen });
                Ok(())
            }
            PcapBlockOwned::Legacy(block) => self.packet(Some(0), block.data, sink),
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                self.interfaces.clear();
                Ok(())
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                if self.interfaces.len() < INTERFACES_MAX {
                    let link = interface.linktype.0 as u32;
                    self.interfaces.push(Interface { link, snaplen: interface.snaplen });
                }
                Ok(())
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(block)) => {
                self.packet(usize::try_from(block.if_id).ok(), block.packet_data(), sink)
            }
            PcapBlockOwned::NG(Block::SimplePacket(block)) => {
                // A simple packet does not say how much of it was captured: the interface does.
                let limit = match self.interfaces.first() {
                    None | Some(Interface { snaplen: 0, .. }) => usize::MAX,
                    Some(Interface { snaplen, .. }) => *snaplen as usize,
                };
                let data = block.packet_data();
                self.packet(Some(0), data.get(..limit).unwrap_or(data), sink)
            }
            PcapBlockOwned::NG(_) => Ok(()),
        }
    }

    fn packet(
        &mut self,
        interface: Option<usize>,
        frame: &[u8],
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        self.packet += 1;
        match interface.and_then(|at| self.interfaces.get(at)) {
            Some(interface) => {
                self.decoder.frame(&mut sink.line, interface.link, frame, self.packet);
            }
            None => sink.line.fail(format_args!(
                "at offset {}: the packet names an interface that the section does not describe",
                self.offset
            )),
        }
        sink.finish(self.packet)
    }
}

/// What went wrong, without the bytes it went wrong on.
fn reason<I>(error: &PcapError<I>) -> String {
    match error {
        PcapError::UnexpectedEof | PcapError::Incomplete(_) | PcapError::Eof => {
            "the capture ends inside a block".into()
        }
        PcapError::BufferTooSmall => format!("a block is longer than {BLOCK_MAX} bytes"),
        PcapError::NomError(_, kind) | PcapError::OwnedNomError(_, kind) => {
            format!("malformed capture block ({kind:?})")
        }
        PcapError::HeaderNotRecognized => "neither a pcap nor a pcapng header".into(),
        PcapError::ReadError => "reading failed".into(),
    }
}
