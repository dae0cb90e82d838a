//! The little language in which rules say what a command line looks like.
//!
//! A form is words with blanks between. The first names programs, `a|b`. Each further one must hold:
//!
//! | written | holds when |
//! |---|---|
//! | `word` | the next argument that is no option is `word`; `wo*`, `*rd` and `*or*` match a part |
//! | `-f`, `--force`, `-delete` | the option is there; one letter also inside a cluster (`-rf`), long ones also with `=value` |
//! | `=word` | any argument is `word`, with stars as above |
//! | `%part` | any argument holds `part` |
//! | `@class` | any argument is a place of that class (see `path.rs`) |
//! | `>class` | output goes to such a place |
//! | `<taint` | what it reads or is given carries `secret`, `private`, `network`, `file`, `archive` or `output` |
//! | `$` | no further argument that is no option |
//! | `!x` | `x` does not hold |
//!
//! All of them take alternatives with `|`; `^` is a blank inside a word. Case counts for options, not for `%`.

use super::path::Class;
use super::scratch::{Scratch, Word};
use super::taint::Taint;
use crate::RuleId;

/// How much of an argument `%` looks at, bytes.
const PART_BYTES_MAX: usize = 2048;

/// A rule: any of its forms makes the finding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) id: RuleId,
    /// What it adds to the risk.
    pub(super) weight: f32,
    pub(super) forms: &'static [&'static str],
}

/// Short for the tables.
pub(super) const fn rule(id: RuleId, weight: f32, forms: &'static [&'static str]) -> Rule {
    Rule { id, weight, forms }
}

/// One form, read.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) id: RuleId,
    pub(super) weight: f32,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    negated: bool,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Next(Vec<String>),
    Option(Vec<String>),
    Any(Vec<String>),
    Part(Vec<String>),
    Place(Class),
    Written(Class),
    Carries(Taint),
    End,
}

impl Form {
    /// Reads a form; returns the programs it is about too.
    pub(super) fn read(rule: &Rule, text: &'static str) -> (Vec<&'static str>, Self) {
        let mut parts = text.split(' ');
        let programs = parts.next().unwrap_or_default().split('|').collect();
        let conditions = parts.map(Condition::read).collect();
        (programs, Self { id: rule.id, weight: rule.weight, conditions })
    }

    /// Whether a command line looks like this.
    pub(super) fn matches(&self, line: &Line<'_>) -> bool {
        let mut next = 0;
        self.conditions.iter().all(|condition| condition.holds(line, &mut next))
    }
}

impl Condition {
    fn read(text: &'static str) -> Self {
        let (negated, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        // `^` writes a blank inside a word.
        let list = |text: &str| text.split('|').map(|part| part.replace('^', " ")).collect::<Vec<_>>();
        let test = match text.as_bytes() {
            b"$" => Test::End,
            [b'-', ..] => Test::Option(list(text)),
            [b'=', ..] => Test::Any(list(text.get(1..).unwrap_or_default())),
            [b'%', ..] => Test::Part(list(text.get(1..).unwrap_or_default())),
            [b'@', ..] => Test::Place(classes(text)),
            [b'>', ..] => Test::Written(classes(text)),
            [b'<', ..] => Test::Carries(taints(text)),
            _ => Test::Next(list(text)),
        };
        Self { negated, test }
    }

    fn holds(&self, line: &Line<'_>, next: &mut usize) -> bool {
        let holds = match &self.test {
            Test::Next(words) => {
                let found = line.positional(*next).is_some_and(|arg| words.iter().any(|w| like(arg, w)));
                *next += usize::from(!self.negated);
                found
            }
            Test::End => line.positional(*next).is_none(),
            Test::Option(options) => line.has_option(options),
            Test::Any(words) => line.args().any(|arg| words.iter().any(|word| like(arg, word))),
            Test::Part(parts) => {
                line.args().map(start).any(|arg| parts.iter().any(|part| holds(arg, part.as_bytes())))
            }
            Test::Place(class) => line.class().has(*class),
            Test::Written(class) => line.written.has(*class),
            Test::Carries(taint) => line.taint.has(*taint),
        };
        holds != self.negated
    }
}

/// The start of an argument: what is looked through for parts.
fn start(arg: &[u8]) -> &[u8] {
    arg.get(..arg.len().min(PART_BYTES_MAX)).unwrap_or_default()
}

fn classes(text: &str) -> Class {
    let names = text.get(1..).unwrap_or_default().split('|');
    names.filter_map(Class::named).fold(Class::NONE, |all, class| all | class)
}

fn taints(text: &str) -> Taint {
    let taint = |name| match name {
        "secret" => Taint::SECRET,
        "private" => Taint::PRIVATE,
        "network" => Taint::NETWORK,
        "decoded" => Taint::DECODED,
        "shell" => Taint::SHELL,
        "file" => Taint::FILE,
        "endless" => Taint::ENDLESS,
        "archive" => Taint::ARCHIVE,
        "output" => Taint::OUTPUT,
        "fifo" => Taint::FIFO,
        _ => Taint::NONE,
    };
    text.get(1..).unwrap_or_default().split('|').map(taint).fold(Taint::NONE, |all, one| all | one)
}

/// Whether `arg` is `word`, in which a star at an end stands for anything.
fn like(arg: &[u8], word: &str) -> bool {
    let word = word.as_bytes();
    match word {
        [b'*', inner @ .., b'*'] => holds(arg, inner),
        [b'*', rest @ ..] => arg.len() >= rest.len() && arg.ends_with(rest),
        [rest @ .., b'*'] => arg.starts_with(rest),
        _ => arg == word,
    }
}

/// Whether `text` holds `part`, letters of any case.
pub(super) fn holds(text: &[u8], part: &[u8]) -> bool {
    let Some(&first) = part.first() else { return true };
    if text.len() < part.len() {
        return false;
    }
    let (low, high) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    let mut from = 0;
    while let Some(found) = memchr::memchr2(low, high, text.get(from..).unwrap_or_default()) {
        let at = from + found;
        match text.get(at..at + part.len()) {
            Some(here) if here.eq_ignore_ascii_case(part) => return true,
            Some(_) => from = at + 1,
            None => return false,
        }
    }
    false
}

/// Options of a program that take their value from the next word, so that it is not taken for a subcommand.
const VALUED: &[(&str, &[&str])] = &[
    ("git", &["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path"]),
    (
        "kubectl",
        &[
            "-n",
            "--namespace",
            "--context",
            "--kubeconfig",
            "--cluster",
            "--user",
            "-s",
            "--server",
            "--token",
            "--as",
        ],
    ),
    ("oc", &["-n", "--namespace", "--context", "--kubeconfig"]),
    ("helm", &["-n", "--namespace", "--kube-context", "--kubeconfig"]),
    ("aws", &["--region", "--profile", "--output", "--endpoint-url", "--query"]),
    ("gcloud", &["--project", "--account", "--configuration", "--format", "--zone", "--region"]),
    ("az", &["--subscription", "--output", "-o"]),
    ("docker", &["-H", "--host", "-c", "--context", "--config", "-l", "--log-level"]),
    ("podman", &["--url", "--connection", "-c", "--root"]),
    ("docker-compose", &["-f", "--file", "-p", "--project-name", "--profile"]),
    ("systemctl", &["-H", "--host", "-M", "--machine", "-t", "--type"]),
    ("npm", &["--prefix", "-w", "--workspace"]),
    ("security", &[]),
];

/// A command line, as rules see it.
pub(super) struct Line<'a> {
    pub(super) scratch: &'a Scratch,
    /// The arguments, without the program.
    pub(super) words: &'a [Word],
    pub(super) classes: &'a dyn Fn(&[u8]) -> Class,
    pub(super) written: Class,
    pub(super) taint: Taint,
    class: std::cell::Cell<Option<Class>>,
    /// Index of the first few arguments that are no options.
    positionals: heapless::Vec<u16, 6>,
}

impl<'a> Line<'a> {
    pub(super) fn new(
        scratch: &'a Scratch,
        name: &[u8],
        words: &'a [Word],
        classes: &'a dyn Fn(&[u8]) -> Class,
        written: Class,
        taint: Taint,
    ) -> Self {
        let valued = VALUED.iter().find(|(program, _)| program.as_bytes() == name);
        let valued = valued.map_or(&[][..], |(_, options)| options);
        let mut positionals = heapless::Vec::new();
        let (mut skip, mut only) = (false, false);
        for (index, word) in words.iter().enumerate() {
            let letters = scratch.letters(word);
            if std::mem::take(&mut skip) {
                continue;
            }
            if !only && letters == b"--" {
                only = true;
            } else if !only && letters.len() > 1 && letters.first() == Some(&b'-') {
                skip = valued.iter().any(|option| option.as_bytes() == letters);
            } else if positionals.push(index as u16).is_err() {
                break;
            }
        }
        Self { scratch, words, classes, written, taint, class: std::cell::Cell::new(None), positionals }
    }

    /// The `n`th argument that is no option; knows the first few.
    pub(super) fn positional(&self, n: usize) -> Option<&'a [u8]> {
        let index = usize::from(*self.positionals.get(n)?);
        self.words.get(index).map(|word| self.scratch.letters(word))
    }

    pub(super) fn args(&self) -> impl Iterator<Item = &'a [u8]> {
        self.words.iter().map(|word| self.scratch.letters(word))
    }

    /// Whether any of the options is there.
    pub(super) fn has_option(&self, options: &[String]) -> bool {
        for arg in self.args() {
            match arg {
                b"--" => return false,
                [b'-', _, ..] if options.iter().any(|option| is_option(arg, option.as_bytes())) => {
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    /// All classes of places among the arguments.
    pub(super) fn class(&self) -> Class {
        if let Some(class) = self.class.get() {
            return class;
        }
        let class = self.args().fold(Class::NONE, |all, arg| all | (self.classes)(arg));
        self.class.set(Some(class));
        class
    }

    /// Whether the call only asks for help, the version, or what would happen.
    pub(super) fn is_harmless(&self) -> bool {
        self.args().any(|arg| {
            matches!(
                arg,
                b"--help"
                    | b"--version"
                    | b"--dry-run"
                    | b"--dryrun"
                    | b"--just-print"
                    | b"--whatif"
                    | b"--check-only"
            ) || arg.starts_with(b"--dry-run=") && arg != b"--dry-run=none"
        }) || matches!((self.words.len(), self.positional(0)), (1, Some(b"help" | b"version")))
            || self.words.len() > 1 && self.args().last() == Some(b"help")
            || matches!(
                (self.words.len(), self.args().next()),
                (1, Some(b"-h" | b"-V" | b"-v" | b"-help" | b"-version"))
            )
    }
}

/// Whether `arg` sets `option`.
fn is_option(arg: &[u8], option: &[u8]) -> bool {
    match option {
        [b'-', b'-', ..] => {
            arg.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'='))
        }
        // A letter, alone or among others: `-rf`, also `-e/bin/sh`.
        [b'-', letter] => {
            arg.get(1) != Some(&b'-')
                && arg
                    .get(1..)
                    .unwrap_or_default()
                    .iter()
                    .take(8)
                    .take_while(|b| b.is_ascii_alphanumeric())
                    .any(|b| b == letter)
        }
        _ => arg == option || arg.strip_prefix(option).is_some_and(|rest| rest.first() == Some(&b'=')),
    }
}
