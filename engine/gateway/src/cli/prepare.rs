//! What happens before a gateway runs: places checked, OpenClaw's config adopted, a token made.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pincer_config::edit::{iso, pretty, stamp};
use pincer_config::locate::ConfigSource;
use pincer_config::start::{Plan, decide};
use pincer_config::{Issue, KeyPath, Secret};
use serde_json::Value;

use super::file::{create_private_dir, keep_backup, write_private};
use super::{Context, Failure, Global, Output, RunOptions, VERSION};
use crate::client::now_ms;

/// All that a gateway needs to know before it starts.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Environment, places and config.
    pub(crate) context: Context,
    /// What to do.
    pub(crate) plan: Plan,
    /// What to tell its owner at start, in order: adoption, warnings, a new token.
    pub(crate) notes: Vec<String>,
    /// A token that was just made. Shown this once.
    pub(crate) new_token: Option<Secret>,
}

impl Prepared {
    /// Tells the owner what there is to tell. The only time that a new token is shown.
    pub(crate) fn announce(&self, output: &Output) {
        for note in &self.notes {
            output.remark(note);
        }
        if let Some(token) = &self.new_token {
            output.remark(format!(
                "made a token, and stored it in {}:\n\n    {}\n\nClients need it to connect. It is not shown again; \
                 `pincer config get gateway.auth.token --show-secrets` prints it.",
                self.context.located.config_path.display(),
                token.reveal()
            ));
        }
    }
}

/// Prepares a start: refuses OpenClaw's state directory and a config with errors (exit code 78), adopts OpenClaw's
/// config where ours is missing, and stores a new token where one is needed.
pub(crate) fn prepare(options: &RunOptions, global: &Global) -> Result<Prepared, Failure> {
    let mut context = Context::open(global)?;
    context.located.usable().map_err(|error| Failure::from(&error))?;
    if !context.loaded.valid() {
        return Err(invalid(&context));
    }
    let environment = &context.environment;
    let decision = decide(&context.loaded.config, &options.flags(), &|name| environment.get(name));
    let mut plan = decision.plan.map_err(|issues| {
        let lines: Vec<String> = issues.iter().map(Issue::to_string).collect();
        Failure::config(lines.join("\n       "))
    })?;

    let mut notes = Vec::new();
    create_private_dir(&context.located.state_dir).map_err(|error| {
        Failure::new(format!(
            "cannot make the state directory {}: {error}",
            context.located.state_dir.display()
        ))
        .fix("pass --state-dir with a folder this user may write")
    })?;
    if let Some(note) = adopt(&mut context)? {
        notes.push(note);
    }
    notes.extend(context.loaded.warnings.iter().chain(&decision.warnings).map(Issue::to_string));
    let mut new_token = None;
    if plan.auth.generate_token {
        let token = random_token()?;
        store_token(&mut context, &token)?;
        plan.auth.token = token.clone();
        plan.auth.generate_token = false;
        new_token = Some(token);
    }
    Ok(Prepared { context, plan, notes, new_token })
}

/// The failure that lists what is wrong with the config.
pub(crate) fn invalid(context: &Context) -> Failure {
    let path = context.located.readable().unwrap_or(&context.located.config_path);
    let mut lines = vec![format!("the config {} cannot be used", path.display())];
    lines.extend(context.loaded.issues.iter().map(Issue::to_string));
    Failure::config(lines.join("\n       "))
        .fix("correct it, then `pincer config validate`; earlier versions are beside it as .bak files")
}

/// Copies OpenClaw's config to ours, as it is, when ours is missing. Says so.
pub(crate) fn adopt(context: &mut Context) -> Result<Option<String>, Failure> {
    let ConfigSource::Adopt { from } = context.located.source.clone() else { return Ok(None) };
    let to = context.located.config_path.clone();
    // Includes are relative to the file, so a copy elsewhere would lose them: what is copied then is the whole.
    let text = if context.loaded.included.is_empty() {
        context.raw.clone().unwrap_or_default()
    } else {
        pretty(&context.loaded.resolved)
    };
    write_private(&to, text.as_bytes())
        .map_err(|error| Failure::new(format!("cannot write the config {}: {error}", to.display())))?;
    context.located.source = ConfigSource::Present;
    context.reload()?;
    Ok(Some(format!(
        "adopted OpenClaw's config: {} was copied to {}; from now on only the copy is read",
        from.display(),
        to.display()
    )))
}

fn store_token(context: &mut Context, token: &Secret) -> Result<(), Failure> {
    let mut document = context.loaded.parsed.clone();
    set(&mut document, "gateway.auth.mode", "token")?;
    set(&mut document, "gateway.auth.token", token.reveal())?;
    write_config(context, document)
}

fn set(document: &mut Value, path: &str, value: &str) -> Result<(), Failure> {
    KeyPath::parse(path)
        .map_err(Failure::new)?
        .set(document, Value::from(value))
        .map_err(|_| Failure::config(format!("{path} cannot be set in this config")))
}

/// Writes the config whole, the one before kept as `.bak`, and reads it again.
pub(crate) fn write_config(context: &mut Context, mut document: Value) -> Result<(), Failure> {
    stamp(&mut document, VERSION, &iso(now_ms()));
    let path = context.located.config_path.clone();
    keep_backup(&path)
        .and_then(|()| write_private(&path, pretty(&document).as_bytes()))
        .map_err(|error| Failure::new(format!("cannot write the config {}: {error}", path.display())))?;
    context.located.source = ConfigSource::Present;
    context.reload()
}

/// 32 random bytes, base64url.
fn random_token() -> Result<Secret, Failure> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(format!("no randomness for a token: {error}")))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn global(dir: &Path) -> Global {
        // An explicit config keeps the tests away from whatever OpenClaw the machine has.
        Global { state_dir: Some(dir.to_owned()), ..Global::default() }
    }

    fn prepare_in(dir: &Path) -> Result<Prepared, Failure> {
        prepare(&RunOptions { port: Some(1), ..RunOptions::default() }, &global(dir))
    }

    #[test]
    fn a_token_is_made_once_and_stored_privately() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("openclaw.json"), "{ // mine\n logging: {level: 'warn'} }").unwrap();
        let first = prepare_in(dir.path()).unwrap();
        let token = first.new_token.expect("a new token");
        assert_eq!(token.reveal().len(), 43);
        assert_eq!(first.plan.auth.token, token);
        let file = dir.path().join("openclaw.json");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&file).unwrap().contains("\"level\": \"warn\""), "the rest stays");
        assert!(fs::read_to_string(dir.path().join("openclaw.json.bak")).unwrap().contains("// mine"));
        let again = prepare_in(dir.path()).unwrap();
        assert_eq!((again.new_token, again.plan.auth.token), (None, token));
    }

    #[test]
    fn a_config_with_errors_does_not_start() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("openclaw.json"), "{gateway: {port: 'x'}}").unwrap();
        let failure = prepare_in(dir.path()).unwrap_err();
        assert_eq!(failure.code, 78);
        assert!(failure.message.contains("gateway.port: Invalid input: expected number, received string"));
        fs::write(dir.path().join("openclaw.json"), "{gateway: {mode: 'remote', prot: 1}}").unwrap();
        assert_eq!(prepare_in(dir.path()).unwrap_err().code, 78);
    }

    #[test]
    fn openclaws_config_is_copied_and_its_directory_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (theirs, ours) = (dir.path().join("openclaw"), dir.path().join("pincer"));
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("part.json5"), "{list: [{id: 'ops'}]}").unwrap();
        let text =
            "{ /* theirs */ agents: {$include: './part.json5'}, gateway: {auth: {token: 'abcdefgh'}} }";
        fs::write(theirs.join("openclaw.json"), text).unwrap();
        let mut context = Context::open(&global(&theirs)).unwrap();
        context.located.source = ConfigSource::Adopt { from: theirs.join("openclaw.json") };
        context.located.config_path = ours.join("openclaw.json");
        let note = adopt(&mut context).unwrap().expect("a note");
        assert!(note.contains("adopted OpenClaw's config"));
        assert_eq!(context.loaded.config.agents.default_id(), "ops", "includes came along");
        assert_eq!(context.loaded.config.gateway.auth.token.reveal(), "abcdefgh");
        assert_eq!(fs::read_to_string(theirs.join("openclaw.json")).unwrap(), text);
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), 2);
    }
}
