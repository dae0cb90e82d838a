//! From a text to an assessment.

use super::decode::{Decoded, Hints, Source, Turned};
use super::effort::{self, Effort};
use super::found::{Matches, Tally};
use super::matcher::Matcher;
use super::model::{Model, fingerprint};
use super::passage::{self, PASSAGES_MAX, SHORT_BYTES};
use super::repeated::Repeated;
use super::shape::{self, Shape};
use super::view::{Folder, View};
use super::{ngram, signal};
use crate::{Assessment, Finding, Provenance, RuleId, Span};

/// A text is judged in windows of at most so many bytes: memory is bounded by it, and an attack does not drown in a
/// long document.
pub const WINDOW_BYTES: usize = 2 * 1024;
/// Windows overlap by so much: no phrase falls between two.
const OVERLAP_BYTES: usize = 128;

/// A score from which on nothing that follows in a text can say more than was said: it is not read. Far above any mark,
/// so that no verdict depends on it.
pub const CERTAIN: f32 = 97.0;

/// What was decoded and is more likely an attack than not was hidden on purpose: so much is added to its sum.
const DECODED_BONUS: f32 = 0.7;

/// The most that n-grams add to a sum, and take from it: they shift what rules have found, and excuse no plain attack.
const GRAMS_MOST: f32 = 1.0;
const GRAMS_LEAST: f32 = 1.0;

/// In a short text, or a paragraph of one, that has so few words a plain order is most of what it says: its other words add
/// so much at least, and take nothing.
const ORDER_WORDS_MAX: usize = 24;
const ORDER_LEAST: f32 = 0.4;

/// A long text has many windows, and the worst of many is worse than one by chance alone. So much is taken from the sum
/// of a window each time that what came before it doubles, up to a limit that no clear attack falls below.
const LATE_MALUS: f32 = 0.2;
const LATE_MALUS_MAX: f32 = 0.6;

/// The matchers, built once. Pure: same text and provenance, same assessment.
#[derive(Debug)]
pub struct PromptGuard {
    folder: Folder,
    matcher: Matcher,
    shape: Shape,
    model: Model,
    hints: [Option<usize>; 3],
}

/// Buffers of one judge, reused from text to text. Bounded: they grow to a small multiple of [`WINDOW_BYTES`].
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) view: View,
    pub(super) found: Matches,
    pub(super) dense: Vec<f32>,
    decoded: Decoded,
    /// Whether the text begins and ends with the window: what stands at its edges tells nothing if it does not.
    pub(super) edges: [bool; 2],
    /// Whether the window is all of a text, and that is short.
    is_short: bool,
    /// Bytes of all texts that were read of one window.
    bytes_read: u32,
    /// Of a text that comes in parts: what is not yet judged.
    held: String,
}

/// What is known of a text of which a part was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    repeated: Repeated,
    /// The sum of its worst window.
    worst: Option<f32>,
    effort: Effort,
}

impl Progress {
    /// What is to be said of the text of `len` bytes beside what was found, if it is not read to its end.
    pub(crate) fn unread(&self, len: usize) -> Option<Finding> {
        self.effort.unread(len)
    }
}

/// What is done with each view of a window: how many encodings it was in, and what part of the original that was. `true`
/// if paragraphs of the window on their own cannot tell more.
pub(super) type EachView<'a> = &'a mut dyn FnMut(&PromptGuard, &mut Scratch, u8, Option<Span>) -> bool;

impl Scratch {
    /// Forgets decoded texts; a window of `bytes` bytes is next.
    pub(super) fn begin(&mut self, bytes: usize) {
        self.decoded.begin(bytes);
    }
}

impl Default for PromptGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl PromptGuard {
    /// Builds the matchers, with the model that is built in.
    pub fn new() -> Self {
        let folder = Folder::new();
        let matcher = Matcher::new(&folder);
        let shape = Shape::new(&matcher);
        let rule = |name| matcher.names().position(|known| known == name);
        let hints = [rule("benign.rot13"), rule("benign.reversed"), rule("benign.english")];
        let mut guard = Self { folder, matcher, shape, model: Model::blank(0), hints };
        guard.model = Model::built_in().unwrap_or_else(|| Model::blank(guard.features().count()));
        guard
    }

    /// The same with another model.
    #[must_use]
    pub fn with_model(mut self, model: Model) -> Self {
        self.model = model;
        self
    }

    /// The model in use.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Changes the model.
    pub fn set_model(&mut self, model: Model) {
        self.model = model;
    }

    /// Names of the dense features, in the order of the model's weights: of the rules, of the rules in data, of the
    /// shape, of the shape in data.
    pub fn features(&self) -> impl Iterator<Item = &'static str> + '_ {
        let rules = || self.matcher.names();
        rules().chain(rules()).chain(shape::NAMES).chain(shape::NAMES).chain(["data"])
    }

    /// Of each rule, in order: whether it is a word on its own, and what it weighs at least, for training.
    pub fn bounds(&self) -> impl Iterator<Item = (bool, f32)> + '_ {
        (0..self.matcher.names().count()).map(|rule| (self.matcher.is_word(rule), self.matcher.least(rule)))
    }

    /// Fingerprint of the names of the features, which a model must have to fit.
    pub fn fingerprint(&self) -> u64 {
        fingerprint(self.features())
    }

    /// Judges `text` by who wrote it.
    pub fn assess(&self, text: &str, from: Provenance, scratch: &mut Scratch) -> Assessment {
        let worst = self.judge(text, from, scratch, true);
        let unread = worst.effort.unread(text.len());
        worst.assessment(&self.model, unread)
    }

    /// The same of the windows of `text` that begin in the `bytes` bytes from `at` on, if that is worse than the parts before
    /// were; and where the next one begins: the length of the text after the last one, and after one of which nothing worse
    /// can be said. What was said last of all parts is what [`Self::assess`] says. `at` is 0 or what the part before ended
    /// with, and `progress` comes from the parts before of the same text, and of no other; it tells in the end whether the
    /// rest was not read.
    pub fn assess_part(
        &self,
        text: &str,
        at: usize,
        bytes: usize,
        from: Provenance,
        progress: &mut Progress,
        scratch: &mut Scratch,
    ) -> (Option<Assessment>, usize) {
        let Progress { repeated, worst: before, effort } = progress;
        let mut worst = Worst { sum: *before, effort: *effort, ..Worst::default() };
        let stop = at.saturating_add(bytes);
        let mut next = at;
        while next < stop && next < text.len() {
            let (end, behind) = window_end(text, next);
            if is_edge(text, next, end) || !repeated.was_read(text.as_bytes(), next, end) {
                scratch.edges = [next == 0, end == text.len()];
                let window = text.get(next..end).unwrap_or_default();
                self.judge_window(window, next as u32, from, scratch, &mut worst);
            }
            let done = end == text.len() || worst.is_done(&self.model);
            next = if done { text.len() } else { behind };
        }
        let is_worse = worst.sum != *before;
        (*before, *effort) = (worst.sum, worst.effort);
        (is_worse.then(|| worst.assessment(&self.model, None)), next)
    }

    /// The same of a text that comes in parts, cut anywhere between characters. Holds no more of it than a window, so what
    /// comes again is read again: a text that repeats itself may be found to make too much work here, and not as a whole.
    pub fn assess_chunks<'a>(
        &self,
        chunks: impl IntoIterator<Item = &'a str>,
        from: Provenance,
        scratch: &mut Scratch,
    ) -> Assessment {
        let (mut worst, mut base, mut len) = (Worst::default(), 0, 0);
        let mut held = std::mem::take(&mut scratch.held);
        held.clear();
        for chunk in chunks {
            let mut rest = chunk;
            len += chunk.len();
            while !rest.is_empty() && !worst.is_done(&self.model) {
                // A window and one more character tell that another window follows.
                let room = (WINDOW_BYTES + 4).saturating_sub(held.len()).min(rest.len());
                let cut = (room..=rest.len()).find(|&at| rest.is_char_boundary(at)).unwrap_or(rest.len());
                let (head, tail) = rest.split_at(cut);
                held.push_str(head);
                rest = tail;
                while held.len() > WINDOW_BYTES && !worst.is_done(&self.model) {
                    let (end, behind) = window_end(&held, 0);
                    scratch.edges = [base == 0, false];
                    self.judge_window(held.get(..end).unwrap_or_default(), base, from, scratch, &mut worst);
                    held.drain(..behind);
                    base += behind as u32;
                }
            }
        }
        if !held.is_empty() && !worst.is_done(&self.model) {
            scratch.edges = [base == 0, true];
            self.judge_window(&held, base, from, scratch, &mut worst);
        }
        scratch.held = held;
        let unread = worst.effort.unread(len);
        worst.assessment(&self.model, unread)
    }

    /// The model's sum of the worst part of `text`, before it is put on the scale: what marks are chosen by.
    pub fn sum(&self, text: &str, from: Provenance, scratch: &mut Scratch) -> f32 {
        self.judge(text, from, scratch, false).sum.unwrap_or(f32::MIN)
    }

    /// Reads window after window; `until_done` ends it where nothing more can be said, or nothing more is read.
    fn judge(&self, text: &str, from: Provenance, scratch: &mut Scratch, until_done: bool) -> Worst {
        let (mut worst, mut repeated) = (Worst::default(), Repeated::default());
        for (start, end) in windows(text) {
            if !is_edge(text, start, end) && repeated.was_read(text.as_bytes(), start, end) {
                continue;
            }
            let window = text.get(start..end).unwrap_or_default();
            scratch.edges = [start == 0, end == text.len()];
            self.judge_window(window, start as u32, from, scratch, &mut worst);
            if until_done && worst.is_done(&self.model) {
                break;
            }
        }
        worst
    }

    fn judge_window(
        &self,
        window: &str,
        base: u32,
        from: Provenance,
        scratch: &mut Scratch,
        worst: &mut Worst,
    ) {
        scratch.decoded.begin(window.len());
        let before = worst.sum;
        let late = ((1.0 + base as f32 / WINDOW_BYTES as f32).log2() * LATE_MALUS).min(LATE_MALUS_MAX);
        self.each_view(window, base, scratch, &mut |guard, scratch, depth, within| {
            let most = if depth > 0 { DECODED_BONUS } else { 0.0 };
            let least = worst.sum.map_or(f32::MIN, |sum| sum + late - most);
            let sum = guard.sum_up(from, scratch, least) - late;
            let bonus = if sum > 0.0 { most } else { 0.0 };
            if worst.sum.is_none_or(|other| other < sum + bonus) {
                worst.sum = Some(sum + bonus);
                guard.explain(from, scratch, within, worst);
                if depth > 0 && bonus > 0.0 {
                    worst.add(Finding {
                        rule: "prompt.encoded",
                        span: within.unwrap_or(Span { start: base, end: base + 1 }),
                        weight: guard.model.points(bonus),
                    });
                }
            }
            worst.sum.is_some_and(|sum| sum >= guard.model.block)
        });
        let again = std::mem::take(&mut scratch.bytes_read).saturating_sub(window.len() as u32);
        let probed = std::mem::take(&mut scratch.decoded.probed);
        let steps = std::mem::take(&mut scratch.found.steps).saturating_add(effort::of_more(again, probed));
        worst.effort.add(steps, base as usize + window.len());
        if worst.sum != before {
            for finding in &mut worst.findings {
                finding.span = on_characters(finding.span, window, base);
            }
        }
    }

    /// Reads `window` and everything that is encoded in it; calls `each` with the view and matches of each in `scratch`.
    pub(super) fn each_view(&self, window: &str, base: u32, scratch: &mut Scratch, each: EachView<'_>) {
        scratch.is_short = scratch.edges == [true; 2] && window.len() <= SHORT_BYTES;
        self.read(window, base, scratch);
        let is_told = each(self, scratch, 0, None);
        let passages = if is_told { heapless::Vec::new() } else { self.passages(window, base, scratch) };
        // A paragraph of a text is no whole, and what was decoded is one.
        let edges = std::mem::replace(&mut scratch.edges, [true; 2]);
        self.follow(window, base, None, 0, scratch, each);
        scratch.edges = [false; 2];
        for (at, passage) in passages {
            self.read(passage, base + at as u32, scratch);
            each(self, scratch, 0, None);
        }
        scratch.edges = [true; 2];
        while let Some((job, text)) = scratch.decoded.take() {
            self.read(&text, 0, scratch);
            each(self, scratch, job.depth, Some(job.span));
            self.follow(&text, 0, Some(job.span), job.depth, scratch, each);
            scratch.decoded.give_back(job, text);
        }
        scratch.edges = edges;
    }

    /// Finds what is encoded in `text`, whose view is in `scratch`. What has the same view but for its letters is read at
    /// once, the rest waits.
    fn follow(
        &self,
        text: &str,
        base: u32,
        within: Option<Span>,
        depth: u8,
        scratch: &mut Scratch,
        each: EachView<'_>,
    ) {
        self.find_encoded(text, base, within, depth, scratch);
        while let Some(Turned { text, depth, span }) = scratch.decoded.take_turned() {
            scratch.view.turn();
            self.matcher.scan(&scratch.view, &mut scratch.found);
            each(self, scratch, depth, Some(span));
            self.find_encoded(&text, 0, Some(span), depth, scratch);
            scratch.decoded.keep(text);
        }
    }

    /// The paragraphs of `window` around orders that were found in it, each once, and where they begin.
    fn passages<'a>(
        &self,
        window: &'a str,
        base: u32,
        scratch: &Scratch,
    ) -> heapless::Vec<(usize, &'a str), PASSAGES_MAX> {
        let mut passages: heapless::Vec<(usize, &str), PASSAGES_MAX> = heapless::Vec::new();
        for &[start, end] in &scratch.found.orders {
            let Span { start, end } = scratch.view.span(start, end);
            let order = Span { start: start.saturating_sub(base), end: end.saturating_sub(base) };
            if let Some((at, passage)) = passage::around(window, order)
                && !passages
                    .iter()
                    .any(|&(known, text)| known <= at && at + passage.len() <= known + text.len())
                && passages.push((at, passage)).is_err()
            {
                break;
            }
        }
        passages
    }

    fn read(&self, text: &str, base: u32, scratch: &mut Scratch) {
        scratch.bytes_read += text.len() as u32;
        scratch.view.read(text, base, &self.folder);
        self.matcher.scan(&scratch.view, &mut scratch.found);
    }

    fn find_encoded(&self, text: &str, base: u32, within: Option<Span>, depth: u8, scratch: &mut Scratch) {
        let count = |rule: Option<usize>| {
            let tally = rule.and_then(|rule| scratch.found.tallies.get(rule)).copied().unwrap_or_default();
            u32::from(tally.plain) + u32::from(tally.quoted)
        };
        let [rot13, reversed, english] = self.hints.map(count);
        let hints = Hints { rot13, reversed, english };
        let Scratch { view, decoded, .. } = scratch;
        let [spaces, coded] = view.encodings();
        decoded.find(Source { text, spaces, coded, base, within, depth }, hints, view.carried());
    }

    /// Writes the dense features of what was read to `scratch.dense`, in the order of [`Self::features`].
    pub(super) fn measure(&self, from: Provenance, scratch: &mut Scratch) {
        let data = if from.is_data() { 1.0 } else { 0.0 };
        let dense = &mut scratch.dense;
        dense.clear();
        let thin = thinness(scratch.view.tokens.len());
        let rules = scratch.found.tallies.len();
        dense.resize(rules * 2, 0.0);
        for (rule, tally) in scratch.found.met() {
            let value = value(tally, self.matcher.is_word(rule), thin);
            for (at, value) in [(rule, value), (rules + rule, value * data)] {
                if let Some(feature) = dense.get_mut(at) {
                    *feature = value;
                }
            }
        }
        self.shape.measure(&scratch.view, &scratch.found, scratch.edges, dense);
        dense.extend_from_within(rules * 2..);
        for feature in dense.iter_mut().skip(rules * 2 + shape::NAMES.len()) {
            *feature *= data;
        }
        dense.push(data);
    }

    /// The model's sum of what was read. What stays below `least` in any case is not worked out to its end.
    fn sum_up(&self, from: Provenance, scratch: &mut Scratch, least: f32) -> f32 {
        self.measure(from, scratch);
        let sum = self.model.bias + product(&scratch.dense, &self.model.dense);
        if sum + GRAMS_MOST < least || self.model.grams.is_empty() || !self.has_evidence(scratch) {
            return sum;
        }
        let mut total = 0;
        let count = ngram::each(&scratch.view, from.is_data(), |bucket| total += self.model.gram(bucket));
        let grams = total as f32 * self.model.gram_step / (count as f32).sqrt().max(1.0);
        let is_order =
            scratch.is_short && scratch.view.tokens.len() <= ORDER_WORDS_MAX && self.has_sure(scratch);
        let least = if is_order { ORDER_LEAST } else { -GRAMS_LEAST };
        sum + grams.clamp(least, GRAMS_MOST)
    }

    /// Whether a rule that is never learned away was met, outside of quotation marks and code.
    fn has_sure(&self, scratch: &Scratch) -> bool {
        scratch.found.met().any(|(rule, tally)| tally.plain > 0 && self.matcher.least(rule) > 0.0)
    }

    /// Whether any rule of an attack was met by more than a word on its own. Without, n-grams count nothing.
    pub(super) fn has_evidence(&self, scratch: &Scratch) -> bool {
        scratch.found.met().any(|(rule, tally)| tally.plain > 0 && self.matcher.is_evidence(rule))
    }

    /// Bytes that the tables take.
    pub fn table_bytes(&self) -> usize {
        self.folder.bytes() + self.matcher.bytes() + self.model.grams.len() + self.model.dense.len() * 4
    }

    /// Collects what spoke for or against the text that was just measured.
    fn explain(&self, from: Provenance, scratch: &Scratch, within: Option<Span>, worst: &mut Worst) {
        worst.findings.clear();
        let rules = scratch.found.tallies.len();
        let weight = |at: usize| self.model.dense.get(at).copied().unwrap_or(0.0);
        for (rule, tally) in scratch.found.tallies.iter().enumerate() {
            if tally.end == 0 {
                continue;
            }
            let value = value(tally, self.matcher.is_word(rule), thinness(scratch.view.tokens.len()));
            let part = value * (weight(rule) + if from.is_data() { weight(rules + rule) } else { 0.0 });
            worst.add(Finding {
                rule: self.matcher.family(rule),
                span: within.unwrap_or_else(|| scratch.view.span(tally.start, tally.end)),
                weight: self.model.points(part),
            });
        }
        let d = &scratch.view.disguise;
        if d.tags > 3 || d.selectors > 3 || d.direction > 0 || d.zero_width > 3 {
            let whole = scratch.view.span(0, scratch.view.text.len() as u32);
            worst.add(Finding { rule: HIDDEN_CHARACTERS, span: within.unwrap_or(whole), weight: POINTS_MIN });
        }
    }
}

const HIDDEN_CHARACTERS: RuleId = "prompt.hidden-characters";

/// Evidence below so many points is not worth telling.
const POINTS_MIN: f32 = 1.0;

/// What a rule's matches count: the first most, those in quotation marks or code half. Single words say less in a
/// longer text.
fn value(tally: &Tally, word: bool, thin: f32) -> f32 {
    if tally.plain == 0 && tally.quoted == 0 {
        return 0.0;
    }
    let count = f32::from(tally.plain.min(8)) + 0.5 * f32::from(tally.quoted.min(8));
    let value = (1.0 + count).log2();
    if word { value * thin } else { value.min(1.6) }
}

/// The sum of the products, in lanes that the compiler adds side by side. Always in the same order.
fn product(values: &[f32], weights: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0f32; LANES];
    for (values, weights) in values.chunks(LANES).zip(weights.chunks(LANES)) {
        for ((sum, value), weight) in sums.iter_mut().zip(values).zip(weights) {
            *sum += value * weight;
        }
    }
    sums.iter().sum()
}

/// What a single word counts in a text of so many words.
fn thinness(words: usize) -> f32 {
    1.0 / (1.0 + words as f32 / 150.0).sqrt()
}

/// The worst part so far.
#[derive(Default)]
struct Worst {
    sum: Option<f32>,
    findings: heapless::Vec<Finding, { crate::FINDINGS_MAX }>,
    effort: Effort,
}

impl Worst {
    /// Keeps a finding, the strongest first, one a rule; the weakest go when there are too many.
    fn add(&mut self, finding: Finding) {
        if finding.weight < POINTS_MIN {
            return;
        }
        if let Some(known) = self.findings.iter_mut().find(|known| known.rule == finding.rule) {
            if known.weight < finding.weight {
                known.span = finding.span;
            }
            known.weight += finding.weight;
        } else {
            if self.findings.is_full()
                && self.findings.last().is_some_and(|last| last.weight < finding.weight)
            {
                self.findings.pop();
            }
            // Full of stronger ones: this one changes nothing.
            let _ = self.findings.push(finding);
        }
        self.findings.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight));
    }

    fn is_certain(&self, model: &Model) -> bool {
        self.sum.is_some_and(|sum| model.score(sum) >= CERTAIN)
    }

    /// Whether nothing more can be said, or nothing more is read.
    fn is_done(&self, model: &Model) -> bool {
        self.effort.is_spent() || self.is_certain(model)
    }

    /// What was found, and that the rest was not read, if so.
    fn assessment(self, model: &Model, unread: Option<Finding>) -> Assessment {
        let score = self.sum.map_or(0.0, |sum| model.score(sum));
        let mut assessment = Assessment { score, findings: self.findings };
        if let Some(unread) = unread {
            effort::add_unread(&mut assessment, unread);
        }
        assessment
    }
}

/// Widens a span to whole characters of the window that begins at `base`.
fn on_characters(span: Span, window: &str, base: u32) -> Span {
    let within = |at: u32| (at.saturating_sub(base) as usize).min(window.len());
    let (mut start, mut end) = (within(span.start), within(span.end));
    while !window.is_char_boundary(start) {
        start -= 1;
    }
    while !window.is_char_boundary(end) {
        end += 1;
    }
    Span { start: base + start as u32, end: base + end.max(start) as u32 }
}

/// Cuts a text into windows that overlap, on characters.
pub(super) fn windows(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut next = (!text.is_empty()).then_some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let (end, behind) = window_end(text, start);
        next = (end < text.len()).then_some(behind);
        Some((start, end))
    })
}

/// Whether a window begins or ends with the text: there the same words may say more than in its middle.
fn is_edge(text: &str, start: usize, end: usize) -> bool {
    start == 0 || end == text.len()
}

/// Where the window from `start` ends, and where the next begins.
fn window_end(text: &str, start: usize) -> (usize, usize) {
    let mut end = (start + WINDOW_BYTES).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut behind = end.saturating_sub(OVERLAP_BYTES);
    while !text.is_char_boundary(behind) {
        behind -= 1;
    }
    (end, behind)
}

// The number of families is small enough for the bit sets of concepts.
const _: () = assert!(signal::FAMILIES.len() < 64);
