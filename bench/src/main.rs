//! Measures the gateway from outside. One question a subcommand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "this is a program that reports")]

mod allocations;
mod guard;
mod heap;
mod idle;
mod micro;
mod process;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures the gateway from outside.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    question: Question,
}

#[derive(Subcommand)]
enum Question {
    /// What do connections cost that do nothing?
    Idle(idle::Options),
    /// How well does the defender judge, and how fast?
    #[command(subcommand)]
    Guard(guard::Question),
    /// How many instructions and allocations do the paths take that everything takes?
    Micro(micro::Options),
    /// What does the gateway take from the heap, and does it give it back?
    Heap(heap::Options),
}

fn main() -> ExitCode {
    match Options::parse().question {
        Question::Idle(options) => idle::run(&options),
        Question::Guard(question) => guard::run(&question),
        Question::Micro(options) => return micro::run(&options),
        Question::Heap(options) => return heap::run(&options),
    }
    ExitCode::SUCCESS
}
