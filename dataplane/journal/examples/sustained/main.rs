//! Commands a second to this disk, and how fast they are read back.
//!
//! `cargo run --release -p journal --example sustained -- DIR [COMMANDS] [ROUNDS]`
//!
//! A round writes COMMANDS (10 million) through the ring in each way of writing, and, as the peer,
//! as many bytes in as many pieces with plain writes and an fdatasync a piece, from memory, with
//! nothing to encode. Then the journal is replayed: from the disk, and once more from memory. Last
//! it is asked at 100,000 commands a second, each due at its own time, how long after that a
//! command is on disk. Rounds follow each other, so that a disk's moods are in all of them alike.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use journal::{
    BLOCK_BYTES, Counted, Entry, Identity, Journal, Payload, WriterConfig, queue, start,
};
use types::{
    AccountId, Cancel, ClOrdId, Command, CrossKind, Echo, Enter, Firm, Input, Nanos, OrderCapacity,
    OrderSide, Price, Qty, Replace, SessionId, Symbol, Terms, UserRef,
};

const IDENTITY: Identity = Identity { cluster: *b"a cluster of one", node: 1 };
const RING: usize = 1 << 16;
/// The rate at which latency is measured, and for how many commands.
const EVERY: Duration = Duration::from_micros(10);
const TIMED: u64 = 300_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(args.next().ok_or("sustained DIR [COMMANDS] [ROUNDS]")?);
    let commands: u64 = args.next().map_or(Ok(10_000_000), |text| text.parse())?;
    let rounds: usize = args.next().map_or(Ok(3), |text| text.parse())?;
    for round in 1..=rounds {
        println!("round {round}: {commands} commands");
        let counted = write(&dir, "io_uring, O_DIRECT", commands, true, true)?;
        read_back(&dir, commands)?;
        plain(&dir, counted)?;
        write(&dir, "calls, O_DIRECT", commands, false, true)?;
        write(&dir, "io_uring, page cache", commands, true, false)?;
        write(&dir, "calls, page cache", commands, false, false)?;
        latency(&dir, "io_uring, sleeping", true, 50)?;
        latency(&dir, "io_uring, polling", true, 0)?;
        latency(&dir, "calls, sleeping", false, 50)?;
    }
    fs::remove_dir_all(&dir)?;
    Ok(())
}

/// Pushes as fast as the ring takes it, until all is on disk.
fn write(
    dir: &Path,
    what: &str,
    commands: u64,
    uring: bool,
    direct: bool,
) -> Result<Counted, Box<dyn std::error::Error>> {
    let _ = fs::remove_dir_all(dir);
    let recovered = Journal::open(dir, IDENTITY)?.replay(1, |_| ())?;
    let config = WriterConfig { uring, direct, ..WriterConfig::new(dir.into(), IDENTITY) };
    let (mut push, pop) = queue(RING);
    let running = start(&config, &recovered, pop)?;
    for note in running.notes() {
        println!("  note: {note}");
    }
    let (began, mut full) = (Instant::now(), 0_u64);
    for sequence in 1..=commands {
        let entry = entry(sequence);
        while push.push(&entry).is_err() {
            full += 1;
            std::thread::yield_now();
        }
    }
    while running.status().durable() < commands {
        if let Some(fault) = running.status().fault() {
            return Err(fault.to_string().into());
        }
        std::thread::yield_now();
    }
    let seconds = began.elapsed().as_secs_f64();
    let counted = running.stop().counts.read();
    let Counted { bytes, batches, syncs, segments, .. } = counted;
    println!(
        "  {what:22} {:>10.0} commands/s  {:>6.1} MB/s  {batches} batches of {:.0} bytes, {syncs} \
         syncs, {segments} segments, ring full {full} times",
        commands as f64 / seconds,
        bytes as f64 / seconds / 1e6,
        bytes as f64 / batches as f64,
    );
    Ok(counted)
}

/// From when a command is due until it is known to be on disk, at a steady rate.
fn latency(
    dir: &Path,
    what: &str,
    uring: bool,
    idle_us: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let _ = fs::remove_dir_all(dir);
    let recovered = Journal::open(dir, IDENTITY)?.replay(1, |_| ())?;
    let idle = Duration::from_micros(idle_us);
    let config = WriterConfig { uring, idle, ..WriterConfig::new(dir.into(), IDENTITY) };
    let (mut push, pop) = queue(RING);
    let running = start(&config, &recovered, pop)?;
    let mut waited = Vec::with_capacity(TIMED as usize);
    let (began, mut pushed) = (Instant::now(), 0);
    let due = |sequence: u64| EVERY * sequence as u32;
    while (waited.len() as u64) < TIMED {
        if let Some(fault) = running.status().fault() {
            return Err(fault.to_string().into());
        }
        let now = began.elapsed();
        while pushed < TIMED && due(pushed + 1) <= now && push.push(&entry(pushed + 1)).is_ok() {
            pushed += 1;
        }
        let (durable, now) = (running.status().durable(), began.elapsed());
        while (waited.len() as u64) < durable {
            waited.push(now.saturating_sub(due(waited.len() as u64 + 1)));
        }
    }
    let counted = running.stop().counts.read();
    waited.sort();
    let at = |share: f64| waited[((waited.len() - 1) as f64 * share) as usize];
    println!(
        "  {what:22} at 100,000 a second, on disk after p50 {:?} p99 {:?} max {:?}; {} syncs",
        at(0.5),
        at(0.99),
        at(1.0),
        counted.syncs,
    );
    Ok(())
}

/// The peer: as many bytes, in as many pieces, each written and synced before the next one.
fn plain(dir: &Path, counted: Counted) -> Result<(), Box<dyn std::error::Error>> {
    let path = dir.join("plain");
    let blocks = (counted.bytes / counted.batches).div_ceil(BLOCK_BYTES as u64);
    let piece = vec![0x5A; blocks as usize * BLOCK_BYTES];
    let mut file = File::create(&path)?;
    let began = Instant::now();
    for _ in 0..counted.batches {
        file.write_all(&piece)?;
        file.sync_data()?;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "  {:22} {:>10.0} commands/s  {:>6.1} MB/s  {} pieces of {} bytes, as many syncs",
        "peer: write, fdatasync",
        counted.commands as f64 / seconds,
        counted.batches as f64 * piece.len() as f64 / seconds / 1e6,
        counted.batches,
        piece.len(),
    );
    fs::remove_file(path)?;
    Ok(())
}

fn read_back(dir: &Path, commands: u64) -> Result<(), Box<dyn std::error::Error>> {
    for from in ["from the disk", "from memory"] {
        if from == "from the disk" {
            forget(dir)?;
        }
        let began = Instant::now();
        let (mut count, mut sum) = (0, 0);
        let recovered = Journal::open(dir, IDENTITY)?.replay(1, |entry| {
            count += 1;
            sum ^= entry.sequence;
        })?;
        let seconds = began.elapsed().as_secs_f64();
        let told = std::hint::black_box(sum);
        assert_eq!((count, recovered.next_sequence), (commands, commands + 1), "{told}");
        println!(
            "  recovery {from:13} {:>10.0} commands/s  {seconds:.2} s",
            commands as f64 / seconds
        );
    }
    Ok(())
}

/// Has the kernel forget what it keeps of the folder's files.
fn forget(dir: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for entry in dir.read_dir()? {
        let file = File::open(entry?.path())?;
        rustix::fs::fadvise(file.as_fd(), 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}

/// Six new orders, three cancels and a replacement in ten.
fn entry(sequence: u64) -> Entry<'static> {
    let session = SessionId((sequence % 64) as u16);
    let (user_ref, qty) = (UserRef(sequence as u32), Qty(100 + sequence as u32 % 900));
    let (price, cl_ord_id) = (Price(1_000_000 + sequence as u32 % 5000), ClOrdId::default());
    let command = match sequence % 10 {
        0..=5 => Command::Enter(Enter {
            session,
            user_ref,
            account: AccountId(7),
            firm: Firm(*b"FIRM"),
            side: if sequence.is_multiple_of(2) { OrderSide::Buy } else { OrderSide::Sell },
            qty,
            symbol: Symbol(*b"AAPL    "),
            price,
            terms: Terms::default(),
            cross: CrossKind::None,
            capacity: OrderCapacity::Agency,
            cl_ord_id,
        }),
        6..=8 => Command::Cancel(Cancel { session, user_ref, qty: Qty(0) }),
        _ => Command::Replace(Replace {
            session,
            orig: UserRef(1),
            user_ref,
            qty,
            price,
            terms: Terms::default(),
            cl_ord_id,
        }),
    };
    let echo = Echo { cl_ord_id, ..Echo::default() };
    let payload = Payload::Input(Input::Command(command, echo));
    Entry { sequence, epoch: 0, now: Nanos(sequence * 1000), payload }
}
