//! Recall, false positives and time of a list of judged rows, whole, by source and by category.

use std::collections::BTreeMap;
use std::time::Duration;

use pincer_defender::prompt::{PromptGuard, Scratch};
use pincer_defender::{BLOCK_AT, REVIEW_AT};

use super::corpus::{Label, Row};
use super::prompts::provenance;

/// One row and what became of it.
pub(crate) struct Judged<'a> {
    pub(crate) row: &'a Row,
    pub(crate) score: f32,
    pub(crate) took: Duration,
}

/// Counts at one threshold.
#[derive(Clone, Copy)]
struct Point {
    attacks: usize,
    caught: usize,
    benign: usize,
    flagged: usize,
}

impl Point {
    fn of<'a>(judged: impl Iterator<Item = &'a Judged<'a>>, from: f32) -> Self {
        let mut point = Self { attacks: 0, caught: 0, benign: 0, flagged: 0 };
        for one in judged {
            let hit = usize::from(one.score >= from);
            match one.row.label {
                Label::Attack => (point.attacks, point.caught) = (point.attacks + 1, point.caught + hit),
                Label::Benign => (point.benign, point.flagged) = (point.benign + 1, point.flagged + hit),
            }
        }
        point
    }

    fn recall(&self) -> f64 {
        share(self.caught, self.attacks)
    }

    fn false_positives(&self) -> f64 {
        share(self.flagged, self.benign)
    }

    fn precision(&self) -> f64 {
        share(self.caught, self.caught + self.flagged)
    }

    fn f1(&self) -> f64 {
        let (p, r) = (self.precision(), self.recall());
        if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Prints everything there is to say about `judged`.
pub(crate) fn print(judged: &[Judged<'_>]) {
    figures(judged);
    table("source", judged, |row| row.source.clone());
    table("category", judged, category);
    times(judged);
}

fn category(row: &Row) -> String {
    format!("{:?}/{}", row.label, row.category).to_lowercase()
}

/// Prints the figures of the whole.
pub(crate) fn figures(judged: &[Judged<'_>]) {
    for (name, from) in [("review", REVIEW_AT), ("block", BLOCK_AT)] {
        let all = Point::of(judged.iter(), from);
        println!(
            "{name:6} recall {:.3}  fpr {:.4}  precision {:.3}  f1 {:.3}  macro recall {:.3}",
            all.recall(),
            all.false_positives(),
            all.precision(),
            all.f1(),
            macro_recall(judged, from)
        );
    }
    println!("auc {:.4}", auc(judged));
    for limit in [0.001, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05] {
        let (recall, at) = recall_at(judged, limit);
        println!("recall at fpr {:.1} %: {recall:.3} (score {at:.2})", limit * 100.0);
    }
}

/// Prints what two guards did with each category: the share of its rows that came to review, and that were blocked.
pub(crate) fn side_by_side(ours: &[Judged<'_>], theirs: &[Judged<'_>]) {
    println!("\n{:45}    rows  ours:  review  block  earlier:  review  block", "category");
    let theirs = grouped(theirs, category);
    for (group, ours) in grouped(ours, category) {
        let share_of = |rows: &[&Judged<'_>], from| {
            share(rows.iter().filter(|one| one.score >= from).count(), rows.len())
        };
        let theirs = theirs.get(&group).map(Vec::as_slice).unwrap_or_default();
        println!(
            "{group:45} {:7} {:14.3} {:6.3} {:17.3} {:6.3}",
            ours.len(),
            share_of(&ours, REVIEW_AT),
            share_of(&ours, BLOCK_AT),
            share_of(theirs, REVIEW_AT),
            share_of(theirs, BLOCK_AT),
        );
    }
}

fn macro_recall(judged: &[Judged<'_>], from: f32) -> f64 {
    let points =
        grouped(judged, |row| row.source.clone()).into_values().map(|rows| Point::of(rows.into_iter(), from));
    let recalls: Vec<f64> = points.filter(|point| point.attacks > 0).map(|point| point.recall()).collect();
    recalls.iter().sum::<f64>() / recalls.len().max(1) as f64
}

fn grouped<'a>(
    judged: &'a [Judged<'a>],
    by: impl Fn(&Row) -> String,
) -> BTreeMap<String, Vec<&'a Judged<'a>>> {
    let mut groups: BTreeMap<String, Vec<&Judged<'_>>> = BTreeMap::new();
    for one in judged {
        groups.entry(by(one.row)).or_default().push(one);
    }
    groups
}

/// Prints a line a group of rows.
pub(crate) fn table(name: &str, judged: &[Judged<'_>], by: impl Fn(&Row) -> String) {
    println!("\n{name:45} attacks  review   block      f1  benign  review   block");
    // F1 of a group of attacks is against all harmless rows.
    let whole = Point::of(judged.iter(), REVIEW_AT);
    for (group, rows) in grouped(judged, by) {
        let review = Point::of(rows.iter().copied(), REVIEW_AT);
        let block = Point::of(rows.iter().copied(), BLOCK_AT);
        let cell = |n: usize, share: f64| if n == 0 { "      -".to_owned() } else { format!("{share:7.3}") };
        println!(
            "{group:45} {:7} {} {} {} {:7} {} {}",
            review.attacks,
            cell(review.attacks, review.recall()),
            cell(block.attacks, block.recall()),
            cell(review.attacks, Point { caught: review.caught, attacks: review.attacks, ..whole }.f1()),
            review.benign,
            cell(review.benign, review.false_positives()),
            cell(block.benign, block.false_positives()),
        );
    }
}

/// The chance that an attack scores above a benign row; ties count half.
fn auc(judged: &[Judged<'_>]) -> f64 {
    let mut sorted: Vec<_> = judged.iter().collect();
    sorted.sort_by(|a, b| a.score.total_cmp(&b.score));
    let (mut rank, mut sum, mut attacks) = (0usize, 0.0f64, 0usize);
    while rank < sorted.len() {
        let score = sorted[rank].score;
        let tied = sorted[rank..].iter().take_while(|one| one.score == score).count();
        let middle = rank as f64 + (tied as f64 + 1.0) / 2.0;
        let here = sorted[rank..rank + tied].iter().filter(|one| one.row.label == Label::Attack).count();
        sum += middle * here as f64;
        attacks += here;
        rank += tied;
    }
    let benign = sorted.len() - attacks;
    let pairs = attacks as f64 * benign as f64;
    if pairs == 0.0 { 0.0 } else { (sum - attacks as f64 * (attacks as f64 + 1.0) / 2.0) / pairs }
}

/// The most attacks caught by a threshold that flags at most `limit` of the benign rows, and that threshold.
fn recall_at(judged: &[Judged<'_>], limit: f64) -> (f64, f32) {
    let mut benign: Vec<f32> =
        judged.iter().filter(|one| one.row.label == Label::Benign).map(|one| one.score).collect();
    benign.sort_by(|a, b| b.total_cmp(a));
    let allowed = (limit * benign.len() as f64) as usize;
    let bar = benign.get(allowed).copied().unwrap_or(0.0);
    let attacks: Vec<f32> =
        judged.iter().filter(|one| one.row.label == Label::Attack).map(|one| one.score).collect();
    (share(attacks.iter().filter(|&&score| score > bar).count(), attacks.len()), bar)
}

/// Prints the worst mistakes of each category: `most` a category.
pub(crate) fn errors(judged: &[Judged<'_>], most: usize) {
    for (category, mut rows) in
        grouped(judged, |row| format!("{:?}/{}/{}", row.label, row.category, row.source))
    {
        let attack = rows.first().is_some_and(|one| one.row.label == Label::Attack);
        rows.retain(|one| (one.score < REVIEW_AT) == attack);
        rows.sort_by(|a, b| if attack { a.score.total_cmp(&b.score) } else { b.score.total_cmp(&a.score) });
        let step = if attack { (rows.len() / most).max(1) } else { 1 };
        println!("\n== {category}: {} wrong", rows.len());
        for one in rows.iter().step_by(step).take(most) {
            let text: String = one.row.text.chars().take(300).collect();
            println!("{:6.2} {} {text:?}", one.score, one.row.id);
        }
    }
}

/// Prints what the sum of each view of a row is made of.
pub(crate) fn explain(guard: &PromptGuard, row: &Row) {
    let samples = guard.samples(&row.text, provenance(row.channel), &mut Scratch::default());
    println!("\n== {} {:?}/{}", row.id, row.label, row.category);
    for sample in samples {
        let model = guard.model();
        let grams: f32 = sample.grams.iter().map(|&(n, x)| x * f32::from(model.grams[usize::from(n)])).sum();
        let mut parts = vec![(model.bias, "bias", 1.0), (grams * model.gram_step, "grams", 1.0)];
        let dense = sample.dense.iter().zip(&model.dense).zip(guard.features());
        parts.extend(dense.map(|((&value, weight), name)| (value * weight, name, value)));
        parts.retain(|part| part.0.abs() > 0.05);
        parts.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
        let sum: f32 = parts.iter().map(|part| part.0).sum();
        let parts = parts.iter().map(|(part, name, value)| format!("{name} {part:.2} ({value:.2})"));
        println!("depth {} sum {sum:.2}: {}", sample.depth, parts.collect::<Vec<_>>().join(", "));
    }
}

fn times(judged: &[Judged<'_>]) {
    let mut micros: Vec<f64> = judged.iter().map(|one| one.took.as_secs_f64() * 1e6).collect();
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| {
        micros.get(((micros.len() as f64 * share) as usize).min(micros.len() - 1)).copied().unwrap_or(0.0)
    };
    println!(
        "\nus a decision: p50 {:.1}  p99 {:.1}  worst {:.1}  ({} rows)",
        at(0.5),
        at(0.99),
        at(1.0),
        micros.len()
    );
}
