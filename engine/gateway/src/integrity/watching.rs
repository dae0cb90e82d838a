//! A running gateway watches its files: on threads of its own, never on a socket core.
//!
//! One thread waits for the baseline: it starts the watcher when there is one, and hands it a new one when a person made
//! it. The watcher looks at the files and says what differs; that is logged, remembered, and told to home.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pincer_defender::host::{Alert, AlertChange, Baseline, Drift, Item, What};
use pincer_runtime::integrity::{Cause, Config, IntegrityReport, Watcher, load_alert, save_alert};
use pincer_runtime::log::LogPort;
use pincer_runtime::{Clock, Post};
use pincer_shard::driver::{HostNews, LogLevel, LogLine, Mail, ShardId};
use pincer_shard::host::{HOST_ITEMS_TOLD_MAX, HostChange, HostIntegrity};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

use super::{MAKE_ONE, Places, stored};

type ToHome = Post<pincer_shard::Message>;

/// How often home is offered news that it has no room for, and the pause between, before they are left to the next
/// difference: it is stuck then, or gone.
const OFFERS: u32 = 50;
const OFFER_PAUSE: Duration = Duration::from_millis(20);

/// Keeps the files watched. Dropping it ends its threads.
pub(crate) struct Watching {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Watching {
    /// Starts, against the stored baseline or as soon as there is one. Call from a thread that is not pinned to a core.
    pub(crate) fn start(
        places: Places,
        config: Config,
        post: ToHome,
        log: LogPort,
    ) -> Result<Watching, String> {
        places.make()?;
        let failed = |error: &dyn std::fmt::Display| format!("files cannot be watched: {error}");
        let stop = Arc::new(
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(|error| failed(&error))?,
        );
        let changes =
            inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(|error| failed(&error))?;
        let events = WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE | WatchFlags::ONLYDIR;
        inotify::add_watch(&changes, &places.folder, events).map_err(|error| failed(&error))?;
        let voice = Voice { post, log, clock: Clock::start() };
        let alert = load_alert(&places.alert).unwrap_or_else(|error| {
            voice.say(LogLevel::Error, format!("{error}: what stood before is forgotten"));
            Alert::default()
        });
        let keeper = Keeper {
            stop: Arc::clone(&stop),
            changes,
            standing: Arc::new(Standing { alert: Mutex::new(alert), path: places.alert.clone(), voice }),
            places,
            config,
            watcher: None,
            known: None,
        };
        let thread = std::thread::Builder::new()
            .name("pincer-baseline".to_owned())
            .stack_size(512 << 10)
            .spawn(move || keeper.run())
            .map_err(|error| failed(&error))?;
        Ok(Watching { stop, thread: Some(thread) })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Full only when it was written to for centuries.
        let _ = rustix::io::write(&*self.stop, &1u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            drop(thread.join()); // a panic of it was reported by the panic hook
        }
    }
}

/// The thread that waits for baselines.
struct Keeper {
    stop: Arc<OwnedFd>,
    changes: OwnedFd,
    standing: Arc<Standing>,
    places: Places,
    config: Config,
    watcher: Option<Watcher>,
    /// The baseline in force, or why there is none.
    known: Option<Result<u64, String>>,
}

impl Keeper {
    fn run(mut self) {
        loop {
            self.look();
            let mut fds =
                [PollFd::new(&*self.stop, PollFlags::IN), PollFd::new(&self.changes, PollFlags::IN)];
            // Interrupted is a look more.
            let _ = poll(&mut fds, None);
            let [stop, _] = &fds;
            if !stop.revents().is_empty() {
                return; // drops the watcher, which ends its thread
            }
            self.take_events();
        }
    }

    /// What happened in the folder does not matter, only that something did.
    fn take_events(&self) {
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(self.changes.as_fd(), &mut room);
        while reader.next().is_ok_and(|event| !event.events().contains(ReadFlags::QUEUE_OVERFLOW)) {}
    }

    /// Takes the stored baseline when it is another one.
    fn look(&mut self) {
        let found = match stored(&self.places) {
            Ok(Some((baseline, _))) => Ok(baseline),
            Ok(None) => Err(format!("there is no baseline yet; {MAKE_ONE}")),
            Err(why) => Err(why),
        };
        let name = found.as_ref().map(|baseline| baseline.created_at_ms).map_err(String::clone);
        if self.known.as_ref() == Some(&name) {
            return;
        }
        self.known = Some(name);
        match (found, &self.watcher) {
            (Ok(baseline), Some(watcher)) => watcher.rebase(baseline),
            (Ok(baseline), None) => self.begin(baseline),
            (Err(why), watcher) => {
                let goes_on = if watcher.is_some() { "; the one before holds" } else { "" };
                self.standing.voice.say(LogLevel::Warn, format!("{why}{goes_on}"));
                if watcher.is_none() {
                    self.standing.tell(false, &Drift::default(), HostChange::Seen(AlertChange::Same));
                }
            }
        }
    }

    fn begin(&mut self, baseline: Baseline) {
        let standing = Arc::clone(&self.standing);
        let line = format!("{} paths are watched", baseline.entries.len());
        match Watcher::start(self.config.clone(), baseline, move |report| standing.seen(&report)) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.standing.voice.say(LogLevel::Info, line);
            }
            Err(error) => {
                self.standing.voice.say(LogLevel::Error, format!("files cannot be watched: {error}"))
            }
        }
    }
}

/// What stands until somebody accepts it.
struct Standing {
    alert: Mutex<Alert>,
    path: PathBuf,
    voice: Voice,
}

impl Standing {
    /// The watcher looked. Runs on its thread.
    fn seen(&self, report: &IntegrityReport) {
        let mut alert = self.alert.lock().unwrap_or_else(PoisonError::into_inner);
        let before = alert.clone();
        // A new baseline that is believed is a person's word.
        let accepted = report.cause == Cause::Rebased && alert.accept().is_some();
        let seen = alert.observe(&report.drift, self.voice.now_ms());
        if *alert != before
            && let Err(error) = save_alert(&self.path, &alert)
        {
            self.voice.say(LogLevel::Error, format!("{error}: a restart would forget what was seen"));
        }
        drop(alert);
        for problem in &report.problems {
            self.voice.say(LogLevel::Warn, problem.clone());
        }
        let change = match seen {
            AlertChange::Same if accepted => HostChange::Accepted,
            seen => HostChange::Seen(seen),
        };
        match change {
            HostChange::Accepted => self.voice.say(LogLevel::Info, "what differed was accepted".to_owned()),
            HostChange::Seen(AlertChange::Same) => {}
            HostChange::Seen(AlertChange::Undone) => {
                let line = "what differed is as it was again, and nobody accepted it".to_owned();
                self.voice.say(LogLevel::Warn, line);
            }
            HostChange::Seen(_) => {
                let items = &report.drift.items;
                for item in items.iter().take(HOST_ITEMS_TOLD_MAX) {
                    self.voice.say(LogLevel::Warn, line_of(item));
                }
                let untold = count(&report.drift) as usize - items.len().min(HOST_ITEMS_TOLD_MAX);
                if untold > 0 {
                    self.voice.say(LogLevel::Warn, format!("and {untold} more differ"));
                }
            }
        }
        self.tell(true, &report.drift, change);
    }

    fn tell(&self, checked: bool, drift: &Drift, change: HostChange) {
        let alert = self.alert.lock().unwrap_or_else(PoisonError::into_inner);
        let raised = alert.raised();
        let integrity =
            HostIntegrity { checked, drift: count(drift), since_ms: raised.map(|raised| raised.since_ms) };
        let severity = raised.map(|raised| raised.severity);
        drop(alert);
        let items = drift.items.iter().take(HOST_ITEMS_TOLD_MAX).cloned().collect();
        let mut mail = Mail::Host(Box::new(HostNews { integrity, change, severity, items }));
        for _ in 0..OFFERS {
            match self.voice.post.control(ShardId::HOME, mail) {
                Ok(()) => return,
                Err(back) => mail = back,
            }
            std::thread::sleep(OFFER_PAUSE);
        }
        self.voice.say(LogLevel::Error, "shard 0 does not listen; operators were not told".to_owned());
    }
}

/// The way to people.
struct Voice {
    post: ToHome,
    log: LogPort,
    clock: Clock,
}

impl Voice {
    fn now_ms(&self) -> u64 {
        self.clock.now().wall_ms
    }

    fn say(&self, level: LogLevel, message: String) {
        self.log.write(self.now_ms(), LogLine { level, subsystem: "defender/host", message });
    }
}

/// Differences, listed or not.
fn count(drift: &Drift) -> u32 {
    drift.unlisted().saturating_add(u32::try_from(drift.items.len()).unwrap_or(u32::MAX))
}

/// A difference, for people.
pub(crate) fn line_of(item: &Item) -> String {
    let what = match &item.what {
        What::Missing => "is gone".to_owned(),
        What::New => "is new".to_owned(),
        What::Unwatched => "is no longer watched".to_owned(),
        What::Changed(fields) => {
            let word =
                |field| serde_json::to_value(field).ok().and_then(|value| value.as_str().map(str::to_owned));
            let words: Vec<String> = fields.iter().filter_map(word).collect();
            format!("changed: {}", words.join(", "))
        }
    };
    format!("{} {what}", item.path)
}
