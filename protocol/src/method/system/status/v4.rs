//! What v4's `status` says of things that this gateway does not have, beside the few that it does.

use serde::Serialize;

use crate::method::system::load::{EventLoop, ModelRuntime, ProcessMemory};

/// What v4 says more. Background tasks, desktops and worker pools do not exist here; their counts are zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusV4 {
    /// Our version.
    pub runtime_version: &'static str,
    pub(super) host_desktop: HostDesktop,
    pub(super) degraded_secret_owners: [(); 0],
    pub(super) degraded_plugins: [(); 0],
    pub(super) tasks: Tasks,
    pub(super) task_audit: TaskAudit,
    pub(super) model_runtime: ModelRuntime,
    /// How busy the process is, where it is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_loop: Option<EventLoop>,
    /// Its memory, where it is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_memory: Option<ProcessMemory>,
    pub(super) worker_pools: WorkerPools,
    /// Process id.
    pub pid: u32,
    /// What a shutdown would wait for.
    pub shutdown_budget: ShutdownBudget,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct HostDesktop {
    enabled: bool,
    state: &'static str,
    port: u16,
}

impl Default for HostDesktop {
    fn default() -> Self {
        HostDesktop { enabled: false, state: "disabled", port: 0 }
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tasks {
    total: u64,
    active: u64,
    terminal: u64,
    failures: u64,
    by_status: TasksByStatus,
    by_runtime: TasksByRuntime,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct TasksByStatus {
    queued: u64,
    running: u64,
    succeeded: u64,
    failed: u64,
    timed_out: u64,
    cancelled: u64,
    lost: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct TasksByRuntime {
    subagent: u64,
    acp: u64,
    cli: u64,
    cron: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskAudit {
    total: u64,
    warnings: u64,
    errors: u64,
    by_code: TaskAuditByCode,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct TaskAuditByCode {
    stale_queued: u64,
    stale_running: u64,
    lost: u64,
    delivery_failed: u64,
    missing_cleanup: u64,
    inconsistent_timestamps: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkerPools {
    transcript_reconciliation: WorkerPool,
    model_catalog: WorkerPool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkerPool {
    max_workers: u64,
    workers: u64,
    workers_created: u64,
    active_tasks: u64,
    pending_tasks: u64,
}

/// What a shutdown would wait for.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShutdownBudget {
    /// How long running turns get, milliseconds.
    pub timeout_ms: u64,
    reserve_ms: u64,
    native_stop_budget: bool,
    /// What runs now.
    pub active_work: ActiveWork,
    write_custody: [(); 0],
}

/// What runs now.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveWork {
    /// Requests.
    pub root_requests: u64,
    cron_runs: u64,
    session_mutations: u64,
    terminal_persistence: u64,
    lifecycle_writes: u64,
}
