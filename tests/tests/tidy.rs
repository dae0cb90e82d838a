//! Keeps the map honest: crate edges, file headers and sizes, names, and where unsafe may live.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pincer_tests::workspace;
use serde_json::Value;

/// Which of our crates each of our crates is built from. A new edge is a decision: change `docs/ARCHITECTURE.md` with it.
const EDGES: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("buffers", &[]),
    ("ws", &["buffers"]),
    ("sessions", &["protocol"]),
    ("adapters", &["protocol"]),
    ("defender", &["protocol"]),
    ("config", &["protocol"]),
    ("store", &["defender", "sessions"]),
    ("shard", &["adapters", "buffers", "config", "defender", "protocol", "sessions", "ws"]),
    ("runtime", &["adapters", "defender", "protocol", "sessions", "shard", "store"]),
    ("gateway", &["config", "defender", "protocol", "runtime", "sessions", "shard", "store"]),
    // Drives the binary from outside and shares no code with it.
    ("tests", &[]),
    // Measures the binary from outside; counts what single paths cost inside.
    ("bench", &["buffers", "config", "defender", "protocol", "sessions", "shard", "tests", "ws"]),
];

/// Crates that may contain unsafe code.
const UNSAFE_IN: [&str; 5] = [
    "engine/buffers",
    "engine/runtime",
    // These count: allocations, and instructions under valgrind.
    "engine/defender/tests",
    "bench/src/allocations.rs",
    "bench/src/micro/valgrind.rs",
];

/// Longest Rust file, in lines.
const LINES_MAX: usize = 700;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 10] =
    ["util", "utils", "helper", "helpers", "manager", "misc", "common", "types", "stuff", "shared"];

#[test]
fn crates_depend_on_each_other_as_the_design_says() {
    let allowed: BTreeMap<String, BTreeSet<String>> = EDGES
        .iter()
        .map(|(name, on)| ((*name).to_owned(), on.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    assert_eq!(edges(), allowed);
}

/// Of the workspace, as cargo sees it; build and test dependencies count too.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ours = |name: &Value| name.as_str().unwrap().strip_prefix("pincer-").map(str::to_owned);
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let name = ours(&package["name"]).expect("packages are named pincer-<folder>");
            let folder =
                Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_path_buf();
            assert_eq!(folder.file_name().unwrap().to_str(), Some(name.as_str()), "named after its folder");
            let on = package["dependencies"].as_array().unwrap().iter().filter_map(|dep| ours(&dep["name"]));
            // A crate's own name: its tests use it.
            let on = on.filter(|dep| *dep != name).collect();
            (name, on)
        })
        .collect()
}

/// A `tests.rs` is spared: it is the tests of the file it lies beside.
#[test]
fn every_rust_file_says_what_it_is() {
    check_each(|file, text| {
        (!text.starts_with("//! ") && !file.ends_with("/tests.rs"))
            .then(|| format!("{file} does not begin with `//! ` and what it is"))
    });
}

#[test]
fn no_rust_file_is_a_city() {
    check_each(|file, text| {
        let lines = text.lines().count();
        (lines > LINES_MAX)
            .then(|| format!("{file} has {lines} lines, more than {LINES_MAX}: two files, two ideas"))
    });
}

#[test]
fn names_say_something() {
    check_each(|file, _| {
        let empty = Path::new(file)
            .components()
            .filter_map(|part| Path::new(part.as_os_str()).file_stem()?.to_str())
            .find(|stem| EMPTY_NAMES.contains(stem));
        empty.map(|name| format!("{file}: `{name}` says nothing about what is inside"))
    });
}

/// The workspace denies unsafe code; a module lifts that by naming the lint, which only some crates may.
#[test]
fn unsafe_is_only_where_it_may_be() {
    check_each(|file, text| {
        let lint = concat!("unsafe", "_code");
        let lifts = text.contains(lint) && !UNSAFE_IN.iter().any(|folder| file.starts_with(folder));
        lifts.then(|| format!("{file} names {lint}; unsafe belongs into {UNSAFE_IN:?}"))
    });
    let manifests = files(&workspace()).into_iter().filter(|path| path.ends_with("Cargo.toml"));
    for path in manifests {
        let text = fs::read_to_string(&path).unwrap();
        let package = text.contains("[package]");
        let linted = text.contains("[lints]\nworkspace = true") || text.contains("[workspace]");
        assert!(!package || linted, "{} does not take the workspace's lints", path.display());
    }
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    // Split, so that this file passes.
    let needles = [concat!("/wor", "k/"), concat!("/roo", "t/")];
    let mut bad = Vec::new();
    // What commands do to places of that name is there to be read.
    let about_paths = workspace().join("engine/defender/src/command");
    for path in files(&workspace()).into_iter().filter(|path| !path.starts_with(&about_paths)) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            if needles.iter().any(|needle| line.contains(needle)) {
                bad.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Lock files may come from whatever mirror a developer uses; where packages are fetched from is the reader's choice.
#[test]
fn npm_lock_files_name_no_registry() {
    for path in files(&workspace()).into_iter().filter(|path| path.ends_with("package-lock.json")) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains("\"resolved\""),
            "{}: npm install with omit-lockfile-registry-resolved",
            path.display()
        );
    }
}

#[track_caller]
fn check_each(complaint: impl Fn(&str, &str) -> Option<String>) {
    let root = workspace();
    let mut count = 0;
    let mut bad = Vec::new();
    for path in files(&root) {
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        count += 1;
        let text = fs::read_to_string(&path).unwrap();
        bad.extend(complaint(path.strip_prefix(&root).unwrap().to_str().unwrap(), &text));
    }
    assert!(count > 100, "only {count} Rust files found");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Every file of the repository that a person wrote.
fn files(dir: &Path) -> Vec<PathBuf> {
    const MADE: [&str; 6] = ["target", ".git", "node_modules", "corpus", "artifacts", "seeds"];
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if MADE.iter().any(|made| entry.file_name() == *made) {
            continue;
        }
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files(&entry.path())),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}
