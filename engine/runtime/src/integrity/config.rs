//! What is watched, and how much of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pincer_defender::host::{CompareOptions, Root, RootKind};

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Files, absolute: those of the operator's choice, our binary, config, policy and identity. They need not exist; one
    /// that appears is noticed. Files that a running gateway writes all the time do not belong here.
    pub files: Vec<PathBuf>,
    /// Folders with everything below them, absolute. File systems mounted inside are not entered.
    pub trees: Vec<PathBuf>,
    /// Paths left out of trees, with everything below them, absolute.
    pub exclude: Vec<PathBuf>,
    /// Bounds of one scan.
    pub limits: ScanLimits,
    /// What counts as a difference.
    pub compare: CompareOptions,
    /// How often everything is looked at, whatever inotify says. At least a second.
    pub rescan_every: Duration,
    /// How long after a change is waited for more of them. A stream of changes is waited for ten times as long at most.
    pub debounce: Duration,
}

/// Bounds of one scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// Paths noted. Beyond it the scan is cut.
    pub entries_max: usize,
    /// Bytes read of all files. Beyond it files are noted without digest and the scan is cut.
    pub bytes_max: u64,
    /// Size up to which a file is read. Larger ones are noted without digest.
    pub file_bytes_max: u64,
    /// Folders inside each other. Deeper ones are noted and not entered, and the scan is cut.
    pub depth_max: usize,
    /// Folders under inotify. The others are seen by the timer only.
    pub watches_max: usize,
}

impl Default for ScanLimits {
    fn default() -> ScanLimits {
        ScanLimits {
            entries_max: 100_000,
            bytes_max: 8 * 1024 * 1024 * 1024,
            file_bytes_max: 1024 * 1024 * 1024,
            depth_max: 32,
            // Distributions allow a user some ten or hundred thousand; other programs want theirs.
            watches_max: 8192,
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            files: Vec::new(),
            trees: Vec::new(),
            exclude: Vec::new(),
            limits: ScanLimits::default(),
            compare: CompareOptions::default(),
            rescan_every: Duration::from_secs(15 * 60),
            debounce: Duration::from_millis(500),
        }
    }
}

impl Config {
    /// Whether there is anything to watch.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.trees.is_empty()
    }

    /// Adds what configured links lead to. A scan follows no link, so a binary that is started through one would be
    /// watched in name only. Call once, before the baseline is made and before the watcher starts; links that lead
    /// elsewhere later are a difference by themselves.
    pub fn follow_links(mut self) -> Config {
        let targets = |paths: &[PathBuf]| -> Vec<PathBuf> {
            let resolved = paths.iter().filter_map(|path| {
                let target = std::fs::canonicalize(path).ok()?;
                (target != *path).then_some(target)
            });
            resolved.collect()
        };
        let (files, trees) = (targets(&self.files), targets(&self.trees));
        self.files.extend(files);
        self.trees.extend(trees);
        self
    }

    /// What is watched, ascending, each once. Paths that are not absolute are left out: what they mean depends on where
    /// the process stands.
    pub fn roots(&self) -> Vec<Root> {
        let root = |kind| move |path: &PathBuf| Root { path: path.components().collect(), kind };
        let files = self.files.iter().map(root(RootKind::File));
        let trees = self.trees.iter().map(root(RootKind::Tree));
        let mut roots: Vec<Root> = files.chain(trees).filter(|root| root.path.is_absolute()).collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }

    /// Whether a path inside a tree is left out.
    pub(super) fn excludes(&self, path: &Path) -> bool {
        self.exclude.iter().any(|excluded| path.starts_with(excluded))
    }
}
