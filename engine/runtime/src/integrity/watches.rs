//! The folders under inotify.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use pincer_defender::host::{Kind, RootKind, Scan, shown};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::config::Config;

/// Events taken in one go: a flood of them must not keep the thread from its other duties.
const EVENTS_MAX: usize = 4096;

/// What is asked of the kernel. Reading is not among it, so a scan does not wake itself.
const EVENTS: WatchFlags = WatchFlags::ATTRIB
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::EXCL_UNLINK);

/// Which names in a folder matter.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Names {
    All,
    These(BTreeSet<OsString>),
}

impl Names {
    fn merge(&mut self, other: Names) {
        match (&mut *self, other) {
            (Names::All, _) => {}
            (_, Names::All) => *self = Names::All,
            (Names::These(names), Names::These(more)) => names.extend(more),
        }
    }
}

struct Watched {
    path: PathBuf,
    names: Names,
}

/// What events told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    /// Something that is watched may have changed.
    pub(super) changed: bool,
    /// Events were lost: anything may have changed.
    pub(super) overflow: bool,
}

/// The folders under inotify.
pub(super) struct Watches {
    inotify: OwnedFd,
    by_number: HashMap<i32, Watched>,
}

impl Watches {
    pub(super) fn new() -> Result<Watches, Errno> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Watches { inotify, by_number: HashMap::new() })
    }

    /// Readable when there are events.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// Watches what `scan` found, and where what is missing would appear. Returns whether a folder came under watch that
    /// was not before: what happened in it until now was not told. Problems are said in words.
    pub(super) fn arm(&mut self, config: &Config, scan: &Scan, problems: &mut Vec<String>) -> bool {
        let mut wanted = wanted(config, scan);
        let over = wanted.len().saturating_sub(config.limits.watches_max);
        if over > 0 {
            problems.push(format!("{over} folders are too many to be watched; the timer looks at them"));
            // The folders of what is named come first: a tree's own would push them out otherwise.
            let named: BTreeSet<PathBuf> = config
                .roots()
                .iter()
                .map(|root| place_of(&root.path).0)
                .take(config.limits.watches_max)
                .collect();
            let mut room = config.limits.watches_max.saturating_sub(named.len());
            wanted.retain(|path, _| {
                named.contains(path) || {
                    let fits = room > 0;
                    room = room.saturating_sub(1);
                    fits
                }
            });
        }
        let mut fresh = false;
        let mut kept: HashMap<i32, Watched> = HashMap::with_capacity(wanted.len());
        for (path, names) in wanted {
            let number = match inotify::add_watch(&self.inotify, &path, EVENTS) {
                Ok(number) => number,
                // It went meanwhile, which its parent's events or the timer will tell.
                Err(Errno::NOENT | Errno::NOTDIR) => continue,
                Err(error) => {
                    let cause = match error {
                        Errno::NOSPC => "fs.inotify.max_user_watches is reached".to_owned(),
                        other => std::io::Error::from(other).to_string(),
                    };
                    problems.push(format!("{} is not watched: {cause}; the timer looks at it", shown(&path)));
                    match error {
                        Errno::NOSPC => break,
                        _ => continue,
                    }
                }
            };
            fresh |= !self.by_number.contains_key(&number);
            match kept.get_mut(&number) {
                // Two ways to the same folder.
                Some(watched) => watched.names.merge(names),
                None => {
                    kept.insert(number, Watched { path, names });
                }
            }
        }
        for number in self.by_number.keys().filter(|number| !kept.contains_key(number)) {
            // Gone already when the folder is.
            let _ = inotify::remove_watch(&self.inotify, *number);
        }
        self.by_number = kept;
        fresh
    }

    /// Takes the events that have arrived.
    pub(super) fn take(&mut self, config: &Config) -> Told {
        let mut told = Told::default();
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        for _ in 0..EVENTS_MAX {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(_) => break,
            };
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                told.overflow = true;
                continue;
            }
            let Some(watched) = self.by_number.get(&event.wd()) else { continue };
            told.changed |= match event.file_name() {
                Some(name) => {
                    let name = OsStr::from_bytes(name.to_bytes());
                    match &watched.names {
                        Names::All => !config.excludes(&watched.path.join(name)),
                        Names::These(names) => names.contains(name),
                    }
                }
                // The folder itself.
                None => {
                    let is_gone = flags.intersects(
                        ReadFlags::DELETE_SELF
                            | ReadFlags::MOVE_SELF
                            | ReadFlags::IGNORED
                            | ReadFlags::UNMOUNT,
                    );
                    is_gone || watched.names == Names::All
                }
            };
            let moved = flags.contains(ReadFlags::MOVE_SELF);
            let number = event.wd();
            if moved {
                // The watch would follow the folder to where it is none of ours.
                let _ = inotify::remove_watch(&self.inotify, number);
            }
            if moved || flags.contains(ReadFlags::IGNORED) {
                self.by_number.remove(&number);
            }
        }
        told
    }
}

/// Which folders to watch, and for what.
fn wanted(config: &Config, scan: &Scan) -> BTreeMap<PathBuf, Names> {
    let mut wanted: BTreeMap<PathBuf, Names> = BTreeMap::new();
    let mut want = |path: PathBuf, names: Names| match wanted.get_mut(&path) {
        Some(known) => known.merge(names),
        None => drop(wanted.insert(path, names)),
    };
    let roots = config.roots();
    for root in &roots {
        let (folder, name) = place_of(&root.path);
        want(folder, Names::These(BTreeSet::from([name])));
    }
    let trees: Vec<_> = roots.iter().filter(|root| root.kind == RootKind::Tree).collect();
    for (path, entry) in &scan.entries {
        if entry.kind == Kind::Dir && trees.iter().any(|root| root.covers(path)) {
            want(path.clone(), Names::All);
        }
    }
    wanted
}

/// The nearest folder above `path` that exists, and the name in it through which `path` would appear.
fn place_of(path: &Path) -> (PathBuf, OsString) {
    let mut below = path;
    loop {
        let Some((parent, name)) = below.parent().zip(below.file_name()) else {
            // The root of the file system, which cannot be replaced; a name that nothing has.
            return (PathBuf::from("/"), OsString::new());
        };
        if parent.is_dir() {
            return (parent.to_owned(), name.to_owned());
        }
        below = parent;
    }
}
