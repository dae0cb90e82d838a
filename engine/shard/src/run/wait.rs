//! How runs ended, for whoever waits or asks later: `agent.wait`.

use std::collections::{HashMap, VecDeque};

use pincer_protocol::Wire;
use pincer_sessions::time::Now;
use serde_json::{Map, Value, json};

use super::{AbortReason, ActiveRun};
use crate::Shard;
use crate::caller::Held;
use crate::shard::Timer;
use crate::timers::TimerId;

/// Outcomes kept. Upstream keeps them ten minutes; so do we, and no more than this many.
const ENDED_MAX: usize = 1_000;
const ENDED_MS: u64 = 10 * 60 * 1_000;

/// How a run ended.
#[derive(Debug, Clone)]
pub(crate) struct RunEnd {
    status: &'static str,
    error: Option<String>,
    started_ms: Option<u64>,
    ended_ms: u64,
    stop_reason: Option<&'static str>,
    /// v4's terminal receipt and reply.
    receipt: Option<(Value, Value)>,
    aborted: bool,
}

impl RunEnd {
    pub(crate) fn ok(run: &ActiveRun, now_ms: u64) -> RunEnd {
        let receipt = run.stream.terminal_receipt(&run.model_name());
        RunEnd {
            status: "ok",
            error: None,
            started_ms: Some(run.stream.started_ms()),
            ended_ms: now_ms,
            stop_reason: Some("stop"),
            receipt: Some((receipt, run.stream.terminal_reply())),
            aborted: false,
        }
    }

    /// The gateway answered by itself.
    pub(crate) fn said(now_ms: u64) -> RunEnd {
        RunEnd {
            status: "ok",
            error: None,
            started_ms: None,
            ended_ms: now_ms,
            stop_reason: None,
            receipt: None,
            aborted: false,
        }
    }

    pub(crate) fn failed(error: String, now_ms: u64) -> RunEnd {
        RunEnd {
            status: "error",
            error: Some(error),
            started_ms: None,
            ended_ms: now_ms,
            stop_reason: None,
            receipt: None,
            aborted: false,
        }
    }

    pub(crate) fn aborted(reason: AbortReason, now_ms: u64) -> RunEnd {
        RunEnd {
            status: "error",
            error: Some("aborted".to_owned()),
            started_ms: None,
            ended_ms: now_ms,
            stop_reason: Some(reason.as_str()),
            receipt: None,
            aborted: true,
        }
    }

    /// The answer to `agent.wait`. v3 reports an aborted run as a timeout.
    pub(crate) fn payload(&self, run_id: &str, wire: Wire) -> Value {
        if wire == Wire::V3 && self.aborted {
            return timeout(run_id);
        }
        let mut payload = Map::new();
        payload.insert("runId".to_owned(), run_id.into());
        payload.insert("status".to_owned(), self.status.into());
        if let Some(started) = self.started_ms.filter(|_| wire == Wire::V3) {
            payload.insert("startedAt".to_owned(), started.into());
        }
        payload.insert("endedAt".to_owned(), self.ended_ms.into());
        if let Some(error) = &self.error {
            payload.insert("error".to_owned(), error.as_str().into());
        }
        if wire == Wire::V4 {
            if let Some(reason) = self.stop_reason {
                payload.insert("stopReason".to_owned(), reason.into());
            }
            if let Some((receipt, reply)) = &self.receipt {
                payload.insert("livenessState".to_owned(), "working".into());
                payload.insert("terminalReceipt".to_owned(), receipt.clone());
                payload.insert("terminalReply".to_owned(), reply.clone());
            }
        }
        Value::Object(payload)
    }
}

/// What a wait that saw no end answers.
pub(crate) fn timeout(run_id: &str) -> Value {
    json!({"runId": run_id, "status": "timeout"})
}

/// Outcomes, oldest first.
#[derive(Default)]
pub(crate) struct Ended {
    by_run: HashMap<String, RunEnd>,
    order: VecDeque<(u64, String)>,
}

impl Ended {
    pub(crate) fn get(&self, run_id: &str) -> Option<&RunEnd> {
        self.by_run.get(run_id)
    }

    fn put(&mut self, run_id: &str, end: RunEnd, now: Now) {
        self.expire(now);
        if self.order.len() >= ENDED_MAX
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.by_run.remove(&oldest);
        }
        self.order.push_back((now.mono_ms, run_id.to_owned()));
        self.by_run.insert(run_id.to_owned(), end);
    }

    pub(crate) fn expire(&mut self, now: Now) {
        while let Some((at, run_id)) = self.order.front() {
            if at + ENDED_MS > now.mono_ms {
                return;
            }
            self.by_run.remove(run_id);
            self.order.pop_front();
        }
    }
}

/// Somebody waits for a run to end.
pub(crate) struct Waiting {
    run_id: String,
    held: Held,
    timer: TimerId,
}

impl Shard {
    /// Answers `agent.wait` now or when the run ends, at the latest after `timeout_ms`.
    pub(crate) fn wait_for_run(&mut self, run_id: String, held: Held, timeout_ms: u64) {
        if let Some(end) = self.runs.ended.get(&run_id) {
            let payload = end.payload(&run_id, held.wire);
            return self.answer(held, Ok(&payload));
        }
        if timeout_ms == 0 || self.runs.waits.len() >= self.limits.pending_max as usize {
            return self.answer(held, Ok(&timeout(&run_id)));
        }
        let number = self.next_number();
        let timer = self.timers.set(self.now.mono_ms + timeout_ms, Timer::RunWait(number));
        self.runs.waits.insert(number, Waiting { run_id, held, timer });
    }

    pub(crate) fn run_wait_over(&mut self, number: u64) {
        if let Some(Waiting { run_id, held, .. }) = self.runs.waits.remove(&number) {
            self.answer(held, Ok(&timeout(&run_id)));
        }
    }

    /// A run is over: remembers how, and tells who waits for it.
    pub(crate) fn run_ended(&mut self, run_id: &str, end: RunEnd) {
        self.runs.keys.remove(run_id);
        let numbers: Vec<u64> = self
            .runs
            .waits
            .iter()
            .filter(|(_, waiting)| waiting.run_id == run_id)
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            if let Some(Waiting { held, timer, .. }) = self.runs.waits.remove(&number) {
                self.timers.cancel(timer);
                let payload = end.payload(run_id, held.wire);
                self.answer(held, Ok(&payload));
            }
        }
        let now = self.now;
        self.runs.ended.put(run_id, end, now);
    }
}
