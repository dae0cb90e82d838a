//! Runs cases in processes of their own, under callgrind where it is installed.

use std::env;
use std::fmt;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::Deserialize;
use serde_json::{Value, json};

use super::built::Built;
use super::case::{self, Case};
use super::valgrind;
use crate::allocations::Heap;

/// What one unit of a case costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counts {
    /// Instructions, where they could be counted.
    pub(super) instructions: Option<f64>,
    /// Times memory was asked for.
    pub(super) allocations: f64,
    /// Bytes asked for.
    pub(super) bytes: f64,
    /// Bytes that were held afterwards.
    pub(super) kept: f64,
}

/// Why there are no instructions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Without;

impl fmt::Display for Without {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("valgrind is not installed (no `valgrind` in PATH): instructions are not counted")
    }
}

/// What a case's process says of its heap.
#[derive(Deserialize)]
struct Said {
    allocations: u64,
    bytes: u64,
    returned: u64,
}

/// What [`Said`] reads.
pub(super) fn heap_json(Heap { allocations, bytes, returned }: Heap) -> Value {
    json!({"allocations": allocations, "bytes": bytes, "returned": returned})
}

/// Counts every case, as many at a time as there are cores: counts do not mind company.
pub(super) fn all(cases: &[Case]) -> (Vec<Counts>, Option<Without>) {
    let found =
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let valgrind = found.is_ok_and(|status| status.success());
    // The longest come last in the table and first here.
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(vec![None; cases.len()]));
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by_key(|index| !cases[*index].name.ends_with("00k"));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = one(&cases[*index], valgrind);
                    counts.lock().unwrap()[*index] = Some(one);
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap().into_iter().map(Option::unwrap).collect();
    (counts, (!valgrind).then_some(Without))
}

/// What a case takes from the heap, counted here and now.
pub(super) fn heap(case: &Case) -> Counts {
    one(case, false)
}

fn one(case: &Case, valgrind: bool) -> Counts {
    let (heap, instructions) = if valgrind { counted(case) } else { (case::run(case, case.count), None) };
    let units = (case.count * case.each) as f64;
    let each = |whole: f64| whole / units;
    Counts {
        instructions: instructions.map(|count| each(count as f64)),
        allocations: each(heap.allocations as f64),
        bytes: each(heap.bytes as f64),
        kept: each(heap.held() as f64),
    }
}

/// One process under callgrind, which counts while [`case::run`] does what is to be counted.
fn counted(case: &Case) -> (Heap, Option<u64>) {
    let Output { status, stdout, stderr } = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counted_operation*"])
        .arg(if valgrind::CAN_BEGIN { "--instr-atstart=no" } else { "--instr-atstart=yes" })
        .arg(env::current_exe().unwrap())
        .args(["micro", "run", case.name, &case.count.to_string()])
        // How long the environment is decides where the stack begins; nothing here needs one.
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{} failed:\n{said}", case.name);
    let Said { allocations, bytes, returned } = serde_json::from_slice(&stdout).unwrap();
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let collected: u64 = collected.and_then(|(_, count)| count.trim().parse().ok()).unwrap_or(0);
    assert!(
        collected > 0,
        "callgrind saw nothing of {}: is the program stripped of its symbols?\n{said}",
        case.name
    );
    (Heap { allocations, bytes, returned }, Some(collected))
}

/// Everything that was counted, for programs.
pub(super) fn to_json(built: &Built, cases: &[Case], counts: &[Counts]) -> Value {
    let counts = cases.iter().zip(counts).map(|(case, counts)| {
        let Counts { instructions, allocations, bytes, kept } = counts;
        let row = json!({
            "per": case.unit, "instructions": instructions, "allocations": allocations, "bytes": bytes, "kept": kept,
        });
        (case.name.to_owned(), row)
    });
    json!({"built": built, "counts": counts.collect::<serde_json::Map<_, _>>()})
}
