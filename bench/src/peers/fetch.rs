//! Gets what a peer is made of: builds it, or installs it from npm, into a folder under `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pincer_tests::{gateway_binary, workspace};

use super::Peer;

/// How a peer is run, up to its own arguments.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) args: Vec<PathBuf>,
}

/// Everything a peer needs, from the registries when it is not there yet.
///
/// # Errors
/// Why the peer is missing, in words for the report.
pub(crate) fn fetch(peer: Peer) -> Result<Program, String> {
    let program = match peer {
        Peer::PincerEpoll | Peer::PincerUring => {
            let backend = peer.backend().filter(|backend| backend.available());
            backend.ok_or("this machine, kernel or container does not allow io_uring")?;
            Program { path: gateway_binary(), args: Vec::new() }
        }
        Peer::Fastwebsockets => Program { path: build("fastwebsockets")?, args: Vec::new() },
        Peer::Tungstenite => Program { path: build("tungstenite")?, args: Vec::new() },
        Peer::Bun => {
            let path = npm("npm", &sources().join("npm"))?
                .join(format!("@oven/bun-linux-{}/bin/bun", bun_machine()));
            Program { path, args: vec![sources().join("bun.js")] }
        }
        Peer::OpenclawV3 | Peer::OpenclawV4 => {
            let generation = if peer == Peer::OpenclawV3 { "v3" } else { "v4" };
            let node =
                npm("npm", &sources().join("npm"))?.join(format!("node-linux-{}/bin/node", node_machine()));
            // The same installation as the tests of the command lines use, or one that the user names.
            let own = std::env::var_os(format!("PINCER_TEST_CLI_{}", generation.to_uppercase()));
            let modules = match own {
                Some(folder) => PathBuf::from(folder).join("node_modules"),
                None => {
                    let manifest = workspace().join("tests/node/cli").join(generation);
                    npm(&format!("openclaw-{generation}"), &manifest)?
                }
            };
            Program { path: node, args: vec![modules.join("openclaw/openclaw.mjs")] }
        }
    };
    let mut files = std::iter::once(&program.path).chain(&program.args);
    match files.find(|file| !file.exists()) {
        Some(file) => Err(format!("{} was not installed", file.display())),
        None => Ok(program),
    }
}

fn sources() -> PathBuf {
    workspace().join("bench/peers")
}

/// `CARGO_TARGET_DIR` or `target`, and in it the folder of the peers.
fn cache() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    std::path::absolute(target).unwrap().join("bench-peers")
}

fn bun_machine() -> &'static str {
    if cfg!(target_arch = "aarch64") { "aarch64" } else { "x64" }
}

fn node_machine() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" }
}

/// Builds a peer of `bench/peers` as the gateway is built.
fn build(name: &str) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = cache().join("rust");
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--locked", "--quiet", "--bin", name, "--manifest-path"]);
    command.arg(sources().join("Cargo.toml")).arg("--target-dir").arg(&target);
    run(&mut command)?;
    Ok(target.join("release").join(name))
}

/// Installs what `manifest` locks into the cache; the `node_modules`.
fn npm(name: &str, manifest: &Path) -> Result<PathBuf, String> {
    let folder = cache().join(name);
    let modules = folder.join("node_modules");
    let lock = |of: &Path| fs::read(of.join("package-lock.json")).ok();
    // npm writes this file last.
    if modules.join(".package-lock.json").exists() && lock(&folder) == lock(manifest) {
        return Ok(modules);
    }
    println!("installing {} with npm …", manifest.display());
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(manifest.join(file), folder.join(file)).map_err(|e| format!("{file}: {e}"))?;
    }
    let mut command = Command::new("npm");
    command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    run(command.current_dir(&folder))?;
    Ok(modules)
}

fn run(command: &mut Command) -> Result<(), String> {
    let shown =
        format!("{} {:?}", command.get_program().display(), command.get_args().next().unwrap_or_default());
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("{shown}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).rev().take(3).collect();
    Err(format!("{shown} failed: {}", last.into_iter().rev().collect::<Vec<_>>().join(" / ")))
}
