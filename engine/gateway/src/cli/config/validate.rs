//! `pincer config validate`: exactly what a start would do.

use std::process::ExitCode;

use pincer_config::start::{Flags, Plan, decide};
use pincer_config::{Issue, Loaded};
use pincer_defender::Defender;
use serde_json::{Value, json};

use super::ValidateArgs;
use crate::cli::context::load_text;
use crate::cli::failure::exit;
use crate::cli::file::read_bounded;
use crate::cli::{Context, Failure, Global, Output};

/// Longest file checked.
const FILE_BYTES_MAX: u64 = pincer_config::parse::TEXT_BYTES_MAX as u64;

/// Checks. Exit code 78 when a gateway would not start with it.
pub(super) fn execute(args: &ValidateArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let context = Context::open(global)?;
    let (path, loaded) = match &args.file {
        Some(file) => {
            let path = std::path::absolute(file)?;
            let raw = read_bounded(&path, FILE_BYTES_MAX)
                .map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
            let loaded = load_text(&raw, &path, &context.environment);
            (Some(path), loaded)
        }
        None => (context.located.readable().map(ToOwned::to_owned), context.loaded.clone()),
    };
    let env = |name: &str| context.environment.get(name);
    let decision = decide(&loaded.config, &Flags::default(), &env);
    let mut issues = loaded.issues.clone();
    if let Err(more) = &decision.plan {
        issues.extend(more.iter().cloned());
    }
    // What the defender is built from, as a start does it.
    let defender = judge(&context, &loaded);
    let judged = defender.as_ref().map_or_else(String::clone, |defender| {
        let (mode, words) = defender.describe();
        format!("{mode}: {words}")
    });
    if let Err(error) = &defender {
        issues.push(Issue::error("defender", error.clone()));
    }
    if args.file.is_none()
        && let Err(error) = context.located.usable()
    {
        issues.push(Issue::error("", error.to_string()));
    }
    let mut warnings = loaded.warnings.clone();
    warnings.extend(decision.warnings);
    let valid = issues.is_empty();
    let plan = decision.plan.ok().filter(|_| valid);
    let path =
        path.map_or_else(|| "no config file: all defaults".to_owned(), |path| path.display().to_string());
    if output.is_json() {
        output.document(&json!({
            "valid": valid,
            "path": path,
            "issues": issues,
            "warnings": warnings,
            "start": plan.as_ref().map(|plan| plan_json(plan, &loaded)),
        }));
    } else {
        output.line(&path);
        for issue in &issues {
            output.line(format!("error    {issue}"));
        }
        for warning in &warnings {
            output.line(format!("warning  {warning}"));
        }
        match &plan {
            Some(plan) => output
                .line(format!("valid; a start would\n{}", plan_lines(plan, &loaded, &judged).join("\n"))),
            None => output.line("NOT valid: a gateway would not start with it"),
        }
    }
    Ok(if valid { ExitCode::SUCCESS } else { ExitCode::from(exit::CONFIG) })
}

fn auth_in_words(plan: &Plan) -> String {
    let mode = plan.auth.mode.as_str();
    if plan.auth.generate_token { format!("{mode}, made at the first start") } else { mode.to_owned() }
}

fn judge(context: &Context, loaded: &Loaded) -> Result<Defender, String> {
    Defender::new(context.policy_of(loaded)?).map_err(|error| error.to_string())
}

fn plan_lines(plan: &Plan, loaded: &Loaded, judge: &str) -> Vec<String> {
    let shards = match plan.shards {
        pincer_config::section::engine::Shards::Auto => "auto".to_owned(),
        pincer_config::section::engine::Shards::Count(count) => count.to_string(),
    };
    let agents: Vec<String> = loaded.config.agents.roster().into_iter().map(|agent| agent.id).collect();
    vec![
        format!("  listen on      {}", plan.listen),
        format!("  ask for        {}", auth_in_words(plan)),
        format!("  run agents     {}", agents.join(", ")),
        format!("  answer with    {}", loaded.config.default_model()),
        format!("  judge          {}", judge),
        format!("  use            {shards} shards, backend {}", plan.backend.as_str()),
    ]
}

fn plan_json(plan: &Plan, loaded: &Loaded) -> Value {
    json!({
        "listen": plan.listen.to_string(),
        "auth": plan.auth.mode.as_str(),
        "makesToken": plan.auth.generate_token,
        "agents": loaded.config.agents.roster().into_iter().map(|agent| agent.id).collect::<Vec<_>>(),
        "defaultAgent": loaded.config.agents.default_id(),
        "model": loaded.config.default_model().to_string(),
        "backend": plan.backend.as_str(),
        "store": plan.store,
    })
}
