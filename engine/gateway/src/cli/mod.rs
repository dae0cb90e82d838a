//! The command line.

mod approvals;
mod completions;
mod config;
mod connect;
mod context;
mod defender;
mod devices;
mod doctor;
mod failure;
pub(crate) mod file;
mod gateway;
mod logs;
mod output;
mod overview;
mod prepare;
mod run_options;
mod sessions;
mod status;
mod table;
mod time;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub(crate) use context::{Context, Environment, read_config};
pub(crate) use failure::Failure;
pub(crate) use output::Output;
pub(crate) use prepare::prepare;
pub(crate) use run_options::RunOptions;

/// Version of this build.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An OpenClaw-compatible gateway for AI agents, on one port.
#[derive(Debug, Parser)]
#[command(name = "pincer", version, about, disable_help_subcommand = true, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  pincer gateway run                          start a gateway on 127.0.0.1:18789
  pincer status                               what it is doing, and who waits for approval
  pincer gateway call chat.send --params '{\"sessionKey\":\"main\",\"message\":\"hi\",\"idempotencyKey\":\"1\"}'
  pincer config set gateway.port 19000        change the config
  pincer doctor                               find out why something does not work

Exit codes: 0 done, 1 failed, 2 wrong usage, 78 the config or the state directory does not allow a start.";

/// Options that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Global {
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Where state is kept [env: PINCER_STATE_DIR] [default: ~/.pincer]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state_dir: Option<std::path::PathBuf>,
    /// The config file [env: PINCER_CONFIG_PATH, OPENCLAW_CONFIG_PATH] [default: STATE_DIR/openclaw.json]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<std::path::PathBuf>,
    /// Keep apart from other gateways of this user: state in ~/.pincer-NAME [env: PINCER_PROFILE, OPENCLAW_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a gateway, look at one, call its methods
    Gateway(gateway::GatewayArgs),
    /// Show what the gateway is doing, and who waits for approval
    Status(connect::ConnectArgs),
    /// Ask the gateway whether it is well; exit code 1 when it is not
    Health(connect::ConnectArgs),
    /// List conversations and look into them
    Sessions(sessions::SessionsArgs),
    /// Read, change and check the config file
    Config(config::ConfigArgs),
    /// Decide which devices may connect
    Devices(devices::DevicesArgs),
    /// Judge texts and commands, look into what was stopped, sign policies
    Defender(defender::DefenderArgs),
    /// Decide what waits for a person
    Approvals(approvals::ApprovalsArgs),
    /// Show the gateway's log
    Logs(logs::LogsArgs),
    /// Look for what is wrong, and say what helps
    Doctor(doctor::DoctorArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    // Usage errors end here with 2, --help and --version with 0.
    let cli = Cli::parse();
    let output = Output::new(cli.global.json);
    match execute(cli, &output) {
        Ok(code) => code,
        Err(failure) => output.failure(&failure),
    }
}

fn execute(cli: Cli, output: &Output) -> Result<ExitCode, Failure> {
    let global = cli.global;
    match cli.command {
        None => overview::overview(&global, output),
        Some(Command::Gateway(args)) => gateway::execute(args, &global, output),
        Some(Command::Status(args)) => status::status(&args, &global, output),
        Some(Command::Health(args)) => status::health(&args, &global, output),
        Some(Command::Sessions(args)) => sessions::execute(args, &global, output),
        Some(Command::Config(args)) => config::execute(args, &global, output),
        Some(Command::Devices(args)) => devices::execute(args, &global, output),
        Some(Command::Defender(args)) => defender::execute(args, &global, output),
        Some(Command::Approvals(args)) => approvals::execute(args, &global, output),
        Some(Command::Logs(args)) => logs::execute(&args, &global, output),
        Some(Command::Doctor(args)) => doctor::execute(&args, &global, output),
        Some(Command::Completions(args)) => completions::execute(&args, output),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[track_caller]
    fn check(line: &str, accepted: bool) {
        let parsed = Cli::try_parse_from(line.split_whitespace());
        assert_eq!(parsed.is_ok(), accepted, "{line}: {:?}", parsed.err());
    }

    #[test]
    fn commands_as_people_type_them() {
        check("pincer", true);
        check("pincer gateway run --port 1 --bind lan --token t --allow-unconfigured", true);
        check("pincer gateway run --backend uring --shards 4 --store /x/s.db --log-level debug", true);
        check("pincer gateway run --shards auto --bind 192.168.0.5", true);
        check("pincer gateway run --shards 0", false);
        check("pincer gateway run --backend kqueue", false);
        check("pincer gateway run --port 0", true);
        check("pincer gateway run --port 65536", false);
        check("pincer gateway call status --params {} --proto 3 --expect-final --json", true);
        check("pincer gateway call --params {}", false);
        check("pincer gateway call x --proto 5", false);
        check("pincer --json sessions", true);
        check("pincer sessions list --limit 3 --agent ops", true);
        check("pincer sessions show main --json", true);
        check("pincer config get", true);
        check("pincer config set gateway.port 19000", true);
        check("pincer config set gateway.port", false);
        check("pincer devices approve abc", true);
        check("pincer devices rotate dev --role operator", true);
        check("pincer defender eval --jsonl -", true);
        check("pincer defender eval", false);
        check("pincer defender scan hello --from web --json", true);
        check("pincer defender scan --command -x", true);
        check("pincer defender scan --command ls --from web", false);
        check("pincer defender scan hello --file f", false);
        check("pincer defender scan", false);
        check("pincer defender scan hello --from nobody", false);
        check("pincer defender explain prompt.override", true);
        check("pincer defender quarantine list --limit 0", false);
        check("pincer defender quarantine release one", false);
        check("pincer defender quarantine export --payloads -", true);
        check(
            "pincer defender policy sign p.toml --key k --out b --bundle-version 2 --expires-days 30",
            true,
        );
        check("pincer defender policy keygen k", false);
        check("pincer defender policy verify b", false);
        check("pincer approvals list --json", true);
        check("pincer approvals approve abc --always", true);
        check("pincer approvals deny", false);
        check("pincer approvals deny abc --always", false);
        check("pincer logs --follow --limit 10", true);
        check("pincer logs --limit 0", false);
        check("pincer completions bash", true);
        check("pincer completions tcsh", false);
        check("pincer nonsense", false);
    }
}
