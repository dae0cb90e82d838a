//! Starts shards, one thread each, and ends them.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pincer_shard::driver::{Core, Mail, ShardId};

use crate::backend::Backend;
use crate::bell::{self, Bell};
use crate::calls::Calls;
use crate::clock::Clock;
use crate::cores;
use crate::gauges::ShardGauges;
use crate::listen::{self, ListenError};
use crate::log::LogPort;
use crate::mesh::{Mesh, MeshLimits, Post};
use crate::ports::Ports;
use crate::rlimit;
use crate::seat::Seat;
use crate::store::{self, StoreBackend, StorePort, StoreReader, StoreThreads};

/// How a server is to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// From [`Backend::choose`].
    pub backend: Backend,
    /// One thread each.
    pub shards: NonZeroU8,
    /// Addresses to listen on. Port 0: a free one, the same for all.
    pub listen: Vec<SocketAddr>,
    /// Whether another server of the same user may listen on the same port, for a restart without a gap.
    pub overlap: bool,
    /// Whether each shard stays on one of the cores this process may use. Never done when there are fewer cores than
    /// shards: then the kernel knows better.
    pub pin: bool,
    /// Room in the queues.
    pub limits: MeshLimits,
    /// How long all shards together may take to start.
    pub start_within: Duration,
}

impl Options {
    /// One shard on `listen`, the rest as usual.
    pub fn new(backend: Backend, listen: Vec<SocketAddr>) -> Options {
        Options {
            backend,
            shards: NonZeroU8::MIN,
            listen,
            overlap: false,
            pin: true,
            limits: MeshLimits::default(),
            start_within: Duration::from_secs(10),
        }
    }
}

/// What shards are served by.
pub struct Services {
    /// Both ends of one store. `None`: every commit and read fails.
    pub store: Option<(Box<dyn StoreBackend>, Box<dyn StoreReader>)>,
    /// Where log lines go.
    pub log: LogPort,
}

/// Why a server did not start. Nothing of it runs then.
#[derive(Debug)]
pub enum StartError {
    /// An address could not be listened on.
    Listen(ListenError),
    /// A thread or an eventfd could not be made.
    Resources(io::Error),
    /// A shard could not start.
    Shard {
        /// Which.
        shard: ShardId,
        /// Why.
        error: io::Error,
    },
    /// Not every shard was ready within [`Options::start_within`].
    TooSlow,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen(error) => error.fmt(f),
            StartError::Resources(error) => {
                write!(f, "cannot start: {error}; look at `ulimit -n` and `ulimit -u`")
            }
            StartError::Shard { shard, error } => {
                write!(f, "shard {} cannot start: {error}{}", shard.0, rlimit::cure(error))
            }
            StartError::TooSlow => {
                f.write_str("not every shard was ready in time; is the machine overloaded?")
            }
        }
    }
}

impl std::error::Error for StartError {}

/// A running server. Dropping it does not stop it: [`Server::drain`], then [`Server::join`].
#[derive(Debug)]
pub struct Server<M> {
    post: Post<M>,
    addrs: Vec<SocketAddr>,
    gauges: Vec<Arc<ShardGauges>>,
    shards: Vec<JoinHandle<io::Result<()>>>,
    store: Option<StoreThreads>,
    clock: Clock,
}

/// How a drain is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Why, for clients.
    pub reason: String,
    /// How long running turns may take.
    pub budget_ms: u64,
    /// When a replacement is expected, for clients.
    pub restart_expected_ms: Option<u64>,
}

impl<M: Send + 'static> Server<M> {
    /// Binds, starts every thread and waits until all shards are ready.
    ///
    /// `calls` is given the way back to the shards and returns what performs model calls; each shard gets a clone.
    /// `make_core` is called once a shard, in order, on this thread.
    pub fn start<C, K>(
        options: &Options,
        services: Services,
        calls: impl FnOnce(Post<M>) -> K,
        mut make_core: impl FnMut(ShardId) -> C,
    ) -> Result<Server<M>, StartError>
    where
        C: Core<Message = M>,
        K: Calls + Clone + 'static,
    {
        // Each connection is one; the usual soft limit of 1024 is for programs that use select(2).
        rlimit::raise(rlimit::Limit::OpenFiles);
        let count = usize::from(options.shards.get());
        let (listeners, addrs) =
            listen::bind_all(&options.listen, count, options.overlap).map_err(StartError::Listen)?;
        let bells = (0..count).map(|_| bell_for(options.backend)).collect::<io::Result<Vec<Bell>>>();
        let mesh = Mesh::new(bells.map_err(StartError::Resources)?, options.limits);
        let post = Post::new(Arc::clone(&mesh));
        let clock = Clock::start();
        let (gate, store) = match services.store {
            None => (None, None),
            Some((backend, reader)) => {
                let started =
                    store::start(&mesh, options.limits.into(), backend, reader, services.log.clone());
                let (gate, threads) = started.map_err(StartError::Resources)?;
                (Some(gate), Some(threads))
            }
        };
        let calls = calls(post.clone());
        let (report, reports) = sync_channel(count);
        let mut server = Server { post, addrs, gauges: Vec::new(), shards: Vec::new(), store, clock };
        let mut go = Vec::with_capacity(count);
        for ((listeners, core), shard) in listeners.into_iter().zip(cores_for(options, count)).zip(0u8..) {
            let shard = ShardId(shard);
            let gauges = Arc::new(ShardGauges::default());
            let store = StorePort::new(shard, gate.clone());
            let seat = Seat {
                shard,
                core: make_core(shard),
                ports: Ports::new(
                    shard,
                    Arc::clone(&mesh),
                    store,
                    Box::new(calls.clone()),
                    services.log.clone(),
                ),
                mesh: Arc::clone(&mesh),
                listeners,
                clock,
                gauges: Arc::clone(&gauges),
            };
            server.gauges.push(gauges);
            let (sender, start) = sync_channel(1);
            go.push(sender);
            match spawn(options.backend, core, seat, Gate { report: report.clone(), start }) {
                Ok(thread) => server.shards.push(thread),
                Err(error) => {
                    drop((go, gate));
                    return Err(server.abandon(StartError::Resources(error)));
                }
            }
        }
        drop((report, gate));
        if let Err(error) = await_all(count, &reports, options.start_within) {
            drop(go); // nobody starts
            return Err(server.abandon(error));
        }
        // A shard that ended meanwhile is seen by `join`.
        for start in &go {
            let _ = start.send(());
        }
        Ok(server)
    }

    /// Waits for what was started, so that ports and the store are free again.
    fn abandon(self, error: StartError) -> StartError {
        // A thread that is stuck would keep us here too; it is left behind.
        if !matches!(error, StartError::TooSlow) {
            // What else goes wrong in ending says less than why it did not start.
            drop(self.join());
        }
        error
    }
}

impl<M> Server<M> {
    /// The addresses listened on, with their real ports.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Puts mail into shards' mailboxes.
    pub fn post(&self) -> &Post<M> {
        &self.post
    }

    /// What each shard tells of itself.
    pub fn gauges(&self) -> &[Arc<ShardGauges>] {
        &self.gauges
    }

    /// The clock all shards read.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Asks every shard to drain. Returns those that could not be asked because they left their last orders unread.
    pub fn drain(&self, drain: &Drain) -> Vec<ShardId> {
        self.post.drain(drain)
    }

    /// Whether every shard has ended.
    pub fn has_ended(&self) -> bool {
        self.shards.iter().all(JoinHandle::is_finished)
    }

    /// Waits until every shard has finished, and what they handed to the store is on disk.
    pub fn join(self) -> Result<(), EndError> {
        let mut broken = None;
        for (thread, shard) in self.shards.into_iter().zip(0u8..) {
            let shard = ShardId(shard);
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => broken = broken.or(Some(EndError::Shard { shard, error })),
                Err(_) => broken = broken.or(Some(EndError::Panicked { shard })),
            }
        }
        if let Some(store) = self.store {
            store.join().map_err(EndError::Store)?;
        }
        broken.map_or(Ok(()), Err)
    }
}

/// What went wrong while a server ran.
#[derive(Debug)]
pub enum EndError {
    /// A shard's backend failed.
    Shard {
        /// Which.
        shard: ShardId,
        /// Why.
        error: io::Error,
    },
    /// A shard's thread panicked.
    Panicked {
        /// Which.
        shard: ShardId,
    },
    /// The store could not be closed, or one of its threads panicked. What was acknowledged is on disk all the same.
    Store(String),
}

impl fmt::Display for EndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndError::Shard { shard, error } => write!(f, "shard {} failed: {error}", shard.0),
            EndError::Panicked { shard } => write!(f, "shard {} panicked", shard.0),
            EndError::Store(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for EndError {}

impl<M> Post<M> {
    /// See [`Server::drain`].
    pub fn drain(&self, drain: &Drain) -> Vec<ShardId> {
        let unreachable = |shard: &ShardId| {
            let Drain { reason, budget_ms, restart_expected_ms } = drain.clone();
            self.control(*shard, Mail::Drain { reason, budget_ms, restart_expected_ms }).is_err()
        };
        self.shards().filter(unreachable).collect()
    }
}

fn bell_for(backend: Backend) -> io::Result<Bell> {
    match backend {
        Backend::Epoll => bell::eventfd(false).map(Bell::event),
        Backend::Uring => Ok(Bell::task()),
    }
}

/// Which core each shard stays on, if any.
fn cores_for(options: &Options, shards: usize) -> Vec<Option<usize>> {
    let allowed = if options.pin { cores::allowed() } else { Vec::new() };
    match allowed.len() < shards {
        true => vec![None; shards],
        false => allowed.into_iter().take(shards).map(Some).collect(),
    }
}

/// Where a shard's thread reports that it is set up, and waits for the others.
struct Gate {
    report: SyncSender<(ShardId, io::Result<()>)>,
    start: Receiver<()>,
}

impl Gate {
    /// Whether to go on. Not when another shard could not start.
    fn pass(self, shard: ShardId, setup: io::Result<()>) -> bool {
        let failed = setup.is_err();
        let heard = self.report.send((shard, setup)).is_ok();
        heard && !failed && self.start.recv().is_ok()
    }
}

fn spawn<C: Core>(
    backend: Backend,
    core: Option<usize>,
    seat: Seat<C>,
    gate: Gate,
) -> io::Result<JoinHandle<io::Result<()>>> {
    let shard = seat.shard;
    std::thread::Builder::new()
        .name(format!("pincer-shard-{}", shard.0))
        // Only what is touched is resident; the core parses JSON and configs recursively, to bounded depth.
        .stack_size(2 << 20)
        .spawn(move || {
            if let Some(core) = core {
                // A core may be taken from us between asking and pinning; running elsewhere is only slower.
                drop(cores::pin_to(core));
            }
            let go_on = |setup| gate.pass(shard, setup);
            match backend {
                Backend::Epoll => crate::epoll::run(seat, go_on),
                Backend::Uring => crate::uring::run(seat, go_on),
            }
        })
}

/// Waits until every shard has reported.
fn await_all(
    count: usize,
    reports: &Receiver<(ShardId, io::Result<()>)>,
    within: Duration,
) -> Result<(), StartError> {
    let until = Instant::now() + within;
    for _ in 0..count {
        match reports.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((_, Ok(()))) => {}
            Ok((shard, Err(error))) => return Err(StartError::Shard { shard, error }),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(StartError::TooSlow);
            }
        }
    }
    Ok(())
}
