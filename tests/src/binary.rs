//! Finds, or builds, what is tested.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The workspace's root.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The `pincer` binary: `PINCER_BIN` when set; else built, in the profile and target directory of the running test, so
/// that a test never judges an old build.
pub fn gateway_binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            if let Some(path) = std::env::var_os("PINCER_BIN") {
                // Relative to where the user stands, not to the test's own directory.
                return std::path::absolute(path).unwrap();
            }
            build(&["--bin", "pincer"]).join("pincer")
        })
        .clone()
}

/// An example of some package, built like [`gateway_binary`].
pub fn example(name: &str) -> PathBuf {
    build(&["--example", name]).join("examples").join(name)
}

/// The program that runs another one under a seccomp filter which refuses io_uring's system calls: `PINCER_NO_URING_BIN`
/// when set, else built.
pub fn no_uring() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| match std::env::var_os("PINCER_NO_URING_BIN") {
            Some(path) => std::path::absolute(path).unwrap(),
            None => example("no_uring"),
        })
        .clone()
}

fn build(what: &[&str]) -> PathBuf {
    let dir = profile_dir();
    let profile = match dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(workspace())
        // The whole workspace's features, as everything else that CI builds: else crates are built twice.
        .args(["build", "--workspace", "--quiet", "--profile", profile])
        .args(what)
        .env("CARGO_TARGET_DIR", dir.parent().unwrap())
        .status()
        .unwrap();
    assert!(status.success(), "cargo build {what:?} failed");
    dir
}

/// `target/<profile>`: tests run from its `deps`, programs from itself.
fn profile_dir() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let dir = exe.parent().unwrap();
    if dir.ends_with("deps") { dir.parent().unwrap().to_path_buf() } else { dir.to_path_buf() }
}
