//! The sockets of a shard.

use pincer_shard::driver::ConnId;

use super::outgoing::{self, Sent};
use crate::gauges::ShardGauges;

/// Names a socket for the backend. The serial tells it from others that had its place before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    index: u32,
    serial: u32,
}

impl Token {
    pub(crate) fn index(self) -> u32 {
        self.index
    }

    /// For `epoll_data`.
    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.serial) << 32 | u64::from(self.index)
    }

    /// Back again.
    #[allow(clippy::cast_possible_truncation)] // the halves are what is wanted
    pub(crate) fn from_bits(bits: u64) -> Token {
        Token { index: bits as u32, serial: (bits >> 32) as u32 }
    }
}

/// One socket.
#[derive(Debug)]
pub(crate) struct Socket<H> {
    pub(crate) handle: H,
    /// `None` once core and socket have parted.
    pub(crate) conn: Option<ConnId>,
    /// Whether the peer may still send something.
    pub(crate) reading: bool,
    /// Whether it took less than was offered.
    pub(crate) blocked: bool,
    /// Set while it lingers.
    pub(crate) goodbye: Option<Box<Goodbye>>,
}

/// The last words to a peer.
#[derive(Debug)]
pub(crate) struct Goodbye {
    pub(crate) tail: Vec<u8>,
    pub(crate) written: usize,
    /// Until when the socket may linger, `mono_ms`.
    pub(crate) by: u64,
}

impl Goodbye {
    /// What has not been written.
    pub(crate) fn rest(&self) -> &[u8] {
        self.tail.get(self.written..).unwrap_or_default()
    }

    /// Whether all of it has been written.
    pub(crate) fn is_written(&self) -> bool {
        self.rest().is_empty()
    }

    /// Writes as much as the socket takes.
    pub(crate) fn write<H: std::os::fd::AsFd>(&mut self, handle: &H, gauges: &ShardGauges) -> Sent {
        while !self.is_written() {
            match outgoing::send(handle, &[self.rest()]) {
                Ok(bytes) => {
                    gauges.bytes_out.add(bytes as u64);
                    self.written += bytes;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Sent::Some,
                Err(_) => return Sent::Failed,
            }
        }
        self.tail = Vec::new();
        self.written = 0;
        Sent::All
    }
}

/// Sockets by place, and places by connection. As large as the core's connection limit and the number of lingering
/// sockets allow; given back when the last socket goes.
#[derive(Debug)]
pub(crate) struct Table<H> {
    places: Vec<Place<H>>,
    free: Option<u32>,
    used: usize,
    serial: u32,
    /// Place of the socket of the connection in this slot.
    by_slot: Vec<u32>,
}

#[derive(Debug)]
enum Place<H> {
    Free { next: Option<u32> },
    Used { serial: u32, socket: Socket<H> },
}

const NOWHERE: u32 = u32::MAX;

impl<H> Default for Table<H> {
    fn default() -> Table<H> {
        Table { places: Vec::new(), free: None, used: 0, serial: 0, by_slot: Vec::new() }
    }
}

impl<H> Table<H> {
    pub(crate) fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Adds a connected socket. The core numbers its slots densely, so the slot table stays as small as the core's.
    pub(crate) fn insert(&mut self, handle: H, conn: ConnId) -> Token {
        self.serial = self.serial.wrapping_add(1);
        let serial = self.serial;
        let socket = Socket { handle, conn: Some(conn), reading: true, blocked: false, goodbye: None };
        let place = Place::Used { serial, socket };
        let index = match self.free {
            Some(index) => index,
            None => u32::try_from(self.places.len()).unwrap_or(NOWHERE),
        };
        match self.places.get_mut(index as usize) {
            Some(old) => {
                if let Place::Free { next } = old {
                    self.free = *next;
                }
                *old = place;
            }
            None => self.places.push(place),
        }
        let slot = conn.slot as usize;
        if slot >= self.by_slot.len() {
            self.by_slot.resize(slot + 1, NOWHERE);
        }
        if let Some(at) = self.by_slot.get_mut(slot) {
            *at = index;
        }
        self.used += 1;
        Token { index, serial }
    }

    pub(crate) fn get(&self, token: Token) -> Option<&Socket<H>> {
        match self.places.get(token.index as usize)? {
            Place::Used { serial, socket } if *serial == token.serial => Some(socket),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, token: Token) -> Option<&mut Socket<H>> {
        match self.places.get_mut(token.index as usize)? {
            Place::Used { serial, socket } if *serial == token.serial => Some(socket),
            _ => None,
        }
    }

    /// The token of whatever is at a place.
    pub(crate) fn at(&self, index: u32) -> Option<Token> {
        match self.places.get(index as usize)? {
            Place::Used { serial, .. } => Some(Token { index, serial: *serial }),
            Place::Free { .. } => None,
        }
    }

    /// All tokens.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        (0u32..).take(self.places.len()).filter_map(|index| self.at(index)).collect()
    }

    /// The socket of a connection.
    pub(crate) fn find(&self, conn: ConnId) -> Option<Token> {
        let token = self.at(*self.by_slot.get(conn.slot as usize)?)?;
        (self.get(token)?.conn == Some(conn)).then_some(token)
    }

    /// Forgets which socket belongs to a connection.
    pub(crate) fn unlink(&mut self, conn: ConnId) {
        if self.find(conn).is_some()
            && let Some(at) = self.by_slot.get_mut(conn.slot as usize)
        {
            *at = NOWHERE;
        }
    }

    pub(crate) fn remove(&mut self, token: Token) -> Option<Socket<H>> {
        self.get(token)?;
        let place = self.places.get_mut(token.index as usize)?;
        let Place::Used { socket, .. } = std::mem::replace(place, Place::Free { next: self.free }) else {
            return None;
        };
        self.free = Some(token.index);
        self.used -= 1;
        if self.used == 0 {
            // The serial goes on, so that no old token fits a new socket.
            self.places = Vec::new();
            self.by_slot = Vec::new();
            self.free = None;
        }
        Some(socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conn(slot: u32, generation: u32) -> ConnId {
        ConnId { slot, generation }
    }

    #[test]
    fn an_old_token_does_not_fit_a_new_socket() {
        let mut table = Table::default();
        let (a, _keep) = (table.insert('a', conn(0, 0)), table.insert('k', conn(1, 0)));
        assert_eq!(Token::from_bits(a.to_bits()), a);
        assert_eq!(table.remove(a).map(|socket| socket.handle), Some('a'));
        let b = table.insert('b', conn(0, 1));
        assert_eq!(b.index(), a.index());
        assert!(table.get(a).is_none());
        assert_eq!(table.find(conn(0, 0)), None);
        assert_eq!(table.find(conn(0, 1)), Some(b));
    }

    #[test]
    fn an_unlinked_slot_may_be_used_again_while_the_socket_lingers() {
        let mut table = Table::default();
        let old = table.insert('o', conn(0, 0));
        table.unlink(conn(0, 0));
        table.get_mut(old).unwrap().conn = None;
        let new = table.insert('n', conn(0, 1));
        table.unlink(conn(0, 0)); // late, and of an older generation
        assert_eq!(table.find(conn(0, 1)), Some(new));
        assert_eq!(table.get(old).unwrap().handle, 'o');
    }

    #[test]
    fn memory_is_given_back_with_the_last_socket() {
        let mut table = Table::default();
        let tokens: Vec<Token> = (0..100).map(|slot| table.insert((), conn(slot, 0))).collect();
        for token in tokens {
            table.remove(token).unwrap();
        }
        assert!(table.is_empty());
        assert_eq!(table.places.capacity() + table.by_slot.capacity(), 0);
    }
}
