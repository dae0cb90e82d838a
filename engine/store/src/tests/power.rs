//! What a power cut leaves: every call is recorded, and the disk is rebuilt as if only synced things had surely arrived.
//!
//! The model is harsher than journaling file systems are: written data arrives per file in any prefix, cut anywhere, or
//! as zeros; new names arrive in order but as few as possible; a name may arrive long before the data under it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::support::*;
use crate::disk::Event;
use crate::disk::fault::{self, Fault};
use crate::settle::settle;

type Node = usize;

#[derive(Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

/// A change to a folder.
enum Entry {
    Dir(PathBuf),
    Bind(PathBuf, Node),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Entry {
    fn folder(&self) -> &Path {
        let (Entry::Dir(path)
        | Entry::Bind(path, _)
        | Entry::Rename(_, path)
        | Entry::Link(_, path)
        | Entry::Remove(path)) = self;
        path.parent().unwrap()
    }
}

#[derive(Clone, Default)]
struct Names {
    dirs: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Node>,
}

impl Names {
    fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Dir(path) => self.dirs.push(path.clone()),
            Entry::Bind(path, node) => drop(self.files.insert(path.clone(), *node)),
            Entry::Rename(from, to) => {
                if let Some(node) = self.files.remove(from) {
                    self.files.insert(to.clone(), node);
                }
            }
            Entry::Link(from, to) => {
                if let Some(&node) = self.files.get(from) {
                    self.files.insert(to.clone(), node);
                }
            }
            Entry::Remove(path) => drop(self.files.remove(path)),
        }
    }
}

/// A disk with a write-back cache.
#[derive(Default)]
struct Disk {
    files: Vec<File>,
    inodes: HashMap<u64, Node>,
    /// As a running process sees them.
    seen: Names,
    durable: Names,
    pending: Vec<Entry>,
}

impl Disk {
    fn play(&mut self, event: &Event) {
        match event {
            Event::Create(_) => {}
            Event::Created(path, inode) => {
                let old =
                    self.inodes.get(inode).copied().filter(|node| self.seen.files.get(path) == Some(node));
                match old {
                    Some(node) => self.files[node].pending.push(Change::Truncate(0)),
                    None => {
                        self.files.push(File::default());
                        self.inodes.insert(*inode, self.files.len() - 1);
                        self.name(Entry::Bind(path.clone(), self.files.len() - 1));
                    }
                }
            }
            Event::Mkdir(path) => self.name(Entry::Dir(path.clone())),
            Event::Rename(from, to) => self.name(Entry::Rename(from.clone(), to.clone())),
            Event::Link(from, to) => self.name(Entry::Link(from.clone(), to.clone())),
            Event::Remove(path) => self.name(Entry::Remove(path.clone())),
            Event::SyncDir(dir) => {
                let pending = std::mem::take(&mut self.pending);
                for entry in pending {
                    match entry.folder() == dir {
                        true => self.durable.apply(&entry),
                        false => self.pending.push(entry),
                    }
                }
            }
            Event::Write(inode, at, bytes) => self.change(*inode, Change::Write(*at, bytes.clone())),
            Event::Truncate(inode, len) => self.change(*inode, Change::Truncate(*len)),
            Event::Sync(inode) => {
                let file = &mut self.files[self.inodes[inode]];
                for change in std::mem::take(&mut file.pending) {
                    change.apply(&mut file.durable);
                }
            }
        }
    }

    fn name(&mut self, entry: Entry) {
        self.seen.apply(&entry);
        self.pending.push(entry);
    }

    fn change(&mut self, inode: u64, change: Change) {
        let node = self.inodes[&inode];
        self.files[node].pending.push(change);
    }

    /// A disk on which everything in `root` has been for long.
    fn settled(root: &Path) -> Disk {
        let mut disk = Disk::default();
        let mut dirs = vec![root.to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    disk.durable.dirs.push(path.clone());
                    dirs.push(path);
                } else {
                    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap());
                    let node = *disk.inodes.entry(inode).or_insert(disk.files.len());
                    if node == disk.files.len() {
                        disk.files.push(File { durable: fs::read(&path).unwrap(), pending: Vec::new() });
                    }
                    disk.durable.files.insert(path, node);
                }
            }
        }
        disk.seen = disk.durable.clone();
        disk
    }

    /// Nothing that was not synced has arrived.
    fn lose_everything_pending(&mut self) {
        self.pending.clear();
        self.files.iter_mut().for_each(|file| file.pending.clear());
    }

    /// Writes what is left after a cut into `to`; paths below `root` become paths below `to`.
    fn cut(&self, root: &Path, to: &Path, dice: &mut Dice) {
        let mut names = self.durable.clone();
        let arrived = dice.below(self.pending.len() as u64 + 1) as usize;
        self.pending[..arrived].iter().for_each(|entry| names.apply(entry));
        let mut dirs = vec![root.to_owned()];
        for dir in &names.dirs {
            // A folder whose own folder never arrived is gone with everything in it.
            if dirs.iter().any(|known| Some(known.as_path()) == dir.parent()) {
                dirs.push(dir.clone());
                fs::create_dir_all(to.join(dir.strip_prefix(root).unwrap())).unwrap();
            }
        }
        let mut written: HashMap<Node, PathBuf> = HashMap::new();
        for (path, node) in &names.files {
            if dirs.iter().any(|known| Some(known.as_path()) == path.parent()) {
                let target = to.join(path.strip_prefix(root).unwrap());
                match written.get(node) {
                    Some(first) => fs::hard_link(first, target).unwrap(),
                    None => {
                        fs::write(&target, self.files[*node].left(dice)).unwrap();
                        written.insert(*node, target);
                    }
                }
            }
        }
    }
}

impl Disk {
    /// Another cut at the same moment.
    fn cut_again(&self, root: &Path, seed: u64) -> tempfile::TempDir {
        let left = tempdir();
        self.cut(root, left.path(), &mut Dice::new(seed));
        left
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Truncate(len) => content.resize(*len as usize, 0),
            Change::Write(at, bytes) => {
                let end = *at as usize + bytes.len();
                content.resize(content.len().max(end), 0);
                content[*at as usize..end].copy_from_slice(bytes);
            }
        }
    }
}

impl File {
    fn left(&self, dice: &mut Dice) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in &self.pending {
            match (dice.below(5), change) {
                (0, _) => break,
                (1, Change::Write(at, bytes)) => {
                    let part = dice.below(bytes.len() as u64 + 1) as usize;
                    Change::Write(*at, bytes[..part].to_vec()).apply(&mut content);
                    break;
                }
                // The size arrived and the data did not.
                (2, Change::Write(at, bytes)) => Change::Write(*at, vec![0; bytes.len()]).apply(&mut content),
                (_, change) => change.apply(&mut content),
            }
        }
        content
    }
}

/// Runs a script, then cuts the power at every recorded call.
fn run(seed: u64) {
    let dir = tempdir();
    let root = dir.path().to_owned();
    fault::record();
    let mut store = reopen(&root, "pincer.json").store;
    let mut dice = Dice::new(seed);
    let mut job = None;
    // The states in order, and for each how much was recorded when it was being asked for and when it was acknowledged.
    let mut states = vec![(0, fault::recorded(), Held::default())];
    for _ in 0..12 {
        let list = dice.list();
        let asked = fault::recorded();
        commit(&mut store, &list).unwrap();
        let mut held = states.last().unwrap().2.clone();
        held.apply(&list);
        states.push((asked, fault::recorded(), held));
        match (dice.below(4), job.take()) {
            (0, None) => store.checkpoint_now().unwrap(),
            (1, None) => job = store.begin().unwrap(),
            (2, Some(job)) => {
                let answer = job.run();
                store.end(answer).unwrap();
            }
            (_, begun) => job = begun,
        }
    }
    drop(store);
    let events = fault::take();

    let mut disk = Disk::default();
    for (done, event) in events.iter().enumerate() {
        disk.play(event);
        let done = done + 1;
        let acknowledged = states.iter().rposition(|(_, acknowledged, _)| *acknowledged <= done).unwrap_or(0);
        let asked = states.iter().rposition(|(asked, ..)| *asked < done).unwrap_or(0).max(acknowledged);
        for _ in 0..3 {
            let left = tempdir();
            disk.cut(&root, left.path(), &mut dice);
            let what = format!("seed {seed}, cut after call {done}: {event:?}");
            let opened = try_open(left.path(), "pincer.json").unwrap_or_else(|error| {
                panic!("{what}: {error}");
            });
            let found = Held::found(left.path(), opened.rows);
            if done % 8 == 0 {
                repaired_for_good(disk.cut_again(&root, done as u64), &what);
            }
            let possible = states[acknowledged..=asked].iter().map(|(.., held)| held);
            assert!(
                possible.clone().any(|held| *held == found),
                "{what}\n{:#?}\nfound {found:#?}\npossible {:#?}",
                opened.report.lines,
                possible.collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    for seed in seeds(12) {
        run(seed);
    }
}

/// What one recovery found, the next one finds too, even if nothing arrived that the first did not sync.
fn repaired_for_good(left: tempfile::TempDir, what: &str) {
    let mut disk = Disk::settled(left.path());
    fault::record();
    let opened = reopen(left.path(), "pincer.json");
    let events = fault::take();
    let found = Held::found(left.path(), opened.rows);
    drop(opened.store);
    events.iter().for_each(|event| disk.play(event));
    disk.lose_everything_pending();
    let again = tempdir();
    disk.cut(left.path(), again.path(), &mut Dice::new(0));
    let rows = reopen(again.path(), "pincer.json").rows;
    assert_eq!(Held::found(again.path(), rows), found, "{what}: and once more");
}

#[test]
fn a_failed_sync_of_a_transcript_is_made_up_for_by_writing_it_again() {
    // The kernel drops what it could not write and calls the next sync a success.
    for in_background in [true, false] {
        let dir = tempdir();
        fault::record();
        let mut store = reopen(dir.path(), "pincer.json").store;
        let list = [append("a", &["{\"n\":1}"]), append("b", &["{\"n\":2}"])];
        commit(&mut store, &list).unwrap();
        let mut disk = Disk::default();
        if in_background {
            let job = store.begin().unwrap().unwrap();
            fault::take().iter().for_each(|event| disk.play(event));
            fault::arm(0, Fault::Once(5));
            let answer = job.run();
            assert!(fault::disarm());
            assert!(store.end(answer).is_err());
            assert_eq!(store.take_notes().len(), 1);
            fault::record();
        } else {
            fault::take().iter().for_each(|event| disk.play(event));
            fault::arm(0, Fault::Once(5));
            fault::record();
        }
        disk.files.iter_mut().for_each(|file| file.pending.clear());
        store.checkpoint_now().unwrap();
        fault::take().iter().for_each(|event| disk.play(event));
        assert_eq!(fault::disarm(), !in_background);
        drop(store);
        disk.lose_everything_pending();
        let left = tempdir();
        disk.cut(dir.path(), left.path(), &mut Dice::new(0));
        assert_eq!(transcripts(left.path()), transcripts(dir.path()), "in background: {in_background}");
    }
}

#[test]
fn settling_twice_changes_nothing() {
    for seed in seeds(60) {
        let dir = tempdir();
        let mut store = reopen(dir.path(), "pincer.json").store;
        let mut dice = Dice::new(seed);
        let mut held = Held::default();
        for _ in 0..8 {
            let list = dice.list();
            commit(&mut store, &list).unwrap();
            held.apply(&list);
        }
        drop(store);
        let bytes = fs::read(dir.path().join("pincer.journal")).unwrap();
        for _ in 0..3 {
            let records =
                crate::json::journal::scan(&bytes).records.into_iter().flat_map(|record| record.ops);
            let ops = records.filter_map(|op| match op {
                crate::entry::Entry::File(op) => Some(op),
                _ => None,
            });
            let mut report = Vec::new();
            settle(dir.path(), crate::disk::Disk { fsync: false }, vec![ops.collect()], &mut report).unwrap();
            assert_eq!(report, [""; 0], "seed {seed}");
            assert_eq!(transcripts(dir.path()), held.files, "seed {seed}");
        }
    }
}
