//! Which functions a gateway runs at rest and for clients that come and go: those that should lie side by side.
//!
//! Memory at rest is mostly code, and the kernel maps it in pieces of 64 KiB and more: seven hundred functions strewn over
//! ten megabytes keep most of it mapped. The linker is told to put them first; this writes what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use std::{env, fs};

use pincer_tests::{Hello, TOKEN, Wire};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::load::connect;
use crate::peers::Server;

/// Writes the linker script with what runs at rest.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A gateway that was linked without the script: `PINCER_LINK_PLAIN=1 cargo build --release`.
    #[arg(long)]
    program: PathBuf,
    /// The script.
    #[arg(long, default_value = "engine/gateway/link/near.ld")]
    out: PathBuf,
}

/// What the first thread does after this it does at rest. Others are there for nothing else.
const START_IS_OVER: &str = "*release_startup_code*";
/// How long to rest: what is done every minute belongs to it.
const REST: Duration = Duration::from_secs(65);
/// Seconds of clients that come, ask for `health` and leave: a gateway that rests has mostly had some.
const VISITS: f64 = 2.0;
/// Instances of a generic function that come along because their names differ in a hash only: bytes that do no harm.
const SPARE_BYTES: u64 = 1024;
/// Valgrind's processor has no instructions for these, so it runs others that do the same.
const UNSEEN: [&str; 2] = ["_ZN4sha1", "_ZN4sha26sha256"];

/// Runs the gateway under callgrind, and writes down what ran.
pub(crate) fn run(options: &Options) {
    let sizes = symbols(&options.program);
    let folder = tempfile::tempdir().unwrap();
    let ran = at_rest(&options.program, folder.path());
    let near: BTreeSet<&str> = sizes
        .keys()
        .map(String::as_str)
        .filter(|name| ran.contains(plain(name)) || UNSEEN.iter().any(|begin| name.starts_with(begin)))
        .collect();
    assert!(near.len() > 100, "only {} functions have a name: was it linked without the script?", near.len());
    let patterns = patterns(&near, &sizes);
    fs::write(&options.out, script(&patterns)).unwrap();
    let bytes: u64 = near.iter().map(|name| sizes[*name]).sum();
    println!("{} functions, {} KiB, named by {} patterns", near.len(), bytes >> 10, patterns.len());
}

/// Functions of a program and their sizes.
fn symbols(program: &Path) -> BTreeMap<String, u64> {
    let output = Command::new("nm").arg("-S").arg(program).output().expect("nm");
    let text = String::from_utf8_lossy(&output.stdout);
    let row = |line: &str| {
        let [_, size, kind, name] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let size = u64::from_str_radix(size, 16).ok()?;
        matches!(kind, "t" | "T" | "w" | "W").then(|| (name.to_owned(), size))
    };
    text.lines().filter_map(row).collect()
}

/// Names of what runs when the start is over and in threads that serve, until the gateway has stopped.
fn at_rest(program: &Path, folder: &Path) -> BTreeSet<String> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let out = folder.join("callgrind");
    let mut child = Command::new("valgrind")
        .args(["--tool=callgrind", "--demangle=no", "--separate-threads=yes"])
        .args([format!("--dump-after={START_IS_OVER}"), format!("--callgrind-out-file={}", out.display())])
        .arg(program)
        .args(["gateway", "run", "--backend", "epoll", "--shards", "2", "--token", TOKEN])
        .args(["--port", &port.to_string(), "--state-dir"])
        .arg(folder.join("state"))
        .env_clear()
        .env("HOME", folder)
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("valgrind");
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let listens = said.by_ref().any(|line| line.is_ok_and(|line| line.contains("listening on")));
    assert!(listens, "it did not start");
    let server =
        Server::running(port, None, Hello::without_device(Wire::V4).cli().auth(json!({"token": TOKEN})));
    connect::visits("visits", &server, vec![server.hello()], 4, 1, VISITS).unwrap();
    thread::sleep(REST);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    said.for_each(drop);
    child.wait().unwrap();
    let mut profile = Profile::default();
    // One file a thread, and one with the start; a name may stand only where it is first met.
    profile.read(&fs::read_to_string(folder.join("callgrind.1-01")).expect("the start did not end"));
    profile.ran.clear();
    for thread in 1.. {
        let Ok(text) = fs::read_to_string(folder.join(format!("callgrind-{thread:02}"))) else { break };
        profile.read(&text);
    }
    profile
        .ran
        .iter()
        .filter_map(|number| profile.names.get(number))
        .map(|name| plain(name).to_owned())
        .collect()
}

/// Functions of callgrind's output that cost something themselves.
#[derive(Default)]
struct Profile {
    names: BTreeMap<u32, String>,
    ran: BTreeSet<u32>,
}

impl Profile {
    fn read(&mut self, text: &str) {
        let (mut current, mut inclusive) = (None, false);
        for line in text.lines() {
            let function = line.strip_prefix("fn=").map(|rest| (true, rest));
            let function = function.or_else(|| line.strip_prefix("cfn=").map(|rest| (false, rest)));
            if let Some((own, rest)) = function {
                let Some((number, name)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
                else {
                    continue;
                };
                let number = number.parse().unwrap();
                if !name.is_empty() {
                    self.names.insert(number, name.trim().to_owned());
                }
                if own {
                    current = Some(number);
                }
            } else if line.starts_with("calls=") {
                inclusive = true; // the next line is what the call cost
            } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
                && !std::mem::take(&mut inclusive)
            {
                self.ran.extend(current);
            }
        }
    }
}

/// A name without the numbers that callgrind (recursion) and the compiler (copies) put behind it.
fn plain(name: &str) -> &str {
    let name = name.split('\'').next().unwrap_or(name);
    name.split(".llvm.").next().unwrap_or(name)
}

/// What tells a function from others without the hash in its name, which changes with every version of a dependency.
fn stem(name: &str) -> &str {
    const HASH: usize = "17h0123456789abcdefE".len();
    let name = name.split(".llvm.").next().unwrap_or(name);
    match name.len().checked_sub(HASH).and_then(|at| name.split_at_checked(at)) {
        Some((stem, hash)) if hash.starts_with("17h") && hash.ends_with('E') => stem,
        _ => name,
    }
}

/// Patterns that name `near` and little else: stems where that does, whole names where a generic function has many
/// instances of which few run.
fn patterns(near: &BTreeSet<&str>, sizes: &BTreeMap<String, u64>) -> Vec<String> {
    let mut instances: BTreeMap<&str, (u64, u64, Vec<&str>)> = BTreeMap::new();
    for (name, size) in sizes {
        let (all, ran, names) = instances.entry(stem(name)).or_default();
        *all += size;
        if near.contains(name.as_str()) {
            *ran += size;
            names.push(name);
        }
    }
    let mut patterns = Vec::new();
    for (stem, (all, ran, names)) in instances.into_iter().filter(|(_, (.., names))| !names.is_empty()) {
        if all <= ran + SPARE_BYTES && stem.len() < names[0].len() {
            patterns.push(format!("{stem}17h*"));
        } else {
            patterns.extend(names.into_iter().map(whole));
        }
    }
    patterns
}

/// The name of one function. What the compiler puts behind a Rust name when it makes a copy changes with every build.
fn whole(name: &str) -> String {
    let name = plain(name);
    if !name.starts_with("_ZN") && !name.starts_with("_R") {
        return name.to_owned();
    }
    let copied = name.rsplit_once('.').filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
    format!("{}*", copied.map_or(name, |(name, _)| name))
}

fn script(patterns: &[String]) -> String {
    let mut text = String::from(
        "/* What a gateway runs at rest, side by side and before the rest of the code. Written by `pincer-bench near`;\n \
         * a name that means nothing any more does no harm. */\nSECTIONS {\n  .text.near : {\n",
    );
    for pattern in patterns {
        let _ = writeln!(text, "    *(.text.{pattern} .text.unlikely.{pattern})"); // memory takes everything
    }
    text.push_str("  }\n}\nINSERT BEFORE .text;\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_is_read_across_parts() {
        let mut profile = Profile::default();
        profile.read("fn=(1) one\n0 5\ncfn=(2) two\ncalls=1 0\n0 70\nfn=(3) idle\n");
        assert_eq!(profile.ran, BTreeSet::from([1]));
        profile.ran.clear();
        profile.read("fn=(2)\n+3 5\n");
        let names: Vec<_> = profile.ran.iter().map(|number| profile.names[number].as_str()).collect();
        assert_eq!(names, ["two"]);
    }

    #[test]
    fn names_are_no_longer_than_they_must_be() {
        let sizes = BTreeMap::from([
            ("_ZN3one17h0000000000000001E".to_owned(), 100),
            ("_ZN4many17h0000000000000001E.llvm.7".to_owned(), 100),
            ("_ZN4many17h0000000000000002E".to_owned(), 5_000),
            ("mi_free".to_owned(), 10),
            ("_RNvtwo.1161".to_owned(), 10),
            ("other".to_owned(), 10),
        ]);
        let near = BTreeSet::from([
            "_ZN3one17h0000000000000001E",
            "_ZN4many17h0000000000000001E.llvm.7",
            "_RNvtwo.1161",
            "mi_free",
        ]);
        let patterns = patterns(&near, &sizes);
        assert_eq!(patterns, ["_RNvtwo*", "_ZN3one17h*", "_ZN4many17h0000000000000001E*", "mi_free"]);
        assert!(script(&patterns).contains("    *(.text.mi_free .text.unlikely.mi_free)\n"));
    }
}
