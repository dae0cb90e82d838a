//! What attacks are made of, a family a file.
//!
//! A family names *concepts*, each a list of words and phrases in many languages, and *rules*: concepts that mean
//! something when they stand together. Concepts are shared: a rule may need another family's. All words of all
//! families are found in one pass.
//!
//! To add a signal: a file with a [`Family`], a line in [`FAMILIES`], and a new training (the model has a weight a
//! rule; a test fails while they differ).

mod approval;
mod assistant;
mod benign;
mod code;
mod command;
mod decode;
mod exfiltration;
mod format;
mod general;
mod harm;
mod hidden;
mod jailbreak;
mod leak;
mod newtask;
mod overriding;
mod pressure;
mod reply;
mod role;

use crate::RuleId;

/// All families. The order is that of the model's weights.
pub(super) const FAMILIES: &[Family] = &[
    general::FAMILY,
    overriding::FAMILY,
    newtask::FAMILY,
    jailbreak::FAMILY,
    harm::FAMILY,
    leak::FAMILY,
    reply::FAMILY,
    format::FAMILY,
    assistant::FAMILY,
    pressure::FAMILY,
    approval::FAMILY,
    exfiltration::FAMILY,
    command::FAMILY,
    role::FAMILY,
    hidden::FAMILY,
    decode::FAMILY,
    code::FAMILY,
    benign::FAMILY,
];

/// One kind of evidence.
#[derive(Debug)]
pub(super) struct Family {
    /// What its findings are called.
    pub(super) id: RuleId,
    /// Concepts: a name, and words and phrases, separated by `|`. A `*` behind a letter at the end lets the word go on; a `^` at the
    /// start asks for the start of a sentence or line; a `¦` stands for a bar.
    pub(super) concepts: &'static [(&'static str, &'static [&'static str])],
    pub(super) rules: &'static [Rule],
}

/// Concepts that stand together.
#[derive(Debug)]
pub(super) struct Rule {
    /// Unique among all rules; names its weights.
    pub(super) name: &'static str,
    /// One or more concepts; `a|b` is either.
    pub(super) need: &'static [&'static str],
    /// From the first word of the first to the first word of the last, in words.
    pub(super) within: u32,
    /// In the order of `need`, or in any.
    pub(super) ordered: bool,
    /// Sentences that may end between the first and the last.
    pub(super) across: u32,
    /// "Do not" before it turns it round.
    pub(super) negatable: bool,
    /// Plain enough that training may not learn it away: its weight is [`SURE`] at least.
    pub(super) sure: bool,
    /// The paragraph around it is judged as a text of its own, too.
    pub(super) apart: bool,
}

/// The least weight of what is sure, in the model's sums, where a review begins at about 1.6.
pub(super) const SURE: f32 = 1.2;

impl Rule {
    /// One concept on its own.
    const fn word(name: &'static str, need: &'static [&'static str]) -> Self {
        Self { name, need, within: 0, ordered: false, across: 0, negatable: false, sure: false, apart: false }
    }

    /// Concepts within so many words of one sentence, in any order.
    const fn near(name: &'static str, need: &'static [&'static str], within: u32) -> Self {
        Self { name, need, within, ordered: false, across: 0, negatable: true, sure: false, apart: false }
    }

    /// Concepts within so many words of one sentence, in this order.
    const fn chain(name: &'static str, need: &'static [&'static str], within: u32) -> Self {
        Self { name, need, within, ordered: true, across: 0, negatable: true, sure: false, apart: false }
    }

    /// Lets the concepts stand in neighbouring sentences.
    const fn across(self, sentences: u32) -> Self {
        Self { across: sentences, ..self }
    }

    /// Is never learned away, whatever the corpus has by chance, and whoever quotes it.
    const fn sure(self) -> Self {
        Self { sure: true, apart: true, ..self }
    }

    /// Is judged by the paragraph it stands in, whatever else a window holds.
    const fn apart(self) -> Self {
        Self { apart: true, ..self }
    }

    /// Says the same with "do not" before it.
    const fn firm(self) -> Self {
        Self { negatable: false, ..self }
    }
}
