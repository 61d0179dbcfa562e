//! A connection's bytes: read and written where the rings hold them.

use super::slot::Phase;
use super::{CloseReason, ConnId, ConnState, TcpHost};
use std::net::SocketAddrV4;

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
        self.slot_of(conn).map_or(0, |slot| self.slots[slot].socket().recv_queue())
    }

    /// Shows `read` the bytes that arrived, in order; it says how many it is done with. The rest is
    /// shown again, together with what arrives meanwhile, so a message is always seen whole if the
    /// ring can hold it. `read` is called up to three times, for bytes that lie across the ring's
    /// end; not at all when there are none. Gives the bytes read.
    #[inline]
    pub fn recv(&mut self, conn: ConnId, mut read: impl FnMut(&[u8]) -> usize) -> usize {
        let Some(slot) = self.slot_of(conn) else { return 0 };
        let place = &mut self.slots[slot];
        let socket = place.socket_mut();
        let mut total = 0;
        // The ring's bytes are at most two runs.
        for _ in 0..2 {
            if !socket.can_recv() {
                break;
            }
            let run = socket.recv(|bytes| {
                let done = read(bytes).min(bytes.len());
                (done, (done, bytes.len()))
            });
            let Ok((done, shown)) = run else { break };
            total += done;
            if done < shown {
                let left = shown - done;
                if socket.recv_queue() > left {
                    total += read_across(socket, &mut self.straddle, &mut read);
                }
                break;
            }
        }
        if total > 0 {
            place.unread = place.unread.wrapping_add(total as u32);
            self.dirty.insert(slot);
        }
        total
    }

    /// Bytes a connection takes to send; 0 when it is not open for it.
    #[inline]
    pub fn send_room(&self, conn: ConnId) -> usize {
        let Some(slot) = self.slot_of(conn) else { return 0 };
        let socket = self.slots[slot].socket();
        let room = socket.send_capacity() - socket.send_queue();
        if socket.may_send() && self.slots[slot].phase == Phase::Open { room } else { 0 }
    }

    /// Bytes to send that the peer has not acknowledged.
    pub fn send_len(&self, conn: ConnId) -> usize {
        self.slot_of(conn).map_or(0, |slot| self.slots[slot].socket().send_queue())
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
        let place = &mut self.slots[slot];
        if place.socket().send_queue() == 0 {
            place.acked_ns = self.now_ns;
        }
        let socket = place.socket_mut();
        let run = socket.send(|room| (0, room.len())).unwrap_or(0);
        let written = if run >= need {
            socket.send(|room| {
                let written = write(room).min(room.len());
                (written, written)
            })
        } else {
            // The ring's end lies within: the bytes are put together beside it.
            let room = self.straddle.get_mut(..need)?;
            let written = write(room).min(need);
            socket.send_slice(room.get(..written)?)
        };
        self.dirty.insert(slot);
        written.ok()
    }

    /// Sends all of `bytes` or, when there is not room for all, nothing and gives `false`.
    pub fn send_all(&mut self, conn: ConnId, bytes: &[u8]) -> bool {
        let written = self.send(conn, bytes.len(), |room| {
            room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            bytes.len()
        });
        bytes.is_empty() || written == Some(bytes.len())
    }

    /// Says that we send no more; what is written still goes. With the next flush or poll.
    pub fn close(&mut self, conn: ConnId) {
        let Some(slot) = self.slot_of(conn) else { return };
        let place = &mut self.slots[slot];
        match place.phase {
            Phase::Open if place.state() == ConnState::Opening => self.abort(conn),
            Phase::Open => {
                place.socket_mut().close();
                place.seen = place.socket().state();
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
                place.socket_mut().abort();
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
    socket: &mut smoltcp::socket::tcp::Socket<'_>,
    straddle: &mut [u8],
    read: &mut impl FnMut(&[u8]) -> usize,
) -> usize {
    let shown = socket.peek_slice(straddle).unwrap_or(0);
    let bytes = straddle.get(..shown).unwrap_or(&[]);
    let done = read(bytes).min(shown);
    let mut left = done;
    while left > 0 {
        let run = socket.recv(|run| {
            let taken = run.len().min(left);
            (taken, taken)
        });
        match run {
            Ok(taken) if taken > 0 => left -= taken,
            _ => break,
        }
    }
    done
}
