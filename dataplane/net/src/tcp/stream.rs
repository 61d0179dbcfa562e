//! A connection's bytes: read and written where the rings hold them.

use super::machine::{Machine, State};
use super::slot::Phase;
use super::{CloseReason, ConnId, ConnState, TcpHost};
use std::net::SocketAddrV4;
use wire::tcp;

/// Bytes to be read: those that wait in a connection's ring, and those of the segment at hand,
/// which are borrowed from its frame.
#[derive(Clone, Copy, Debug)]
#[must_use = "bytes that are neither read nor kept have to be sent again"]
pub struct TcpData<'a> {
    conn: ConnId,
    /// The sequence number of the first borrowed byte.
    sequence: u32,
    lent: &'a [u8],
}

impl<'a> TcpData<'a> {
    /// The next bytes of a connection, not yet taken in.
    #[inline]
    pub(super) fn lent(conn: ConnId, header: &tcp::Header, lent: &'a [u8]) -> TcpData<'a> {
        TcpData { conn, sequence: header.sequence.get(), lent }
    }

    /// The connection.
    #[inline]
    pub fn conn(&self) -> ConnId {
        self.conn
    }
}

/// What waits in a connection's ring.
impl From<ConnId> for TcpData<'_> {
    fn from(conn: ConnId) -> Self {
        TcpData { conn, sequence: 0, lent: &[] }
    }
}

impl TcpHost {
    /// How far a connection is.
    pub fn state(&self, conn: ConnId) -> ConnState {
        self.slot_of(conn).map_or(ConnState::Closed, |slot| self.slots[slot].state())
    }

    /// The peer of a connection.
    pub fn remote(&self, conn: ConnId) -> Option<SocketAddrV4> {
        self.slot_of(conn).map(|slot| self.slots[slot].remote)
    }

    /// Our port of a connection.
    pub fn local_port(&self, conn: ConnId) -> Option<u16> {
        self.slot_of(conn).map(|slot| self.slots[slot].local_port)
    }

    /// Bytes that arrived and were not read.
    pub fn recv_len(&self, conn: ConnId) -> usize {
        self.slot_of(conn).map_or(0, |slot| self.slots[slot].machine.received().len())
    }

    /// Shows `read` the bytes of the segment at hand where they lie, behind those that wait
    /// already; see [`recv`](Self::recv), which this is otherwise. What `read` leaves is kept. To
    /// be called before the next segment is taken in: later, the bytes are not taken, and the peer
    /// sends them again.
    #[inline]
    pub fn read(&mut self, data: TcpData<'_>, mut read: impl FnMut(&[u8]) -> usize) -> usize {
        let Some(machine) = self.lend(&data) else { return self.recv(data.conn, read) };
        if !machine.received().is_empty() {
            machine.take_in(data.lent, 0);
            return self.recv(data.conn, read);
        }
        let done = read(data.lent).min(data.lent.len());
        machine.take_in(data.lent, done);
        done
    }

    /// Takes in the bytes of the segment at hand, to be read later. Gives their connection.
    #[inline]
    pub fn keep(&mut self, data: TcpData<'_>) -> ConnId {
        if let Some(machine) = self.lend(&data) {
            machine.take_in(data.lent, 0);
        }
        data.conn
    }

    /// The machine that waits for exactly these bytes.
    #[inline]
    fn lend(&mut self, data: &TcpData<'_>) -> Option<&mut Machine> {
        let slot = self.slot_of(data.conn).filter(|_| !data.lent.is_empty())?;
        let place = &mut self.slots[slot];
        let machine = &mut place.machine;
        let is_next = machine.state == State::Established
            && machine.rcv_nxt() == data.sequence
            && machine.takes(data.lent.len());
        if !is_next {
            return None;
        }
        self.dirty.insert(slot);
        Some(machine)
    }

    /// Shows `read` the bytes that arrived, in order; it says how many it is done with. The rest is
    /// shown again, together with what arrives meanwhile, so a message is always seen whole if the
    /// ring can hold it. `read` is called up to three times, for bytes that lie across the ring's
    /// end; not at all when there are none. Gives the bytes read.
    #[inline]
    pub fn recv(&mut self, conn: ConnId, mut read: impl FnMut(&[u8]) -> usize) -> usize {
        let Some(slot) = self.slot_of(conn) else { return 0 };
        let machine = &mut self.slots[slot].machine;
        let mut total = 0;
        // The ring's bytes are at most two runs.
        for _ in 0..2 {
            let [run, beyond] = machine.received().runs();
            if run.is_empty() {
                break;
            }
            let (shown, is_all) = (run.len(), beyond.is_empty());
            let done = read(run).min(shown);
            machine.consume(done);
            total += done;
            if done < shown {
                if !is_all {
                    total += read_across(machine, &mut self.straddle, &mut read);
                }
                break;
            }
        }
        if total > 0 {
            self.dirty.insert(slot);
        }
        total
    }

    /// Bytes a connection takes to send; 0 when it is not open for it.
    #[inline]
    pub fn send_room(&self, conn: ConnId) -> usize {
        let Some(slot) = self.slot_of(conn) else { return 0 };
        let place = &self.slots[slot];
        let takes = place.phase == Phase::Open && place.machine.may_send();
        if takes { place.machine.unacknowledged().free() } else { 0 }
    }

    /// Bytes to send that the peer has not acknowledged.
    pub fn send_len(&self, conn: ConnId) -> usize {
        self.slot_of(conn).map_or(0, |slot| self.slots[slot].machine.unacknowledged().len())
    }

    /// Gives `write` a piece of the transmit ring of at least `need` bytes, mostly more; it says
    /// how many it wrote, which are sent with the next [`flush`](Self::flush) or poll. Gives that
    /// number, or `None` without calling it when there is less room.
    #[inline]
    pub fn send(
        &mut self,
        conn: ConnId,
        need: usize,
        write: impl FnOnce(&mut [u8]) -> usize,
    ) -> Option<usize> {
        if need == 0 || self.send_room(conn) < need {
            return None;
        }
        let slot = conn.index();
        let machine = &mut self.slots[slot].machine;
        let room = machine.room(self.now_ns);
        let written = if room.len() >= need {
            let written = write(room).min(room.len());
            machine.wrote(written);
            written
        } else {
            // The ring's end lies within: the bytes are put together beside it.
            let room = self.straddle.get_mut(..need)?;
            let written = write(room).min(need);
            machine.write(room.get(..written)?);
            written
        };
        self.dirty.insert(slot);
        Some(written)
    }

    /// Sends all of `bytes` or, when there is not room for all, nothing and gives `false`.
    pub fn send_all(&mut self, conn: ConnId, bytes: &[u8]) -> bool {
        let written = self.send(conn, bytes.len(), |room| {
            room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            bytes.len()
        });
        bytes.is_empty() || written == Some(bytes.len())
    }

    /// Says that we send no more; what is written still goes. With the next flush or poll. After a
    /// peer that has closed itself the connection is over with its acknowledgment: what is not read
    /// by then is lost.
    pub fn close(&mut self, conn: ConnId) {
        let Some(slot) = self.slot_of(conn) else { return };
        let place = &mut self.slots[slot];
        match place.phase {
            Phase::Open if place.state() == ConnState::Opening => self.abort(conn),
            Phase::Open => {
                place.machine.close();
                place.seen = place.machine.state;
                place.closed_ns = place.closed_ns.min(self.now_ns);
                self.mark_ending(slot);
                self.dirty.insert(slot);
            }
            Phase::Resolving => self.abort(conn),
            Phase::Free | Phase::HalfOpen | Phase::TimeWait | Phase::Dead => {}
        }
    }

    /// Gives a connection up: what is not read or sent is lost, the peer gets a reset with the next
    /// flush or poll.
    pub fn abort(&mut self, conn: ConnId) {
        let Some(slot) = self.slot_of(conn) else { return };
        let place = &mut self.slots[slot];
        match place.phase {
            Phase::Open => {
                place.aborted = true;
                place.machine.abort();
                self.dirty.insert(slot);
            }
            Phase::Resolving => {
                place.reason = CloseReason::Aborted;
                self.end(slot);
            }
            Phase::Free | Phase::HalfOpen | Phase::TimeWait | Phase::Dead => {}
        }
    }
}

/// Shows the bytes on both sides of the ring's end as one.
#[cold]
fn read_across(
    machine: &mut Machine,
    straddle: &mut [u8],
    read: &mut impl FnMut(&[u8]) -> usize,
) -> usize {
    let [first, second] = machine.received().runs();
    let shown = first.len() + second.len();
    let Some(all) = straddle.get_mut(..shown) else { return 0 };
    let (to_first, to_second) = all.split_at_mut(first.len());
    to_first.copy_from_slice(first);
    to_second.copy_from_slice(second);
    let done = read(all).min(shown);
    machine.consume(done);
    done
}
