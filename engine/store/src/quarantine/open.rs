//! Opens a quarantine for writing: reads all of it, and repairs what a crash explains.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use pincer_defender::ledger::{Chain, Hash, Head, Item, Record, Tally};
use pincer_defender::policy;

use super::error::QuarantineError;
use super::held::Held;
use super::layout::{Layout, names};
use super::scan::{HeadFile, Snapshot};
use super::writer::{Active, Quarantine, Segment};
use crate::disk::{self, Disk};
use crate::error::Failure;
use crate::settle::keep_aside;
use crate::state_dir;

/// Most breaks that are told one by one.
const TOLD_MAX: usize = 10;

/// An open quarantine.
#[derive(Debug)]
pub struct OpenedQuarantine {
    /// For the store thread.
    pub quarantine: Quarantine,
    /// What was found and repaired, for people. Empty after a clean stop.
    pub report: Vec<String>,
    /// The ledger was changed by somebody else, now or before; `verify` says where.
    pub broken: bool,
}

/// What is known of one file of the ledger.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    first: Option<u64>,
    first_at_ms: u64,
    last: Head,
    last_at_ms: u64,
    /// The last thing in it is a seal.
    sealed: bool,
}

impl Quarantine {
    /// Opens the quarantine of a state directory, making it when it never was. Only one may have it open. `at_ms` is
    /// Unix time; without `fsync` a crash of the machine loses what was acknowledged: for tests only.
    pub fn open(
        state_dir: &Path,
        limits: policy::Quarantine,
        at_ms: u64,
        fsync: bool,
    ) -> Result<OpenedQuarantine, QuarantineError> {
        let disk = Disk { fsync };
        let layout = Layout::below(state_dir);
        for changed in disk.create_dirs(&layout.payloads)? {
            disk.sync_dir(&changed)?;
        }
        let lock = state_dir::lock(&layout.lock)?;
        let mut report = Vec::new();
        for dir in [&layout.dir, &layout.payloads] {
            restrict(dir, &mut report)?;
        }

        let mut snapshot = Snapshot::open(&layout)?;
        let mut seen = vec![Seen::default(); snapshot.files.len()];
        let mut held = Held::default();
        let mut dropped = 0;
        let tally = snapshot.read(|index, item| {
            let (Some(seen), Item::Line(line, _)) = (seen.get_mut(index), item) else { return };
            if seen.first.is_none() {
                seen.first = Some(line.n);
                seen.first_at_ms = line.at_ms;
            }
            seen.last = Head { count: line.n, hash: line.hash };
            seen.last_at_ms = line.at_ms;
            seen.sealed = matches!(line.record, Some(Record::Sealed { .. }));
            if let Some(record) = &line.record {
                held.apply(line.n, line.at_ms, record);
            }
            if let Some(Record::Dropped { last, .. }) = &line.record {
                dropped = *last;
            }
        })?;
        tell(&tally, snapshot.head, &layout, &mut report);

        let mut quarantine = Quarantine {
            disk,
            chain: Chain::after(tally.head),
            active: None,
            segments: Default::default(),
            held,
            notes: Vec::new(),
            limits,
            layout,
            _lock: lock,
        };
        quarantine.take_files(&snapshot, &seen, &tally, at_ms, &mut report)?;
        quarantine.finish_drops(dropped)?;
        if tally.broken == 0 {
            // With a damaged ledger, what nothing refers to may be what the damage hides.
            quarantine.clear_orphans(&mut report)?;
        }
        quarantine.find_missing(&mut report)?;
        quarantine.resume(at_ms, &tally, snapshot.head)?;
        Ok(OpenedQuarantine { quarantine, report, broken: !tally.is_sound() })
    }

    /// Takes over the files that were read; a torn end is set aside.
    fn take_files(
        &mut self,
        snapshot: &Snapshot,
        seen: &[Seen],
        tally: &Tally,
        at_ms: u64,
        report: &mut Vec<String>,
    ) -> Result<(), QuarantineError> {
        for ((path, file), seen) in snapshot.files.iter().zip(seen) {
            let len = file.metadata().map_err(|cause| Failure::io("look at", path, &cause))?.len();
            if *path != self.layout.ledger {
                // One without a readable line is as young as can be: it is looked at before it goes.
                let before = self.segments.back().map_or(Head::default(), |segment| segment.last);
                let readable = seen.first.is_some();
                let (last, last_at_ms) =
                    if readable { (seen.last, seen.last_at_ms) } else { (before, at_ms) };
                self.segments.push_back(Segment { path: path.clone(), bytes: len, last, last_at_ms });
                continue;
            }
            let Some(file) = self.disk.open(path)? else { continue };
            let whole = len.saturating_sub(tally.torn_bytes);
            if whole < len {
                let torn = file.read(whole, len)?;
                let what = format!("{}: its last {} bytes are no whole line", path.display(), torn.len());
                if torn.iter().all(|&byte| byte == 0) {
                    report.push(format!("{what}; they are all zero"));
                } else {
                    let aside = keep_aside(self.disk, path, &torn)?;
                    report.push(format!("{what}; they are kept in {}", aside.display()));
                }
                file.set_len(whole)?;
                file.sync()?;
            }
            self.active = Some(Active {
                file,
                len: whole,
                dirty: false,
                first: seen.first.unwrap_or(tally.head.count + 1),
                first_at_ms: seen.first_at_ms,
                last_at_ms: seen.last_at_ms,
                sealed: seen.sealed,
            });
        }
        Ok(())
    }

    /// A crash may have come between saying that a segment goes and deleting it.
    fn finish_drops(&mut self, dropped: u64) -> Result<(), QuarantineError> {
        while let Some(segment) = self.segments.front()
            && segment.last.count <= dropped
            && segment.last.count > 0
        {
            self.disk.remove(&segment.path)?;
            self.segments.pop_front();
            self.disk.sync_dir(&self.layout.dir)?;
        }
        Ok(())
    }

    /// Texts that no record refers to: a crash came between writing them and their record, or between saying that they
    /// expire and deleting them. Nobody was told that they are kept.
    fn clear_orphans(&self, report: &mut Vec<String>) -> Result<(), QuarantineError> {
        let mut count = 0;
        for name in names(&self.layout.payloads)? {
            let hash = Hash::parse(&name);
            let ours =
                hash.is_some() || name.strip_suffix(".tmp").is_some_and(|name| Hash::parse(name).is_some());
            if ours && !hash.is_some_and(|hash| self.held.holds(&hash)) {
                self.disk.remove(&self.layout.payloads.join(name))?;
                count += 1;
            }
        }
        if count > 0 {
            report.push(format!("{count} texts in {} belonged to no record", self.layout.payloads.display()));
        }
        Ok(())
    }

    fn find_missing(&self, report: &mut Vec<String>) -> Result<(), QuarantineError> {
        let mut missing = 0;
        for (entry, file) in self.held.iter().flat_map(|entry| entry.files().map(move |file| (entry, file))) {
            let path = self.layout.payload(&file.sha256);
            if !disk::exists(&path)? {
                missing += 1;
                if missing <= TOLD_MAX {
                    report.push(format!("the text of {} is missing: {}", entry.id, path.display()));
                }
            }
        }
        if missing > TOLD_MAX {
            report.push(format!("{missing} texts are missing in all"));
        }
        Ok(())
    }

    /// Where the chain cannot go on as if nothing were wrong, it says so. Nothing damaged is written over: what cannot be
    /// read stays where it is, and lines go on behind it.
    fn resume(&mut self, at_ms: u64, tally: &Tally, head: HeadFile) -> Result<(), QuarantineError> {
        let problem = match &tally.head_problem {
            Some(problem) => problem.to_string(),
            None if tally.unreadable_end > 0 => {
                format!("the last {} lines could not be read", tally.unreadable_end)
            }
            None => {
                // Of an empty ledger too: a reader beside us that finds records and no head would call an end cut off.
                if head != HeadFile::Is(tally.head) {
                    self.write_head()?;
                }
                return Ok(());
            }
        };
        if let Some(remembered) = head.get().filter(|head| head.count > tally.head.count) {
            // The numbers up to there are used: that lines are missing stays to be seen.
            self.chain = Chain::after(remembered);
        }
        self.write_records(at_ms, &[Record::Resumed { problem }.bounded()])?;
        Ok(())
    }
}

/// Says what was found, for people.
fn tell(tally: &Tally, head: HeadFile, layout: &Layout, report: &mut Vec<String>) {
    let ledger = layout.ledger.display();
    for found in tally.breaks.iter().take(TOLD_MAX) {
        report.push(format!("{ledger} is broken and was left as it is: {found}"));
    }
    if tally.broken > TOLD_MAX as u64 {
        report.push(format!("{ledger} is broken in {} places in all", tally.broken));
    }
    let why = match head {
        HeadFile::Is(_) => return,
        HeadFile::Missing => "is missing",
        HeadFile::Unreadable => "cannot be read, as after a power cut",
    };
    if tally.lines > 0 {
        let head = layout.head.display();
        report.push(format!("{head} {why} and is written anew: an end that was cut off would not show"));
    }
}

/// Only we may look into a folder.
fn restrict(dir: &Path, report: &mut Vec<String>) -> Result<(), QuarantineError> {
    let look = |cause: &io::Error| Failure::io("look at", dir, cause);
    let mode = fs::metadata(dir).map_err(|cause| look(&cause))?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(dir, Permissions::from_mode(0o700))
            .map_err(|cause| Failure::io("restrict", dir, &cause))?;
        report.push(format!("{} was open to others (mode {:o}) and is 700 now", dir.display(), mode & 0o777));
    }
    Ok(())
}
