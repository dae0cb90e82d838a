//! What is counted now beside what the record says.

use super::case::Case;
use super::measure::Counts;
use super::record::{Record, Recorded};

/// Instructions may rise by so much: compilers order code anew for changes elsewhere.
const INSTRUCTIONS_MORE_PERCENT_MAX: u64 = 3;

/// What came out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// What may not be.
    pub(super) worse: Vec<String>,
    /// What the record might be told.
    pub(super) better: Vec<String>,
}

/// Compares. `whole`: every case was counted, so what the record has beyond them is gone.
pub(super) fn compare(
    record: &Record,
    cases: &[Case],
    counts: &[Counts],
    instructions: bool,
    whole: bool,
) -> Found {
    let mut found = Found::default();
    for (case, counts) in cases.iter().zip(counts) {
        let now = Recorded::of(counts);
        let Some(old) = record.counts.get(case.name) else {
            found.worse.push(format!("{}: not in the record", case.name));
            continue;
        };
        let share = now.instructions as f64 / old.instructions.max(1) as f64 - 1.0;
        let line = |what: &str, old: String, now: String, share: f64| {
            format!("{}: {what} {old} -> {now} ({:+.1} %)", case.name, share * 100.0)
        };
        let moved = now.instructions.abs_diff(old.instructions) * 100;
        if instructions && moved > old.instructions * INSTRUCTIONS_MORE_PERCENT_MAX {
            let line =
                line("instructions", old.instructions.to_string(), now.instructions.to_string(), share);
            if share > 0.0 { found.worse.push(line) } else { found.better.push(line) }
        }
        if now.allocations != old.allocations {
            let share = now.allocations / old.allocations.max(f64::MIN_POSITIVE) - 1.0;
            let line = line("allocations", old.allocations.to_string(), now.allocations.to_string(), share);
            if now.allocations > old.allocations { found.worse.push(line) } else { found.better.push(line) }
        }
    }
    if whole {
        let gone = record.counts.keys().filter(|name| cases.iter().all(|case| case.name != *name));
        found.worse.extend(gone.map(|name| format!("{name}: in the record, and no case any more")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::micro::built::Built;

    /// What `now` (instructions, allocations) is found to be beside a record of 1,000 and 2.
    #[track_caller]
    fn check(now: (f64, f64), instructions: bool, worse: &[&str], better: &[&str]) {
        let cases = [crate::micro::case::named("shard.health").unwrap()];
        let counts = |(instructions, allocations)| Counts {
            instructions: Some(instructions),
            allocations,
            bytes: 0.0,
            kept: 0.0,
        };
        let record = Record::next(None, Built::this(), &cases, &[counts((1_000.0, 2.0))], "");
        let found = compare(&record, &cases, &[counts(now)], instructions, true);
        assert_eq!((found.worse, found.better), (lines(worse), lines(better)));
    }

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn more_is_worse_and_a_little_is_nothing() {
        check((1_000.0, 2.0), true, &[], &[]);
        check((1_030.0, 2.0), true, &[], &[]);
        check((1_040.0, 2.0), true, &["shard.health: instructions 1000 -> 1040 (+4.0 %)"], &[]);
        check((900.0, 2.0), true, &[], &["shard.health: instructions 1000 -> 900 (-10.0 %)"]);
        check((1_000.0, 2.1), true, &["shard.health: allocations 2 -> 2.1 (+5.0 %)"], &[]);
        check((1_000.0, 0.0), true, &[], &["shard.health: allocations 2 -> 0 (-100.0 %)"]);
        check((9_000.0, 2.0), false, &[], &[]);
    }

    #[test]
    fn a_case_without_a_record_and_a_record_without_a_case_are_told_of() {
        let cases = crate::micro::case::all();
        let counts = Counts { instructions: None, allocations: 0.0, bytes: 0.0, kept: 0.0 };
        let record = Record::next(None, Built::this(), &cases[1..2], &[counts], "");
        let found = compare(&record, &cases[..1], &[counts], false, true);
        assert_eq!(
            found.worse,
            ["ws.decode.small: not in the record", "ws.decode.16k: in the record, and no case any more"]
        );
    }
}
