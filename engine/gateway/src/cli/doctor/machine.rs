//! Checks of the machine.

use std::fs;
use std::path::Path;

use pincer_config::section::Backend;
use pincer_runtime::{Verdict, probe};

use super::Check;
use crate::cli::Context;

/// Free space below which writes are about to fail, in bytes.
const DISK_FAIL: u64 = 50 << 20;
/// Free space that is worth a warning, in bytes.
const DISK_WARN: u64 = 500 << 20;
/// What io_uring needs to be able to lock, in bytes; glommio's figure.
const MEMLOCK_MIN: u64 = 512 << 10;
/// Open files below which a busy gateway runs short: one a connection, and some.
const FILES_MIN: u64 = 1_024;

/// The checks.
pub(super) fn checks(context: &Context) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.extend(disk(&context.located.state_dir));
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    checks.push(backend(context.loaded.config.engine.backend, &probe(1)));
    checks.push(memlock(limit(&limits, "Max locked memory")));
    checks.push(files(limit(&limits, "Max open files")));
    checks
}

/// Space on the disk of the nearest folder that exists.
fn disk(dir: &Path) -> Option<Check> {
    let dir = dir.ancestors().find(|dir| dir.exists())?;
    let found = rustix::fs::statvfs(dir).ok()?;
    Some(disk_grade(found.f_bavail.saturating_mul(found.f_frsize)))
}

fn disk_grade(free: u64) -> Check {
    let found = format!("{} MiB free", free >> 20);
    if free < DISK_FAIL {
        Check::fail("disk.space", found, "make room: nothing can be acknowledged that cannot be written")
    } else if free < DISK_WARN {
        Check::warn("disk.space", found, "make room soon")
    } else {
        Check::ok("disk.space", found)
    }
}

/// What the kernel offers, beside what the config asks for.
fn backend(wanted: Backend, found: &Verdict) -> Check {
    match (wanted, found) {
        (_, Verdict::Ready) => Check::ok("backend", format!("{}: {found}", wanted.as_str())),
        (Backend::Uring, _) => Check::fail(
            "backend",
            format!("engine.backend is uring, and {found}"),
            format!("{}; or `pincer config set engine.backend auto`", found.cure()),
        ),
        (Backend::Auto | Backend::Epoll, _) => Check::ok("backend", format!("epoll: {found}")),
    }
}

fn memlock(limit: Option<u64>) -> Check {
    match limit {
        Some(bytes) if bytes < MEMLOCK_MIN => Check::warn(
            "memlock",
            format!("{} KiB may be locked; io_uring needs {} KiB", bytes >> 10, MEMLOCK_MIN >> 10),
            "for --backend uring: LimitMEMLOCK=8M in the systemd unit, or `ulimit -l 8192`; epoll needs none",
        ),
        Some(u64::MAX) => Check::ok("memlock", "unlimited"),
        Some(bytes) => Check::ok("memlock", format!("{} KiB", bytes >> 10)),
        None => Check::ok("memlock", "unknown"),
    }
}

fn files(limit: Option<u64>) -> Check {
    match limit {
        Some(count) if count < FILES_MIN => Check::warn(
            "files.limit",
            format!("{count} open files: that many connections, less a few"),
            "raise it: LimitNOFILE=65536 in the systemd unit, or `ulimit -n 65536`",
        ),
        Some(u64::MAX) => Check::ok("files.limit", "unlimited"),
        Some(count) => Check::ok("files.limit", format!("{count} open files")),
        None => Check::ok("files.limit", "unknown"),
    }
}

/// The soft limit of that name in a `/proc/<pid>/limits` text.
fn limit(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    match rest.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Grade;

    const LIMITS: &str = "Limit                     Soft Limit           Hard Limit           Units     \n\
                          Max open files            1023                 4096                 files     \n\
                          Max locked memory         65536                unlimited            bytes     \n";

    #[test]
    fn limits_are_read_and_graded() {
        assert_eq!(limit(LIMITS, "Max open files"), Some(1023));
        assert_eq!(files(limit(LIMITS, "Max open files")).grade, Grade::Warn);
        assert_eq!(memlock(limit(LIMITS, "Max locked memory")).grade, Grade::Warn);
        assert_eq!(
            memlock(limit("Max locked memory unlimited unlimited bytes", "Max locked memory")).grade,
            Grade::Ok
        );
        assert_eq!(limit(LIMITS, "Max nothing"), None);
        assert_eq!(files(None).grade, Grade::Ok);
    }

    #[test]
    fn disks() {
        for (free, grade) in [(1 << 20, Grade::Fail), (100 << 20, Grade::Warn), (1 << 40, Grade::Ok)] {
            assert_eq!(disk_grade(free).grade, grade);
        }
    }

    #[test]
    fn backends() {
        let of = |wanted| backend(wanted, &Verdict::Missing).grade;
        assert_eq!((of(Backend::Auto), of(Backend::Uring)), (Grade::Ok, Grade::Fail));
        assert_eq!(backend(Backend::Uring, &Verdict::Ready).grade, Grade::Ok);
        assert!(backend(Backend::Uring, &Verdict::Missing).fix.contains("engine.backend auto"));
    }
}
