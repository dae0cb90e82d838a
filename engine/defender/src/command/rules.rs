//! What a policy says about commands, before any judgement of their effects.

use super::scratch::Scratch;
use super::simple::base_name;

/// Patterns of a policy. A pattern is the first words of a command line, as it runs: quotes, variables and wrappers are
/// resolved. In `deny`, a first word without `/` means the program by any path; in `allow` it means what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whatever begins so is blocked, wherever it stands.
    pub deny: Vec<Vec<String>>,
    /// A command passes whose every part begins so. Only plain words joined by `&&`, `||`, `;` or `|` can pass: no
    /// expansion, redirection, substitution, assignment, group or background.
    pub allow: Vec<Vec<String>>,
}

/// What the patterns say so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy<'r> {
    rules: Option<&'r Rules>,
    plain: bool,
    all: bool,
    outer: bool,
    commands: u32,
    denied: bool,
}

impl<'r> Policy<'r> {
    pub(super) fn new(rules: Option<&'r Rules>) -> Self {
        Self { rules, plain: true, all: true, outer: false, commands: 0, denied: false }
    }

    /// Something stands in the command that is more than plain words.
    pub(super) fn not_plain(&mut self) {
        self.plain = false;
    }

    /// The next command line is one that stands in the text, not one inside a wrapper.
    pub(super) fn begin(&mut self) {
        self.outer = true;
    }

    /// Looks at a command line.
    pub(super) fn command(&mut self, scratch: &Scratch, first: usize, end: usize) {
        let outer = std::mem::take(&mut self.outer);
        let Some(rules) = self.rules else { return };
        let words = scratch.words.get(first..end).unwrap_or_default();
        let begins = |pattern: &Vec<String>, by_any_path: bool| {
            !pattern.is_empty()
                && pattern.len() <= words.len()
                && pattern.iter().zip(words).enumerate().all(|(index, (wanted, word))| {
                    let letters = scratch.letters(word);
                    letters == wanted.as_bytes()
                        || by_any_path
                            && index == 0
                            && !wanted.contains('/')
                            && base_name(letters) == wanted.as_bytes()
                })
        };
        self.denied |= rules.deny.iter().any(|pattern| begins(pattern, true));
        if outer {
            self.commands += 1;
            let known = words.iter().all(|word| !word.marks.has(super::scratch::Marks::EXPANDED));
            self.all &= known && rules.allow.iter().any(|pattern| begins(pattern, false));
        }
    }

    pub(super) fn is_denied(&self) -> bool {
        self.denied
    }

    pub(super) fn is_allowed(&self) -> bool {
        self.plain && self.all && self.commands > 0
    }
}
