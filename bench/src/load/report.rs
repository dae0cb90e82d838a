//! What a measurement found, as JSON and as text.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use serde_json::{Map, Value};

use super::meter::{Held, Spent};

/// Latencies in nanoseconds, up to a minute, to three digits.
pub(crate) fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap()
}

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Percentiles {
    pub(crate) count: u64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    #[serde(rename = "p99.9")]
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Percentiles {
    /// Of some latencies.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Percentiles {
        let micros = |nanos: u64| nanos as f64 / 1e3;
        let at = |quantile| micros(histogram.value_at_quantile(quantile));
        Percentiles {
            count: histogram.len(),
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: micros(histogram.max()),
        }
    }
}

/// One measurement.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    pub(crate) target: String,
    pub(crate) mode: String,
    pub(crate) connections: usize,
    pub(crate) seconds: f64,
    /// Requests answered, connections made, events delivered: what the mode is about.
    pub(crate) operations: u64,
    pub(crate) per_second: f64,
    pub(crate) errors: u64,
    /// Answers that came before the answer to an earlier request of their connection.
    pub(crate) reordered: u64,
    /// By name; most modes have one.
    pub(crate) latency_micros: Map<String, Value>,
    /// CPU microseconds of the server per operation; the same number is CPU seconds per million operations.
    pub(crate) server_micros_per_operation: Option<f64>,
    /// Of one core.
    pub(crate) server_cpu_share: Option<f64>,
    pub(crate) server_holds: Option<Held>,
    /// CPU microseconds of the generator per operation.
    pub(crate) own_micros_per_operation: f64,
    /// Of its core.
    pub(crate) own_cpu_share: f64,
    /// What to know before these numbers are believed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) remarks: Vec<String>,
}

/// Shares of a core above and below which the generator, not the server, was the bottleneck.
const OWN_BUSY: f64 = 0.95;
const SERVER_IDLE: f64 = 0.90;

impl Outcome {
    /// With everything that follows from what was spent.
    pub(crate) fn new(
        mode: &str,
        target: &str,
        connections: usize,
        operations: u64,
        spent: Spent,
    ) -> Outcome {
        let wall = spent.wall.as_secs_f64();
        let each = |used: Duration| used.as_secs_f64() * 1e6 / operations.max(1) as f64;
        let mut outcome = Outcome {
            target: target.to_owned(),
            mode: mode.to_owned(),
            connections,
            seconds: wall,
            operations,
            per_second: operations as f64 / wall,
            errors: 0,
            reordered: 0,
            latency_micros: Map::new(),
            server_micros_per_operation: spent.server.map(each),
            server_cpu_share: spent.server.map(|used| used.as_secs_f64() / wall),
            server_holds: None,
            own_micros_per_operation: each(spent.own),
            own_cpu_share: spent.own.as_secs_f64() / wall,
            remarks: Vec::new(),
        };
        if outcome.own_cpu_share > OWN_BUSY
            && outcome.server_cpu_share.is_some_and(|share| share < SERVER_IDLE)
        {
            outcome.remarks.push(
                "the generator was busier than the server: its throughput is a lower bound, its latencies an upper one; \
                 CPU per operation stands"
                    .to_owned(),
            );
        }
        outcome
    }

    /// With latencies under a name.
    pub(crate) fn latency(mut self, name: &str, histogram: &Histogram<u64>) -> Outcome {
        let percentiles = serde_json::to_value(Percentiles::of(histogram)).unwrap();
        self.latency_micros.insert(name.to_owned(), percentiles);
        self
    }

    /// With what the server held.
    pub(crate) fn holding(mut self, held: Option<Held>) -> Outcome {
        self.server_holds = held;
        self
    }

    /// A percentile (`p50`, `p99`, …) of the latencies of that name, microseconds.
    pub(crate) fn percentile(&self, name: &str, percentile: &str) -> Option<f64> {
        self.latency_micros.get(name)?.get(percentile)?.as_f64()
    }

    /// Prints it for people.
    pub(crate) fn print(&self) {
        println!("{} {}, {} connections, {:.1} s", self.target, self.mode, self.connections, self.seconds);
        println!(
            "  {} operations, {:.0}/s, {} errors, {} out of order",
            self.operations, self.per_second, self.errors, self.reordered
        );
        for (name, latency) in &self.latency_micros {
            let at = |key: &str| latency[key].as_f64().unwrap_or_default();
            println!(
                "  {name:<12} p50 {:8.0}  p99 {:8.0}  p99.9 {:8.0}  max {:8.0} microseconds ({})",
                at("p50"),
                at("p99"),
                at("p99.9"),
                at("max"),
                latency["count"]
            );
        }
        if let (Some(each), Some(share)) = (self.server_micros_per_operation, self.server_cpu_share) {
            println!(
                "  server       {each:.2} CPU seconds per million operations, {:.0} % of a core",
                share * 100.0
            );
        }
        if let Some(held) = self.server_holds {
            let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            println!(
                "  server holds RSS {:.2} MiB, PSS {:.2} MiB; TCP buffers of the machine {:.2} MiB",
                mib(held.rss),
                mib(held.pss),
                mib(held.tcp)
            );
        }
        println!(
            "  generator    {:.2} CPU microseconds per operation, {:.0} % of its core",
            self.own_micros_per_operation,
            self.own_cpu_share * 100.0
        );
        for remark in &self.remarks {
            println!("  NOTE: {remark}");
        }
    }
}
