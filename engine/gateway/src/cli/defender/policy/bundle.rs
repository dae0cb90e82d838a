//! Signing a policy, and checking one that was signed.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use pincer_defender::policy::Policy;
use pincer_defender::policy::bundle::{BUNDLE_BYTES_MAX, Draft, sign};
use serde_json::json;

use super::describe;
use super::key::{read_private, read_trust};
use crate::cli::defender::judge::read_policy_text;
use crate::cli::file::write_private;
use crate::cli::{Failure, Output};
use crate::client::now_ms;

/// A day, in milliseconds.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

#[derive(Debug, Args)]
pub(super) struct SignArgs {
    /// The policy, .toml or .json
    file: PathBuf,
    /// The private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the signed bundle goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Above that of every bundle before [default: the policy's `version`]
    #[arg(long, value_name = "N")]
    bundle_version: Option<u64>,
    /// After so many days it counts no more [default: never]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    expires_days: Option<u32>,
    /// From this bundle on trust the keys in this .pub file, and no others; may be given several times
    #[arg(long = "next-keys", value_name = "FILE")]
    next_keys: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The signed bundle
    bundle: PathBuf,
    /// The keys that are trusted: a .pub file
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
}

/// Signs.
pub(super) fn sign_file(args: &SignArgs, output: &Output) -> Result<ExitCode, Failure> {
    let (policy, format) = read_policy_text(&args.file)?;
    let parsed = Policy::from_text(&policy, format)
        .map_err(|error| Failure::new(format!("{}: {error}", args.file.display())))?;
    let said = Some(parsed.version.get()).filter(|&version| version > 0);
    let version = args.bundle_version.or(said).ok_or_else(|| {
        Failure::new("the policy says no version")
            .fix("--bundle-version N, above that of every bundle before")
    })?;
    let signer = read_private(&args.key)?;
    let mut next_keys = Vec::new();
    for file in &args.next_keys {
        next_keys.extend_from_slice(read_trust(file)?.keys());
    }
    let issued_at_ms = now_ms();
    let expires_at_ms = args.expires_days.map(|days| issued_at_ms.saturating_add(u64::from(days) * DAY_MS));
    let key_id = signer.key_id.clone();
    let draft =
        Draft { key_id: signer.key_id, version, issued_at_ms, expires_at_ms, format, policy, next_keys };
    let bundle = sign(draft, &signer.key).map_err(Failure::new)?;
    write_private(&args.out, bundle.as_bytes())
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", args.out.display())))?;
    if output.is_json() {
        output.document(&json!({
            "bundle": args.out,
            "version": version,
            "keyId": key_id,
            "issuedAtMs": issued_at_ms,
            "expiresAtMs": expires_at_ms,
        }));
    } else {
        output.line(format!("{}: version {version}, signed with {key_id}", args.out.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Verifies. Nothing is remembered of it.
pub(super) fn verify(args: &VerifyArgs, output: &Output) -> Result<ExitCode, Failure> {
    let trust = read_trust(&args.trust)?;
    let at = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", args.bundle.display()));
    let mut bytes = Vec::new();
    std::fs::File::open(&args.bundle)
        .and_then(|file| file.take(BUNDLE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| at(&error))?;
    let verified = trust.verify(&bytes, now_ms()).map_err(|error| at(&error))?;
    if output.is_json() {
        output.document(&json!({
            "valid": true,
            "keyId": verified.key_id,
            "issuedAtMs": verified.issued_at_ms,
            "expiresAtMs": verified.expires_at_ms,
            "nextKeys": verified.next_keys,
            "policy": verified.policy,
        }));
    } else {
        output.line(format!("valid: signed with {}, {}", verified.key_id, describe(&verified.policy)));
        if !verified.next_keys.is_empty() {
            let ids: Vec<&str> = verified.next_keys.iter().map(|key| key.key_id.as_str()).collect();
            output.line(format!("from then on these keys are trusted, and no others: {}", ids.join(", ")));
        }
    }
    Ok(ExitCode::SUCCESS)
}
