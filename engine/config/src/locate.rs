//! Where state and config are.
//!
//! State: `--state-dir`, else `PINCER_STATE_DIR`, else `~/.pincer` (`~/.pincer-<profile>` with a profile). Config:
//! `--config`, else `PINCER_CONFIG_PATH`, else `OPENCLAW_CONFIG_PATH`, else `openclaw.json` in the state directory. When
//! that last one does not exist and OpenClaw has a config on this machine, it is adopted: read once and copied, so that
//! port, token, agents and providers stay the same. OpenClaw's own state directory is never used as ours.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::include::normalize;

/// The config's name in a state directory; OpenClaw's.
pub const CONFIG_FILE: &str = "openclaw.json";
/// The file by which a state directory says that it is Pincer's; the store writes it.
pub const MARKER_FILE: &str = "pincer.state";

/// What the command line says about places.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `--state-dir`, absolute.
    pub state_dir: Option<PathBuf>,
    /// `--config`, absolute.
    pub config: Option<PathBuf>,
    /// `--profile`.
    pub profile: Option<String>,
}

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The state directory.
    pub state_dir: PathBuf,
    /// Where the config is, or will be written.
    pub config_path: PathBuf,
    /// What stands there.
    pub source: ConfigSource,
    /// Whose the state directory is.
    pub owner: Owner,
}

/// What to read as config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigSource {
    /// The file at [`Located::config_path`].
    Present,
    /// Nothing there yet: all defaults.
    Missing,
    /// Nothing there, although the command line names it: a typing error, most likely.
    NamedButMissing,
    /// Nothing there, but OpenClaw has this one.
    Adopt {
        /// OpenClaw's config file.
        from: PathBuf,
    },
}

/// Whose a state directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Pincer has used it before.
    Ours,
    /// Nobody's yet.
    Nobody,
    /// OpenClaw's: not ours to write into.
    OpenClaw,
}

/// Why nothing can be located, or why a place must not be used. Displays with the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocateError {
    /// No home directory and no explicit place.
    NoHome,
    /// The state directory is OpenClaw's.
    OpenClawState(PathBuf),
    /// `--config` names a file that does not exist.
    NoSuchConfig(PathBuf),
    /// A profile name that cannot be part of a path.
    BadProfile(String),
}

impl fmt::Display for LocateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LocateError::NoHome => f.write_str(
                "HOME is not set, so there is no place for state; pass --state-dir DIR or set PINCER_STATE_DIR",
            ),
            LocateError::OpenClawState(dir) => write!(
                f,
                "{dir} is OpenClaw's state directory; Pincer does not write there. Bring its state in with \
                 `pincer import --from {dir}`, and start with another --state-dir",
                dir = dir.display()
            ),
            LocateError::NoSuchConfig(path) => write!(
                f,
                "there is no config file at {path}; check the path, or create one with `pincer config set \
                 gateway.mode local --config {path}`",
                path = path.display()
            ),
            LocateError::BadProfile(name) => {
                write!(f, "{name:?} cannot be a profile name; use letters, digits, '-' and '_'")
            }
        }
    }
}

impl std::error::Error for LocateError {}

impl Located {
    /// Whether a gateway may run here.
    pub fn usable(&self) -> Result<(), LocateError> {
        match (self.owner, &self.source) {
            (Owner::OpenClaw, _) => Err(LocateError::OpenClawState(self.state_dir.clone())),
            (_, ConfigSource::NamedButMissing) => Err(LocateError::NoSuchConfig(self.config_path.clone())),
            _ => Ok(()),
        }
    }

    /// The file to read now: the config, or the one to adopt; `None` when there is neither.
    pub fn readable(&self) -> Option<&Path> {
        match &self.source {
            ConfigSource::Present => Some(&self.config_path),
            ConfigSource::Adopt { from } => Some(from),
            ConfigSource::Missing | ConfigSource::NamedButMissing => None,
        }
    }
}

/// Finds state directory and config. `exists` looks at the file system.
pub fn locate(
    places: &Places,
    env: &dyn Fn(&str) -> Option<String>,
    exists: &dyn Fn(&Path) -> bool,
) -> Result<Located, LocateError> {
    let env = |name: &str| env(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let home = env("OPENCLAW_HOME").or_else(|| env("HOME")).map(PathBuf::from);
    let path = |text: String| expand(&text, home.as_deref());
    let profile =
        match places.profile.clone().or_else(|| env("PINCER_PROFILE")).or_else(|| env("OPENCLAW_PROFILE")) {
            Some(name) if name.eq_ignore_ascii_case("default") => String::new(),
            Some(name) if is_profile(&name) => format!("-{name}"),
            Some(name) => return Err(LocateError::BadProfile(name)),
            None => String::new(),
        };
    let beside_home = |name: &str| home.as_ref().map(|home| home.join(format!(".{name}{profile}")));

    let state_dir = places
        .state_dir
        .clone()
        .or_else(|| env("PINCER_STATE_DIR").map(path))
        .or_else(|| beside_home("pincer"))
        .ok_or(LocateError::NoHome)?;
    let openclaw_dir = env("OPENCLAW_STATE_DIR").map(path).or_else(|| beside_home("openclaw"));

    let by_env = env("PINCER_CONFIG_PATH").or_else(|| env("OPENCLAW_CONFIG_PATH")).map(path);
    let (config_path, source) = match (&places.config, by_env) {
        (Some(named), _) => (named.clone(), present(named, exists, ConfigSource::NamedButMissing)),
        (None, Some(named)) => (named.clone(), present(&named, exists, ConfigSource::Missing)),
        (None, None) => {
            let own = state_dir.join(CONFIG_FILE);
            let adoptable =
                openclaw_dir.as_ref().map(|dir| dir.join(CONFIG_FILE)).filter(|file| exists(file));
            let otherwise = adoptable.map_or(ConfigSource::Missing, |from| ConfigSource::Adopt { from });
            (own.clone(), present(&own, exists, otherwise))
        }
    };
    let owner = owner(&state_dir, openclaw_dir.as_deref(), exists);
    Ok(Located { state_dir, config_path, source, owner })
}

fn present(path: &Path, exists: &dyn Fn(&Path) -> bool, otherwise: ConfigSource) -> ConfigSource {
    if exists(path) { ConfigSource::Present } else { otherwise }
}

fn owner(dir: &Path, openclaw_dir: Option<&Path>, exists: &dyn Fn(&Path) -> bool) -> Owner {
    let has = |name: &str| exists(&dir.join(name));
    if has(MARKER_FILE) {
        return Owner::Ours;
    }
    let named = openclaw_dir.is_some_and(|theirs| normalize(theirs) == normalize(dir));
    // Its database, its approvals, or its config beside its agents; a lone config is somebody's first step with us.
    let looks = has("state/openclaw.sqlite")
        || has("exec-approvals.json")
        || has("devices/paired.json")
        || (has(CONFIG_FILE) && has("agents"));
    if named || looks { Owner::OpenClaw } else { Owner::Nobody }
}

fn is_profile(name: &str) -> bool {
    name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// `~` and `~/…` as people write them in variables.
fn expand(text: &str, home: Option<&Path>) -> PathBuf {
    match (text.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_path_buf(),
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(places: &Places, vars: &[(&str, &str)], files: &[&str]) -> Result<Located, LocateError> {
        let env =
            |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        locate(places, &env, &|path| files.iter().any(|file| Path::new(file) == path))
    }

    #[track_caller]
    fn check(
        vars: &[(&str, &str)],
        files: &[&str],
        state: &str,
        config: &str,
        source: ConfigSource,
        owner: Owner,
    ) {
        let located = found(&Places::default(), vars, files).unwrap();
        assert_eq!(located, Located { state_dir: state.into(), config_path: config.into(), source, owner });
    }

    const HOME: (&str, &str) = ("HOME", "/h");

    #[test]
    fn places_by_precedence() {
        use ConfigSource::{Adopt, Missing, Present};
        check(&[HOME], &[], "/h/.pincer", "/h/.pincer/openclaw.json", Missing, Owner::Nobody);
        check(
            &[HOME, ("PINCER_STATE_DIR", "~/s")],
            &["/h/s/openclaw.json"],
            "/h/s",
            "/h/s/openclaw.json",
            Present,
            Owner::Nobody,
        );
        check(
            &[HOME, ("OPENCLAW_PROFILE", "dev")],
            &["/h/.openclaw-dev/openclaw.json"],
            "/h/.pincer-dev",
            "/h/.pincer-dev/openclaw.json",
            Adopt { from: "/h/.openclaw-dev/openclaw.json".into() },
            Owner::Nobody,
        );
        check(
            &[HOME, ("OPENCLAW_STATE_DIR", "/data")],
            &["/data/openclaw.json", "/h/.pincer/openclaw.json", "/h/.pincer/pincer.state"],
            "/h/.pincer",
            "/h/.pincer/openclaw.json",
            Present,
            Owner::Ours,
        );
        check(
            &[HOME, ("OPENCLAW_CONFIG_PATH", "/c.json5")],
            &["/h/.openclaw/openclaw.json"],
            "/h/.pincer",
            "/c.json5",
            Missing,
            Owner::Nobody,
        );
        let places = Places { state_dir: Some("/s".into()), config: Some("/n.json".into()), profile: None };
        let located =
            found(&places, &[("PINCER_STATE_DIR", "/x"), ("OPENCLAW_CONFIG_PATH", "/y")], &[]).unwrap();
        assert_eq!((located.state_dir, located.config_path), ("/s".into(), "/n.json".into()));
        assert_eq!(located.source, ConfigSource::NamedButMissing);
    }

    #[track_caller]
    fn check_refused(vars: &[(&str, &str)], files: &[&str], want: &str) {
        let refused = found(&Places::default(), vars, files).and_then(|located| located.usable());
        let text = refused.unwrap_err().to_string();
        assert!(text.contains(want), "{text}");
    }

    #[test]
    fn openclaws_own_directory_is_refused() {
        let import = "`pincer import --from /h/.openclaw`";
        check_refused(&[HOME, ("PINCER_STATE_DIR", "/h/.openclaw")], &[], import);
        check_refused(&[HOME, ("PINCER_STATE_DIR", "/h/x/../.openclaw/")], &[], "pincer import --from");
        check_refused(&[HOME, ("PINCER_STATE_DIR", "/d")], &["/d/state/openclaw.sqlite"], "--from /d`");
        check_refused(&[HOME, ("PINCER_STATE_DIR", "/d")], &["/d/openclaw.json", "/d/agents"], "--from /d`");
        check_refused(&[], &[], "HOME is not set");
        check_refused(&[HOME, ("PINCER_PROFILE", "../x")], &[], "profile");
        let ours = [HOME, ("PINCER_STATE_DIR", "/d")];
        let located = found(&Places::default(), &ours, &["/d/openclaw.json", "/d/agents", "/d/pincer.state"]);
        assert_eq!(located.unwrap().usable(), Ok(()));
    }
}
