//! Labelled prompts.

use std::path::PathBuf;
use std::time::Duration;

use pincer_defender::Provenance;
use pincer_defender::prompt::{Model, PromptGuard, Scratch};

use super::clock;
use super::corpus::{self, Channel};
use super::documents;
use super::earlier::Earlier;
use super::folds;
use super::own;
use super::report::{self, Judged};
use super::train::{Prepared, Recipe};
use super::{hammer, long};

/// Which rows.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A file of labelled rows.
    #[arg(long)]
    corpus: PathBuf,
    /// Judges every row by a model that was trained without its source, instead of the one that is built in.
    #[arg(long)]
    cross_validate: bool,
    /// Judges by this table of weights instead of the one that is built in.
    #[arg(long, conflicts_with = "cross_validate")]
    weights: Option<PathBuf>,
    /// Prints the rows that were judged wrongly: so many a category.
    #[arg(long, default_value_t = 0)]
    errors: usize,
    /// Judges so many mutated rows, and nothing else.
    #[arg(long)]
    mutations: Option<usize>,
    /// Prints what the sums of these rows are made of, by their ids.
    #[arg(long)]
    explain: Vec<String>,
    /// Measures long texts, and nothing else.
    #[arg(long)]
    long: bool,
    /// Folders of other people's documents (`~/.cargo/registry/src`): never trained on, only judged, in a report of
    /// their own.
    #[arg(long)]
    measure_documents: Vec<PathBuf>,
    #[command(flatten)]
    recipe: Recipe,
}

/// Whose words a row is.
pub(crate) fn provenance(channel: Channel) -> Provenance {
    match channel {
        Channel::User => Provenance::ChannelUser,
        Channel::Tool => Provenance::ToolOutput,
    }
}

pub(crate) fn run(options: &Options) {
    let mut rows = corpus::read(&options.corpus);
    let (mut trained, held_out) = documents::own(&options.recipe.repository);
    rows.extend(held_out);
    let (taken, others) = documents::packages(&options.recipe.packages);
    trained.extend(taken);
    trained.extend(options.recipe.own());
    rows.extend(others);
    rows.extend(documents::others(&options.measure_documents));
    rows.extend(own::unseen());
    if options.mutations.is_some() || options.long {
        let guard = PromptGuard::new();
        if let Some(count) = options.mutations {
            hammer::mutate(&rows, &guard, count);
        }
        if options.long {
            long::measure(&rows, &guard);
        }
        return;
    }
    let (mut guard, mut scratch) = (PromptGuard::new(), Scratch::default());
    if let Some(path) = &options.weights {
        let table =
            std::fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        let model = Model::from_bytes(&table).filter(|model| model.fingerprint == guard.fingerprint());
        guard.set_model(model.unwrap_or_else(|| panic!("{} is no table for these rules", path.display())));
    }
    let mut written: Vec<Judged<'_>> = Vec::new();
    let judged: Vec<Judged<'_>> = if options.cross_validate {
        let prepared = Prepared::of(&rows, &trained, &guard);
        let explain = |guard: &PromptGuard, row: &corpus::Row| {
            if options.explain.contains(&row.id) {
                report::explain(guard, row);
            }
        };
        let validated = folds::validate(&rows, &trained, &prepared, &mut guard, &options.recipe, &explain);
        let (scores, own) = validated.scores(&trained, &options.recipe);
        let judged = |(&(n, _), score)| Judged { row: &trained[n], score, took: Duration::ZERO };
        written.extend(validated.own.iter().zip(own).map(judged));
        let judge = |((row, score), &took)| Judged { row, score, took };
        rows.iter().zip(scores).zip(&validated.took).map(judge).collect()
    } else {
        let judge = |row| {
            let row: &corpus::Row = row;
            let mut judge = || {
                let since = clock::now();
                let score = guard.assess(&row.text, provenance(row.channel), &mut scratch).score;
                (clock::since(since), score)
            };
            // The best of three: the machine may have other things to do.
            let runs = [judge(), judge(), judge()];
            let (took, score) = runs.into_iter().min_by_key(|run| run.0).unwrap_or(runs[0]);
            Judged { row, score, took }
        };
        rows.iter().map(judge).collect()
    };
    if options.cross_validate {
        println!(
            "Each origin (a source, its translations, its encodings) is judged by a model trained without it."
        );
        println!("The marks are chosen on these very sums.\n");
    }
    let is_document =
        |one: &Judged<'_>| documents::SOURCES.iter().any(|name| one.row.source.starts_with(name));
    let (found, judged): (Vec<_>, Vec<_>) = judged.into_iter().partition(is_document);
    let (unseen, judged): (Vec<_>, Vec<_>) =
        judged.into_iter().partition(|one| one.row.source == own::UNSEEN);
    report::print(&judged);
    println!(
        "\nDocuments that were not trained on, all harmless: this repository's, and those of other folders"
    );
    report::table("source", &found, |row| row.source.clone());
    println!("\nTexts by a writer who saw none of what is trained on");
    report::table("category", &unseen, |row| row.category.clone());
    if !written.is_empty() {
        println!("\nTexts of our own, each judged by a model that was trained without a quarter of them");
        report::table("source", &written, |row| own::source(&row.source).to_owned());
        report::table("category", &written, |row| format!("{}/{}", own::source(&row.source), row.category));
    }
    Earlier::on_prompts().print_beside(&judged);
    if options.errors > 0 {
        report::errors(&found, options.errors);
    }
    if options.errors > 0 {
        report::errors(&judged, options.errors);
    }
}
