//! Turns lists of operations into journal entries, before anything is written.
//!
//! Later operations see what earlier ones of the same batch will have done, so a batch needs one `fsync` even when it
//! appends to, trims and archives the same transcript.

use std::collections::{HashMap, HashSet};

use pincer_sessions::persist::{ArchiveReason, Outcome, StoreOp, TranscriptId};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::clock::file_stamp;
use crate::disk;
use crate::entry::{Entry, FileOp};
use crate::error::Failure;
use crate::transcripts::Transcripts;

/// Longest row id. Session keys are below 512 bytes; idempotency keys come from clients.
const ID_BYTES_MAX: usize = 4 * 1024;

/// Largest row or transcript line. A frame from a client is at most 25 MiB.
const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A batch on its way into the journal.
pub(crate) struct Plan<'t> {
    files: &'t mut Transcripts,
    /// What was decided so far, list by list.
    pub(crate) entries: Vec<Entry>,
    /// How each touched transcript will be once `entries` are applied.
    virtuals: HashMap<TranscriptId, Virtual>,
    /// Names given to archives.
    taken: HashSet<(TranscriptId, String)>,
    /// Those of them that the current list took.
    taken_now: Vec<(TranscriptId, String)>,
    /// Created empty while planning.
    created: Vec<TranscriptId>,
}

/// A transcript as it will be: the first `base` bytes of the live file, then `extra`.
#[derive(Debug, Clone)]
struct Virtual {
    exists: bool,
    base: u64,
    extra: Vec<u8>,
    ends_line: bool,
}

impl Virtual {
    fn len(&self) -> u64 {
        self.base + self.extra.len() as u64
    }

    fn fresh(text: Option<Vec<u8>>) -> Virtual {
        Virtual { exists: text.is_some(), base: 0, extra: text.unwrap_or_default(), ends_line: true }
    }
}

/// One list's view: its own changes over those of the lists before it.
type Layer = HashMap<TranscriptId, Virtual>;

impl<'t> Plan<'t> {
    pub(crate) fn new(files: &'t mut Transcripts) -> Plan<'t> {
        Plan {
            files,
            entries: Vec::new(),
            virtuals: HashMap::new(),
            taken: HashSet::new(),
            taken_now: Vec::new(),
            created: Vec::new(),
        }
    }

    /// Plans one list. After an error the plan is as it was before.
    pub(crate) fn list(&mut self, ops: &[StoreOp]) -> Result<Vec<Outcome>, Failure> {
        let (entries, created) = (self.entries.len(), self.created.len());
        self.taken_now.clear();
        let mut layer = Layer::new();
        let planned: Result<Vec<Outcome>, Failure> = ops.iter().map(|op| self.op(op, &mut layer)).collect();
        match planned {
            Ok(outcomes) => {
                self.virtuals.extend(layer);
                Ok(outcomes)
            }
            Err(failure) => {
                self.entries.truncate(entries);
                for taken in self.taken_now.drain(..) {
                    self.taken.remove(&taken);
                }
                self.take_back(created);
                Err(failure)
            }
        }
    }

    /// Undoes what planning did to the disk: the batch was not committed.
    pub(crate) fn abandon(mut self) {
        self.take_back(0);
    }

    fn take_back(&mut self, from: usize) {
        for id in self.created.drain(from..) {
            self.files.unprepare(&id);
        }
    }

    fn op(&mut self, op: &StoreOp, layer: &mut Layer) -> Result<Outcome, Failure> {
        match op {
            StoreOp::Put { table, id, json } => {
                check_id(id)?;
                let row = document(json).map_err(|problem| {
                    Failure::lasting(format!("row {}/{id} cannot be stored: {problem}", table.as_str()))
                })?;
                self.entries.push(Entry::Put { table: *table, id: id.clone(), row });
                Ok(Outcome::Done)
            }
            StoreOp::Delete { table, id } => {
                check_id(id)?;
                self.entries.push(Entry::Delete { table: *table, id: id.clone() });
                Ok(Outcome::Done)
            }
            StoreOp::Append { transcript, lines } => self.append(transcript, lines, layer),
            StoreOp::Archive { transcript, reason, at_ms } => {
                self.archive(transcript, *reason, *at_ms, layer)
            }
            StoreOp::Trim { transcript, keep, at_ms } => self.trim(transcript, *keep, *at_ms, layer),
            StoreOp::Rewrite { transcript, lines, at_ms } => {
                let lines = documents(transcript, lines)?;
                let archived = self.replace(transcript, lines, *at_ms, layer)?;
                Ok(Outcome::Archived(archived))
            }
            StoreOp::Keep { .. } | StoreOp::Release { .. } => {
                Err(Failure::lasting("what goes into the quarantine goes there in a list of its own"))
            }
        }
    }

    fn append(&mut self, id: &TranscriptId, lines: &[String], layer: &mut Layer) -> Result<Outcome, Failure> {
        let lines = documents(id, lines)?;
        if lines.is_empty() {
            return Ok(Outcome::Done);
        }
        let before = self.current(id, layer)?;
        let (at, glue) = (before.len(), !before.ends_line);
        if !before.exists && !disk::exists(&self.files.path(id))? {
            self.files.prepare(id)?;
            self.created.push(id.clone());
        }
        let op = FileOp::Append { file: id.clone(), at, glue, lines };
        let after = self.current(id, layer)?;
        after.exists = true;
        after.ends_line = true;
        match after.extra.is_empty() {
            true => after.extra = op.text(),
            false => after.extra.extend_from_slice(&op.text()),
        }
        self.entries.push(Entry::File(op));
        Ok(Outcome::Done)
    }

    fn archive(
        &mut self,
        id: &TranscriptId,
        reason: ArchiveReason,
        at_ms: u64,
        layer: &mut Layer,
    ) -> Result<Outcome, Failure> {
        let before = self.current(id, layer)?;
        if !before.exists {
            return Ok(Outcome::Archived(None));
        }
        let len = before.len();
        let to = self.archive_name(id, reason, at_ms)?;
        let path = self.files.beside(id, &to).display().to_string();
        self.entries.push(Entry::File(FileOp::Archive { file: id.clone(), len, to }));
        layer.insert(id.clone(), Virtual::fresh(None));
        Ok(Outcome::Archived(Some(path)))
    }

    fn trim(
        &mut self,
        id: &TranscriptId,
        keep: u32,
        at_ms: u64,
        layer: &mut Layer,
    ) -> Result<Outcome, Failure> {
        let before = self.current(id, layer)?;
        if !before.exists {
            return Ok(Outcome::Trimmed { archived: None, kept: 0, found: false });
        }
        let (base, extra) = (before.base, before.extra.clone());
        let mut text = if base > 0 { self.files.content(id, base)? } else { Vec::new() };
        text.extend_from_slice(&extra);
        let text = String::from_utf8_lossy(&text);
        let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        // The header says how to read the rest: it stays, and does not count.
        let header = lines.first().copied().filter(|line| is_header(line));
        if header.is_some() {
            lines.remove(0);
        }
        let keep = usize::try_from(keep.max(1)).unwrap_or(usize::MAX);
        let Some(over) = lines.len().checked_sub(keep).filter(|over| *over > 0) else {
            return Ok(Outcome::Trimmed { archived: None, kept: count(lines.len()), found: true });
        };
        let kept = header.into_iter().chain(lines.drain(over..));
        // A damaged line is worth nothing to a reader, and the whole file is put aside anyway.
        let kept: Vec<_> = kept.filter_map(|line| document(line).ok()).collect();
        let left = kept.len() - usize::from(header.is_some());
        let archived = self.replace(id, kept, at_ms, layer)?;
        Ok(Outcome::Trimmed { archived, kept: count(left), found: true })
    }

    /// Starts the transcript again with `lines`; the old one, if any, is put aside as `bak` and its path returned.
    fn replace(
        &mut self,
        id: &TranscriptId,
        lines: Vec<Box<RawValue>>,
        at_ms: u64,
        layer: &mut Layer,
    ) -> Result<Option<String>, Failure> {
        let before = self.current(id, layer)?;
        let (existed, len) = (before.exists, before.len());
        let to = match existed {
            true => Some(self.archive_name(id, ArchiveReason::Bak, at_ms)?),
            false => None,
        };
        if !existed && !disk::exists(&self.files.path(id))? {
            self.files.prepare(id)?;
            self.created.push(id.clone());
        }
        let archived = to.as_deref().map(|to| self.files.beside(id, to).display().to_string());
        let op = FileOp::Replace { file: id.clone(), len, to, lines };
        layer.insert(id.clone(), Virtual::fresh(Some(op.text())));
        self.entries.push(Entry::File(op));
        Ok(archived)
    }

    /// The transcript as it will be when everything planned so far is done.
    fn current<'l>(&mut self, id: &TranscriptId, layer: &'l mut Layer) -> Result<&'l mut Virtual, Failure> {
        if !layer.contains_key(id) {
            let now = match self.virtuals.get(id) {
                Some(planned) => planned.clone(),
                None => {
                    let look = self.files.look(id)?;
                    Virtual {
                        exists: look.exists,
                        base: look.len,
                        extra: Vec::new(),
                        ends_line: look.ends_line,
                    }
                }
            };
            layer.insert(id.clone(), now);
        }
        layer.get_mut(id).ok_or_else(|| Failure::lasting("a transcript left its own plan"))
    }

    /// A free name for the archived file. Two archives in one millisecond get the next free one.
    fn archive_name(
        &mut self,
        id: &TranscriptId,
        reason: ArchiveReason,
        at_ms: u64,
    ) -> Result<String, Failure> {
        for at_ms in at_ms..at_ms.saturating_add(10_000) {
            let stamp = file_stamp(at_ms).ok_or_else(|| Failure::lasting("no such date"))?;
            let name = format!("{}.jsonl.{}.{stamp}", id.session(), reason.as_str());
            let taken = (id.clone(), name);
            if !disk::exists(&self.files.beside(id, &taken.1))? && self.taken.insert(taken.clone()) {
                let name = taken.1.clone();
                self.taken_now.push(taken);
                return Ok(name);
            }
        }
        Err(Failure::lasting(format!("no free archive name for {}", id.path())))
    }
}

fn check_id(id: &str) -> Result<(), Failure> {
    match id.len() {
        0..=ID_BYTES_MAX => Ok(()),
        len => Err(Failure::lasting(format!("a row id of {len} bytes is longer than {ID_BYTES_MAX}"))),
    }
}

/// One JSON document on one line.
fn document(json: &str) -> Result<Box<RawValue>, String> {
    if json.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("{} bytes are more than {DOCUMENT_BYTES_MAX}", json.len()));
    }
    if memchr::memchr2(b'\n', b'\r', json.as_bytes()).is_some() {
        return Err("it has a line break".to_owned());
    }
    RawValue::from_string(json.to_owned()).map_err(|error| error.to_string())
}

fn documents(id: &TranscriptId, lines: &[String]) -> Result<Vec<Box<RawValue>>, Failure> {
    let parsed: Result<Vec<_>, String> = lines.iter().map(|line| document(line)).collect();
    parsed
        .map_err(|problem| Failure::lasting(format!("a line for {} cannot be stored: {problem}", id.path())))
}

fn is_header(line: &str) -> bool {
    #[derive(Deserialize)]
    struct Header<'a> {
        #[serde(rename = "type", borrow)]
        kind: std::borrow::Cow<'a, str>,
    }
    serde_json::from_str::<Header<'_>>(line).is_ok_and(|header| header.kind == "session")
}

fn count(lines: usize) -> u32 {
    u32::try_from(lines).unwrap_or(u32::MAX)
}
