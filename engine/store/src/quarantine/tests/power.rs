//! What a power cut leaves, at every single call: nothing unsynced, names without their data, zeros, or all of it.

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::disk::Event;
use crate::disk::fault;

const RETENTION_DAYS: u64 = 3;

#[derive(Default, Clone)]
struct Node {
    synced: Vec<u8>,
    seen: Vec<u8>,
}

/// A disk with a write-back cache. Folders are there from the start.
#[derive(Default)]
struct Cache {
    nodes: Vec<Node>,
    inodes: HashMap<u64, usize>,
    seen: BTreeMap<PathBuf, usize>,
    synced: BTreeMap<PathBuf, usize>,
}

impl Cache {
    fn play(&mut self, event: &Event) {
        match event {
            Event::Created(path, inode) => {
                let old = self.inodes.get(inode).copied().filter(|node| self.seen.get(path) == Some(node));
                match old {
                    Some(node) => self.nodes[node].seen.clear(),
                    None => {
                        self.nodes.push(Node::default());
                        self.inodes.insert(*inode, self.nodes.len() - 1);
                        self.seen.insert(path.clone(), self.nodes.len() - 1);
                    }
                }
            }
            Event::Rename(from, to) => {
                let node = self.seen.remove(from).unwrap();
                self.seen.insert(to.clone(), node);
            }
            Event::Remove(path) => drop(self.seen.remove(path)),
            Event::SyncDir(dir) => {
                self.synced.retain(|path, _| path.parent() != Some(dir));
                let here = self.seen.iter().filter(|(path, _)| path.parent() == Some(dir));
                self.synced.extend(here.map(|(path, node)| (path.clone(), *node)));
            }
            Event::Write(inode, at, bytes) => {
                let seen = &mut self.nodes[self.inodes[inode]].seen;
                let end = *at as usize + bytes.len();
                seen.resize(seen.len().max(end), 0);
                seen[*at as usize..end].copy_from_slice(bytes);
            }
            Event::Truncate(inode, len) => self.nodes[self.inodes[inode]].seen.resize(*len as usize, 0),
            Event::Sync(inode) => {
                let node = &mut self.nodes[self.inodes[inode]];
                node.synced.clone_from(&node.seen);
            }
            Event::Create(_) | Event::Mkdir(_) | Event::Link(..) => {}
        }
    }

    /// Writes what is left below `to`: with the names that were seen or only the synced ones, and contents by `content`.
    fn cut(&self, root: &Path, to: &Path, names_arrived: bool, content: fn(&Node) -> Vec<u8>) {
        fs::create_dir_all(below(to, "payloads")).unwrap();
        let names = if names_arrived { &self.seen } else { &self.synced };
        for (path, node) in names {
            fs::write(to.join(path.strip_prefix(root).unwrap()), content(&self.nodes[*node])).unwrap();
        }
    }
}

/// How much of the data arrived.
const CONTENTS: [fn(&Node) -> Vec<u8>; 4] = [
    |node| node.synced.clone(),
    |node| node.seen.clone(),
    // The size arrived and the data did not.
    |node| {
        let mut left = node.synced.clone();
        left.resize(left.len().max(node.seen.len()), 0);
        left
    },
    |node| node.seen[..node.seen.len().midpoint(node.synced.len().min(node.seen.len()))].to_vec(),
];

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let dir = tempdir();
    let root = dir.path().to_owned();
    fault::record();
    let mut quarantine = open_clean(&root);
    quarantine.set_limits(limits(RETENTION_DAYS, 1 << 20));
    // How much was recorded when each was acknowledged, and when its day's expiry began.
    let mut acknowledged: Vec<(usize, u64, String)> = Vec::new();
    let mut days = Vec::new();
    for day in 0..8 {
        let now = T0 + day * DAY_MS;
        days.push((fault::recorded(), day));
        quarantine.expire(now).unwrap();
        let names = [format!("a{day}"), format!("b{day}")];
        let (a, b, text) = (entry(&names[0]), entry(&names[1]), format!("text {}", day / 2));
        quarantine.append(now, &[New::Stopped(&a, text.as_bytes()), New::Stopped(&b, b"same")]).unwrap();
        acknowledged.extend(names.map(|name| (fault::recorded(), day, name)));
    }
    drop(quarantine);
    let events = fault::take();
    assert!(
        files(&root, "ledger.0").len() > 2 && !below(&root, "ledger.00000000000000000001.jsonl").exists()
    );

    let mut cache = Cache::default();
    for (done, event) in events.iter().enumerate() {
        cache.play(event);
        let done = done + 1;
        let today = days.iter().filter(|(began, _)| *began < done).map(|(_, day)| *day).max().unwrap_or(0);
        for (variant, content) in CONTENTS.into_iter().enumerate() {
            for names_arrived in [false, true] {
                let what = format!("cut after call {done} ({event:?}), {variant}, names {names_arrived}");
                let left = tempdir();
                cache.cut(&root, left.path(), names_arrived, content);
                let opened = open(left.path());
                assert!(!opened.broken, "{what}: {:#?}", opened.report);
                let reader = opened.quarantine.reader();
                for (at, day, name) in &acknowledged {
                    if *at <= done && day + RETENTION_DAYS > today {
                        let text =
                            reader.payload(&id(name)).unwrap_or_else(|error| panic!("{what}: {error}"));
                        assert!(text == b"same" || text.starts_with(b"text "), "{what}");
                    }
                }
                let mut quarantine = opened.quarantine;
                quarantine.append(T0, &[New::Stopped(&entry("last"), b"last")]).unwrap();
                drop(quarantine);
                let again = open(left.path());
                assert!(again.report.is_empty() && !again.broken, "{what}: {:#?}", again.report);
            }
        }
    }
}
