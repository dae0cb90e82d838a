//! Calls to models, and small questions to other services, on one thread of their own.
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
mod lookup;
mod outside;
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
pub use outside::Outside;
pub use pincer_shard::driver::{Lookup, LookupAnswer, LookupError};

use call::Job;
use client::{Clients, Trust};
use lookup::{LookupJob, Lookups};
use registry::{Key, Registry};

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
    lookups: Lookups,
    deliver: Box<Deliver>,
    log: Box<Log>,
}

type Deliver = dyn Fn(ShardId, CallId, CallProgress) -> Result<(), CallProgress> + Send + Sync;
type Log = dyn Fn(LogLine) + Send + Sync;

/// What the thread is given to do.
enum Work {
    Call(Box<Job>),
    Lookup(LookupJob),
}

struct Worker {
    /// Holds at most as many jobs as the registry and [`Lookups`] admit.
    jobs: UnboundedSender<Work>,
    thread: JoinHandle<()>,
}

impl Egress {
    /// An egress that reports to `deliver`, on the egress thread: usually [`Post::progress`](crate::Post::progress).
    /// It must not block. What it gives back is kept and offered again a few milliseconds later; until it is taken,
    /// nothing more is read of that call, so a slow shard slows its providers down and nothing piles up here.
    pub fn new(
        limits: Limits,
        deliver: impl Fn(ShardId, CallId, CallProgress) -> Result<(), CallProgress> + Send + Sync + 'static,
    ) -> Egress {
        Egress::with_trust(limits, Trust::Machine, Box::new(deliver), Box::new(|_| {}))
    }

    /// Like [`Egress::new`], with somewhere to say what an operator should know: that prompts leave unencrypted.
    pub fn with_log(
        limits: Limits,
        deliver: impl Fn(ShardId, CallId, CallProgress) -> Result<(), CallProgress> + Send + Sync + 'static,
        log: impl Fn(LogLine) + Send + Sync + 'static,
    ) -> Egress {
        Egress::with_trust(limits, Trust::Machine, Box::new(deliver), Box::new(log))
    }

    fn with_trust(limits: Limits, trust: Trust, deliver: Box<Deliver>, log: Box<Log>) -> Egress {
        let registry = Registry::new(&limits);
        Egress {
            shared: Arc::new(Shared { limits, registry, lookups: Lookups::default(), deliver, log }),
            trust,
            worker: Mutex::new(None),
        }
    }

    /// Starts a call. Progress follows through `deliver` and ends with `Done` or `Failed`, exactly once, unless the call
    /// is cancelled or the egress dropped. Calls beyond [`Limits::calls_max`] wait for their turn, oldest first; the
    /// waiting counts against their deadline.
    ///
    /// Refused at once, with [`ProviderErrorKind::Busy`] and no progress, when too many calls wait already.
    pub fn start(
        &self,
        shard: ShardId,
        call: CallId,
        request: Cleared<ModelRequest>,
    ) -> Result<(), ProviderError> {
        let key: Key = (shard, call);
        let deadline = Instant::now() + Duration::from_millis(request.get().timeout_ms.min(CALL_MS_MAX));
        let ticket = Registry::admit(&self.shared, key, request.get().prompt_bytes())?;
        self.hand_over(Work::Call(Box::new(Job { ticket, request, deadline })))
            .map_err(|NoThread(message)| ProviderError::new(ProviderErrorKind::Busy, message))
    }

    /// Asks one question and reads one bounded answer. `answer` is called once, on the egress thread, with what came of
    /// it, and must not block; it is dropped uncalled when the egress is dropped first, so whoever waits keeps a
    /// deadline of its own. Not cancelled, not retried, no redirect followed.
    ///
    /// Refused at once with [`LookupError::Busy`] when too many are under way; `answer` is not called then.
    pub fn lookup(
        &self,
        lookup: Cleared<Lookup>,
        answer: impl FnOnce(Result<LookupAnswer, LookupError>) + Send + 'static,
    ) -> Result<(), LookupError> {
        let job = LookupJob::admit(&self.shared, lookup, Box::new(answer))?;
        self.hand_over(Work::Lookup(job)).map_err(|NoThread(_)| LookupError::Busy)
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

    /// Gives work to the thread, starting it if need be.
    fn hand_over(&self, work: Work) -> Result<(), NoThread> {
        let mut worker = self.worker();
        if worker.is_none() {
            *worker = Some(
                Worker::start(self.shared.clone(), self.trust.clone())
                    .map_err(|error| NoThread(format!("cannot start the egress thread: {error}")))?,
            );
        }
        let sent = worker.as_ref().map(|worker| worker.jobs.send(work).is_ok());
        if sent == Some(true) {
            return Ok(());
        }
        // The thread ended, which only a panic does to it. The next call gets a new one.
        *worker = None;
        Err(NoThread("the egress thread has stopped; try again".to_owned()))
    }

    fn worker(&self) -> MutexGuard<'_, Option<Worker>> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is nobody to do the work, in words.
struct NoThread(String);

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
async fn run(shared: Arc<Shared>, trust: Trust, mut jobs: UnboundedReceiver<Work>) {
    let clients = Arc::new(Clients::new(&shared.limits, trust));
    let turns = Arc::new(tokio::sync::Semaphore::new(shared.limits.calls_max as usize));
    while let Some(work) = jobs.recv().await {
        match work {
            Work::Call(job) => drop(tokio::spawn(job.run(shared.clone(), clients.clone(), turns.clone()))),
            Work::Lookup(job) => drop(tokio::spawn(job.run(clients.clone()))),
        }
    }
}

#[cfg(test)]
mod tests;
