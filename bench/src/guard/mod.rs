//! How well the defender judges labelled material, and how fast.

mod clock;
mod commands;
mod corpus;
mod documents;
mod earlier;
mod folds;
mod hammer;
mod long;
mod own;
mod prompts;
mod report;
mod train;

use clap::Subcommand;

/// What to ask of the defender.
#[derive(Subcommand)]
pub(crate) enum Question {
    /// Judges labelled prompts with the built-in model.
    Prompts(prompts::Options),
    /// Trains the model of the prompt guard.
    Train(train::Options),
    /// Judges labelled commands.
    Commands(commands::Options),
}

/// Asks.
pub(crate) fn run(question: &Question) {
    match question {
        Question::Prompts(options) => prompts::run(options),
        Question::Train(options) => train::run(options),
        Question::Commands(options) => commands::run(options),
    }
}
