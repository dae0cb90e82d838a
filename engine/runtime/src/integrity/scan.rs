//! Notes what files and folders are like.
//!
//! Folders are walked by descriptor, each opened inside the one above it and never through a link, so that nobody can
//! lead a scan out of its root by swapping a folder for a link under it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use pincer_defender::host::{Content, Entry, Kind, Root, RootKind, Scan, Unread, shown};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::config::Config;
use super::read;

/// Most problems that are named. The others are counted.
const PROBLEMS_MAX: usize = 20;

/// What a scan found, and what it cost.
#[derive(Debug, Clone, Default)]
pub struct Scanned {
    /// What is there.
    pub scan: Scan,
    /// What was looked at.
    pub totals: Totals,
    /// What could not be looked at, in words; the first few.
    pub problems: Vec<String>,
    /// How many problems there were.
    pub problems_total: u32,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Paths noted.
    pub entries: usize,
    /// Bytes read.
    pub bytes: u64,
}

/// Looks at everything configured. Blocks for as long as it takes to read all of it: not for a socket core.
pub fn scan(config: &Config) -> Scanned {
    scan_until(config, &AtomicBool::new(false))
}

/// Like [`scan`], and ends soon after `stop` is set. What it returns then is cut.
pub(super) fn scan_until(config: &Config, stop: &AtomicBool) -> Scanned {
    let roots = config.roots();
    let mut walk =
        Walk { config, stop, roots: &roots, found: Scanned::default(), device: None, entered: Vec::new() };
    // Trees first: they hold most of the files that are also named alone.
    for root in roots.iter().filter(|root| root.kind == RootKind::Tree) {
        if !walk.entered.contains(&root.path) {
            walk.device = None;
            walk.visit(CWD, root.path.as_os_str(), &root.path, Some(0));
        }
    }
    for root in roots.iter().filter(|root| root.kind == RootKind::File) {
        if !walk.found.scan.entries.contains_key(&root.path) {
            walk.visit(CWD, root.path.as_os_str(), &root.path, None);
        }
    }
    let Walk { mut found, .. } = walk;
    found.scan.roots = roots;
    found.totals.entries = found.scan.entries.len();
    found.scan.cut |= stop.load(Ordering::Relaxed);
    found
}

struct Walk<'a> {
    config: &'a Config,
    stop: &'a AtomicBool,
    roots: &'a [Root],
    found: Scanned,
    /// File system of the tree that is walked.
    device: Option<u64>,
    /// Trees that lie in another and were walked with it. One behind a mount or a bound was not.
    entered: Vec<PathBuf>,
}

impl Walk<'_> {
    /// Notes `name` in `dir`, which is `path`. `depth`: how many folders are around it in its tree; `None`: it is not
    /// entered, whatever it is.
    fn visit(&mut self, dir: BorrowedFd<'_>, name: &OsStr, path: &Path, depth: Option<usize>) {
        if self.stop.load(Ordering::Relaxed) || (depth.is_some() && self.config.excludes(path)) {
            return;
        }
        if self.entries().len() >= self.config.limits.entries_max {
            return self.cut(format!("more than {} paths", self.config.limits.entries_max));
        }
        let stat = match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT | Errno::NOTDIR) => return,
            Err(error) => return self.problem(path, error),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.visit_file(dir, name, path, &stat),
            FileType::Directory => self.visit_dir(dir, name, path, &stat, depth),
            FileType::Symlink => match rustix::fs::readlinkat(dir, name, Vec::new()) {
                Ok(target) => {
                    let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                    self.note(path, &stat, Kind::Link { target });
                }
                Err(Errno::NOENT) => {}
                Err(error) => self.problem(path, error),
            },
            _ => self.note(path, &stat, Kind::Special),
        }
    }

    fn visit_file(&mut self, dir: BorrowedFd<'_>, name: &OsStr, path: &Path, stat: &Stat) {
        let limits = self.config.limits;
        let left = limits.bytes_max.saturating_sub(self.found.totals.bytes);
        if read::size(stat) > left {
            self.cut(format!("more than {} bytes of files", limits.bytes_max));
        }
        let unread = |why, stat: &Stat| Kind::File { size: read::size(stat), content: Content::Unread(why) };
        match read::read_file(dir, name, limits.file_bytes_max.min(left), self.stop) {
            Ok(Some(read)) => {
                self.found.totals.bytes = self.found.totals.bytes.saturating_add(read.bytes);
                let kind = Kind::File { size: read::size(&read.stat), content: read.content };
                self.note(path, &read.stat, kind);
            }
            Ok(None) => {}
            Err(error) => {
                let why = match error {
                    Errno::ACCESS | Errno::PERM => Unread::Denied,
                    _ => Unread::Failed,
                };
                self.note(path, stat, unread(why, stat));
                self.problem(path, error);
            }
        }
    }

    fn visit_dir(
        &mut self,
        dir: BorrowedFd<'_>,
        name: &OsStr,
        path: &Path,
        stat: &Stat,
        depth: Option<usize>,
    ) {
        self.note(path, stat, Kind::Dir);
        let Some(depth) = depth else { return };
        let device = stat.st_dev;
        if *self.device.get_or_insert(device) != device {
            return self.say(format!("{} is another file system and was not entered", shown(path)));
        }
        if depth >= self.config.limits.depth_max {
            return self.cut(format!("more than {} folders inside each other", self.config.limits.depth_max));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = match rustix::fs::openat(dir, name, flags, Mode::empty()) {
            Ok(opened) => opened,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return,
            Err(error) => return self.problem(path, error),
        };
        if depth > 0 && self.roots.iter().any(|root| root.kind == RootKind::Tree && root.path == path) {
            self.entered.push(path.to_owned());
        }
        match self.names(&opened, path) {
            Ok(names) => {
                for name in names {
                    self.visit(opened.as_fd(), &name, &path.join(&name), Some(depth + 1));
                }
            }
            Err(error) => self.problem(path, error),
        }
    }

    /// What is in a folder, in order; no more than may still be noted.
    fn names(&mut self, dir: &OwnedFd, path: &Path) -> Result<Vec<OsString>, Errno> {
        let room = self.config.limits.entries_max.saturating_sub(self.entries().len());
        let mut names = Vec::new();
        let mut entries = Dir::read_from(dir)?;
        while let Some(entry) = entries.read() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if names.len() >= room {
                self.cut(format!("more than {} paths, in {}", self.config.limits.entries_max, shown(path)));
                break;
            }
            names.push(OsStr::from_bytes(name).to_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn note(&mut self, path: &Path, stat: &Stat, kind: Kind) {
        let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
        let entry = Entry {
            kind,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            inode: stat.st_ino,
            mtime_ms: stat.st_mtime.saturating_mul(1000).saturating_add(nanoseconds / 1_000_000),
        };
        self.found.scan.entries.insert(path.to_owned(), entry);
    }

    fn entries(&self) -> &BTreeMap<PathBuf, Entry> {
        &self.found.scan.entries
    }

    fn cut(&mut self, message: String) {
        // Once a bound is reached it is reached for everything that follows.
        if !self.found.scan.cut {
            self.say(message);
        }
        self.found.scan.cut = true;
    }

    fn problem(&mut self, path: &Path, error: Errno) {
        self.say(format!("{}: {}", shown(path), std::io::Error::from(error)));
    }

    fn say(&mut self, message: String) {
        self.found.problems_total = self.found.problems_total.saturating_add(1);
        if self.found.problems.len() < PROBLEMS_MAX {
            self.found.problems.push(message);
        }
    }
}
