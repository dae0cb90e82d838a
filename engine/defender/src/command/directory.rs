//! The directory a command goes to, and what its arguments then name: `cd /etc; cat shadow`.

use super::path::Class;
use super::reader::Reader;
use super::scratch::{Marks, Word};
use super::simple::Call;

/// Longest name of a directory that is followed, and of an argument in it, bytes.
const NAME_BYTES_MAX: usize = 96;

/// Places that a name alone does not give away.
const TELLING: Class = Class::SECRET
    .with(Class::PRIVATE)
    .with(Class::HISTORY)
    .with(Class::PERSIST)
    .with(Class::PROFILE)
    .with(Class::AUTH)
    .with(Class::KERNEL)
    .with(Class::DEVICE)
    .with(Class::BOOT)
    .with(Class::PROTECT)
    .with(Class::ENGINE)
    .with(Class::ROOT)
    .with(Class::HOME)
    .with(Class::SYSRQ)
    .with(Class::VITAL)
    .with(Class::SWITCH);

impl Reader<'_> {
    /// `cd DIRECTORY`: where it leads, if that can be told.
    pub(super) fn enter(&mut self, call: &Call) {
        let mut words = (0..self.args_len(call)).filter_map(|index| self.arg_word(call, index));
        let is_option = |word: &Word| matches!(self.scratch.letters(word), b"-P" | b"-L" | b"-e" | b"--");
        let Some(word) = words.find(|word| !is_option(word)) else {
            self.directory = self.remember(b"~");
            return;
        };
        let letters = self.scratch.letters(&word);
        let is_known = !word.marks.has(Marks::DYNAMIC | Marks::GLOB) && letters.len() <= NAME_BYTES_MAX;
        self.directory = match letters.first() {
            Some(b'/' | b'~') if is_known => self.remember_word(&word),
            Some(b'-') | None => None,
            // Somewhere below.
            _ if is_known => match self.joined_name(letters) {
                Some(name) => self.remember(&name),
                None => None,
            },
            _ => None,
        };
    }

    /// Writes out the arguments that name something telling in the directory the command runs in.
    pub(super) fn place_arguments(&mut self, call: &Call) {
        if self.directory.is_none() {
            return;
        }
        for index in call.first + 1..call.end {
            let Some(word) = self.scratch.words.get(index).copied() else { return };
            let placed = self.placed(word);
            if let Some(word) = self.scratch.words.get_mut(index) {
                *word = placed;
            }
        }
    }

    /// The same of one word.
    pub(super) fn placed(&mut self, word: Word) -> Word {
        let letters = self.scratch.letters(&word);
        let (sign, name) = match letters {
            [b'@', name @ ..] => (&b"@"[..], name),
            name => (&b""[..], name),
        };
        let Some(full) = self.joined_name(name) else { return word };
        let telling = |name: &[u8]| self.guard.paths.class(name).has(TELLING);
        if !telling(&full) || telling(letters) {
            return word;
        }
        let start = self.scratch.text.len() as u32;
        self.put_all(sign);
        self.put_all(&full);
        Word { start, end: self.scratch.text.len() as u32, ..word }
    }

    /// The full name of what is called `name` here; nothing if it is no plain relative name.
    fn joined_name(&self, name: &[u8]) -> Option<heapless::Vec<u8, { 2 * NAME_BYTES_MAX }>> {
        let directory = self.scratch.known(self.directory?);
        let plain =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b'*');
        let starts =
            name.first().is_some_and(|first| first.is_ascii_alphanumeric() || b"._*".contains(first));
        if !starts || !name.iter().all(plain) {
            return None;
        }
        let mut full = heapless::Vec::new();
        full.extend_from_slice(directory).ok()?;
        full.push(b'/').ok()?;
        full.extend_from_slice(name).ok()?;
        Some(full)
    }
}
