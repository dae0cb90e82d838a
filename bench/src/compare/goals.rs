//! What the gateway has to reach, in the words of the issue that asked for this comparison.

use super::Findings;
use super::measure::Metric;
use crate::peers::Peer;

/// One goal and what became of it, for one backend.
pub(crate) struct Goal {
    pub(crate) text: String,
    pub(crate) found: Verdict,
}

/// What became of a goal.
pub(crate) enum Verdict {
    /// Value and bound, both as shown; whether it was reached, and by what part of the bound it was missed.
    Measured { value: String, bound: String, missed_by: Option<f64> },
    /// Nothing to judge by.
    Unmeasured,
}

/// All goals for `ours`.
pub(crate) fn goals(findings: &Findings, ours: Peer) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (metric, load) in [(Metric::ClosedMicros, "closed loop"), (Metric::PipelinedMicros, "pipelined")] {
        let of = |peer| findings.ratio(ours, peer, metric);
        let worst = [Peer::Bun, Peer::Fastwebsockets].into_iter().filter_map(of).reduce(f64::max);
        goals.push(Goal {
            text: format!(
                "{load}: server CPU per request at most that of the fastest of Bun and fastwebsockets"
            ),
            found: at_most(worst, 1.0, "times"),
        });
    }
    let bun = findings.ratio(ours, Peer::Bun, Metric::FanoutMicros);
    goals.push(Goal {
        text: "fan-out: CPU per delivery at most Bun's".to_owned(),
        found: at_most(bun, 1.0, "times"),
    });
    for upstream in [Peer::OpenclawV3, Peer::OpenclawV4] {
        let name = upstream.name();
        let of = |metric| findings.ratio(ours, upstream, metric);
        goals.push(Goal {
            text: format!("closed loop: at least 50 times the requests per CPU second of {name}"),
            found: at_least(of(Metric::ClosedMicros).map(|ratio| 1.0 / ratio), 50.0),
        });
        goals.push(Goal {
            text: format!("RSS without clients: at most 1/40 of {name}'s"),
            found: at_least(of(Metric::IdleRss).map(|ratio| 1.0 / ratio), 40.0),
        });
        goals.push(Goal {
            text: format!("bytes per idle connection: at most 1/20 of {name}'s"),
            found: at_least(of(Metric::IdleBytes).map(|ratio| 1.0 / ratio), 20.0),
        });
    }
    let own = |metric| findings.peers.get(&ours)?.median(metric);
    goals.push(Goal {
        text: "open loop at 50 % of saturation: p99 below 2 ms (on a quiet core)".to_owned(),
        found: at_most(own(Metric::OpenP99).map(|micros| micros / 1e3), 2.0, "ms"),
    });
    goals.push(Goal {
        text: "start to first hello-ok: below 50 ms".to_owned(),
        found: at_most(own(Metric::StartMillis), 50.0, "ms"),
    });
    goals
}

fn at_most(value: Option<f64>, bound: f64, unit: &str) -> Verdict {
    let Some(value) = value else { return Verdict::Unmeasured };
    Verdict::Measured {
        value: format!("{value:.2} {unit}"),
        bound: format!("{bound} {unit}"),
        missed_by: (value > bound).then(|| value / bound - 1.0),
    }
}

fn at_least(value: Option<f64>, bound: f64) -> Verdict {
    let Some(value) = value else { return Verdict::Unmeasured };
    Verdict::Measured {
        value: format!("{value:.0} times"),
        bound: format!("{bound} times"),
        missed_by: (value < bound).then(|| 1.0 - value / bound),
    }
}
