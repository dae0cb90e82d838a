//! Keys that policies are signed with: a private file for who signs, a public one for who trusts.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use ed25519_dalek::SigningKey;
use pincer_defender::policy::bundle::{TrustStore, TrustedKey};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::file::read_bounded;
use crate::cli::{Failure, Output};

/// Longest key file, in bytes.
const KEY_BYTES_MAX: u64 = 64 * 1024;
/// Permission bits of group and others.
const OTHERS: u32 = 0o077;

#[derive(Debug, Args)]
#[command(after_help = "\
FILE is the private key, readable by its owner only; nothing prints it. FILE.pub is what `verify --trust` takes.
Neither is written over.")]
pub(super) struct KeygenArgs {
    /// Where the private key goes
    file: PathBuf,
    /// What the key is called: 1 to 64 of letters, digits, '.', '_', '-'
    #[arg(long, value_name = "ID")]
    id: String,
}

/// The private key's file. Has no `Debug`: nothing is to print it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PrivateKey {
    key_id: String,
    /// Ed25519 seed, base64.
    secret_key: String,
}

/// A key to sign with.
pub(super) struct Signer {
    pub(super) key_id: String,
    pub(super) key: SigningKey,
}

/// Makes a pair.
pub(super) fn generate(args: &KeygenArgs, output: &Output) -> Result<ExitCode, Failure> {
    let mut seed = [0u8; 32];
    getrandom::fill(&mut seed).map_err(Failure::new)?;
    let key = SigningKey::from_bytes(&seed);
    let public = TrustedKey { key_id: args.id.clone(), public_key: key.verifying_key().to_bytes() };
    // Checks the id too.
    let trust = TrustStore::new(vec![public.clone()]).map_err(Failure::new)?;
    let private = PrivateKey { key_id: args.id.clone(), secret_key: STANDARD.encode(seed) };
    let mut public_file = args.file.clone().into_os_string();
    public_file.push(".pub");
    let public_file = PathBuf::from(public_file);
    if public_file.exists() {
        return Err(exists(&public_file));
    }
    write_new(&args.file, 0o600, &private)?;
    write_new(&public_file, 0o644, &trust)?;
    if output.is_json() {
        output.document(&json!({"privateKey": args.file, "publicKey": public_file, "key": public}));
    } else {
        output.line(format!(
            "private key  {} (keep it; only its owner can read it)\npublic key   {} ({})",
            args.file.display(),
            public_file.display(),
            STANDARD.encode(public.public_key)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn exists(path: &Path) -> Failure {
    Failure::new(format!("{} exists and is not written over", path.display())).fix("choose another name")
}

fn write_new(path: &Path, mode: u32, value: &impl Serialize) -> Result<(), Failure> {
    let at = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => Failure::new(format!("cannot write {}: {error}", path.display())),
    };
    let mut text = serde_json::to_vec_pretty(value).map_err(Failure::new)?;
    text.push(b'\n');
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(at)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(at)
}

/// Reads a private key. One that others can read is refused: it may be theirs by now.
pub(super) fn read_private(path: &Path) -> Result<Signer, Failure> {
    let at = |error: &dyn std::fmt::Display| Failure::new(format!("the key {}: {error}", path.display()));
    let mode = fs::metadata(path).map_err(|error| at(&error))?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(at(&format_args!("others on this machine can read it (mode {:o})", mode & 0o777)).fix(
            format!("make a new one with `pincer defender policy keygen`, or chmod 600 {}", path.display()),
        ));
    }
    let text = read_bounded(path, KEY_BYTES_MAX).map_err(|error| at(&error))?;
    // What the parser says could quote the key.
    let not_one = || at(&"this is no private key that `pincer defender policy keygen` made");
    let private: PrivateKey = serde_json::from_str(&text).map_err(|_| not_one())?;
    let seed = STANDARD.decode(&private.secret_key).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    Ok(Signer { key_id: private.key_id, key: SigningKey::from_bytes(&seed.ok_or_else(not_one)?) })
}

/// Reads the keys that are trusted.
pub(super) fn read_trust(path: &Path) -> Result<TrustStore, Failure> {
    let text = read_bounded(path, KEY_BYTES_MAX)
        .map_err(|error| Failure::new(format!("cannot read the trusted keys {}: {error}", path.display())))?;
    TrustStore::from_json(&text).map_err(|error| {
        Failure::new(format!("{} holds no trusted keys: {error}", path.display()))
            .fix("name the .pub file that `pincer defender policy keygen` made")
    })
}
