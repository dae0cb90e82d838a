//! What every command starts from: the environment, the places, the config.

use std::fs;
use std::io;
use std::path::Path;

use pincer_config::locate::{LocateError, Located, Places, locate};
use pincer_config::parse::TEXT_BYTES_MAX;
use pincer_config::{Loaded, dotenv, load};
use pincer_defender::policy::Policy;

use super::file::read_bounded;
use super::{Failure, Global};
use crate::client::now_ms;
use crate::guard;

/// Longest `.env` file read.
const DOTENV_BYTES_MAX: u64 = 1 << 20;

/// Variables of the process, and of the `.env` files behind it.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    files: Vec<(String, String)>,
}

impl Environment {
    /// The process's variable, else the one of the working directory's `.env`, else the state directory's. A variable
    /// that is set is never overridden.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        std::env::var(name)
            .ok()
            .or_else(|| self.files.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }

    fn add_file(&mut self, path: &Path, accept: impl Fn(&str) -> bool) {
        let Ok(text) = read_bounded(path, DOTENV_BYTES_MAX) else { return };
        self.files.extend(dotenv::parse(&text).into_iter().filter(|(name, _)| accept(name)));
    }
}

/// The environment, the places and the config.
#[derive(Debug)]
pub(crate) struct Context {
    /// Variables.
    pub(crate) environment: Environment,
    /// Places.
    pub(crate) located: Located,
    /// Text of the config that is in force (our own, or the one to adopt).
    pub(crate) raw: Option<String>,
    /// The same, loaded; all defaults without one.
    pub(crate) loaded: Loaded,
}

impl Context {
    /// The policy that a gateway would judge by; the message says what is wrong with it.
    pub(crate) fn policy(&self) -> Result<Policy, String> {
        self.policy_of(&self.loaded)
    }

    /// The same for another config in the same place.
    pub(crate) fn policy_of(&self, loaded: &Loaded) -> Result<Policy, String> {
        let places = guard::Places::of(&self.located.config_path, &self.located.state_dir);
        guard::look(&loaded.config.defender, &places, now_ms())
    }

    /// The policy that was last in force here.
    pub(crate) fn policy_in_force(&self) -> guard::InForce {
        guard::Places::of(&self.located.config_path, &self.located.state_dir).in_force()
    }

    /// Finds and reads everything. A config with errors is no failure here: [`Loaded::issues`] has them.
    pub(crate) fn open(global: &Global) -> Result<Context, Failure> {
        let mut environment = Environment::default();
        // What stands in the folder somebody happens to be in may fill `${VAR}`, but must not steer us: a cloned
        // repository could otherwise point the token at somebody else's gateway.
        let steers =
            |name: &str| ["PINCER_", "OPENCLAW_", "CLAWDBOT_"].iter().any(|start| name.starts_with(start));
        environment.add_file(Path::new(".env"), |name| !steers(name));
        let absolute = |path: &Path| std::path::absolute(path).map_err(Failure::from);
        let places = Places {
            state_dir: global.state_dir.as_deref().map(absolute).transpose()?,
            config: global.config.as_deref().map(absolute).transpose()?,
            profile: global.profile.clone(),
        };
        let located = locate(&places, &|name| environment.get(name), &|path| path.exists())
            .map_err(|error| Failure::from(&error))?;
        environment.add_file(&located.state_dir.join(".env"), |_| true);
        let (raw, loaded) = read_config(&located, &environment)?;
        Ok(Context { environment, located, raw, loaded })
    }

    /// Reads the config again, after it was written.
    pub(crate) fn reload(&mut self) -> Result<(), Failure> {
        (self.raw, self.loaded) = read_config(&self.located, &self.environment)?;
        Ok(())
    }
}

impl From<&LocateError> for Failure {
    fn from(error: &LocateError) -> Failure {
        Failure::config(error)
    }
}

/// Reads and loads the config that is in force; all defaults without one.
pub(crate) fn read_config(
    located: &Located,
    environment: &Environment,
) -> Result<(Option<String>, Loaded), Failure> {
    let Some(path) = located.readable() else { return Ok((None, Loaded::absent())) };
    let raw = read_bounded(path, TEXT_BYTES_MAX as u64 * 2).map_err(|error| {
        let failure = Failure::config(format!("cannot read the config {}: {error}", path.display()));
        if error.kind() == io::ErrorKind::PermissionDenied {
            failure.fix(format!("make it readable for this user: chown $(id -u) {}", path.display()))
        } else {
            failure
        }
    })?;
    let loaded = load_text(&raw, path, environment);
    Ok((Some(raw), loaded))
}

/// Loads `raw` as the config file at `path`.
pub(crate) fn load_text(raw: &str, path: &Path, environment: &Environment) -> Loaded {
    let mut read = |file: &str| read_include(path, Path::new(file));
    load(raw, path, &mut read, &|name| environment.get(name))
}

/// Reads an included file; links that lead out of the config's folder are refused.
fn read_include(config: &Path, file: &Path) -> io::Result<String> {
    let root = fs::canonicalize(config.parent().unwrap_or(Path::new("/")))?;
    let real = fs::canonicalize(file)?;
    if !real.starts_with(&root) {
        return Err(io::Error::other("it is a link that leads out of the config's folder"));
    }
    read_bounded(&real, TEXT_BYTES_MAX as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_do_not_lead_out() {
        let dir = tempfile::tempdir().unwrap();
        let (inside, outside) = (dir.path().join("in"), dir.path().join("out.json"));
        fs::create_dir(&inside).unwrap();
        fs::write(&outside, "{}").unwrap();
        fs::write(inside.join("fine.json"), "{a: 1}").unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("link.json")).unwrap();
        let config = inside.join("openclaw.json");
        assert_eq!(read_include(&config, &inside.join("fine.json")).unwrap(), "{a: 1}");
        assert!(read_include(&config, &inside.join("link.json")).is_err());
    }
}
