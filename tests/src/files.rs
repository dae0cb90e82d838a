//! Looking into what the gateway wrote.

use std::fs;
use std::path::{Path, PathBuf};

/// Every file below `dir` whose name has `word`.
pub fn files_named(dir: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_named(&path, word));
        } else if path.file_name().unwrap().to_str().unwrap().contains(word) {
            found.push(path);
        }
    }
    found
}
