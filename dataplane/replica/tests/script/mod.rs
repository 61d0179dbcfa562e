//! A node under a script of datagrams, ticks and disk writes: nothing stops it, it is not told two
//! entries of one number, and a datagram that is taken is written again to the same bytes.
//!
//! A byte says what happens; where it is a datagram, a byte more its length, and its bytes are
//! fields of a header, which is completed and sealed here, and the body.

use replica::codec::{self, HEADER_BYTES, MAGIC, VERSION};
use replica::{Config, Entry, Members, Outbox, Record, Recovered, Replica};

const US: u64 = 2;
const CLUSTER: [u8; 16] = [5; 16];

#[derive(Default)]
struct Told {
    committed: u64,
    records: u64,
}

impl Outbox for Told {
    fn send(&mut self, _to: u64, datagram: &[u8]) {
        assert!(codec::peek(datagram).is_some());
    }

    fn persist(&mut self, number: u64, record: Record<'_>) {
        assert_eq!(number, self.records + 1);
        self.records = number;
        if let Record::Snapshot(meta) = record {
            self.committed = meta.index;
        }
    }

    fn committed(&mut self, entry: Entry<'_>) {
        assert_eq!(entry.index, self.committed + 1);
        self.committed = entry.index;
    }
}

/// A datagram of these fields and this body, from node 1 or 3.
fn sealed(config: u64, fields: &[u8; 8], body: &[u8]) -> (u64, Vec<u8>) {
    let [kind, flags, count, from, term, stamp, version, _] = *fields;
    let from = if from & 1 == 1 { 1 } else { 3 };
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[4..6].copy_from_slice(&MAGIC);
    bytes[6] = if version == 0xff { VERSION + 1 } else { VERSION };
    bytes[7] = kind % 14;
    bytes[8..24].copy_from_slice(&CLUSTER);
    let numbers = [config, from, US, u64::from(term), u64::from(stamp)];
    for (at, number) in numbers.into_iter().enumerate() {
        bytes[24 + 8 * at..32 + 8 * at].copy_from_slice(&number.to_le_bytes());
    }
    bytes[64..66].copy_from_slice(&(body.len() as u16).to_le_bytes());
    bytes[66] = count;
    bytes[68] = flags & 3;
    bytes.extend_from_slice(body);
    let crc = crc32c::crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    (from, bytes)
}

pub(crate) fn run(script: &[u8]) {
    let members = Members::of_voters(&[1, US, 3]).expect("three nodes");
    let mut config = Config::new(US, CLUSTER, members);
    config.log_entries = 64;
    let (hash, tick_ns) = (config.agreed_hash(), config.tick_ns);
    let mut node = Replica::new(config, Recovered::default(), 0).expect("it starts");
    let (mut told, mut now_ns, mut rest) = (Told::default(), 0, script);
    while let Some((what, tail)) = rest.split_first() {
        rest = tail;
        now_ns += tick_ns / 3;
        match what % 8 {
            0 => {
                now_ns += tick_ns;
                node.on_tick(now_ns);
            }
            1 => node.on_durable(told.records),
            2 => drop(node.propose(now_ns, b"an order")),
            3 => node.on_applied(told.committed),
            4 => node.on_snapshot_verified(u64::from(*what)),
            _ => {
                let Some((len, tail)) = rest.split_first() else { break };
                let (datagram, tail) = tail.split_at(usize::from(*len).min(tail.len()));
                rest = tail;
                let Some((fields, body)) = datagram.split_first_chunk() else { continue };
                let (from, bytes) = sealed(hash, fields, body);
                let seal = codec::Seal { cluster: CLUSTER, config: hash, node: US };
                if let Ok(read) = codec::decode(&seal, &bytes) {
                    let theirs = codec::Seal { node: from, ..seal };
                    let mut out = vec![0; 4096];
                    let back = codec::Datagram { peer: US, ..read };
                    let len = codec::encode(&theirs, &back, &mut out);
                    assert_eq!(out[..len], bytes);
                }
                let _ = node.on_datagram(now_ns, from, &bytes);
            }
        }
        node.poll(now_ns, &mut told);
    }
}
