//! Calls to models, on one thread of their own.
//!
//! An [`Egress`] takes the calls that shards ask for and reports what comes back. It costs nothing until the first call
//! starts its thread, which then runs a small async runtime with an HTTP client. Everything it holds has a bound in
//! [`Limits`], and every wait a deadline.
//!
//! What it does on the way out, and what it leaves out:
//! - Only values the defender has [`Cleared`] leave.
//! - Redirects are not followed, because a credential must go where the config says and nowhere else. Proxies from the
//!   environment are not used. Cookies and compression are not there at all.
//! - TLS trusts the machine's certificates (`SSL_CERT_FILE` and `SSL_CERT_DIR` count), so that a company's own authority
//!   works; a machine that has none gets Mozilla's list, which is built in.
//! - `http://` addresses are allowed, since people run models on their own network; one that is not this machine is
//!   warned about once, see [`Egress::with_log`].
//! - Nothing is retried here. Whether another model is asked is decided by [`pincer_adapters::failover`].
//! - Credentials never show: errors are cleaned of them before they leave.

mod call;
mod client;
mod limits;
mod registry;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pincer_adapters::ModelRequest;
use pincer_adapters::model::{ProviderError, ProviderErrorKind};
use pincer_defender::Cleared;
use pincer_shard::driver::{CallId, CallProgress, LogLevel, LogLine, ShardId};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

pub use limits::Limits;

use call::Job;
use client::{Clients, Trust};
use registry::{Key, Refused, Registry};

/// Longest a call may take, whatever its request says: a day, as for runs.
const CALL_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// Makes model calls. Shared by all shards' drivers; no method waits for the network.
pub struct Egress {
    shared: Arc<Shared>,
    trust: Trust,
    /// Absent until the first call.
    worker: Mutex<Option<Worker>>,
}

/// What both sides of the thread hold.
struct Shared {
    limits: Limits,
    registry: Registry,
    deliver: Box<Deliver>,
    log: Box<Log>,
}

type Deliver = dyn Fn(ShardId, CallId, CallProgress) + Send + Sync;
type Log = dyn Fn(LogLine) + Send + Sync;

struct Worker {
    /// Holds at most as many jobs as the registry admits.
    jobs: UnboundedSender<Job>,
    thread: JoinHandle<()>,
}

impl Egress {
    /// An egress that reports to `deliver`, which is called on the egress thread, or inside [`Egress::start`] when a
    /// call is refused. It must not block, and must not hold locks that its caller holds: it should put the progress
    /// into the shard's mailbox and wake the shard.
    pub fn new(
        limits: Limits,
        deliver: impl Fn(ShardId, CallId, CallProgress) + Send + Sync + 'static,
    ) -> Egress {
        Egress::with_trust(limits, Trust::Machine, Box::new(deliver), Box::new(|_| {}))
    }

    /// Like [`Egress::new`], with somewhere to say what an operator should know: that prompts leave unencrypted.
    pub fn with_log(
        limits: Limits,
        deliver: impl Fn(ShardId, CallId, CallProgress) + Send + Sync + 'static,
        log: impl Fn(LogLine) + Send + Sync + 'static,
    ) -> Egress {
        Egress::with_trust(limits, Trust::Machine, Box::new(deliver), Box::new(log))
    }

    fn with_trust(limits: Limits, trust: Trust, deliver: Box<Deliver>, log: Box<Log>) -> Egress {
        let registry = Registry::new(&limits);
        Egress {
            shared: Arc::new(Shared { limits, registry, deliver, log }),
            trust,
            worker: Mutex::new(None),
        }
    }

    /// Starts a call. Progress follows through `deliver` and ends with `Done` or `Failed`, exactly once, unless the call
    /// is cancelled or the egress dropped. With too many calls under way it fails at once, with
    /// [`ProviderErrorKind::Busy`]. Calls beyond [`Limits::calls_max`] wait for their turn, oldest first; the waiting
    /// counts against their deadline.
    pub fn start(&self, shard: ShardId, call: CallId, request: Cleared<ModelRequest>) {
        let key: Key = (shard, call);
        let timeout = Duration::from_millis(request.get().timeout_ms.min(CALL_MS_MAX));
        let failed = match self.shared.admit(key, request.get().prompt_bytes()) {
            Err(refused) => refused,
            Ok(ticket) => {
                let deadline = Instant::now() + timeout;
                match self.hand_over(Job { ticket, request, deadline }) {
                    Ok(()) => return,
                    Err(error) => error,
                }
            }
        };
        (self.shared.deliver)(shard, call, CallProgress::Failed(failed));
    }

    /// Stops a call: its connection is closed, and nothing more is reported for it but what is already on its way to
    /// the shard. Unknown and ended calls are ignored.
    pub fn cancel(&self, shard: ShardId, call: CallId) {
        self.shared.registry.cancel((shard, call));
    }

    /// Calls under way or waiting, of all shards.
    pub fn outstanding(&self) -> usize {
        self.shared.registry.outstanding()
    }

    /// Gives a job to the thread, starting it if need be.
    fn hand_over(&self, job: Job) -> Result<(), ProviderError> {
        let mut worker = self.worker();
        if worker.is_none() {
            *worker = Some(Worker::start(self.shared.clone(), self.trust.clone()).map_err(|error| {
                ProviderError::new(
                    ProviderErrorKind::Busy,
                    format!("cannot start the egress thread: {error}"),
                )
            })?);
        }
        let sent = worker.as_ref().map(|worker| worker.jobs.send(job).is_ok());
        if sent == Some(true) {
            return Ok(());
        }
        // The thread ended, which only a panic does to it. The next call gets a new one.
        *worker = None;
        Err(ProviderError::new(ProviderErrorKind::Busy, "the egress thread has stopped; try again"))
    }

    fn worker(&self) -> MutexGuard<'_, Option<Worker>> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Egress {
    /// Ends the thread and closes its connections. Calls under way are reported no more.
    fn drop(&mut self) {
        self.shared.registry.cancel_all();
        let Some(worker) = self.worker().take() else { return };
        drop(worker.jobs);
        // `deliver` may own the last reference to us; a thread cannot join itself.
        if worker.thread.thread().id() != std::thread::current().id() {
            // A panic of the thread was already reported by the panic hook.
            let _ = worker.thread.join();
        }
    }
}

impl Shared {
    fn admit(self: &Arc<Shared>, key: Key, prompt_bytes: u64) -> Result<registry::Ticket, ProviderError> {
        match Registry::admit(self, key, prompt_bytes) {
            Ok(ticket) => Ok(ticket),
            Err(Refused::Calls) => {
                let message = "too many model calls are under way; try again in a moment";
                Err(ProviderError::new(ProviderErrorKind::Busy, message))
            }
            Err(Refused::PromptBytes) => {
                let message = "the prompts of all model calls under way are too large; try again in a moment";
                Err(ProviderError::new(ProviderErrorKind::Busy, message))
            }
        }
    }

    fn warn(&self, message: String) {
        (self.log)(LogLine { level: LogLevel::Warn, subsystem: "gateway/egress", message });
    }
}

impl Worker {
    fn start(shared: Arc<Shared>, trust: Trust) -> std::io::Result<Worker> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            // Only name look-ups block. Few threads, soon gone: a look-up is rare.
            .max_blocking_threads(4)
            .thread_keep_alive(Duration::from_secs(5))
            .build()?;
        let (jobs, received) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new().name("pincer-egress".to_owned()).spawn(move || {
            runtime.block_on(run(shared, trust, received));
            // Drops what still runs, and does not wait for a name look-up that hangs.
            runtime.shutdown_background();
        })?;
        Ok(Worker { jobs, thread })
    }
}

/// The thread's life: until the egress is dropped.
async fn run(shared: Arc<Shared>, trust: Trust, mut jobs: UnboundedReceiver<Job>) {
    let clients = Arc::new(Clients::new(&shared.limits, trust));
    let turns = Arc::new(tokio::sync::Semaphore::new(shared.limits.calls_max as usize));
    while let Some(job) = jobs.recv().await {
        tokio::spawn(job.run(shared.clone(), clients.clone(), turns.clone()));
    }
}

#[cfg(test)]
mod tests;
