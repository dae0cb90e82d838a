//! Harmless documents from a folder: what packages say about themselves, and source code.
//!
//! Meant for the sources of this workspace's dependencies (`~/.cargo/registry/src` after `cargo fetch`): the lock file
//! pins them, so they are the same for everybody, and they are full of imperatives, options and security talk. Files
//! are parted in two by the name of their package: one half is trained on, the other shows what comes of it.

use std::fs;
use std::path::{Path, PathBuf};

use super::corpus::{Channel, Label, Row};

/// So much of a file is one document.
const BYTES: usize = 4000;
/// At most so many source files a package; texts are all taken.
const SOURCES_MAX: usize = 3;

/// Whether a package is trained on. The rest is for judging.
fn is_trained(package: &str) -> bool {
    let hash = package
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3));
    hash >> 32 & 1 == 0
}

/// The documents below `folders`: those to train on, and those to judge.
pub(crate) fn read(folders: &[PathBuf]) -> (Vec<Row>, Vec<Row>) {
    let (mut trained, mut judged) = (Vec::new(), Vec::new());
    for folder in folders {
        for index in entries(folder) {
            for package in entries(&index).iter().filter(|path| path.is_dir()) {
                let name =
                    package.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                // Versions of a package are one.
                let bare = name.rsplit_once('-').map_or(name.as_str(), |(bare, _)| bare).to_owned();
                let rows = if is_trained(&bare) { &mut trained } else { &mut judged };
                for path in entries(package) {
                    document(&path, rows);
                }
                for path in entries(&package.join("src")).iter().take(SOURCES_MAX) {
                    document(path, rows);
                }
            }
        }
    }
    (trained, judged)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn document(path: &Path, rows: &mut Vec<Row>) {
    let kind = path.extension().map(|ext| ext.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    // Licences are all the same.
    if !matches!(kind.as_str(), "md" | "txt" | "rs" | "py" | "html" | "toml")
        || name.starts_with("licen")
        || name == "cargo.toml"
    {
        return;
    }
    let Ok(text) = fs::read_to_string(path) else { return };
    let source = if kind == "rs" { "documents:code" } else { "documents:text" };
    let mut rest = text.as_str();
    // The beginning and one more part: files begin alike.
    for part in 0..2 {
        let end = (0..=BYTES.min(rest.len())).rev().find(|&end| rest.is_char_boundary(end)).unwrap_or(0);
        let (head, tail) = rest.split_at(end);
        if head.len() < 100 {
            return;
        }
        let channel = if (rows.len() + part) % 3 == 0 { Channel::User } else { Channel::Tool };
        rows.push(Row {
            id: path.display().to_string(),
            text: head.to_owned(),
            label: Label::Benign,
            category: source.to_owned(),
            source: source.to_owned(),
            channel,
        });
        rest = tail;
    }
}
