//! What the kernel says about a process.

use std::fs;
use std::time::Duration;

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Resident, shared pages counted whole.
    pub(crate) rss: u64,
    /// Resident, shared pages divided among who shares them.
    pub(crate) pss: u64,
    /// Resident, not backed by a file: heap, stacks, rings.
    pub(crate) anonymous: u64,
}

impl Memory {
    /// Of this process, now.
    pub(crate) fn of(pid: u32) -> Memory {
        Memory::read(pid).unwrap()
    }

    /// The same; `None` when the process has ended.
    pub(crate) fn read(pid: u32) -> Option<Memory> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let field = |name: &str| -> Option<u64> {
            let line = rollup.lines().find(|line| line.starts_with(name))?;
            Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
        };
        Some(Memory { rss: field("Rss:")?, pss: field("Pss:")?, anonymous: field("Anonymous:")? })
    }
}

/// CPU time used so far, in clock ticks of 10 ms.
pub(crate) fn cpu_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in parentheses may hold anything; utime and stime are the 12th and 13th words after it.
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let words: Vec<&str> = rest.split(' ').collect();
    words[11].parse::<u64>().unwrap() + words[12].parse::<u64>().unwrap()
}

/// A process and all it has started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tree(pub(crate) u32);

impl Tree {
    /// Those that run now, the first of them first.
    pub(crate) fn pids(self) -> Vec<u32> {
        let mut found = vec![self.0];
        let mut at = 0;
        while let Some(pid) = found.get(at).copied() {
            for thread in threads(pid) {
                let path = format!("/proc/{pid}/task/{thread}/children");
                let children = fs::read_to_string(path).unwrap_or_default();
                found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
            }
            at += 1;
        }
        found
    }

    /// CPU time of all threads that run now, as the scheduler counts it: nanoseconds, not ticks. A thread that ends takes
    /// its time with it; servers under load do not end any.
    pub(crate) fn cpu(&self) -> Duration {
        let mut sum = 0;
        for pid in self.pids() {
            for thread in threads(pid) {
                let text = fs::read_to_string(format!("/proc/{pid}/task/{thread}/schedstat"));
                let text = text.unwrap_or_default();
                sum += text.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
            }
        }
        Duration::from_nanos(sum)
    }
}

fn threads(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Memory of all TCP sockets of this machine, both ends, in bytes.
pub(crate) fn tcp_bytes() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap();
    let line = text.lines().find(|line| line.starts_with("TCP:")).unwrap();
    let mut words = line.split(' ');
    words.find(|word| *word == "mem").unwrap();
    let pages: u64 = words.next().unwrap().parse().unwrap();
    pages * rustix::param::page_size() as u64
}

/// Lets this process hold `files` descriptors, as far as the machine allows.
pub(crate) fn raise_files(files: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < files) {
        let wanted = maximum.map_or(files, |maximum| files.min(maximum));
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).unwrap();
        assert!(
            wanted >= files,
            "{files} connections need as many file descriptors; the hard limit is {wanted}"
        );
    }
}
