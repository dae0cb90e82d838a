//! What a gateway will do when it starts: address, proof, engine. `pincer config validate` shows exactly this.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::issue::Issue;
use crate::secret::Secret;
use crate::section::engine::Shards;
use crate::section::gateway::Mode;
use crate::section::logging::Level;
use crate::section::{AuthMode, Backend, Bind, Config, Durability};

/// Shortest token that is not warned about; shorter ones can be guessed.
pub const TOKEN_CHARS_MIN: usize = 16;

/// What the command line says about a start. Each wins over the environment and the config.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--port`.
    pub port: Option<u16>,
    /// `--bind`: `loopback`, `lan`, another of upstream's words, or an IP address.
    pub bind: Option<String>,
    /// `--token`.
    pub token: Option<Secret>,
    /// `--password`.
    pub password: Option<Secret>,
    /// `--shards`.
    pub shards: Option<Shards>,
    /// `--backend`.
    pub backend: Option<Backend>,
    /// `--store`.
    pub store: Option<PathBuf>,
    /// `--log-level`.
    pub log_level: Option<Level>,
    /// `--allow-unconfigured`, as upstream has it: start although `gateway.mode` says otherwise.
    pub allow_unconfigured: bool,
}

/// A start, decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How clients prove themselves.
    pub auth: AuthPlan,
    /// How many cores.
    pub shards: Shards,
    /// How sockets are driven.
    pub backend: Backend,
    /// The store; `None`: the state directory's default.
    pub store: Option<PathBuf>,
    /// What an acknowledgement promises.
    pub durability: Durability,
    /// Least important log lines.
    pub log_level: Level,
}

/// How clients prove themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthPlan {
    /// The mode in force.
    pub mode: AuthMode,
    /// The shared token; empty: none yet.
    pub token: Secret,
    /// The shared password; empty: none.
    pub password: Secret,
    /// Whether a token has to be made, stored in the config and shown once.
    pub generate_token: bool,
}

/// A plan, or why there is none; and what is odd in either case.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The plan; errors otherwise, each with its cure.
    pub plan: Result<Plan, Vec<Issue>>,
    /// What does not stop the start.
    pub warnings: Vec<Issue>,
}

/// Decides how a gateway starts with `config`.
pub fn decide(config: &Config, flags: &Flags, env: &dyn Fn(&str) -> Option<String>) -> Decision {
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    if config.gateway.mode == Some(Mode::Remote) && !flags.allow_unconfigured {
        errors.push(Issue::error(
            "gateway.mode",
            "is \"remote\": this config only points at another gateway. To run one here: `pincer config set \
             gateway.mode local`, or start with --allow-unconfigured",
        ));
    }
    if config.gateway.tls.enabled {
        errors.push(Issue::error(
            "gateway.tls.enabled",
            "TLS in the gateway is not built yet, and serving this port without it would surprise you. Put a TLS \
             proxy in front and turn this off",
        ));
    }
    let address = address(config, flags).map_err(|issue| errors.push(issue)).ok();
    let port = port(config, flags, env).map_err(|issue| errors.push(issue)).ok();
    let auth = auth(config, flags, env);
    check_auth(config, &auth, address, &mut errors, &mut warnings);
    let plan = match (address, port) {
        (Some(address), Some(port)) if errors.is_empty() => Ok(Plan {
            listen: SocketAddr::new(address, port),
            auth,
            shards: flags.shards.unwrap_or(config.engine.shards),
            backend: flags.backend.unwrap_or(config.engine.backend),
            store: flags.store.clone().or_else(|| config.engine.store.as_ref().map(PathBuf::from)),
            durability: config.engine.durability,
            log_level: flags.log_level.or(config.logging.level).unwrap_or(Level::Info),
        }),
        _ => Err(errors),
    };
    Decision { plan, warnings }
}

/// Where a gateway with `config` listens; clients on this machine go there.
pub fn listen(
    config: &Config,
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<SocketAddr, Issue> {
    Ok(SocketAddr::new(address(config, flags)?, port(config, flags, env)?))
}

fn port(config: &Config, flags: &Flags, env: &dyn Fn(&str) -> Option<String>) -> Result<u16, Issue> {
    if let Some(port) = flags.port {
        return Ok(port);
    }
    for name in ["PINCER_GATEWAY_PORT", "OPENCLAW_GATEWAY_PORT"] {
        if let Some(text) = env(name).filter(|text| !text.trim().is_empty()) {
            return text.trim().parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                Issue::error("gateway.port", format!("{name}={text:?} is not a port; unset it"))
            });
        }
    }
    Ok(config.gateway.port)
}

fn address(config: &Config, flags: &Flags) -> Result<IpAddr, Issue> {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (bind, custom, at) = match flags.bind.as_deref().map(str::trim) {
        None => (config.gateway.bind, config.gateway.custom_bind_host.as_deref(), "gateway.customBindHost"),
        Some("loopback") => (Bind::Loopback, None, ""),
        Some("lan") => (Bind::Lan, None, ""),
        Some("auto") => (Bind::Auto, None, ""),
        Some("tailnet") => (Bind::Tailnet, None, ""),
        Some("custom") => {
            (Bind::Custom, config.gateway.custom_bind_host.as_deref(), "gateway.customBindHost")
        }
        Some(address) => (Bind::Custom, Some(address), "--bind"),
    };
    match bind {
        Bind::Loopback | Bind::Auto => Ok(loopback),
        Bind::Lan => Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        Bind::Custom => {
            let text = custom.unwrap_or("").trim();
            text.trim_matches(['[', ']']).parse().map_err(|_| {
                Issue::error(at, format!("{text:?} is not an IP address (loopback, lan, 192.168.0.5, ::1 …)"))
            })
        }
        Bind::Tailnet => Err(Issue::error(
            "gateway.bind",
            "the Tailscale address is not looked up; use --bind with the address that `tailscale ip` prints",
        )),
    }
}

fn auth(config: &Config, flags: &Flags, env: &dyn Fn(&str) -> Option<String>) -> AuthPlan {
    let from_env = |names: &[&str]| {
        names.iter().find_map(|name| env(name).filter(|text| !text.is_empty())).map(Secret::new)
    };
    let auth = &config.gateway.auth;
    let given = |flag: &Option<Secret>, names: &[&str], own: &Secret| {
        flag.clone()
            .filter(|secret| !secret.is_empty())
            .or_else(|| from_env(names))
            .unwrap_or_else(|| own.clone())
    };
    let token = given(&flags.token, &TOKEN_VARIABLES, &auth.token);
    let password = given(&flags.password, &PASSWORD_VARIABLES, &auth.password);
    // A flag says what is wanted now; without a word about the mode a lone password means a password.
    let mode = match (auth.mode, &flags.token, &flags.password) {
        (_, None, Some(_)) => AuthMode::Password,
        (Some(AuthMode::Password), Some(_), None) => AuthMode::Token,
        (Some(mode), _, _) => mode,
        (None, _, _) if token.is_empty() && !password.is_empty() => AuthMode::Password,
        (None, _, _) => AuthMode::Token,
    };
    let generate_token = mode == AuthMode::Token && token.is_empty();
    AuthPlan { mode, token, password, generate_token }
}

/// Variables that carry the gateway's token, first wins.
pub const TOKEN_VARIABLES: [&str; 3] =
    ["PINCER_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_TOKEN", "CLAWDBOT_GATEWAY_TOKEN"];
/// Variables that carry its password, first wins.
pub const PASSWORD_VARIABLES: [&str; 3] =
    ["PINCER_GATEWAY_PASSWORD", "OPENCLAW_GATEWAY_PASSWORD", "CLAWDBOT_GATEWAY_PASSWORD"];

fn check_auth(
    config: &Config,
    auth: &AuthPlan,
    address: Option<IpAddr>,
    errors: &mut Vec<Issue>,
    warnings: &mut Vec<Issue>,
) {
    let exposed = address.is_some_and(|address| !address.is_loopback());
    match auth.mode {
        AuthMode::None if exposed => errors.push(Issue::error(
            "gateway.auth.mode",
            "is \"none\", which only loopback allows: everybody on the network could command the gateway. Set a \
             token with `pincer config set gateway.auth.mode token`, or bind to loopback",
        )),
        AuthMode::None => warnings.push(Issue::warning(
            "gateway.auth.mode",
            "is \"none\": every program on this machine may command the gateway",
        )),
        AuthMode::Password if auth.password.is_empty() => errors.push(Issue::error(
            "gateway.auth.password",
            "is missing in password mode; set it, or OPENCLAW_GATEWAY_PASSWORD, or pass --password",
        )),
        AuthMode::TrustedProxy => {
            let header = config.gateway.auth.trusted_proxy.as_ref().map_or("", |proxy| &proxy.user_header);
            if config.gateway.trusted_proxies.is_empty() {
                errors.push(Issue::error(
                    "gateway.trustedProxies",
                    "is empty in trusted-proxy mode, so nobody could connect; list your proxy's address",
                ));
            }
            if header.is_empty() {
                errors.push(Issue::error(
                    "gateway.auth.trustedProxy.userHeader",
                    "is missing in trusted-proxy mode; name the header your proxy puts the user into",
                ));
            }
        }
        AuthMode::Token | AuthMode::Password => {}
    }
    let (at, secret) = match auth.mode {
        AuthMode::Password => ("gateway.auth.password", &auth.password),
        _ => ("gateway.auth.token", &auth.token),
    };
    let short = secret.reveal().chars().count() < TOKEN_CHARS_MIN;
    if exposed && short && !secret.is_empty() && auth.mode != AuthMode::None {
        warnings.push(Issue::warning(
            at,
            format!("is shorter than {TOKEN_CHARS_MIN} characters and can be guessed from the network"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn decide_with(config: Value, flags: &Flags, vars: &[(&str, &str)]) -> Decision {
        let config: Config = serde_json::from_value(config).unwrap();
        let env =
            |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        decide(&config, flags, &env)
    }

    #[track_caller]
    fn check(config: Value, flags: Flags, vars: &[(&str, &str)], listen: &str, auth: (AuthMode, &str, bool)) {
        let plan = decide_with(config, &flags, vars).plan.expect("a plan");
        let secret = if auth.0 == AuthMode::Password { &plan.auth.password } else { &plan.auth.token };
        assert_eq!(plan.listen.to_string(), listen);
        assert_eq!((plan.auth.mode, secret.reveal(), plan.auth.generate_token), auth);
    }

    #[test]
    fn flags_win_over_the_environment_over_the_config() {
        use AuthMode::{Password, Token};
        let own = || json!({"gateway": {"port": 1, "bind": "lan", "auth": {"token": "config"}}});
        let vars = [("OPENCLAW_GATEWAY_PORT", "2"), ("OPENCLAW_GATEWAY_TOKEN", "env")];
        check(json!({}), Flags::default(), &[], "127.0.0.1:18789", (Token, "", true));
        check(own(), Flags::default(), &[], "0.0.0.0:1", (Token, "config", false));
        check(own(), Flags::default(), &vars, "0.0.0.0:2", (Token, "env", false));
        let flags = Flags {
            port: Some(3),
            bind: Some("::1".into()),
            token: Some(Secret::new("flag")),
            ..Flags::default()
        };
        check(own(), flags, &vars, "[::1]:3", (Token, "flag", false));
        let flags = Flags { password: Some(Secret::new("p")), ..Flags::default() };
        check(own(), flags, &[], "0.0.0.0:1", (Password, "p", false));
        check(
            json!({"gateway": {"auth": {"password": "q"}}}),
            Flags::default(),
            &[],
            "127.0.0.1:18789",
            (Password, "q", false),
        );
        let ours = [("OPENCLAW_GATEWAY_PORT", "2"), ("PINCER_GATEWAY_PORT", "4")];
        check(json!({}), Flags::default(), &ours, "127.0.0.1:4", (Token, "", true));
    }

    #[track_caller]
    fn check_refused(config: Value, flags: Flags, vars: &[(&str, &str)], want: &[&str]) {
        let errors = decide_with(config, &flags, vars).plan.unwrap_err();
        let got: Vec<&str> = errors.iter().map(|issue| issue.path.as_str()).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn what_cannot_start_says_where() {
        let bind = |text: &str| Flags { bind: Some(text.to_owned()), ..Flags::default() };
        check_refused(json!({"gateway": {"mode": "remote"}}), Flags::default(), &[], &["gateway.mode"]);
        check_refused(
            json!({"gateway": {"tls": {"enabled": true}}}),
            Flags::default(),
            &[],
            &["gateway.tls.enabled"],
        );
        check_refused(
            json!({"gateway": {"auth": {"mode": "none"}}}),
            bind("lan"),
            &[],
            &["gateway.auth.mode"],
        );
        check_refused(
            json!({"gateway": {"auth": {"mode": "password"}}}),
            Flags::default(),
            &[],
            &["gateway.auth.password"],
        );
        check_refused(
            json!({"gateway": {"auth": {"mode": "trusted-proxy"}}}),
            Flags::default(),
            &[],
            &["gateway.trustedProxies", "gateway.auth.trustedProxy.userHeader"],
        );
        check_refused(json!({}), bind("banana"), &[], &["--bind"]);
        check_refused(
            json!({"gateway": {"bind": "custom"}}),
            Flags::default(),
            &[],
            &["gateway.customBindHost"],
        );
        check_refused(json!({}), bind("tailnet"), &[], &["gateway.bind"]);
        check_refused(json!({}), Flags::default(), &[("OPENCLAW_GATEWAY_PORT", "0")], &["gateway.port"]);
        let flags = Flags { allow_unconfigured: true, ..Flags::default() };
        assert!(decide_with(json!({"gateway": {"mode": "remote"}}), &flags, &[]).plan.is_ok());
    }

    #[test]
    fn guessable_secrets_are_mentioned_where_they_can_be_reached() {
        let config = || json!({"gateway": {"auth": {"token": "short"}}});
        let lan = Flags { bind: Some("lan".into()), ..Flags::default() };
        assert_eq!(decide_with(config(), &lan, &[]).warnings[0].path, "gateway.auth.token");
        assert!(decide_with(config(), &Flags::default(), &[]).warnings.is_empty());
        let none = json!({"gateway": {"auth": {"mode": "none"}}});
        assert_eq!(decide_with(none, &Flags::default(), &[]).warnings[0].path, "gateway.auth.mode");
    }
}
