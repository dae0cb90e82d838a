//! Measures the process: what its shards' loops did, the processor time and the memory it took.

use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pincer_protocol::method::system::{CpuBreakdown, EventLoop, ProcessMemory};
use pincer_shard::load::{Figure, Load, LoadMeter};
use rustix::time::{ClockId, clock_gettime};

use crate::gauges::{Gauge, ShardGauges, TURN_BUCKETS, turn_bound};

/// A measurement is at least so long, so that many who ask share one.
const INTERVAL_MS: u64 = 1_000;
/// From here on the loops, or the machine, are said to be degraded. A turn of 100 ms is felt by people, and beyond 95 %
/// of a core (or of all that shards may use) queues only grow.
const DEGRADED_DELAY_MS: f64 = 100.0;
const DEGRADED_SHARE: f64 = 0.95;

/// Reads the gauges of a server's shards, and `/proc`. Shards hold it, so it is made before their server; with
/// [`Meter::watch`] it is then shown their gauges.
#[derive(Debug)]
pub struct Meter {
    gauges: OnceLock<Vec<Arc<ShardGauges>>>,
    last: Mutex<Last>,
}

/// The last measurement, and where the next begins.
#[derive(Debug)]
struct Last {
    sample: Sample,
    load: Option<Load>,
    degraded_since_ms: Option<u64>,
}

/// Sums since the start, at one moment.
#[derive(Debug, Clone, Default)]
struct Sample {
    at_ms: u64,
    cpu: Duration,
    host: Option<Host>,
    /// Microseconds in turns, by shard.
    busy_us: Vec<u64>,
    turns: [u64; TURN_BUCKETS],
}

/// The machine: ticks of its clock since its start, busy ones and all, and its processors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Host {
    busy: u64,
    all: u64,
    processors: u32,
}

impl Default for Meter {
    /// The first measurement begins now, and its clock at 0.
    fn default() -> Meter {
        let sample = Sample { cpu: cpu(), host: host(), ..Sample::default() };
        let last = Mutex::new(Last { sample, load: None, degraded_since_ms: None });
        Meter { gauges: OnceLock::new(), last }
    }
}

impl Meter {
    /// Which shards are looked at. Once: a meter belongs to one server.
    pub fn watch(&self, gauges: &[Arc<ShardGauges>]) {
        let _ = self.gauges.set(gauges.to_vec());
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        // What it guards is replaced whole.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gauges(&self) -> &[Arc<ShardGauges>] {
        self.gauges.get().map_or(&[], Vec::as_slice)
    }

    fn sample(&self, at_ms: u64) -> Sample {
        let mut sample = Sample { at_ms, cpu: cpu(), host: host(), ..Sample::default() };
        for gauges in self.gauges() {
            sample.busy_us.push(gauges.busy_us.get());
            for (sum, count) in sample.turns.iter_mut().zip(&gauges.turns_by_length) {
                *sum += count.get();
            }
        }
        sample
    }
}

impl LoadMeter for Meter {
    fn read(&self, now_ms: u64) -> Option<Load> {
        let mut last = self.last();
        if last.load.is_some() && now_ms < last.sample.at_ms + INTERVAL_MS {
            return last.load.clone();
        }
        let sample = self.sample(now_ms);
        let longest_us = self.gauges().iter().map(|gauges| gauges.take_longest_turn_us()).max().unwrap_or(0);
        let mut event_loop = between(&last.sample, &sample, longest_us)?;
        let since = event_loop.degraded.then(|| last.degraded_since_ms.unwrap_or(now_ms));
        event_loop.degraded_since_ms = since.map(|since| now_ms.saturating_sub(since));
        let load = Load { event_loop, memory: memory() };
        *last = Last { sample, load: Some(load.clone()), degraded_since_ms: since };
        Some(load)
    }

    fn figures(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        let mut whole = |name, help, value| figures.push(Figure { name, help, shard: None, value });
        whole("process_cpu_seconds_total", "Processor time the process took, seconds.", cpu().as_secs_f64());
        if let Some(memory) = memory() {
            let value = as_f64(memory.rss_bytes);
            whole("process_resident_memory_bytes", "Memory of the process that is in use, bytes.", value);
        }
        for (name, help, gauge) in ROWS {
            for (shard, gauges) in (0u8..).zip(self.gauges()) {
                let value = as_f64(gauge(gauges).get());
                figures.push(Figure { name, help, shard: Some(shard), value });
            }
        }
        figures
    }
}

type Row = (&'static str, &'static str, fn(&ShardGauges) -> &Gauge);

/// Gauges that shards' own counters do not have.
const ROWS: &[Row] = &[
    ("pincer_loop_turns_total", "Turns of the shard's loop.", |gauges| &gauges.turns),
    ("pincer_loop_busy_microseconds_total", "Time spent in turns.", |gauges| &gauges.busy_us),
    ("pincer_loop_stall_microseconds_total", "Time spent in turns beyond 10 ms each.", |gauges| {
        &gauges.stall_us
    }),
    ("pincer_lingering_sockets", "Sockets that wait for their last bytes to leave.", |gauges| {
        &gauges.lingering
    }),
    ("pincer_accept_pauses_total", "Times no descriptor or memory was left for a connection.", |gauges| {
        &gauges.accept_pauses
    }),
    ("pincer_received_bytes_total", "Bytes read from peers.", |gauges| &gauges.bytes_in),
    ("pincer_sent_bytes_total", "Bytes written to peers.", |gauges| &gauges.bytes_out),
    ("pincer_mesh_sent_total", "Messages handed to other shards.", |gauges| &gauges.sent),
    ("pincer_mesh_undelivered_total", "Messages given back because a queue was full.", |gauges| {
        &gauges.undelivered
    }),
    ("pincer_stores_pending", "Commits asked for and not yet answered.", |gauges| &gauges.stores_pending),
    ("pincer_reads_pending", "Reads asked for and not yet answered.", |gauges| &gauges.reads_pending),
    ("pincer_store_refused_total", "Commits and reads refused: too many were pending.", |gauges| {
        &gauges.store_refused
    }),
];

/// What happened between two samples; `None` when no time passed.
fn between(before: &Sample, after: &Sample, longest_us: u64) -> Option<EventLoop> {
    let interval_ms = after.at_ms.checked_sub(before.at_ms).filter(|ms| *ms > 0)?;
    let interval_us = as_f64(interval_ms) * 1_000.0;
    let busy = |index: usize, us: u64| us.saturating_sub(before.busy_us.get(index).copied().unwrap_or(0));
    let busy: Vec<f64> =
        after.busy_us.iter().enumerate().map(|(index, us)| as_f64(busy(index, *us)) / interval_us).collect();
    let utilization = busy.iter().copied().fold(0.0, f64::max).min(1.0);
    let cores = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6 / interval_us;
    let shards = busy.iter().sum::<f64>().min(cores);
    let (host_before, host) = (before.host.unwrap_or_default(), after.host.unwrap_or_default());
    let host_utilization = match host.all.saturating_sub(host_before.all) {
        0 => 0.0,
        all => as_f64(host.busy.saturating_sub(host_before.busy)) / as_f64(all),
    };
    let longest_ms = as_f64(longest_us) / 1_000.0;
    let delay_p99_ms =
        p99_us(&before.turns, &after.turns).map_or(0.0, |us| as_f64(us) / 1_000.0).min(longest_ms);
    let mut reasons = Vec::new();
    if delay_p99_ms >= DEGRADED_DELAY_MS {
        reasons.push("event_loop_delay");
    }
    if utilization >= DEGRADED_SHARE {
        reasons.push("event_loop_utilization");
    }
    if cores >= DEGRADED_SHARE * f64::from(host.processors.max(1)) {
        reasons.push("cpu");
    }
    Some(EventLoop {
        degraded: !reasons.is_empty(),
        degraded_since_ms: None,
        reasons,
        interval_ms: as_f64(interval_ms),
        delay_p99_ms,
        delay_max_ms: longest_ms,
        utilization,
        cpu_core_ratio: cores,
        cpu_breakdown: CpuBreakdown {
            main_thread_core_ratio: shards,
            host_utilization,
            host_cpu_count: host.processors,
            worker_core_ratio: 0.0,
            other_threads_core_ratio: cores - shards,
        },
    })
}

/// Upper bound of the bucket that the 99th of 100 turns fell into.
fn p99_us(before: &[u64; TURN_BUCKETS], after: &[u64; TURN_BUCKETS]) -> Option<u64> {
    let counts = before.iter().zip(after).map(|(before, after)| after.saturating_sub(*before));
    let all: u64 = counts.clone().sum();
    let mut left = (all / 100).max(1);
    for (bucket, count) in counts.enumerate().rev() {
        if count >= left && count > 0 {
            return Some(turn_bound(bucket));
        }
        left = left.saturating_sub(count).max(1);
    }
    None
}

/// Processor time of all threads.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn host() -> Option<Host> {
    host_of(&fs::read_to_string("/proc/stat").ok()?)
}

/// `cpu  user nice system idle iowait irq softirq steal ...`, then a line for each processor: proc(5).
fn host_of(stat: &str) -> Option<Host> {
    let mut lines = stat.lines();
    let fields: Vec<u64> = lines
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .take(8)
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let all: u64 = fields.iter().sum();
    let idle = fields.get(3)? + fields.get(4).copied().unwrap_or(0);
    // A shard's own thread is pinned, so the processors it may use say nothing of the machine.
    let processors = lines.take_while(|line| line.starts_with("cpu")).count();
    Some(Host { busy: all - idle, all, processors: u32::try_from(processors).unwrap_or(u32::MAX) })
}

fn memory() -> Option<ProcessMemory> {
    memory_of(&fs::read_to_string("/proc/self/status").ok()?)
}

fn memory_of(status: &str) -> Option<ProcessMemory> {
    let bytes = |name: &str| -> Option<u64> {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.strip_prefix(':')?.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(ProcessMemory {
        rss_bytes: bytes("VmRSS")?,
        heap_used_bytes: bytes("RssAnon")?,
        heap_total_bytes: bytes("VmData")?,
        external_bytes: bytes("RssFile")?,
        array_buffers_bytes: 0,
    })
}

/// Sums below 2^53 are exact.
fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> (Meter, Arc<ShardGauges>) {
        let meter = Meter::default();
        let gauges = Arc::new(ShardGauges::default());
        meter.watch(&[Arc::clone(&gauges), Arc::default()]);
        (meter, gauges)
    }

    #[test]
    fn turns_of_the_interval_are_told_and_no_older_ones() {
        let (meter, gauges) = meter();
        for _ in 0..99 {
            gauges.turned(Duration::from_micros(100));
        }
        gauges.turned(Duration::from_millis(200));
        let first = meter.read(1_000).unwrap().event_loop;
        assert_eq!(first.interval_ms, 1_000.0);
        // One of a hundred took long: the 99th percentile is that one.
        assert_eq!((first.delay_p99_ms, first.delay_max_ms), (200.0, 200.0));
        assert_eq!((first.degraded, first.degraded_since_ms), (true, Some(0)));
        assert!(first.reasons.contains(&"event_loop_delay"));
        assert!((first.utilization - 0.2099).abs() < 1e-9, "{first:?}");

        // Too soon: the same again, whatever happened.
        gauges.turned(Duration::from_millis(1));
        assert_eq!(meter.read(1_999).unwrap().event_loop, first);

        for _ in 0..1_000 {
            gauges.turned(Duration::from_micros(100));
        }
        let second = meter.read(3_000).unwrap().event_loop;
        assert_eq!(second.delay_max_ms, 1.0);
        assert_eq!(second.delay_p99_ms, 0.128, "rounded up to a power of two");
        assert!(!second.reasons.contains(&"event_loop_delay"));

        // Nothing happened: the longest is not told again.
        let third = meter.read(4_000).unwrap().event_loop;
        assert_eq!((third.delay_max_ms, third.delay_p99_ms, third.utilization), (0.0, 0.0, 0.0));
    }

    #[test]
    fn a_busy_loop_is_degraded_until_it_is_not() {
        let (meter, gauges) = meter();
        let busy = || (0..99).for_each(|_| gauges.turned(Duration::from_millis(10)));
        busy();
        assert_eq!(meter.read(1_000).unwrap().event_loop.degraded_since_ms, Some(0));
        busy();
        let second = meter.read(2_000).unwrap().event_loop;
        assert_eq!(second.degraded_since_ms, Some(1_000));
        assert!(second.reasons.contains(&"event_loop_utilization"));
        assert!(!meter.read(12_000).unwrap().event_loop.reasons.contains(&"event_loop_utilization"));
    }

    #[test]
    fn the_systems_own_words_are_read() {
        let stat = "cpu  10 1 9 70 10 0 0 0 5 5\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 1\n";
        assert_eq!(host_of(stat), Some(Host { busy: 20, all: 100, processors: 2 }));
        assert_eq!(host_of("cpu  a b\n"), None);
        assert_eq!(host_of(""), None);
        let status = "VmRSS:\t    8 kB\nRssAnon:\t    4 kB\nRssFile:\t  2 kB\nVmData:\t 16 kB\n";
        let memory = memory_of(status).unwrap();
        assert_eq!((memory.rss_bytes, memory.heap_used_bytes), (8192, 4096));
        assert_eq!((memory.heap_total_bytes, memory.external_bytes), (16384, 2048));
        assert_eq!(memory_of("VmRSS:\tmuch\n"), None);
        // And of this machine.
        assert!(host().is_some_and(|host| host.busy <= host.all && host.processors > 0));
        assert!(super::memory().is_some_and(|memory| memory.rss_bytes > 0));
    }

    #[test]
    fn figures_name_each_shard() {
        let (meter, gauges) = meter();
        gauges.turned(Duration::from_millis(1));
        let figures = meter.figures();
        let of = |name: &str| -> Vec<f64> {
            figures.iter().filter(|figure| figure.name == name).map(|figure| figure.value).collect()
        };
        assert_eq!(of("pincer_loop_turns_total"), [1.0, 0.0]);
        assert!(of("process_resident_memory_bytes").first().is_some_and(|bytes| *bytes > 0.0));
    }
}
