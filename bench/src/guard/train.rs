//! Trains the prompt guard's linear model.
//!
//! Logistic regression by full-batch gradient descent (Adam), so that the same rows make the same weights on every
//! machine with the same arithmetic. Every row weighs as its source is small: sources count nearly the same. Texts of our
//! own weigh as much as it takes for documents to pass that the corpus has none of.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use pincer_defender::prompt::{BUCKETS, Model, PromptGuard, Sample, Scratch};

use super::corpus::{self, Label, Row};
use super::documents;
use super::folds;
use super::own;
use super::prompts::provenance;

/// What to train on, and how.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A file of labelled prompts.
    #[arg(long)]
    corpus: PathBuf,
    /// Where the table goes: `engine/defender/src/prompt/model/prompt.weights`.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    recipe: Recipe,
}

/// The numbers that training depends on.
#[derive(clap::Args, Clone)]
pub(crate) struct Recipe {
    /// Steps of gradient descent.
    #[arg(long, default_value_t = 160)]
    steps: usize,
    /// Holds down the weights of signals.
    #[arg(long, default_value_t = 1.0)]
    l2: f32,
    /// Holds down the weights of signals in data, which come on top of those.
    #[arg(long, default_value_t = 1.0)]
    l2_data: f32,
    /// Holds down the weights of n-grams.
    #[arg(long, default_value_t = 0.25)]
    l2_grams: f32,
    /// A source of n rows weighs n to the power of this: 0 makes sources equal, 1 makes rows equal.
    #[arg(long, default_value_t = 0.5)]
    source_power: f32,
    /// Weight of the examples of our own, beside one source.
    #[arg(long, default_value_t = 40.0)]
    own: f32,
    /// The same of the harmless documents among them: they are longer, and there are many.
    #[arg(long, default_value_t = 20.0)]
    own_documents: f32,
    /// The same of the whole texts of `own/written.jsonl`: of each of their four kinds.
    #[arg(long, default_value_t = 15.0)]
    own_written: f32,
    /// The same of the harmless texts of tools among them: the corpus has few.
    #[arg(long, default_value_t = 60.0)]
    own_texts: f32,
    /// Weight of the documents of the repository, and of the packages, beside one source.
    #[arg(long, default_value_t = 32.0)]
    documents: f32,
    /// Share of harmless rows that may be sent to review in cross-validation; sets the mark.
    #[arg(long, default_value_t = 0.01)]
    pub(crate) review_fpr: f32,
    /// Share of harmless rows that may be blocked in cross-validation; sets the mark.
    #[arg(long, default_value_t = 0.0018)]
    pub(crate) block_fpr: f32,
    /// The same of review for what is data: there are few harmless documents to tell by.
    #[arg(long, default_value_t = 0.01)]
    pub(crate) data_fpr: f32,
    /// Share of what is harmless and data among the texts of our own that may be sent to review; the higher mark of both holds.
    #[arg(long, default_value_t = 0.045)]
    pub(crate) texts_fpr: f32,
    /// The same of block.
    #[arg(long, default_value_t = 0.014)]
    pub(crate) texts_block_fpr: f32,
    /// Where this repository is: half of its files are trained on as harmless documents, half show what comes of it.
    #[arg(long, default_value = ".")]
    pub(crate) repository: PathBuf,
    /// Folders of other people's packages (`registry/src` after `CARGO_HOME=... cargo fetch --locked`): half of the
    /// packages are trained on as harmless documents, the others show what comes of it, and set no mark.
    #[arg(long)]
    pub(crate) packages: Vec<PathBuf>,
    /// Share of the harmless documents held out that may be sent to review; sets the mark, if it is the higher one.
    #[arg(long, default_value_t = 0.007)]
    pub(crate) documents_fpr: f32,
    /// So much of what a rule of several words says, as a share, may be taken back where the text is data.
    #[arg(long, default_value_t = 0.7)]
    excused: f32,
    /// Weight of our own orders without a document around them.
    #[arg(long, default_value_t = 2.0)]
    own_orders: f32,
    /// More texts like those of `own/written.jsonl`, to try them before they are part of it.
    #[arg(long)]
    pub(crate) written: Vec<PathBuf>,
    /// Leaves out features whose names begin so (`grams` for the n-grams): what do they contribute?
    #[arg(long)]
    without: Vec<String>,
}

pub(crate) fn run(options: &Options) {
    let mut rows = corpus::read(&options.corpus);
    let (mut trained, judged) = documents::own(&options.recipe.repository);
    rows.extend(judged);
    trained.extend(documents::packages(&options.recipe.packages).0);
    trained.extend(options.recipe.own());
    let mut guard = PromptGuard::new();
    let prepared = Prepared::of(&rows, &trained, &guard);
    let marks = folds::validate(&rows, &trained, &prepared, &mut guard, &options.recipe, &|_, _| ())
        .marks(&options.recipe);
    let mut model = prepared.train(&options.recipe, |_| true);
    (model.review, model.block) = (marks.review, marks.block);
    let (review, block) = (marks.review, marks.block);
    // The last feature is "is data".
    if let Some(data) = model.dense.last_mut() {
        *data += marks.data;
    }
    fs::write(&options.out, model.to_bytes()).expect("the table can be written");
    println!(
        "{}: {} features, review at {review:.3}, block at {block:.3}",
        options.out.display(),
        model.dense.len()
    );
    let mut named: Vec<_> = guard.features().zip(&model.dense).enumerate().collect();
    named.sort_by(|a, b| b.1.1.abs().total_cmp(&a.1.1.abs()));
    for (at, (name, weight)) in named.iter().take(60) {
        println!("{weight:8.3}  {name} ({at})");
    }
}

impl Recipe {
    /// The examples of our own.
    pub(crate) fn own(&self) -> Vec<Row> {
        let mut rows = own::rows();
        rows.extend(self.written.iter().flat_map(|file| own::folded(corpus::read(file))));
        rows
    }
}

/// The features of a sample that it has: place and value. N-grams come behind the dense ones and the bias.
struct Sparse {
    features: Vec<(u32, f32)>,
}

impl Sparse {
    fn of(sample: &Sample) -> Self {
        let behind = sample.dense.len() as u32 + 1;
        let dense = sample.dense.iter().enumerate().map(|(n, &x)| (n as u32, x)).filter(|(_, x)| *x != 0.0);
        let grams = sample.grams.iter().map(|&(bucket, x)| (behind + u32::from(bucket), x));
        Self { features: dense.chain(grams).collect() }
    }

    fn times(&self, theta: &[f32]) -> f32 {
        self.features.iter().map(|&(n, x)| x * theta[n as usize]).sum()
    }
}

/// Rows and their features.
pub(crate) struct Prepared {
    samples: Vec<(usize, Sparse)>,
    labels: Vec<f32>,
    sources: Vec<String>,
    names: Vec<&'static str>,
    /// Of each rule: whether it is a word on its own, and what it weighs at least.
    bounds: Vec<(bool, f32)>,
    fingerprint: u64,
}

impl Prepared {
    pub(crate) fn of(rows: &[Row], trained: &[Row], guard: &PromptGuard) -> Self {
        let mut scratch = Scratch::default();
        let mut samples = Vec::new();
        let all = || rows.iter().chain(trained);
        for (n, row) in all().enumerate() {
            // Documents that are judged are never trained on, in no fold.
            if row.source == own::UNSEEN || documents::SOURCES.iter().any(|name| row.source.starts_with(name))
            {
                continue;
            }
            let mut views = guard.samples(&row.text, provenance(row.channel), &mut scratch);
            // Of an attack that is encoded as a whole, only what it says is told apart by its label. Being encoded is
            // harmless.
            if views.iter().any(|view| view.depth > 0 && view.share > 0.5) {
                views.retain(|view| view.depth > 0 || row.label == Label::Benign);
            } else {
                views.retain(|view| view.depth == 0);
            }
            samples.extend(views.iter().map(|view| (n, Sparse::of(view))));
        }
        let labels = all().map(|row| if row.label == Label::Attack { 1.0 } else { 0.0 }).collect();
        let sources = all().map(|row| row.source.clone()).collect();
        let names = guard.features().collect();
        let bounds = guard.bounds().collect();
        Self { samples, labels, sources, names, bounds, fingerprint: guard.fingerprint() }
    }

    /// Trains on the rows that `on` says yes to, by their source.
    ///
    /// An attack of many windows is somewhere in them: a first model is trained on all, a second on the window that the
    /// first finds worst.
    pub(crate) fn train(&self, recipe: &Recipe, on: impl Fn(&str) -> bool) -> Model {
        let all: Vec<&(usize, Sparse)> =
            self.samples.iter().filter(|(row, _)| on(&self.sources[*row])).collect();
        let first = self.descend(recipe, recipe.steps / 3, &all);
        let mut worst: BTreeMap<usize, (f32, &(usize, Sparse))> = BTreeMap::new();
        for one in &all {
            let sum = one.1.times(&first);
            let place = worst.entry(one.0).or_insert((sum, one));
            if place.0 < sum {
                *place = (sum, one);
            }
        }
        let hard = |one: &&&(usize, Sparse)| self.labels[one.0] < 0.5 || std::ptr::eq(worst[&one.0].1, **one);
        let chosen: Vec<_> = all.iter().filter(hard).copied().collect();
        self.model(&self.descend(recipe, recipe.steps, &chosen))
    }

    fn descend(&self, recipe: &Recipe, steps: usize, chosen: &[&(usize, Sparse)]) -> Vec<f32> {
        let mut sizes: BTreeMap<(&str, bool), f32> = BTreeMap::new();
        for (row, _) in chosen {
            *sizes.entry((own::source(&self.sources[*row]), self.labels[*row] > 0.5)).or_default() += 1.0;
        }
        let mut weights: Vec<f32> = chosen
            .iter()
            .map(|(row, _)| {
                let source = own::source(&self.sources[*row]);
                sizes[&(source, self.labels[*row] > 0.5)].powf(recipe.source_power - 1.0)
            })
            .collect();
        // What was written for training is about more than any one source.
        for (weight, (row, _)) in weights.iter_mut().zip(chosen) {
            *weight *= match own::source(&self.sources[*row]) {
                "own:documents" | "own:requests" => recipe.own_documents,
                "own:texts" => recipe.own_texts,
                "own:orders" => recipe.own_orders,
                source if own::WRITTEN.contains(&source) => recipe.own_written,
                source if source.starts_with("own:") => recipe.own,
                source if source.starts_with("trained") => recipe.documents,
                _ => 1.0,
            };
        }
        // The two labels weigh the same, and all of it as much as there are rows.
        for label in [false, true] {
            let of = |n: &usize| (self.labels[chosen[*n].0] > 0.5) == label;
            let total: f32 = (0..chosen.len()).filter(of).map(|n| weights[n]).sum();
            let scale = chosen.len() as f32 / 2.0 / total.max(1e-6);
            (0..chosen.len()).filter(of).for_each(|n| weights[n] *= scale);
        }
        let kept: Vec<bool> = self
            .names
            .iter()
            .map(|name| !recipe.without.iter().any(|w| name.starts_with(w.as_str())))
            .collect();
        let grams_kept = !recipe.without.iter().any(|w| w == "grams");
        let features = self.names.len();
        let shape_from = features - 1 - (features - 1 - 2 * self.rules()) / 2;
        let decay: Vec<f32> = (0..features)
            .map(|n| {
                let in_data =
                    (self.rules()..2 * self.rules()).contains(&n) || (shape_from..features - 1).contains(&n);
                if in_data { recipe.l2_data } else { recipe.l2 }
            })
            .collect();
        let size = features + 1 + BUCKETS;
        let mut adam = Adam::new(size);
        let mut theta = vec![0.0f32; size];
        for step in 0..steps {
            let mut gradient = vec![0.0f32; size];
            for ((row, sample), weight) in chosen.iter().zip(&weights) {
                let sum = theta[features] + sample.times(&theta);
                let error = weight * (1.0 / (1.0 + (-sum).exp()) - self.labels[*row]);
                gradient[features] += error;
                for &(n, x) in &sample.features {
                    gradient[n as usize] += error * x;
                }
            }
            for (g, kept) in gradient.iter_mut().zip(&kept) {
                *g = if *kept { *g } else { 0.0 };
            }
            if !grams_kept {
                gradient[features + 1..].fill(0.0);
            }
            for (n, g) in gradient.iter_mut().enumerate() {
                let l2 = if n < features {
                    decay[n]
                } else if n == features {
                    0.0
                } else {
                    recipe.l2_grams
                };
                *g += l2 * theta[n];
            }
            // A signal of an attack never speaks for a text, nor one of discussion against it: what a source has by
            // chance is not learned.
            adam.step(&mut theta, &gradient, 0.08 * (1.0 - step as f32 / steps as f32) + 0.002);
            for (n, &(is_word, sure)) in self.bounds.iter().enumerate() {
                let benign = self.names[n].starts_with("benign.") || self.names[n] == "not";
                let bound = |t: f32, at: f32| if benign { t.min(at) } else { t.max(at) };
                theta[n] = bound(theta[n], sure);
                // In data, which may discuss anything, a word on its own may say less than in what people write.
                let least =
                    if is_word { -theta[n] } else { (sure - theta[n]).max(-recipe.excused * theta[n]) };
                theta[n + self.rules()] = bound(theta[n + self.rules()], least);
            }
        }
        theta
    }

    fn model(&self, theta: &[f32]) -> Model {
        let features = self.names.len();
        let grams = &theta[features + 1..];
        let largest = grams.iter().fold(0.0f32, |most, weight| most.max(weight.abs()));
        let gram_step = largest / 127.0;
        Model {
            fingerprint: self.fingerprint,
            bias: theta[features],
            dense: theta[..features].to_vec(),
            gram_step,
            grams: grams.iter().map(|weight| (weight / gram_step.max(1e-12)).round() as i8).collect(),
            review: 0.0,
            block: 1.0,
        }
    }

    /// How many of the features are rules: they come twice, and the first name comes again there.
    fn rules(&self) -> usize {
        self.names.iter().skip(1).position(|name| *name == self.names[0]).map_or(0, |n| n + 1)
    }
}

/// Adam, as Kingma and Ba wrote it.
struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
    steps: i32,
}

impl Adam {
    fn new(size: usize) -> Self {
        Self { mean: vec![0.0; size], square: vec![0.0; size], steps: 0 }
    }

    fn step(&mut self, theta: &mut [f32], gradient: &[f32], rate: f32) {
        self.steps += 1;
        let (one, two) = (1.0 - 0.9f32.powi(self.steps), 1.0 - 0.999f32.powi(self.steps));
        for (((t, g), m), s) in theta.iter_mut().zip(gradient).zip(&mut self.mean).zip(&mut self.square) {
            *m = 0.9 * *m + 0.1 * g;
            *s = 0.999 * *s + 0.001 * g * g;
            *t -= rate * (*m / one) / ((*s / two).sqrt() + 1e-8);
        }
    }
}
