//! What the probe says where io_uring is withheld. Withholding is for ever, so it happens to a child process.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::PathBuf;
use std::process::{Command, Output};

use pincer_runtime::{Verdict, probe};

/// Cargo builds examples before tests, beside them.
fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("examples").join(name)
}

fn withheld(how: &str, backend: &str) -> Output {
    let echo = ["--backend", backend, "--shards", "2", "--probe"];
    Command::new(example("no_uring")).arg(how).arg(example("echo")).args(echo).output().unwrap()
}

#[track_caller]
fn forced_uring_fails(output: Output, parts: &[&str]) {
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{text}");
    for part in parts.iter().chain(&["--backend epoll"]) {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn a_seccomp_profile_that_forbids() {
    forced_uring_fails(withheld("eperm", "uring"), &["seccomp profile (EPERM)", "io_uring_setup"]);
}

#[test]
fn a_seccomp_profile_that_denies_its_existence() {
    forced_uring_fails(withheld("enosys", "uring"), &["no io_uring (ENOSYS)", "5.8", "seccomp profile"]);
}

#[test]
fn a_seccomp_profile_that_forgets_a_call() {
    forced_uring_fails(withheld("enter", "uring"), &["half blocked", "io_uring_enter", "seccomp profile"]);
}

#[test]
fn auto_needs_nothing_that_is_withheld() {
    let output = withheld("eperm", "auto");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.starts_with("backend epoll"), "{text}");
}

#[test]
fn too_little_lockable_memory() {
    let script = r#"ulimit -l 64; exec "$0" --backend uring --probe"#;
    let output = Command::new("sh").arg("-c").arg(script).arg(example("echo")).output().unwrap();
    forced_uring_fails(output, &["64 KiB", "LimitMEMLOCK"]);
}

#[test]
fn too_few_descriptors_is_no_reason_to_fall_back() {
    let script = r#"ulimit -n 8; exec "$0" --backend uring --shards 4 --probe"#;
    let output = Command::new("sh").arg("-c").arg(script).arg(example("echo")).output().unwrap();
    forced_uring_fails(output, &["of 12 io_uring rings", "ulimit -n"]);
}

#[test]
fn this_machine_gives_a_verdict() {
    let verdict = probe(1);
    assert!(verdict == Verdict::Ready || !verdict.cure().is_empty(), "{verdict:?}");
}
