//! How busy the process is, as far as shards tell of it. Who measures is the driver: a shard knows no process.

use pincer_protocol::method::system::{EventLoop, ProcessMemory};

/// Measures the process. Asked at most a few times a second, by the shard that answers; may read files below `/proc`.
pub trait LoadMeter: Send + Sync {
    /// The last second or more, up to now; `None` while there is nothing to measure yet. `now_ms` is the shard's
    /// monotonic clock.
    fn read(&self, now_ms: u64) -> Option<Load>;

    /// Figures for `/metrics`, those of one name together.
    fn figures(&self) -> Vec<Figure>;
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// The loops, as v4 clients show them.
    pub event_loop: EventLoop,
    /// `None` where the system does not tell.
    pub memory: Option<ProcessMemory>,
}

/// One value for `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Whole name. One that ends in `_total` is a counter.
    pub name: &'static str,
    /// For people.
    pub help: &'static str,
    /// Whose; `None`: the process's.
    pub shard: Option<u8>,
    /// The value.
    pub value: f64,
}

/// Nothing is measured: for simulations and benchmarks.
pub struct NoLoad;

impl LoadMeter for NoLoad {
    fn read(&self, _: u64) -> Option<Load> {
        None
    }

    fn figures(&self) -> Vec<Figure> {
        Vec::new()
    }
}
