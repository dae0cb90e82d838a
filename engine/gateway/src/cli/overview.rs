//! `pincer` alone: what it is, where things are, what to type next.

use std::process::ExitCode;

use pincer_config::locate::ConfigSource;
use serde_json::json;

use super::doctor::lock::{Holder, holder};
use super::{Context, Failure, Global, Output, VERSION};

/// Explains.
pub(crate) fn overview(global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    let located = &context.located;
    let running = holder(&located.state_dir);
    if output.is_json() {
        output.document(&json!({
            "version": VERSION,
            "stateDir": located.state_dir,
            "configPath": located.config_path,
            "configExists": located.source == ConfigSource::Present,
            "configValid": context.loaded.valid(),
            "running": matches!(running, Holder::Running(_)),
            "pid": running.pid(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let config = match &located.source {
        ConfigSource::Present if context.loaded.valid() => located.config_path.display().to_string(),
        ConfigSource::Present => {
            format!("{}  NOT VALID: `pincer config validate`", located.config_path.display())
        }
        ConfigSource::Adopt { from } => {
            format!("none yet; OpenClaw's {} will be copied at the first start", from.display())
        }
        ConfigSource::Missing | ConfigSource::NamedButMissing => "none, and none is needed".to_owned(),
    };
    let process = match &running {
        Holder::Running(Some(pid)) => format!("running (process {pid})"),
        Holder::Running(None) => "running".to_owned(),
        Holder::Nobody => "not running".to_owned(),
    };
    let next = match running {
        Holder::Running(_) => {
            "  pincer status                what it is doing
  pincer sessions              conversations
  pincer logs --follow         its log
  pincer gateway call METHOD   anything its clients can do"
        }
        Holder::Nobody => {
            "  pincer gateway run           start it; a token is made and shown on the first start
  pincer config set PATH VALUE change its config
  pincer doctor                see whether all is ready"
        }
    };
    output.line(format!(
        "Pincer {VERSION}: a gateway between chat clients, AI agents and model services, on one port.\n\
         It speaks OpenClaw's protocol: OpenClaw's apps, command line and config work with it.\n\n\
         gateway  {process}\n\
         state    {}\n\
         config   {config}\n\n\
         Next:\n{next}\n\n\
         `pincer --help` lists everything.",
        located.state_dir.display()
    ));
    Ok(ExitCode::SUCCESS)
}
