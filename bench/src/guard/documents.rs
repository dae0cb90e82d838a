//! Harmless documents: the files of this repository, and, for measuring only, those of any folder.
//!
//! Labelled corpora have few documents that nobody tampered with. This repository has some that we wrote ourselves:
//! texts, sources, scripts and settings. Half of its files (by their names) are trained on, the other half shows what
//! comes of it. What holds attacks in order to test or describe them is left out. Other people's documents are those of
//! the packages we build with, unpacked by `cargo fetch --locked`: half of the packages are trained on, the other half
//! sets no mark and only shows how often the guard would be wrong. Any other folder can be measured with, too.

use std::fs;
use std::path::{Path, PathBuf};

use super::corpus::{Channel, Label, Row};

/// So much of a file is one document.
const BYTES: usize = 4000;
/// At most so many documents a file: the beginning, and what follows. Texts are rarer than sources and give more.
const PIECES_TEXT: usize = 12;
const PIECES_CODE: usize = 2;
/// Folders are followed so deep, and at most so many files are taken.
const DEPTH_MAX: usize = 12;
const FILES_MAX: usize = 20_000;

/// Parts of the repository that hold attacks, or are not ours: by the beginning of their path, or a folder's name.
const LEFT_OUT: [&str; 5] = [
    "engine/defender",
    "bench/src/guard",
    "tests/tests/e2e/defender",
    "docs/SECURITY.md",
    "tests/fuzz/seeds",
];
const FOLDERS_LEFT_OUT: [&str; 3] = ["target", "node_modules", "defender"];
/// A file with one of these in it may be about attacks, wherever it is.
const TELLTALES: [&str; 4] = ["ignore all", "ignore previous", "prompt injection", "jailbreak"];

/// What the sources of documents begin with that are judged: of the repository, and of other folders.
pub(crate) const SOURCES: [&str; 2] = ["documents", "measured"];

/// The documents of the repository at `root`: those to train on, and those to judge.
pub(crate) fn own(root: &Path) -> (Vec<Row>, Vec<Row>) {
    let (mut trained, mut judged) = (Vec::new(), Vec::new());
    for path in files(root) {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if LEFT_OUT.iter().any(|part| name.starts_with(part)) {
            continue;
        }
        // The hash is of the path within the repository: wherever it is checked out, the halves are the same.
        if hash(&name) >> 32 & 1 == 0 {
            document(&path, name, "trained", &mut trained);
        } else {
            document(&path, name, SOURCES[0], &mut judged);
        }
    }
    (trained, judged)
}

/// The documents of the packages below `folders`: those to train on, and those to judge. A package is on one side only.
pub(crate) fn packages(folders: &[PathBuf]) -> (Vec<Row>, Vec<Row>) {
    let (mut trained, mut judged) = (Vec::new(), Vec::new());
    for folder in folders {
        for path in files(folder) {
            let (package, name) = package(folder, &path);
            if kind(&path) == Some(Kind::Text) || hash(&name) >> 32 & 7 == 0 {
                if hash(&package) >> 33 & 1 == 0 {
                    document(&path, name, "trained-packages", &mut trained);
                } else {
                    document(&path, name, SOURCES[1], &mut judged);
                }
            }
        }
    }
    (trained, judged)
}

/// Which package a file below `root` belongs to, without its version, and what the file is called from there on. A
/// package is the first folder on the way that has a manifest: where it was unpacked makes no difference.
fn package(root: &Path, path: &Path) -> (String, String) {
    let mut folder = root.to_owned();
    let parts: Vec<_> = path.strip_prefix(root).unwrap_or(path).components().collect();
    let at = parts.iter().position(|part| {
        folder.push(part);
        folder.join("Cargo.toml").exists()
    });
    let rest: PathBuf = parts.iter().skip(at.unwrap_or(0)).collect();
    let name = rest.display().to_string().replace('\\', "/");
    let package = name.split(|c: char| c.is_ascii_digit() || c == '/').next().unwrap_or_default();
    (package.to_owned(), name)
}

/// The documents below `folders`, to measure with.
pub(crate) fn others(folders: &[PathBuf]) -> Vec<Row> {
    let mut rows = Vec::new();
    for path in folders.iter().flat_map(|folder| files(folder)) {
        // Sources are many and alike: one in eight is enough to measure with.
        let name = path.display().to_string();
        if kind(&path) == Some(Kind::Text) || hash(&name) >> 32 & 7 == 0 {
            document(&path, name, SOURCES[1], &mut rows);
        }
    }
    rows
}

pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3))
}

/// All files that could be documents, sorted.
fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![(root.to_owned(), 0)]);
    while let Some((folder, depth)) = open.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_symlink() || name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                let wanted = !FOLDERS_LEFT_OUT.contains(&name.as_str()) && !name.starts_with("target-");
                if wanted && depth < DEPTH_MAX {
                    open.push((path, depth + 1));
                }
            } else if kind(&path).is_some() {
                found.push(path);
            }
        }
    }
    found.sort();
    found.truncate(FILES_MAX);
    found
}

#[derive(PartialEq, Eq)]
enum Kind {
    Text,
    Code,
}

fn kind(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    // Licences are all the same, and nobody wrote a lock file.
    if name.starts_with("licen") || name.starts_with("copying") || name.ends_with(".lock") {
        return None;
    }
    match path.extension()?.to_string_lossy().to_lowercase().as_str() {
        "md" | "txt" | "html" => Some(Kind::Text),
        "rs" | "toml" | "sh" | "py" | "js" | "mjs" => Some(Kind::Code),
        _ => None,
    }
}

fn document(path: &Path, name: String, source: &str, rows: &mut Vec<Row>) {
    let Ok(text) = fs::read_to_string(path) else { return };
    let (part, pieces) = match kind(path) {
        Some(Kind::Text) => ("text", PIECES_TEXT),
        Some(Kind::Code) => ("code", PIECES_CODE),
        None => return,
    };
    let lower = text.to_lowercase();
    if source != SOURCES[1] && TELLTALES.iter().any(|telltale| lower.contains(telltale)) {
        return;
    }
    let source = format!("{source}:{part}");
    let mut rest = text.as_str();
    for piece in 0..pieces {
        let end = (0..=BYTES.min(rest.len())).rev().find(|&end| rest.is_char_boundary(end)).unwrap_or(0);
        // Whole lines: a text that ends amid a word is none that anybody wrote.
        let whole = rest.get(..end).and_then(|head| head.rfind('\n')).map_or(end, |at| at + 1);
        let (head, tail) = rest.split_at(if end == rest.len() { end } else { whole });
        if head.len() < 100 {
            return;
        }
        // Of a text also a paragraph alone, in one line: what people copy out of documents.
        let alone = if part == "text" { paragraph(head) } else { None };
        for text in [Some(head.to_owned()), alone].into_iter().flatten() {
            let channel = if (rows.len() + piece).is_multiple_of(3) { Channel::User } else { Channel::Tool };
            rows.push(Row {
                id: name.clone(),
                text,
                label: Label::Benign,
                category: source.clone(),
                source: source.clone(),
                channel,
            });
        }
        rest = tail;
    }
}

/// A paragraph of prose, in one line; by the text's hash, so that not all of them are first ones.
fn paragraph(text: &str) -> Option<String> {
    let is_prose = |part: &&str| {
        (60..800).contains(&part.len()) && part.starts_with(char::is_alphabetic) && part.contains(". ")
    };
    let paragraphs: Vec<&str> = text.split("\n\n").map(str::trim).filter(is_prose).collect();
    let chosen = paragraphs.get(hash(text) as usize % paragraphs.len().max(1))?;
    Some(chosen.split_whitespace().collect::<Vec<_>>().join(" "))
}
