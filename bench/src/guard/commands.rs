//! Labelled commands.

use std::path::PathBuf;

use pincer_defender::command::{CommandGuard, Scratch};

use super::clock;
use super::corpus;
use super::report::{self, Judged};

/// Which rows.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A file of labelled rows.
    #[arg(long)]
    corpus: PathBuf,
}

pub(crate) fn run(options: &Options) {
    let rows = corpus::read(&options.corpus);
    let (guard, mut scratch) = (CommandGuard::new(), Scratch::default());
    let judge = |row| {
        let row: &corpus::Row = row;
        let since = clock::now();
        let score = guard.assess(&row.text, &mut scratch).score;
        Judged { row, score, took: clock::since(since) }
    };
    report::print(&rows.iter().map(judge).collect::<Vec<_>>());
}
