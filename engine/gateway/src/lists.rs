//! Reads the operator's own lists of addresses, hosts and digests, before the shards start: half a million lines take
//! seconds.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use pincer_defender::intel::{LIST_BYTES_MAX, LocalLists};

/// A path of a policy: absolute, or below the home directory. `None`: there is no home directory.
pub(crate) fn expand(path: &str, home: Option<&Path>) -> Option<PathBuf> {
    match path.strip_prefix("~/") {
        Some(below) => Some(home?.join(below)),
        None => Some(path.into()),
    }
}

/// Reads the files. What is wrong is said line by line and has no effect: a list is made by others, and one bad line of it
/// must not stop a gateway, nor hide the others.
pub(crate) fn load(files: &[String], home: Option<&Path>, warn: &mut dyn FnMut(String)) -> LocalLists {
    let mut lists = LocalLists::default();
    for file in files {
        let read = expand(file, home).ok_or_else(|| io::Error::other("HOME is not set")).and_then(read);
        let text = match read {
            Ok(text) => text,
            Err(error) => {
                warn(format!("the list {file} cannot be read and has no effect: {error}"));
                continue;
            }
        };
        let report = lists.add(&text);
        for bad in &report.problems {
            warn(format!("{file}:{}: {}; the line has no effect", bad.line, bad.problem));
        }
        let untold =
            report.problems_total as usize - report.problems.len().min(report.problems_total as usize);
        if untold > 0 {
            warn(format!("{file}: {untold} more lines have no effect"));
        }
        if report.cut {
            warn(format!("{file}: too long, or too many entries in all lists; the end of it has no effect"));
        }
    }
    lists
}

/// Bytes that are no UTF-8 spoil their own line only.
fn read(path: PathBuf) -> io::Result<String> {
    let mut bytes = Vec::new();
    // One more than is looked at, so that the report says that something was cut.
    File::open(path)?.take(LIST_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_told_and_the_others_count() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.txt"), "block bad.example.com\nblock\n\nallow x y\n").unwrap();
        std::fs::write(dir.path().join("b.txt"), b"block \xff.example.com\n0.0.0.0 ads.example.com\n")
            .unwrap();
        let mut said = Vec::new();
        let files = ["~/a.txt", "~/b.txt", "~/none.txt"].map(str::to_owned);
        let lists = load(&files, Some(dir.path()), &mut |line| said.push(line));
        assert_eq!(lists.len(), 2, "{said:#?}");
        let starts = ["~/a.txt:2: ", "~/a.txt:4: ", "~/b.txt:1: ", "the list ~/none.txt cannot be read"];
        assert_eq!(said.len(), starts.len(), "{said:#?}");
        for (line, start) in said.iter().zip(starts) {
            assert!(line.starts_with(start), "{line}\n  does not begin with {start}");
        }
        said.clear();
        assert!(load(&files, None, &mut |line| said.push(line)).is_empty());
        assert!(said.iter().all(|line| line.contains("HOME is not set")), "{said:#?}");
    }
}
