//! What is watched on this machine, and where what is known of it lies.

use std::path::{Path, PathBuf};

use pincer_config::locate::Located;
use pincer_defender::policy::Host;
use pincer_runtime::integrity::Config;

/// Files of host integrity, below the state directory.
#[derive(Debug, Clone)]
pub(crate) struct HostFiles {
    /// The key that baselines are signed with, mode 0600.
    pub(crate) key: PathBuf,
    /// What was taken for good.
    pub(crate) baseline: PathBuf,
    /// What nobody has accepted yet.
    pub(crate) alert: PathBuf,
}

impl HostFiles {
    /// Those of a state directory.
    pub(crate) fn below(state_dir: &Path) -> HostFiles {
        let folder = state_dir.join("integrity");
        HostFiles {
            key: folder.join("key"),
            baseline: folder.join("baseline"),
            alert: folder.join("alert.json"),
        }
    }
}

/// What is watched: this binary, the config, the gateway's identity, and the policy's paths. Not the rest of the state
/// directory, which a running gateway writes all the time. `home` stands for `~`; without one, paths below it are left
/// out.
pub(crate) fn watched(located: &Located, host: &Host, home: Option<&Path>) -> Config {
    let mut config = Config::default();
    config.files.extend(std::env::current_exe().ok());
    config.files.push(located.config_path.clone());
    config.files.push(located.state_dir.join("identity/gateway.json"));
    for path in &host.paths {
        let path = match path.strip_prefix("~/") {
            Some(rest) => home.map(|home| home.join(rest)),
            None => Some(PathBuf::from(path)),
        };
        match path {
            Some(path) if path.is_dir() => config.trees.push(path),
            Some(path) => config.files.push(path),
            None => {}
        }
    }
    config.follow_links()
}
