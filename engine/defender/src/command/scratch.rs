//! The buffers of one judge, and their bounds.

use super::taint::{Flow, Known, Taint};
use crate::Span;

/// Longest command that is read whole, bytes. What is behind is not read, and that is a finding.
pub const COMMAND_BYTES_MAX: usize = 64 * 1024;
/// Scripts inside scripts: substitutions, `sh -c`, decoded payloads.
pub(crate) const DEPTH_MAX: u8 = 10;
/// Groups (`(`, `{`, `if`, loops, `case`) open at once in one script.
pub(crate) const GROUPS_MAX: usize = 24;
/// Words of all commands that are open at once.
const WORDS_MAX: usize = 40 * 1024;
/// Bytes of those words, and of all texts whose content is known.
pub(crate) const TEXT_BYTES_MAX: usize = 512 * 1024;
/// Variables and written files that are remembered; later ones are unknown.
const NAMES_MAX: usize = 64;
/// Capacity a buffer keeps between commands, bytes. Above it, the memory goes back.
const KEEP_BYTES: usize = 16 * 1024;

/// How a word was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks(u16);

impl Marks {
    /// Part of it was quoted.
    pub(crate) const QUOTED: Self = Self(1);
    /// Part of it is unknown before the command runs.
    pub(crate) const DYNAMIC: Self = Self(1 << 1);
    /// Nothing of it is known.
    pub(crate) const BLANK: Self = Self(1 << 2);
    /// Quotes, backslashes or empty expansions in the middle of letters.
    pub(crate) const BROKEN: Self = Self(1 << 3);
    /// Split by `$IFS`, or written by brace expansion to do without blanks.
    pub(crate) const SPLIT: Self = Self(1 << 4);
    /// Came from a variable that this command assigned.
    pub(crate) const ASSIGNED: Self = Self(1 << 5);
    /// Came from a command substitution.
    pub(crate) const SUBSTITUTED: Self = Self(1 << 6);
    /// Wildcards outside quotes.
    pub(crate) const GLOB: Self = Self(1 << 7);
    /// `<(...)`: what a script prints, as a file.
    pub(crate) const PROCESS: Self = Self(1 << 8);
    /// Written with `\x41`-like escapes in `$'...'`.
    pub(crate) const ESCAPED: Self = Self(1 << 9);
    /// Is `$0`.
    pub(crate) const SELF: Self = Self(1 << 10);
    /// Cut out of other strings, character by character.
    pub(crate) const CUT: Self = Self(1 << 11);

    /// `>(...)`: a script that reads what is written to it, as a file.
    pub(crate) const SINK: Self = Self(1 << 13);
    /// The words of an array, each but the last with a [`PART`] behind it.
    pub(crate) const ARRAY: Self = Self(1 << 14);

    /// Anything but plain letters and quotes went into it.
    pub(crate) const EXPANDED: Self = Self(1 << 12);

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl std::ops::BitOr for Marks {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Marks {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// One word, resolved as far as it goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    /// Range of [`Scratch::text`].
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Where it stands in the judged command.
    pub(crate) span: Span,
    pub(crate) marks: Marks,
    pub(crate) taint: Taint,
    /// Of a process substitution: what it would read as, where known, or the script that reads.
    pub(crate) known: Option<Known>,
}

/// A name and what is known of its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) name: u64,
    pub(crate) flow: Flow,
}

/// Names in order of definition; a later one hides an earlier one.
#[derive(Debug, Default)]
pub(crate) struct Names {
    entries: Vec<Entry>,
    /// Nothing is set or forgotten: what is read now is not run.
    frozen: bool,
}

impl Names {
    pub(crate) fn set(&mut self, name: u64, flow: Flow) {
        if self.frozen {
        } else if let Some(entry) = self.entries.iter_mut().find(|entry| entry.name == name) {
            entry.flow = flow;
        } else if self.entries.len() < NAMES_MAX {
            self.entries.push(Entry { name, flow });
        }
    }

    pub(crate) fn forget(&mut self, name: u64) {
        if !self.frozen {
            self.entries.retain(|entry| entry.name != name);
        }
    }

    pub(crate) fn get(&self, name: u64) -> Option<Flow> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| entry.flow)
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.frozen = false;
    }
}

/// Buffers of one judge, reused from command to command. Bounded: see the constants of this file.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Letters of the open words. A stack.
    pub(crate) text: Vec<u8>,
    /// The open words. A stack.
    pub(crate) words: Vec<Word>,
    /// Texts whose content is known: values of variables, outputs, here-documents. Grows until the end of a command.
    pub(crate) known: Vec<u8>,
    pub(crate) variables: Names,
    /// Files this command wrote.
    pub(crate) files: Names,
    /// Functions this command defined.
    pub(crate) functions: Names,
    /// One buffer for each depth of nested scripts.
    pub(crate) nested: [Vec<u8>; DEPTH_MAX as usize + 1],
}

impl Scratch {
    /// Forgets the last command.
    pub(crate) fn clear(&mut self) {
        fn shrink<T>(buffer: &mut Vec<T>) {
            buffer.clear();
            if buffer.capacity() * size_of::<T>() > KEEP_BYTES {
                buffer.shrink_to(KEEP_BYTES / size_of::<T>().max(1));
            }
        }
        shrink(&mut self.text);
        shrink(&mut self.words);
        shrink(&mut self.known);
        [&mut self.variables, &mut self.files, &mut self.functions].into_iter().for_each(Names::clear);
        self.nested.iter_mut().for_each(shrink);
    }

    /// From now on names keep what they have, or not; returns whether they did.
    pub(crate) fn freeze(&mut self, frozen: bool) -> bool {
        let before = self.variables.frozen;
        [&mut self.variables, &mut self.files, &mut self.functions]
            .into_iter()
            .for_each(|names| names.frozen = frozen);
        before
    }

    /// Whether another word fits.
    pub(crate) fn has_room(&self) -> bool {
        self.words.len() < WORDS_MAX && self.text.len() < TEXT_BYTES_MAX
    }

    /// The letters of a word.
    pub(crate) fn letters(&self, word: &Word) -> &[u8] {
        self.text.get(word.start as usize..word.end as usize).unwrap_or_default()
    }

    /// A known text.
    pub(crate) fn known(&self, range: Known) -> &[u8] {
        self.known.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// Parts the elements of an array. Arrays with an element that holds it are unknown.
pub(crate) const PART: u8 = 0x1F;

/// The key of the array of a name; the name itself is its first element.
pub(crate) fn array_key(name: &[u8]) -> u64 {
    !hash(name)
}

/// Names are compared by hash (FNV-1a, 64 bits): a collision could only make a value wrong, never a read.
pub(crate) fn hash(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
