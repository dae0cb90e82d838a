//! Counts instructions and allocations of the paths that everything takes, and compares them with the record.
//!
//! Counts repeat where times do not: one instruction more is one instruction more on every machine, however busy. So they
//! can stop a change; `bench/records/README.md` says how.

mod built;
mod case;
mod cases;
mod compare;
mod measure;
mod record;
mod valgrind;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use built::Built;
use measure::{Counts, Without};
use record::Record;
pub(crate) use world::{UPGRADE, request};

/// Counts instructions and allocations of the paths that everything takes.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    one: Option<One>,
    /// Fails when something costs more than the record says.
    #[arg(long, conflicts_with = "update")]
    check: bool,
    /// Rewrites the record with what is counted now.
    #[arg(long, requires = "reason")]
    update: bool,
    /// Why the counts changed; kept in the record.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only cases whose names contain this.
    #[arg(long, value_name = "PART", conflicts_with = "update")]
    only: Option<String>,
    /// The record.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum One {
    /// Does one case so many times and says what it took from the heap; run it under a tool of your choice.
    Run {
        /// Its name.
        case: String,
        /// How often.
        count: u64,
    },
    /// Names every case.
    List,
}

/// Counts. A failed check is exit code 1.
pub(crate) fn run(options: &Options) -> ExitCode {
    match &options.one {
        Some(One::Run { case, count }) => {
            let case = case::named(case).unwrap_or_else(|| panic!("there is no case {case}"));
            println!("{}", measure::heap_json(case::run(&case, *count)));
            return ExitCode::SUCCESS;
        }
        Some(One::List) => {
            for case in case::all() {
                println!("{:<26} per {}", case.name, case.unit);
            }
            return ExitCode::SUCCESS;
        }
        None => {}
    }
    let wanted = |name: &str| options.only.as_deref().is_none_or(|part| name.contains(part));
    let cases: Vec<_> = case::all().into_iter().filter(|case| wanted(case.name)).collect();
    let built = Built::this();
    let (counts, without) = measure::all(&cases);
    if options.json {
        println!("{}", measure::to_json(&built, &cases, &counts));
    } else {
        table(&cases, &counts, &built, without);
    }
    let path = options.record.clone().unwrap_or_else(record::path);
    if options.update {
        return update(&path, built, &cases, &counts, without, options.reason.as_deref().unwrap_or_default());
    }
    if options.check {
        let record = match Record::read(&path) {
            Ok(record) => record,
            Err(problem) => {
                println!("{problem}");
                return ExitCode::FAILURE;
            }
        };
        return check(&record, &built, &cases, &counts, without, options.only.is_none());
    }
    ExitCode::SUCCESS
}

/// Prints what some cases take from the heap; nothing else is counted, so it takes no time.
pub(crate) fn print_heap(wanted: impl Fn(&str) -> bool) {
    println!("{:<26} {:>12} {:>12} {:>12}  per", "case", "allocations", "bytes taken", "bytes kept");
    for case in case::all() {
        if wanted(case.name) {
            let Counts { allocations, bytes, kept, .. } = measure::heap(&case);
            println!("{:<26} {allocations:>12.3} {bytes:>12.0} {kept:>12.0}  {}", case.name, case.unit);
        }
    }
}

fn table(cases: &[case::Case], counts: &[Counts], built: &Built, without: Option<Without>) {
    println!("{built}");
    println!(
        "{:<26} {:>14} {:>12} {:>12} {:>12}  per",
        "case", "instructions", "allocations", "bytes taken", "bytes kept"
    );
    for (case, counts) in cases.iter().zip(counts) {
        let instructions = counts.instructions.map_or("-".to_owned(), |count| format!("{count:.0}"));
        println!(
            "{:<26} {instructions:>14} {:>12.3} {:>12.0} {:>12.0}  {}",
            case.name, counts.allocations, counts.bytes, counts.kept, case.unit
        );
    }
    if let Some(without) = without {
        println!("{without}");
    }
}

fn check(
    record: &Record,
    built: &Built,
    cases: &[case::Case],
    counts: &[Counts],
    without: Option<Without>,
    whole: bool,
) -> ExitCode {
    let differs = record.built.difference(built);
    if let Some(difference) = &differs {
        println!("counts not comparable: {difference}. Only allocations are checked");
    }
    let instructions = differs.is_none() && without.is_none();
    let found = compare::compare(record, cases, counts, instructions, whole);
    for line in found.better.iter().chain(&found.worse) {
        println!("{line}");
    }
    if found.worse.is_empty() {
        let what = if instructions { "instructions or allocations" } else { "allocations" };
        println!("{} cases: none takes more {what} than recorded", cases.len());
        return ExitCode::SUCCESS;
    }
    println!(
        "If that is what the change is worth: `pincer-bench micro --update --reason \"…\"`, and commit the record with it."
    );
    ExitCode::FAILURE
}

fn update(
    path: &std::path::Path,
    built: Built,
    cases: &[case::Case],
    counts: &[Counts],
    without: Option<Without>,
    reason: &str,
) -> ExitCode {
    if let Some(without) = without {
        println!("{without}. A record without instructions would be none");
        return ExitCode::FAILURE;
    }
    let before = Record::read(path).ok();
    let record = Record::next(before, built, cases, counts, reason);
    record.write(path);
    println!("{} holds what was counted", path.display());
    ExitCode::SUCCESS
}
