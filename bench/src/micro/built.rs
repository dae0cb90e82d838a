//! What counts of instructions hold for: a compiler, a profile, a kind of processor and a C library.

use std::fmt;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// What this program was built with and what it runs on, as far as it changes how many instructions something takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Built {
    /// The cargo profile.
    pub(super) profile: String,
    /// The compiler, as it names itself.
    rustc: String,
    /// The processor's kind, and whether it has AVX2, which the JSON parser uses where it is there. Under valgrind nothing
    /// has AVX-512.
    cpu: String,
    /// The C library: copying memory and the heap are its.
    libc: String,
}

impl Built {
    /// This one.
    pub(super) fn this() -> Built {
        #[cfg(target_arch = "x86_64")]
        let avx2 = std::arch::is_x86_feature_detected!("avx2");
        #[cfg(not(target_arch = "x86_64"))]
        let avx2 = false;
        let libc = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok();
        let libc = libc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Built {
            profile: env!("BENCH_PROFILE").to_owned(),
            rustc: env!("BENCH_RUSTC").to_owned(),
            cpu: format!("{}{}", std::env::consts::ARCH, if avx2 { " with AVX2" } else { "" }),
            libc: libc.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned()),
        }
    }

    /// In what the other one differs.
    pub(super) fn difference(&self, now: &Built) -> Option<String> {
        let Built { profile, rustc, cpu, libc } = self;
        let pairs = [
            ("profile", profile, &now.profile),
            ("compiler", rustc, &now.rustc),
            ("processor", cpu, &now.cpu),
            ("C library", libc, &now.libc),
        ];
        let differing: Vec<String> = pairs
            .into_iter()
            .filter(|(_, then, now)| then != now)
            .map(|(what, then, now)| format!("the record is for {what} {then:?}, this is {now:?}"))
            .collect();
        (!differing.is_empty()).then(|| differing.join("; "))
    }
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Built { profile, rustc, cpu, libc } = self;
        write!(f, "profile {profile}, {rustc}, {cpu}, {libc}")
    }
}
