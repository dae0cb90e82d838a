//! How busy the process is, in the shape v4 clients show.
//!
//! Upstream measures one JavaScript event loop; here are as many as shards. Answers leave out what is not measured.

use serde::Serialize;

/// How the event loop fares.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventLoop {
    /// Whether clients should expect delays.
    pub degraded: bool,
    /// For how long, milliseconds.
    pub degraded_since_ms: Option<u64>,
    /// Why: `event_loop_delay`, `event_loop_utilization`, `cpu`.
    pub reasons: Vec<&'static str>,
    /// Length of the measurement, milliseconds.
    pub interval_ms: f64,
    /// How long something had to wait for a turn of its loop to end, 99th percentile, milliseconds; rounded up to a power
    /// of two of microseconds.
    #[serde(rename = "delayP99Ms")]
    pub delay_p99_ms: f64,
    /// The longest turn, milliseconds.
    pub delay_max_ms: f64,
    /// Busy share of the busiest loop, 0 to 1.
    pub utilization: f64,
    /// Cores used by the process.
    pub cpu_core_ratio: f64,
    /// Who used them.
    pub cpu_breakdown: CpuBreakdown,
}

/// Who used the processor.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CpuBreakdown {
    /// Cores used by shard threads, as far as their turns show.
    pub main_thread_core_ratio: f64,
    /// Busy share of the machine, 0 to 1.
    pub host_utilization: f64,
    /// Cores of the machine.
    pub host_cpu_count: u32,
    /// Cores used by workers; there are none.
    pub worker_core_ratio: f64,
    /// Cores used by the store and egress threads.
    pub other_threads_core_ratio: f64,
}

/// Whether model providers are ready; ours always are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelRuntime {
    /// Whether something is missing.
    pub degraded: bool,
    /// Agents that wait for it.
    pub pending_agents: Vec<Box<str>>,
}

/// Memory of the process. There is no JavaScript heap: what upstream's names come closest to is told instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessMemory {
    /// Resident bytes.
    pub rss_bytes: u64,
    /// Resident bytes of no file: heaps and stacks.
    pub heap_used_bytes: u64,
    /// Bytes of data segments that are mapped, resident or not.
    pub heap_total_bytes: u64,
    /// Resident bytes of files: program code.
    pub external_bytes: u64,
    /// There are none: 0.
    pub array_buffers_bytes: u64,
}
