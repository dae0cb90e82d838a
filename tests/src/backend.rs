//! Which backends this machine can run, and tests once for each.

use std::sync::OnceLock;

use crate::gateway::Setup;

/// How the gateway under test drives its sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// Always there.
    Epoll,
    /// Where the kernel, the container and its limits allow io_uring.
    Uring,
}

impl Backend {
    /// As `--backend` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Epoll => "epoll",
            Backend::Uring => "uring",
        }
    }

    /// Whether a gateway starts with it here. The gateway's own probe decides, once a process; why not is printed.
    /// `PINCER_TEST_BACKENDS` (a comma-separated list) limits the choice, and makes a listed one mandatory.
    pub fn available(self) -> bool {
        static URING: OnceLock<bool> = OnceLock::new();
        let wanted = std::env::var("PINCER_TEST_BACKENDS").ok();
        if let Some(list) = &wanted {
            return list.split(',').any(|name| name.trim() == self.name());
        }
        match self {
            Backend::Epoll => true,
            Backend::Uring => *URING.get_or_init(|| match Setup::new(Backend::Uring).try_start() {
                Ok(_) => true,
                Err(exit) => {
                    eprintln!("io_uring is not available here, its tests are skipped:\n{}", exit.log);
                    false
                }
            }),
        }
    }

    /// Those available.
    pub fn all() -> Vec<Backend> {
        [Backend::Epoll, Backend::Uring].into_iter().filter(|backend| backend.available()).collect()
    }
}

/// Makes each named function of the module, `fn name(Backend)`, a test per backend: `epoll::name` and `uring::name`.
#[macro_export]
macro_rules! on_each_backend {
    ($($name:ident),* $(,)?) => {
        mod epoll {
            $(#[test] fn $name() { super::$name($crate::Backend::Epoll); })*
        }
        mod uring {
            $(#[test] fn $name() {
                if $crate::Backend::Uring.available() {
                    super::$name($crate::Backend::Uring);
                }
            })*
        }
    };
}
