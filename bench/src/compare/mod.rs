//! All servers, the same work, the same run: interleaved rounds, medians, and one report that says where the gateway loses.

mod goals;
mod measure;
pub(crate) mod record;
mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

pub(crate) use measure::Metric;
use measure::{Plan, Round, measure};

use crate::cores::Cores;
use crate::peers::{Peer, Program, fetch};
use crate::process::raise_files;

/// Compares the gateway with everything it could be replaced by.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A minute instead of ten: fewer and shorter rounds.
    #[arg(long)]
    quick: bool,
    /// Only these, separated by commas; all when not given.
    #[arg(long)]
    peers: Option<String>,
    /// Rounds; 5, or 2 when quick.
    #[arg(long)]
    rounds: Option<usize>,
    /// Where the report goes, as Markdown; the same name with `.json` gets all numbers.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Appends a line with this run's ratios.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Fails when a ratio is worse than in the last line of this file about the same build (release, bench-tool) by more
    /// than the tolerance.
    #[arg(long)]
    against: Option<PathBuf>,
    /// By how much a ratio may be worse, 0.5 being half again.
    #[arg(long, default_value_t = 0.5)]
    tolerance: f64,
}

/// What a run found.
pub(crate) struct Findings {
    /// By peer, in order.
    pub(crate) peers: BTreeMap<Peer, Found>,
    /// Peers that were asked for and could not be measured, with the reason.
    pub(crate) missing: Vec<(Peer, String)>,
    pub(crate) remarks: Vec<String>,
    pub(crate) plans: Vec<String>,
    pub(crate) quick: bool,
    /// The profile that the gateway was built in, by the folder that it lies in: `release`, `bench-tool`.
    pub(crate) build: String,
}

/// What was found of one peer.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) rounds: Vec<Round>,
}

impl Found {
    /// Median, least and greatest of a metric over the rounds that have it.
    pub(crate) fn spread(&self, metric: Metric) -> Option<(f64, f64, f64)> {
        let mut values: Vec<f64> =
            self.rounds.iter().filter_map(|round| round.values.get(&metric).copied()).collect();
        values.sort_by(f64::total_cmp);
        let (first, last) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some((median, first, last))
    }

    /// The median alone.
    pub(crate) fn median(&self, metric: Metric) -> Option<f64> {
        self.spread(metric).map(|(median, ..)| median)
    }
}

impl Findings {
    /// A round of `peer`, unless an earlier one failed: it has no numbers then, not those of the rounds that went well.
    fn add(&mut self, peer: Peer, round: Result<Round, String>) {
        if self.missing.iter().any(|(missing, _)| *missing == peer) {
            return;
        }
        match round {
            Ok(round) => {
                let said = round.remarks.iter().map(|remark| format!("{}: {remark}", peer.name()));
                self.remarks.extend(said);
                self.peers.entry(peer).or_default().rounds.push(round);
            }
            Err(why) => {
                self.peers.remove(&peer);
                self.missing.push((peer, why));
            }
        }
    }

    /// The same of the rounds that were disturbed least: what else runs makes CPU time longer, never shorter.
    pub(crate) fn ratio_of_least(&self, ours: Peer, other: Peer, metric: Metric) -> Option<f64> {
        let of = |peer: Peer| Some(self.peers.get(&peer)?.spread(metric)?.1);
        let (ours, other) = (of(ours)?, of(other)?);
        (other > 0.0).then(|| ours / other)
    }

    /// A metric of `ours` over that of `other`, both medians of this run.
    pub(crate) fn ratio(&self, ours: Peer, other: Peer, metric: Metric) -> Option<f64> {
        let of = |peer: Peer| self.peers.get(&peer)?.median(metric);
        let (ours, other) = (of(ours)?, of(other)?);
        (other > 0.0).then(|| ours / other)
    }
}

/// Runs it all; exit code 1 when the comparison with a record failed, or nothing could be measured.
pub(crate) fn run(options: &Options) {
    if let Err(why) = compare(options) {
        eprintln!("{why}");
        std::process::exit(1);
    }
}

fn compare(options: &Options) -> Result<(), String> {
    let wanted: Vec<Peer> = match &options.peers {
        Some(names) => names.split(',').map(|name| Peer::named(name.trim())).collect::<Result<_, _>>()?,
        None => Peer::ALL.to_vec(),
    };
    raise_files(20_000);
    // Everything is there before anything is measured.
    let (mut ready, mut missing) = (Vec::new(), Vec::new());
    for peer in wanted {
        match fetch(peer) {
            Ok(program) => ready.push((peer, program)),
            Err(why) => missing.push((peer, why)),
        }
    }
    let rounds = options.rounds.unwrap_or(if options.quick { 2 } else { 5 });
    let plan = if options.quick { Plan::quick(rounds) } else { Plan::full(rounds) };
    let findings = interleave(&ready, missing, &plan, options.quick);
    if findings.peers.is_empty() {
        return Err(format!("nothing could be measured: {:?}", findings.missing));
    }
    let text = report::markdown(&findings);
    match &options.out {
        Some(path) => {
            let write = |path: &std::path::Path, text: String| {
                std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
            };
            write(path, text)?;
            write(&path.with_extension("json"), report::json(&findings).to_string())?;
            println!("{}", path.display());
        }
        None => println!("{text}"),
    }
    // Judged by what stood there before this run is added.
    let judged = options.against.as_ref().map(|path| record::judge(&findings, path, options.tolerance));
    if let Some(path) = &options.record {
        record::append(&findings, path)?;
    }
    judged.unwrap_or(Ok(()))
}

fn interleave(ready: &[(Peer, Program)], missing: Vec<(Peer, String)>, plan: &Plan, quick: bool) -> Findings {
    let cores = Cores::take();
    let mut findings = Findings {
        peers: BTreeMap::new(),
        missing,
        remarks: cores.remark().into_iter().collect(),
        plans: vec![plan.described()],
        quick,
        build: build(ready),
    };
    let waited = pressure();
    let since = Instant::now();
    let (slow, fast): (Vec<_>, Vec<_>) = ready.iter().partition(|(peer, _)| peer.is_upstream());
    for number in 1..=plan.rounds {
        for (peer, program) in &fast {
            eprintln!("round {number}: {}", peer.name());
            findings.add(*peer, measure(*peer, program, &cores, plan));
        }
    }
    for (peer, program) in slow {
        let plan = Plan::upstream(*peer);
        let why = "not paced, since it cannot answer what the others are given";
        findings.plans.push(format!("{}, after the others ({why}): {}", peer.name(), plan.described()));
        eprintln!("once: {}", peer.name());
        findings.add(*peer, measure(*peer, program, &cores, &plan));
    }
    let wall = since.elapsed().as_micros() as f64;
    if let Some(share) = waited.zip(pressure()).map(|(then, now)| (now - then) as f64 / wall)
        && share > BUSY
    {
        findings.remarks.insert(
            0,
            format!(
                "something had to wait for a core {:.0} % of the time: latencies, rates and start times are not those of a \
                 quiet machine",
                share * 100.0
            ),
        );
    }
    findings
}

/// The build of the gateway in this run.
fn build(ready: &[(Peer, Program)]) -> String {
    let ours = ready.iter().find(|(peer, _)| peer.backend().is_some());
    let folder = ours.and_then(|(_, program)| program.path.parent()?.file_name());
    folder.map_or_else(|| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// From this share of the time on the machine was not quiet. Servers with several threads on one core cause some of it.
const BUSY: f64 = 0.25;

/// Microseconds since boot in which something waited for a core; `None` where the kernel does not count them.
fn pressure() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/pressure/cpu").ok()?;
    text.lines().next()?.rsplit_once("total=")?.1.parse().ok()
}
