//! Which engine carries the bytes.

use std::fmt;

use crate::probe::{Verdict, probe};

/// How shards wait for the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// glommio on io_uring.
    Uring,
    /// Readiness through epoll.
    Epoll,
}

/// What the owner asked for; `--backend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The better of those the machine allows.
    #[default]
    Auto,
    /// io_uring or nothing.
    Uring,
    /// epoll; every Linux has it.
    Epoll,
}

/// What `auto` takes where both work.
///
/// epoll, because it measured better with the same shard on top (two shared vCPUs, kernel 6.18, glommio 0.9): 5.8
/// against 7.6 µs of CPU a request at 64 connections, half at 1,000 paced ones, and 113 against 1,056 bytes an idle
/// connection. A socket read under glommio is a plain `recv` plus a one-shot poll request over three rings. Measure
/// again before changing this.
pub const AUTO_PREFERS: Backend = Backend::Epoll;

/// The backend asked for cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// What the probe found.
    pub verdict: Verdict,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unavailable { verdict } = self;
        write!(f, "cannot use the uring backend: {verdict}. To use it: {}", verdict.cure())?;
        f.write_str(". Or choose --backend epoll")
    }
}

impl std::error::Error for Unavailable {}

impl Backend {
    /// Settles on a backend for so many shards, and says why in words for the log and the health answer.
    ///
    /// `Auto` falls back only when io_uring is not to be had; when it is and the process lacks memory or descriptors
    /// for it, that is an error with its cure, as it is when io_uring was asked for and is not available.
    pub fn choose(choice: Choice, shards: u8) -> Result<(Backend, String), Unavailable> {
        settle(choice, AUTO_PREFERS, || probe(shards))
    }

    /// Its name in options, logs and the health answer.
    pub fn as_str(self) -> &'static str {
        match self {
            Backend::Uring => "uring",
            Backend::Epoll => "epoll",
        }
    }
}

fn settle(
    choice: Choice,
    preferred: Backend,
    probe: impl FnOnce() -> Verdict,
) -> Result<(Backend, String), Unavailable> {
    match (choice, preferred) {
        (Choice::Epoll, _) => Ok((Backend::Epoll, "asked for".to_owned())),
        // Not probed: io_uring could only be had and not be used.
        (Choice::Auto, Backend::Epoll) => {
            Ok((Backend::Epoll, "auto: it needs less CPU and memory than uring".to_owned()))
        }
        (Choice::Uring, _) => match probe() {
            Verdict::Ready => Ok((Backend::Uring, "asked for".to_owned())),
            verdict => Err(Unavailable { verdict }),
        },
        (Choice::Auto, Backend::Uring) => match probe() {
            Verdict::Ready => Ok((Backend::Uring, "auto: io_uring has all that is needed".to_owned())),
            verdict if verdict.is_unavailable() => Ok((Backend::Epoll, format!("auto: {verdict}"))),
            verdict => Err(Unavailable { verdict }),
        },
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Choice, String> {
        match text {
            "auto" => Ok(Choice::Auto),
            "uring" => Ok(Choice::Uring),
            "epoll" => Ok(Choice::Epoll),
            _ => Err(format!("{text:?} is no backend; there are auto, uring and epoll")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_to_be_had_is_replaced() {
        #[track_caller]
        fn check(choice: Choice, preferred: Backend, found: Verdict, expect: Option<Backend>) {
            let settled = settle(choice, preferred, || found.clone());
            assert_eq!(settled.as_ref().ok().map(|(backend, _)| *backend), expect, "{settled:?}");
        }
        let exhausted = Verdict::Exhausted { errno: libc::ENOMEM, rings: 0, needed: 3 };
        use Backend::{Epoll, Uring};
        check(Choice::Auto, Epoll, Verdict::Ready, Some(Epoll));
        check(Choice::Auto, Uring, Verdict::Ready, Some(Uring));
        check(Choice::Auto, Uring, Verdict::Missing, Some(Epoll));
        check(Choice::Auto, Uring, Verdict::Memlock { limit: 65_536 }, Some(Epoll));
        check(Choice::Auto, Uring, exhausted.clone(), None);
        check(Choice::Uring, Epoll, Verdict::Ready, Some(Uring));
        check(Choice::Uring, Epoll, Verdict::Missing, None);
        check(Choice::Uring, Epoll, exhausted, None);
        check(Choice::Epoll, Uring, Verdict::Ready, Some(Epoll));
    }

    #[test]
    fn a_refusal_names_cause_and_cure() {
        let text = Unavailable { verdict: Verdict::Memlock { limit: 64 << 10 } }.to_string();
        for part in ["64 KiB", "LimitMEMLOCK", "--backend epoll"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
