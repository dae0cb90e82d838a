//! Finds what differs from the baseline.

use std::path::Path;

use super::baseline::{Baseline, Scan};
use super::drift::{DRIFT_ITEMS_MAX, Drift, Field, Item, Severity, What};
use super::entry::{Content, Entry, Kind, Root};
use super::text::shown;

/// What counts as a difference beyond what always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CompareOptions {
    /// A file's time of change. Off by default: a program that opens a file for writing and writes nothing moves it.
    pub modified: bool,
}

/// Permission bits that let others write, or programs run as somebody else.
const DANGEROUS_BITS: u32 = 0o6022;

/// What differs. A path that the scan could not reach, because a bound was, is not called missing.
pub fn compare(baseline: &Baseline, scan: &Scan, options: CompareOptions) -> Drift {
    let mut drift =
        Drift { cut: scan.cut, severity: scan.cut.then_some(Severity::Warning), ..Drift::default() };
    let mut found: Vec<(Severity, &Path, What)> = Vec::new();
    for (path, was) in &baseline.entries {
        match scan.entries.get(path) {
            Some(is) => {
                if let Some((severity, fields)) = changes(was, is, options) {
                    drift.changed = drift.changed.saturating_add(1);
                    found.push((severity, path, What::Changed(fields)));
                }
            }
            None if !covered(&scan.roots, path) => {
                drift.unwatched = drift.unwatched.saturating_add(1);
                found.push((Severity::Warning, path, What::Unwatched));
            }
            None if scan.cut => {}
            None => {
                drift.missing = drift.missing.saturating_add(1);
                found.push((Severity::Warning, path, What::Missing));
            }
        }
    }
    for (path, is) in &scan.entries {
        if !baseline.entries.contains_key(path) {
            drift.new = drift.new.saturating_add(1);
            let runs_as_owner = matches!(is.kind, Kind::File { .. }) && is.mode & 0o6000 != 0;
            let severity = if runs_as_owner { Severity::Critical } else { Severity::Warning };
            found.push((severity, path, What::New));
        }
    }
    // A root that had nothing in it leaves no entry behind.
    for root in &baseline.roots {
        let is_empty = || !baseline.entries.keys().any(|path| root.covers(path));
        if !scan.roots.contains(root) && !covered(&scan.roots, &root.path) && is_empty() {
            drift.unwatched = drift.unwatched.saturating_add(1);
            found.push((Severity::Warning, &root.path, What::Unwatched));
        }
    }
    found.sort_by(|(a, a_at, _), (b, b_at, _)| b.cmp(a).then_with(|| a_at.cmp(b_at)));
    drift.severity = drift.severity.max(found.first().map(|(severity, ..)| *severity));
    found.truncate(DRIFT_ITEMS_MAX);
    drift.items =
        found.into_iter().map(|(severity, path, what)| Item { severity, path: shown(path), what }).collect();
    drift
}

fn covered(roots: &[Root], path: &Path) -> bool {
    roots.iter().any(|root| root.covers(path))
}

fn changes(was: &Entry, is: &Entry, options: CompareOptions) -> Option<(Severity, Vec<Field>)> {
    let mut worst = None;
    let mut fields = Vec::new();
    let mut note = |field, severity| {
        fields.push(field);
        worst = worst.max(Some(severity));
    };
    match (&was.kind, &is.kind) {
        (Kind::File { size: was_size, content: was_content }, Kind::File { size, content }) => {
            match (was_content, content) {
                (Content::Sha256(was), Content::Sha256(is)) if was != is => {
                    note(Field::Content, Severity::Critical);
                }
                (Content::Sha256(_), Content::Unread(_)) => note(Field::Readable, Severity::Critical),
                (Content::Unread(_), Content::Sha256(_)) => note(Field::Readable, Severity::Notice),
                // Of what is never read the time says most.
                (Content::Unread(_), Content::Unread(_)) if was.mtime_ms != is.mtime_ms => {
                    note(Field::Modified, Severity::Warning);
                }
                _ => {}
            }
            if was_size != size {
                note(Field::Size, Severity::Warning);
            }
        }
        (Kind::Link { target: was }, Kind::Link { target: is }) if was != is => {
            note(Field::Target, Severity::Critical);
        }
        (was, is) if std::mem::discriminant(was) != std::mem::discriminant(is) => {
            note(Field::Kind, Severity::Critical);
        }
        _ => {}
    }
    if was.mode != is.mode {
        let gained = is.mode & !was.mode & DANGEROUS_BITS;
        note(Field::Mode, if gained != 0 { Severity::Critical } else { Severity::Warning });
    }
    if (was.uid, was.gid) != (is.uid, is.gid) {
        note(Field::Owner, Severity::Critical);
    }
    if was.inode != is.inode {
        note(Field::Inode, Severity::Notice);
    }
    // A folder's time moves with everything that happens in it, which is noted where it happens.
    let is_file = matches!(is.kind, Kind::File { .. });
    if options.modified && is_file && was.mtime_ms != is.mtime_ms {
        note(Field::Modified, Severity::Notice);
    }
    fields.dedup();
    worst.map(|severity| (severity, fields))
}

#[cfg(test)]
mod tests {
    use super::super::baseline::tests::{baseline, file};
    use super::*;
    use crate::host::{RootKind, Unread};

    fn scan(entries: &[(&str, Entry)]) -> Scan {
        let baseline = baseline(entries);
        Scan { roots: baseline.roots, entries: baseline.entries, cut: false }
    }

    /// `/w/a` was `was` and is `is`.
    #[track_caller]
    fn check(was: &Entry, is: &Entry, expect: Option<(Severity, &[Field])>) {
        let options = CompareOptions { modified: true };
        let drift = compare(&baseline(&[("/w/a", was.clone())]), &scan(&[("/w/a", is.clone())]), options);
        let expect = expect.map(|(severity, fields)| Item {
            severity,
            path: "/w/a".to_owned(),
            what: What::Changed(fields.to_vec()),
        });
        assert_eq!(drift.items, Vec::from_iter(expect));
        assert_eq!(drift.severity, drift.items.first().map(|item| item.severity));
        assert_eq!((drift.changed as usize, drift.unlisted()), (drift.items.len(), 0));
    }

    #[test]
    fn what_changed() {
        use Severity::*;
        let was = file(1);
        let sized = |size, hash| Kind::File { size, content: Content::Sha256([hash; 32]) };
        let unread = Kind::File { size: 12, content: Content::Unread(Unread::Denied) };
        let link = |target: &str| Entry { kind: Kind::Link { target: target.into() }, ..file(1) };
        check(&was, &was, None);
        check(&was, &Entry { kind: sized(12, 2), ..was.clone() }, Some((Critical, &[Field::Content])));
        check(
            &was,
            &Entry { kind: sized(13, 2), ..was.clone() },
            Some((Critical, &[Field::Content, Field::Size])),
        );
        check(&was, &Entry { inode: 8, ..was.clone() }, Some((Notice, &[Field::Inode])));
        check(
            &was,
            &Entry { mtime_ms: 8, inode: 8, ..was.clone() },
            Some((Notice, &[Field::Inode, Field::Modified])),
        );
        check(&was, &Entry { uid: 1, ..was.clone() }, Some((Critical, &[Field::Owner])));
        check(&was, &Entry { gid: 1, ..was.clone() }, Some((Critical, &[Field::Owner])));
        check(&was, &Entry { mode: 0o600, ..was.clone() }, Some((Warning, &[Field::Mode])));
        check(&was, &Entry { mode: 0o755, ..was.clone() }, Some((Warning, &[Field::Mode])));
        check(&was, &Entry { mode: 0o664, ..was.clone() }, Some((Critical, &[Field::Mode])));
        check(&was, &Entry { mode: 0o4755, ..was.clone() }, Some((Critical, &[Field::Mode])));
        check(&Entry { mode: 0o666, ..was.clone() }, &was, Some((Warning, &[Field::Mode])));
        check(&was, &Entry { kind: unread.clone(), ..was.clone() }, Some((Critical, &[Field::Readable])));
        check(&Entry { kind: unread.clone(), ..was.clone() }, &was, Some((Notice, &[Field::Readable])));
        let hidden = Entry { kind: unread, ..was.clone() };
        check(&hidden, &Entry { mtime_ms: 9, ..hidden.clone() }, Some((Warning, &[Field::Modified])));
        check(&was, &link("x"), Some((Critical, &[Field::Kind])));
        check(&link("x"), &link("y"), Some((Critical, &[Field::Target])));
        let dir = Entry { kind: Kind::Dir, ..was.clone() };
        check(&dir, &Entry { mtime_ms: 99, ..dir.clone() }, None);
    }

    #[test]
    fn what_came_and_went() {
        let setuid = Entry { mode: 0o4755, ..file(1) };
        let before = baseline(&[("/w/a", file(1)), ("/w/b", file(1))]);
        let after = scan(&[("/w/b", file(1)), ("/w/c", file(3)), ("/w/d", setuid)]);
        let drift = compare(&before, &after, CompareOptions::default());
        let seen: Vec<_> = drift.items.iter().map(|item| (item.path.as_str(), &item.what)).collect();
        assert_eq!(seen, [("/w/d", &What::New), ("/w/a", &What::Missing), ("/w/c", &What::New)]);
        assert_eq!((drift.changed, drift.missing, drift.new), (0, 1, 2));
        // The scan did not get that far: nothing is known to be missing.
        let drift = compare(&before, &Scan { cut: true, ..after.clone() }, CompareOptions::default());
        assert_eq!((drift.missing, drift.cut, drift.severity), (0, true, Some(Severity::Critical)));
        let cut = Scan { cut: true, ..scan(&[]) };
        assert!(!compare(&before, &cut, CompareOptions::default()).is_clean());
    }

    #[test]
    fn watching_less_is_a_difference() {
        let before = baseline(&[("/w/a", file(1))]);
        let drift = compare(&before, &Scan::default(), CompareOptions::default());
        assert_eq!(drift.items.first().map(|item| &item.what), Some(&What::Unwatched));
        assert_eq!((drift.missing, drift.unwatched), (0, 1));
        let mut empty = baseline(&[]);
        empty.roots = vec![Root { path: "/none".into(), kind: RootKind::File }];
        assert_eq!(compare(&empty, &Scan::default(), CompareOptions::default()).unwatched, 1);
        let same = Scan { roots: empty.roots.clone(), ..Scan::default() };
        assert!(compare(&empty, &same, CompareOptions::default()).is_clean());
    }

    #[test]
    fn the_worst_are_listed() {
        let names: Vec<String> = (0..500).map(|n| format!("/w/{n:03}")).collect();
        let entries: Vec<_> = names.iter().map(|name| (name.as_str(), file(1))).collect();
        let mut after = scan(&entries);
        for (index, entry) in after.entries.values_mut().enumerate() {
            match index {
                499 => entry.uid = 5,
                _ => entry.inode = 99,
            }
        }
        let drift = compare(&baseline(&entries), &after, CompareOptions::default());
        assert_eq!(drift.items.first().map(|item| item.path.as_str()), Some("/w/499"));
        assert_eq!((drift.items.len(), drift.changed, drift.unlisted()), (DRIFT_ITEMS_MAX, 500, 300));
    }
}
