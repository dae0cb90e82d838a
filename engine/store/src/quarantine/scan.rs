//! Reads all segments through the chain's checks, a block at a time.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use pincer_defender::ledger::{Head, Item, Reader, Tally};

use super::layout::Layout;
use crate::disk;
use crate::error::Failure;

/// How much is read at once.
const BLOCK: usize = 64 * 1024;
/// How often the files are opened anew because a writer closed one meanwhile. It closes one in milliseconds at most, and
/// opening them takes microseconds: a second time is rare.
const ATTEMPTS_MAX: u32 = 100;
/// Longest head file; a longer one is no head.
const HEAD_BYTES_MAX: usize = 1024;

/// The files of a ledger as they were at one moment, open.
pub(super) struct Snapshot {
    /// Oldest first; the one that is written is the last, when there is one.
    pub(super) files: Vec<(PathBuf, File)>,
    pub(super) head: HeadFile,
    /// The last of the files is being written.
    has_active: bool,
}

/// What lies beside the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadFile {
    Is(Head),
    Missing,
    Unreadable,
}

impl HeadFile {
    pub(super) fn get(self) -> Option<Head> {
        match self {
            HeadFile::Is(head) => Some(head),
            HeadFile::Missing | HeadFile::Unreadable => None,
        }
    }
}

impl Snapshot {
    /// Opens everything in an order in which a writer at work does no harm: the head first, for the ledger is never
    /// behind it; then the segment that is written; then the older ones. When the writer closed its segment meanwhile,
    /// the older ones may be of another moment, and it begins again.
    pub(super) fn open(layout: &Layout) -> Result<Snapshot, Failure> {
        for _ in 1..ATTEMPTS_MAX {
            if let Some(snapshot) = Snapshot::attempt(layout)? {
                return Ok(snapshot);
            }
        }
        let dir = layout.dir.display();
        Err(Failure::lasting(format!(
            "{dir}: its files are closed faster than they can be opened; try again"
        )))
    }

    /// `None` when a segment was closed or begun while the files were opened.
    fn attempt(layout: &Layout) -> Result<Option<Snapshot>, Failure> {
        let head = read_head(layout)?;
        let active = open(&layout.ledger)?;
        let mut files = Vec::new();
        let older = layout.segments()?;
        for path in older.iter().cloned() {
            // One that has just been dropped is not missed: a record in the active segment says so.
            if let Some(file) = open(&path)? {
                files.push((path, file));
            }
        }
        // Ours is open, so that its inode cannot be another's by now. Without one, a segment may have come and gone.
        let same = identity(active.as_ref()) == identity(open(&layout.ledger)?.as_ref())
            && (active.is_some() || layout.segments()?.last() == older.last());
        if !same {
            return Ok(None);
        }
        let has_active = active.is_some();
        files.extend(active.map(|file| (layout.ledger.clone(), file)));
        Ok(Some(Snapshot { files, head, has_active }))
    }

    /// Reads everything once. `take` is given the file's place in [`Snapshot::files`] and what was found there.
    pub(super) fn read(&mut self, mut take: impl FnMut(usize, Item<'_>)) -> Result<Tally, Failure> {
        let mut reader = Reader::new(self.head.get());
        let mut block = vec![0; BLOCK];
        let closed = self.files.len() - usize::from(self.has_active);
        for (index, (path, file)) in self.files.iter_mut().enumerate() {
            loop {
                match file.read(&mut block) {
                    Ok(0) => break,
                    Ok(len) => {
                        reader.push(block.get(..len).unwrap_or_default(), &mut |item| take(index, item));
                    }
                    Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                    Err(cause) => return Err(Failure::io("read", path, &cause)),
                }
            }
            if index < closed {
                reader.end_segment(&mut |item| take(index, item));
            }
        }
        let last = self.files.len().saturating_sub(1);
        Ok(reader.end(&mut |item| take(last, item)))
    }
}

fn open(path: &PathBuf) -> Result<Option<File>, Failure> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Failure::io("open", path, &cause)),
    }
}

fn identity(file: Option<&File>) -> Option<(u64, u64)> {
    file?.metadata().ok().map(|meta| (meta.dev(), meta.ino()))
}

fn read_head(layout: &Layout) -> Result<HeadFile, Failure> {
    let Some(bytes) = disk::read_all(&layout.head)? else { return Ok(HeadFile::Missing) };
    let small = bytes.get(..bytes.len().min(HEAD_BYTES_MAX)).unwrap_or_default();
    Ok(serde_json::from_slice(small).map_or(HeadFile::Unreadable, HeadFile::Is))
}
