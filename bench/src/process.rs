//! What the kernel says about a process.

use std::fs;

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
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
        let field = |name: &str| -> u64 {
            let line = rollup.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
        };
        Memory { rss: field("Rss:"), pss: field("Pss:"), anonymous: field("Anonymous:") }
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
