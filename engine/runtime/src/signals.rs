//! SIGTERM and SIGINT drain, a second one ends at once; SIGHUP and SIGUSR1 reopen the log.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;

use pincer_shard::driver::{LogLevel, LogLine};
use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::low_level;

use crate::bell::eventfd;
use crate::clock::Clock;
use crate::log::LogPort;
use crate::mesh::Post;
use crate::server::Drain;

/// What signals do.
pub struct OnSignal {
    /// How SIGTERM and SIGINT announce the end.
    pub drain: Drain,
    /// Called first, with the signal's name: to tell systemd, for one.
    pub draining: Box<dyn FnMut(&'static str) + Send>,
    /// Called on SIGHUP, after the log was reopened: to look at the config again. On the signals' own thread: no core waits for it, the next
    /// signal does.
    pub reload: Box<dyn FnMut() + Send>,
}

impl OnSignal {
    /// Only drains and reopens the log.
    pub fn drain(drain: Drain) -> OnSignal {
        OnSignal { drain, draining: Box::new(|_| {}), reload: Box::new(|| {}) }
    }
}

/// Keeps the signals caught. Dropping it gives them back and ends its thread.
#[derive(Debug)]
pub struct Watch {
    ids: Vec<SigId>,
    caught: Arc<Caught>,
    thread: Option<JoinHandle<()>>,
}

/// What the handlers write and the thread reads. The eventfd is rung after each change.
#[derive(Debug)]
struct Caught {
    ring: File,
    terms: AtomicU32,
    last_term: AtomicU32,
    hups: AtomicBool,
    usr1s: AtomicBool,
    closed: AtomicBool,
}

impl Caught {
    /// Async-signal-safe: an atomic store and a `write`.
    fn note(&self, signal: i32) {
        match signal {
            SIGHUP => self.hups.store(true, Ordering::SeqCst),
            SIGUSR1 => self.usr1s.store(true, Ordering::SeqCst),
            _ => {
                self.last_term.store(signal.unsigned_abs(), Ordering::SeqCst);
                self.terms.fetch_add(1, Ordering::SeqCst);
            }
        }
        self.ring();
    }

    fn ring(&self) {
        // Fails only when the counter is at its top; it has been rung then.
        drop((&self.ring).write(&1u64.to_ne_bytes()));
    }
}

/// Catches signals from now on.
#[allow(unsafe_code)]
pub fn watch<M: Send + 'static>(post: Post<M>, log: LogPort, act: OnSignal) -> io::Result<Watch> {
    let caught = Arc::new(Caught {
        ring: eventfd(true)?,
        terms: AtomicU32::new(0),
        last_term: AtomicU32::new(0),
        hups: AtomicBool::new(false),
        usr1s: AtomicBool::new(false),
        closed: AtomicBool::new(false),
    });
    let seen = Arc::clone(&caught);
    let thread = std::thread::Builder::new()
        .name("pincer-signals".to_owned())
        // Only what is touched is resident; configs and policies are parsed recursively, to bounded depth.
        .stack_size(2 << 20)
        .spawn(move || run(&seen, &post, &log, act))?;
    let mut watch = Watch { ids: Vec::new(), caught, thread: Some(thread) };
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] {
        let caught = Arc::clone(&watch.caught);
        // SAFETY: `note` is async-signal-safe, see there.
        watch.ids.push(unsafe { low_level::register(signal, move || caught.note(signal)) }?);
    }
    Ok(watch)
}

impl Drop for Watch {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            low_level::unregister(id);
        }
        self.caught.closed.store(true, Ordering::SeqCst);
        self.caught.ring();
        if let Some(thread) = self.thread.take() {
            drop(thread.join()); // it has nothing to tell
        }
    }
}

fn run<M>(caught: &Caught, post: &Post<M>, log: &LogPort, mut act: OnSignal) {
    let mut drains = 0;
    loop {
        match (&caught.ring).read(&mut [0; 8]) {
            // Interrupted by the very signals we wait for.
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
            _ => {}
        }
        if caught.closed.load(Ordering::SeqCst) {
            return;
        }
        let terms = caught.terms.load(Ordering::SeqCst);
        if terms > drains {
            let signal = caught.last_term.load(Ordering::SeqCst);
            if terms > 1 {
                // They do not want to wait. Nothing acknowledged is lost: that is on disk.
                low_level::exit(128 + i32::try_from(signal).unwrap_or(0));
            }
            drains = terms;
            let name = if signal == SIGINT.unsigned_abs() { "SIGINT" } else { "SIGTERM" };
            say(log, format!("{name}: draining; once more ends at once"));
            (act.draining)(name);
            let unreached = post.drain(&act.drain);
            if !unreached.is_empty() {
                say(log, format!("shards {unreached:?} do not listen; a second signal ends at once"));
            }
        }
        if caught.usr1s.swap(false, Ordering::SeqCst) {
            log.reopen();
        }
        if caught.hups.swap(false, Ordering::SeqCst) {
            log.reopen();
            (act.reload)();
        }
    }
}

fn say(log: &LogPort, message: String) {
    let line = LogLine { level: LogLevel::Info, subsystem: "gateway/signal", message };
    log.write(Clock::start().now().wall_ms, line);
}
