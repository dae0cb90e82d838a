//! `pincer defender policy`: what is judged by, and who vouches for it.

mod bundle;
mod key;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use pincer_defender::Defender;
use pincer_defender::policy::Policy;
use serde_json::json;

use super::judge::read_policy;
use crate::cli::{Context, Failure, Global, Output};

/// Show, check and sign policies.
#[derive(Debug, Args)]
#[command(after_help = "\
A policy is the config's `defender` section, or the same fields in a .toml or .json file.

Examples:
  pincer defender policy show                        what is in force, defaults filled in
  pincer defender policy check strict.toml
  pincer defender policy keygen ops.key --id ops-1   also writes ops.key.pub
  pincer defender policy sign strict.toml --key ops.key --bundle-version 7 --out strict.bundle
  pincer defender policy verify strict.bundle --trust ops.key.pub")]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Print the policy of the config, defaults filled in
    Show,
    /// Check a policy file
    Check(CheckArgs),
    /// Make a key to sign policies with
    Keygen(key::KeygenArgs),
    /// Sign a policy
    Sign(bundle::SignArgs),
    /// Check a signed policy against the keys that are trusted; changes nothing
    Verify(bundle::VerifyArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// The policy, .toml or .json
    file: PathBuf,
}

/// Runs `pincer defender policy …`.
pub(super) fn execute(args: PolicyArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    match args.command {
        PolicyCommand::Show => show(global, output),
        PolicyCommand::Check(args) => check(&args, output),
        PolicyCommand::Keygen(args) => key::generate(&args, output),
        PolicyCommand::Sign(args) => bundle::sign_file(&args, output),
        PolicyCommand::Verify(args) => bundle::verify(&args, output),
    }
}

fn show(global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    let section = &context.loaded.config.defender;
    let policy = context.policy().map_err(Failure::config)?;
    output.document(&policy);
    if section.is_null() {
        output.remark("the config has no `defender` section: these are the defaults");
    }
    Ok(ExitCode::SUCCESS)
}

fn check(args: &CheckArgs, output: &Output) -> Result<ExitCode, Failure> {
    let policy = read_policy(&args.file)?;
    let words = describe(&policy);
    // Also what only the matchers can see.
    Defender::new(policy.clone())
        .map_err(|error| Failure::new(format!("{}: {error}", args.file.display())))?;
    let unknown = policy.unknown_rules();
    if !unknown.is_empty() {
        return Err(Failure::new(format!("{}: {}", args.file.display(), unknown.join("; ")))
            .fix("correct the names, or take them out; `pincer defender explain rules` lists all"));
    }
    if output.is_json() {
        output.document(&json!({"valid": true, "policy": policy}));
    } else {
        output.line(format!("valid: {words}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The heart of a policy, in one line.
fn describe(policy: &Policy) -> String {
    let thresholds = policy.thresholds;
    format!(
        "version {}, mode {}, review from {}, block from {}, {} rules changed",
        policy.version.get(),
        policy.mode.as_str(),
        thresholds.review.get(),
        thresholds.block.get(),
        policy.rules.len()
    )
}
