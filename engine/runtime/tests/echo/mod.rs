//! A small core for trying drivers: answers lines, and checks that the driver keeps its side of the contract.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, unreachable_pub)] // it may panic: that is how tests fail

use std::collections::VecDeque;

use pincer_sessions::persist::{StoreOp, Table, Ticket};
use pincer_sessions::time::Now;
use pincer_shard::driver::{ConnId, Core, Effect, LogLevel, LogLine, Mail, Peer, ShardId};

/// What echo shards send each other.
#[derive(Debug)]
pub struct Note {
    /// Who asked.
    pub conn: ConnId,
    /// What to say to them; `None`: nothing.
    pub text: Option<String>,
    /// Whether this is the way back.
    pub back: bool,
    /// Which of the sender's notes it is, as the driver took them.
    pub number: u64,
}

#[derive(Default)]
struct Conn {
    generation: u32,
    open: bool,
    /// Closed by us, and the driver has not said its last word about it.
    closing: bool,
    line: Vec<u8>,
    outbox: VecDeque<Vec<u8>>,
    written: usize,
    /// For `flood`: notes not yet accounted for, and how many came back.
    flood: Option<(u32, u32)>,
    /// For `store`: commits not yet answered, and how many were refused.
    stores: Option<(u32, u32)>,
}

/// Answers each line. The commands are in [`Echo::line`].
pub struct Echo {
    shard: ShardId,
    conns: Vec<Conn>,
    conns_max: usize,
    effects: VecDeque<Effect<Note>>,
    timers: Vec<(u64, ConnId)>,
    /// Answers that found a full ring, and when they are sent again.
    stubborn: Vec<(ShardId, Note)>,
    again_ms: u64,
    /// Notes the driver took.
    notes: u64,
    draining: bool,
    finished: bool,
}

impl Echo {
    pub fn new(shard: ShardId) -> Echo {
        Echo {
            shard,
            conns: Vec::new(),
            conns_max: 20_000,
            effects: VecDeque::new(),
            timers: Vec::new(),
            stubborn: Vec::new(),
            again_ms: 0,
            notes: 0,
            draining: false,
            finished: false,
        }
    }

    /// Refuses connections beyond `max`.
    #[allow(dead_code)]
    pub fn with_conns_max(self, max: usize) -> Echo {
        Echo { conns_max: max, ..self }
    }

    #[track_caller]
    fn conn(&mut self, id: ConnId) -> &mut Conn {
        let conn = &mut self.conns[id.slot as usize];
        assert!(conn.open && conn.generation == id.generation, "told of a connection that is closed: {id:?}");
        conn
    }

    fn is_open(&self, id: ConnId) -> bool {
        self.conns.get(id.slot as usize).is_some_and(|conn| conn.open && conn.generation == id.generation)
    }

    fn say(&mut self, id: ConnId, text: impl Into<Vec<u8>>) {
        if self.is_open(id) {
            self.conn(id).outbox.push_back(text.into());
            self.effects.push_back(Effect::Flush(id));
        }
    }

    fn close(&mut self, id: ConnId, by: u64) {
        let conn = self.conn(id);
        (conn.open, conn.closing) = (false, true);
        self.effects.push_back(Effect::Close { conn: id, by });
    }

    /// Draining ends with the last connection.
    fn finish_if_done(&mut self) {
        if self.draining && !self.finished && self.conns.iter().all(|conn| !conn.open && !conn.closing) {
            self.finished = true;
            self.effects.push_back(Effect::Finished);
        }
    }

    fn line(&mut self, now: Now, id: ConnId, line: &str) {
        let mut words = line.split(' ');
        let (verb, number) = (words.next().unwrap(), words.next().and_then(|word| word.parse::<u32>().ok()));
        match (verb, number) {
            // Which shard is this?
            ("shard", _) => self.say(id, format!("{}\n", self.shard.0)),
            // Many bytes.
            ("big", Some(bytes)) => self.say(id, big(bytes)),
            // Many bytes, and goodbye.
            ("part", Some(bytes)) => {
                self.conn(id).outbox.push_back(big(bytes));
                let ms = words.next().map_or(5_000, |word| word.parse::<u64>().unwrap());
                self.close(id, now.mono_ms + ms);
            }
            // Goodbye, the peer has this long to close too.
            ("close", ms) => {
                self.conn(id).outbox.push_back(b"bye\n".to_vec());
                self.close(id, now.mono_ms + u64::from(ms.unwrap_or(1_000)));
            }
            // A line later.
            ("after", Some(ms)) => self.timers.push((now.mono_ms + u64::from(ms), id)),
            // There and back.
            ("tell", Some(to)) => {
                let text = Some(format!("told by {}\n", self.shard.0));
                let to = ShardId(to as u8);
                self.effects.push_back(Effect::Send(to, Note { conn: id, text, back: false, number: 0 }));
            }
            // More notes in one turn than a ring holds; answers how many came back.
            ("flood", Some(count)) => {
                self.conn(id).flood = Some((count, 0));
                let to = ShardId(1 - self.shard.0);
                for _ in 0..count {
                    self.effects
                        .push_back(Effect::Send(to, Note { conn: id, text: None, back: false, number: 0 }));
                }
            }
            // So many commits; answers how many were refused.
            ("store", Some(count)) => {
                self.conn(id).stores = Some((count, 0));
                for _ in 0..count {
                    let ops = vec![StoreOp::Put { table: Table::Facts, id: "x".into(), json: "1".into() }];
                    self.effects.push_back(Effect::Store { ticket: ticket(id), ops });
                }
            }
            ("log", _) => {
                let message = line.to_owned();
                let line = LogLine { level: LogLevel::Info, subsystem: "test", message };
                self.effects.push_back(Effect::Log(line));
                self.say(id, "ok\n");
            }
            _ => self.say(id, format!("{line}\n")),
        }
    }

    fn counted(&mut self, id: ConnId, came_back: bool) {
        if !self.is_open(id) {
            return;
        }
        if let Some((left, back)) = &mut self.conn(id).flood {
            *left -= 1;
            *back += u32::from(came_back);
            if *left == 0 {
                let back = *back;
                self.say(id, format!("{back}\n"));
            }
        }
    }

    fn stored(&mut self, id: ConnId, refused: bool) {
        if !self.is_open(id) {
            return;
        }
        if let Some((left, failed)) = &mut self.conn(id).stores {
            *left -= 1;
            *failed += u32::from(refused);
            if *left == 0 {
                let failed = *failed;
                self.say(id, format!("{failed}\n"));
            }
        }
    }
}

/// So many letters in a pattern that shows every slip, and a newline.
pub fn big(bytes: u32) -> Vec<u8> {
    let mut text: Vec<u8> =
        b"abcdefghijklmnopqrstuvw".iter().copied().cycle().take(bytes as usize % 23).collect();
    let whole = b"abcdefghijklmnopqrstuvw".repeat(bytes as usize / 23);
    text.splice(0..0, whole);
    text.push(b'\n');
    text
}

fn ticket(id: ConnId) -> Ticket {
    Ticket(u64::from(id.generation) << 32 | u64::from(id.slot))
}

impl Core for Echo {
    type Message = Note;

    fn accepted(&mut self, _now: Now, peer: Peer) -> Option<ConnId> {
        assert!(!self.draining && !self.finished, "accepted after StopAccepting");
        assert!(peer.remote.ip().is_loopback() && peer.local.ip().is_loopback());
        let slot = match self.conns.iter().position(|conn| !conn.open && !conn.closing) {
            Some(slot) => slot,
            None if self.conns.len() >= self.conns_max => return None,
            None => {
                self.conns.push(Conn::default());
                self.conns.len() - 1
            }
        };
        let generation = self.conns[slot].generation + 1;
        self.conns[slot] = Conn { generation, open: true, ..Conn::default() };
        Some(ConnId { slot: slot as u32, generation })
    }

    fn received(&mut self, now: Now, conn: ConnId, bytes: &mut [u8]) {
        assert!(!bytes.is_empty());
        self.conn(conn).line.extend_from_slice(bytes);
        bytes.fill(0); // allowed to, so a driver must not count on them
        while self.is_open(conn)
            && let Some(end) = self.conn(conn).line.iter().position(|byte| *byte == b'\n')
        {
            let line: Vec<u8> = self.conn(conn).line.drain(..=end).collect();
            self.line(now, conn, std::str::from_utf8(&line[..end]).unwrap());
        }
    }

    fn disconnected(&mut self, _now: Now, conn: ConnId) {
        let Conn { generation, open, closing, outbox, .. } = &mut self.conns[conn.slot as usize];
        assert!((*open || *closing) && *generation == conn.generation, "a last word comes once: {conn:?}");
        assert!(!*closing || outbox.is_empty(), "the driver takes over what is outgoing");
        (*open, *closing) = (false, false);
        outbox.clear();
        self.finish_if_done();
    }

    fn mail(&mut self, now: Now, mail: Mail<Note>) {
        assert!(!self.finished, "mail after Finished");
        if let Mail::Undelivered(_, note) = &mail {
            assert_eq!(note.number, self.notes, "given back before the next effect is taken");
        }
        match mail {
            Mail::Message(_, Note { conn, text, back: true, .. }) => {
                self.counted(conn, false);
                if let Some(text) = text {
                    self.say(conn, text);
                }
            }
            Mail::Message(from, note) => {
                self.effects.push_back(Effect::Send(from, Note { back: true, ..note }));
            }
            Mail::Undelivered(to, note) if note.back => {
                self.stubborn.push((to, note)); // the asker counts on it
                self.again_ms = now.mono_ms + 1;
            }
            Mail::Undelivered(_, note) => self.counted(note.conn, true),
            Mail::Stored { ticket, result } => {
                let conn = ConnId { slot: ticket.0 as u32, generation: (ticket.0 >> 32) as u32 };
                self.stored(conn, result.is_err());
            }
            Mail::Drain { .. } => {
                self.draining = true;
                self.effects.push_back(Effect::StopAccepting);
                for slot in 0..self.conns.len() {
                    let id = ConnId { slot: slot as u32, generation: self.conns[slot].generation };
                    if self.conns[slot].open {
                        self.conn(id).outbox.push_back(b"drained\n".to_vec());
                        self.close(id, now.mono_ms + 1_000);
                    }
                }
                self.finish_if_done();
            }
            Mail::Read { .. }
            | Mail::Model { .. }
            | Mail::ConfigChanged(_)
            | Mail::Policy(_)
            | Mail::LookedUp { .. }
            | Mail::GuardsBuilt
            | Mail::Host(_) => {}
        }
    }

    fn tick(&mut self, now: Now) {
        assert!(self.next_deadline().is_some_and(|at| at <= now.mono_ms), "ticked too early");
        let due: Vec<ConnId> =
            self.timers.extract_if(.., |(at, _)| *at <= now.mono_ms).map(|(_, conn)| conn).collect();
        for conn in due {
            self.say(conn, "tick\n");
        }
        if self.again_ms <= now.mono_ms {
            let again = std::mem::take(&mut self.stubborn);
            self.effects.extend(again.into_iter().map(|(to, note)| Effect::Send(to, note)));
        }
    }

    fn next_deadline(&self) -> Option<u64> {
        let again = (!self.stubborn.is_empty()).then_some(self.again_ms);
        self.timers.iter().map(|(at, _)| *at).chain(again).min()
    }

    fn poll_effect(&mut self) -> Option<Effect<Note>> {
        let mut effect = self.effects.pop_front();
        if let Some(Effect::Send(_, note)) = &mut effect {
            self.notes += 1;
            note.number = self.notes;
        }
        effect
    }

    fn outgoing<'a>(&'a self, conn: ConnId, slices: &mut [&'a [u8]]) -> usize {
        let conn = &self.conns[conn.slot as usize];
        let mut skip = conn.written;
        let mut count = 0;
        for (slice, bytes) in slices.iter_mut().zip(&conn.outbox) {
            *slice = &bytes[skip..];
            skip = 0;
            count += 1;
        }
        count
    }

    fn written(&mut self, _now: Now, conn: ConnId, bytes: usize) {
        let conn = &mut self.conns[conn.slot as usize];
        conn.written += bytes;
        while let Some(first) = conn.outbox.front()
            && first.len() <= conn.written
        {
            conn.written -= first.len();
            conn.outbox.pop_front();
        }
        assert!(conn.written == 0 || !conn.outbox.is_empty(), "wrote more than there was");
    }
}
