//! How busy the process is, in the shape v4 clients show.
//!
//! Upstream measures one JavaScript event loop. Answers leave out what is not measured.

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
    /// Delay of one turn, 99th percentile, milliseconds.
    #[serde(rename = "delayP99Ms")]
    pub delay_p99_ms: f64,
    /// Longest delay of a turn, milliseconds.
    pub delay_max_ms: f64,
    /// Busy share of the loop, 0 to 1.
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
    /// Cores used by shard threads.
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

/// Memory of the process. Only the first is measured here; there is no JavaScript heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessMemory {
    /// Resident bytes.
    pub rss_bytes: u64,
    heap_used_bytes: u64,
    heap_total_bytes: u64,
    external_bytes: u64,
    array_buffers_bytes: u64,
}

impl ProcessMemory {
    /// A process of `rss_bytes` resident bytes.
    pub fn new(rss_bytes: u64) -> ProcessMemory {
        ProcessMemory { rss_bytes, ..ProcessMemory::default() }
    }
}
