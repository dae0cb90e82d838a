//! Prints how many lists a second each backend commits, one by one and in groups of 64, on the disk of DIR:
//! `cargo run --release -p pincer-store --example commits -- DIR [SECONDS]`.
//!
//! A list is what accepting a message costs: a session row, a turn row, and a transcript line.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use pincer_sessions::persist::{StoreOp, Table, TranscriptId};
use pincer_store::{Options, open};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let Some(dir) = args.next().map(PathBuf::from) else {
        eprintln!("usage: commits DIR [SECONDS]");
        return ExitCode::FAILURE;
    };
    let seconds = args.next().and_then(|text| text.to_str()?.parse().ok()).unwrap_or(5);
    println!("{:<12} {:>6} {:>12} {:>12}", "store", "group", "lists/s", "batches/s");
    for store in ["pincer.json", "pincer.db"] {
        for group in [1, 64] {
            let dir = dir.join(format!("pincer-commits-{}-{store}-{group}", std::process::id()));
            let measured = measure(&dir, store, group, Duration::from_secs(seconds));
            let _ = std::fs::remove_dir_all(&dir);
            match measured {
                Ok(batches) => {
                    println!("{store:<12} {group:>6} {:>12.0} {batches:>12.0}", batches * group as f64);
                }
                Err(error) => {
                    eprintln!("{store}: {error}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    ExitCode::SUCCESS
}

/// Batches a second, checkpoints included.
fn measure(dir: &Path, store: &str, group: usize, time: Duration) -> Result<f64, Box<dyn std::error::Error>> {
    let mut store = open(Options::new(dir, dir.join(store), dir.join("pincer.log")))?.store;
    let row = format!(r#"{{"sessionId":"x","text":"{}"}}"#, "x".repeat(600));
    let line = format!(r#"{{"type":"message","text":"{}"}}"#, "y".repeat(300));
    let mut lists = Vec::with_capacity(group);
    for n in 0..group {
        let put = |table| StoreOp::Put { table, id: format!("agent:main:{n}"), json: row.clone() };
        let transcript = TranscriptId::new("main", &format!("session-{n}"))?;
        let append = StoreOp::Append { transcript, lines: vec![line.clone()] };
        lists.push(vec![put(Table::Sessions), put(Table::Turns), append]);
    }
    let lists: Vec<&[StoreOp]> = lists.iter().map(Vec::as_slice).collect();
    let mut batches = 0_u64;
    let begin = Instant::now();
    while begin.elapsed() < time {
        for result in store.commit(&lists) {
            result.map_err(|error| error.message)?;
        }
        if store.checkpoint_due() {
            store.checkpoint().map_err(|error| error.message)?;
        }
        batches += 1;
    }
    let rate = batches as f64 / begin.elapsed().as_secs_f64();
    store.close().map_err(|error| error.message)?;
    Ok(rate)
}
