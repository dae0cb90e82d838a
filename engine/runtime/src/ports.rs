//! Everything a shard reaches that is not a socket.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use pincer_adapters::model::Part;
use pincer_shard::driver::{CallId, CallProgress, ConnId, Effect, LogLine, Mail, ShardId};

use crate::calls::Calls;
use crate::gauges::ShardGauges;
use crate::log::LogPort;
use crate::memory;
use crate::mesh::Mesh;
use crate::store::StorePort;

/// The rest of [`Effect`]: what only a driver can do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest<M> {
    Flush(ConnId),
    Close {
        conn: ConnId,
        by: u64,
    },
    StopAccepting,
    Finished,
    /// The ring was full: to be given back to the core before anything else.
    GiveBack(ShardId, M),
}

/// One shard's ends of all queues.
pub(crate) struct Ports<M> {
    shard: ShardId,
    mesh: Arc<Mesh<M>>,
    cursor: usize,
    /// Whom to wake at the end of the turn.
    to_ring: Vec<ShardId>,
    store: StorePort,
    calls: Box<dyn Calls>,
    /// Calls that may still report. What is cancelled is not in it, so late reports find no shard.
    /// With each, whether its request is large: the egress thread frees it, and this one takes the memory back.
    live: HashMap<CallId, bool>,
    log: LogPort,
    /// What came back at once: refusals, messages to ourselves. As many as effects of one turn.
    returned: VecDeque<Mail<M>>,
}

impl<M> Ports<M> {
    pub(crate) fn new(
        shard: ShardId,
        mesh: Arc<Mesh<M>>,
        store: StorePort,
        calls: Box<dyn Calls>,
        log: LogPort,
    ) -> Ports<M> {
        Ports {
            shard,
            mesh,
            cursor: usize::from(shard.0), // shards start at different rings
            to_ring: Vec::new(),
            store,
            calls,
            live: HashMap::new(),
            log,
            returned: VecDeque::new(),
        }
    }

    /// Performs an effect, or says what is left for the driver. Nobody is woken before [`Ports::ring`].
    pub(crate) fn perform(
        &mut self,
        effect: Effect<M>,
        wall_ms: u64,
        gauges: &ShardGauges,
    ) -> Option<Rest<M>> {
        match effect {
            Effect::Flush(conn) => return Some(Rest::Flush(conn)),
            Effect::Close { conn, by } => return Some(Rest::Close { conn, by }),
            Effect::StopAccepting => return Some(Rest::StopAccepting),
            Effect::Finished => return Some(Rest::Finished),
            Effect::Send(to, message) => return self.send(to, message, gauges),
            Effect::Store { ticket, ops } => {
                let refused = self.store.commit(ticket, ops);
                self.asked_store(refused, gauges);
            }
            Effect::Read { ticket, read } => {
                let refused = self.store.read(ticket, read);
                self.asked_store(refused, gauges);
            }
            Effect::Call { call, request } => {
                let parts = request.get().messages.iter().flat_map(|message| &message.parts);
                let large = parts.map(Part::bytes).sum::<usize>() >= memory::LARGE_BYTES;
                match self.calls.call(self.shard, call, request) {
                    Ok(()) => {
                        self.live.insert(call, large);
                    }
                    Err(progress) => self.returned.push_back(Mail::Model { call, progress }),
                }
            }
            Effect::LookUp { lookup, question } => {
                if let Err(error) = self.calls.look_up(self.shard, lookup, question) {
                    self.returned.push_back(Mail::LookedUp { lookup, answer: Err(error) });
                }
            }
            Effect::CancelCall(call) => {
                if self.live.remove(&call).is_some() {
                    self.calls.cancel(self.shard, call);
                }
            }
            Effect::BuildGuards => {
                if !self.calls.build_guards(self.shard) {
                    self.returned.push_back(Mail::GuardsBuilt);
                }
            }
            Effect::Log(line) => self.log.write(wall_ms, line),
        }
        None
    }

    /// Writes a line of the runtime's own.
    pub(crate) fn log(&self, wall_ms: u64, line: LogLine) {
        self.log.write(wall_ms, line);
    }

    fn send(&mut self, to: ShardId, message: M, gauges: &ShardGauges) -> Option<Rest<M>> {
        if to == self.shard {
            // No ring leads back; it takes the way of everything that returns at once.
            self.returned.push_back(Mail::Message(to, message));
            return None;
        }
        match self.mesh.send(self.shard, to, message) {
            Ok(()) => {
                gauges.sent.add(1);
                self.wake_later(to);
                None
            }
            Err(message) => {
                gauges.undelivered.add(1);
                // Its queue is full and it may have been told before; telling it again does no harm.
                self.wake_later(to);
                Some(Rest::GiveBack(to, message))
            }
        }
    }

    fn wake_later(&mut self, shard: ShardId) {
        if !self.to_ring.contains(&shard) {
            self.to_ring.push(shard);
        }
    }

    fn asked_store(&mut self, refused: Option<Mail<M>>, gauges: &ShardGauges) {
        if let Some(mail) = refused {
            gauges.store_refused.add(1);
            self.returned.push_back(mail);
        }
        self.show_pending(gauges);
    }

    fn show_pending(&self, gauges: &ShardGauges) {
        let (stores, reads) = self.store.pending();
        gauges.stores_pending.set(stores as u64);
        gauges.reads_pending.set(reads as u64);
    }

    /// How many mails have come back at once and wait for [`Ports::take_returned`].
    pub(crate) fn returned(&self) -> usize {
        self.returned.len()
    }

    /// Takes one of those.
    pub(crate) fn take_returned(&mut self) -> Option<Mail<M>> {
        self.returned.pop_front()
    }

    /// Takes the next mail from another thread. Answers of the store come first: they free room and end waits.
    pub(crate) fn take(&mut self, gauges: &ShardGauges) -> Option<Mail<M>> {
        if let Some(completion) = self.mesh.take_completion(self.shard) {
            let mail = self.store.completed(completion);
            self.show_pending(gauges);
            return Some(mail);
        }
        loop {
            let mail = self.mesh.take(self.shard, &mut self.cursor)?;
            if let Mail::Model { call, progress } = &mail {
                let ended = matches!(progress, CallProgress::Done | CallProgress::Failed(_));
                let known = if ended { self.live.remove(call) } else { self.live.get(call).copied() };
                match known {
                    None => continue, // cancelled meanwhile
                    Some(true) if ended => memory::collect(),
                    Some(_) => {}
                }
            }
            return Some(mail);
        }
    }

    /// Whether anything waits to be taken.
    pub(crate) fn is_idle(&self) -> bool {
        self.returned.is_empty() && self.mesh.is_empty(self.shard)
    }

    /// Tells whoever watches that this shard has had a turn.
    pub(crate) fn feel_pulse(&self) {
        self.mesh.feel_pulse(self.shard);
    }

    /// Whether somebody is to be woken.
    pub(crate) fn must_ring(&self) -> bool {
        !self.to_ring.is_empty()
    }

    /// The end of a turn: wakes every shard that was sent something, once.
    pub(crate) fn ring(&mut self) {
        for shard in self.to_ring.drain(..) {
            self.mesh.ring(shard);
        }
    }
}
