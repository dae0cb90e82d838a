//! What flows from one part of a command to another: through pipes, substitutions, variables and files.

use std::ops::{BitOr, BitOrAssign};

/// What bytes may carry. A set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Taint(u16);

impl Taint {
    /// Nothing worth following.
    pub(crate) const NONE: Self = Self(0);
    /// Keys, passwords, tokens.
    pub(crate) const SECRET: Self = Self(1);
    /// Account names, host facts, shell history: less than a secret, more than nothing.
    pub(crate) const PRIVATE: Self = Self(1 << 1);
    /// Came from the network.
    pub(crate) const NETWORK: Self = Self(1 << 2);
    /// Came out of a decoder or was put together to hide what it says.
    pub(crate) const DECODED: Self = Self(1 << 3);
    /// What a shell that listens to its input prints.
    pub(crate) const SHELL: Self = Self(1 << 4);
    /// The content of some file.
    pub(crate) const FILE: Self = Self(1 << 5);
    /// Zeroes or random bytes without end.
    pub(crate) const ENDLESS: Self = Self(1 << 6);
    /// A whole tree packed up.
    pub(crate) const ARCHIVE: Self = Self(1 << 7);
    /// Output of a program, content unknown.
    pub(crate) const OUTPUT: Self = Self(1 << 8);
    /// A named pipe: what is read from it was written by somebody else in the same command.
    pub(crate) const FIFO: Self = Self(1 << 9);

    /// Whether the two sets meet.
    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Taint {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Taint {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A range of [`super::scratch::Scratch::known`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// What a stage reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flow {
    pub(crate) taint: Taint,
    /// The bytes themselves, where static reading can tell them.
    pub(crate) text: Option<Known>,
    /// Whether anything flows at all: a pipe, a here-document, a file.
    pub(crate) open: bool,
}

impl Flow {
    /// Something flows, and only its kind is known.
    pub(crate) fn of(taint: Taint) -> Self {
        Self { taint, text: None, open: true }
    }

    /// Exactly these bytes.
    pub(crate) fn known(text: Known, taint: Taint) -> Self {
        Self { taint, text: Some(text), open: true }
    }

    /// First this, then `next`: two commands of a list write to one place.
    pub(crate) fn then(self, next: Self) -> Self {
        match (self.open, next.open) {
            (false, _) => next,
            (_, false) => self,
            _ => Self { taint: self.taint | next.taint, text: None, open: true },
        }
    }
}
