//! How commands reach a gateway.

use std::time::Duration;

use clap::Args;
use pincer_config::section::gateway::Mode;
use pincer_config::start::{Flags, PASSWORD_VARIABLES, TOKEN_VARIABLES, listen};
use serde_json::Value;

use super::{Context, Failure, Global, VERSION};
use crate::client::{
    Client, ClientError, Credentials, DeviceTokens, Endpoint, Identity, Offer, Origin, Proto, now_ms,
};

/// Options of every command that talks to a gateway.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConnectArgs {
    /// The gateway's address, when it is not this machine's; needs --token or --password
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The gateway's token [env: PINCER_GATEWAY_TOKEN, OPENCLAW_GATEWAY_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// The gateway's password [env: PINCER_GATEWAY_PASSWORD, OPENCLAW_GATEWAY_PASSWORD]
    #[arg(long, value_name = "PASSWORD")]
    pub(crate) password: Option<String>,
    /// Longest wait for an answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub(crate) timeout: u64,
    /// Speak this protocol only: 3 or 4
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(3..=4))]
    pub(crate) proto: Option<u8>,
    /// Allow an unencrypted connection to another machine
    #[arg(long)]
    pub(crate) insecure: bool,
}

impl ConnectArgs {
    /// The wait as a duration.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout)
    }

    fn proto(&self) -> Proto {
        match self.proto {
            Some(3) => Proto::V3,
            Some(_) => Proto::V4,
            None => Proto::Any,
        }
    }
}

/// Where to go and with what; before anything is sent.
pub(crate) struct Target {
    /// The address.
    pub(crate) endpoint: Endpoint,
    /// What proves us.
    pub(crate) credentials: Credentials,
    /// Whether it is the gateway of this machine's config, whose device tokens we keep.
    own: bool,
}

/// A connection, with what is needed to explain its failures.
pub(crate) struct Session {
    /// The connection.
    pub(crate) client: Client,
    credentials: Credentials,
    timeout: Duration,
}

impl Session {
    /// Calls a method.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        self.client.call(method, params, self.timeout).map_err(|error| self.failure(&error))
    }

    /// Calls a method that answers twice, and waits for the second answer.
    pub(crate) fn call_final(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        self.client.call_final(method, params, self.timeout).map_err(|error| self.failure(&error))
    }

    /// The failure that an error of this connection means.
    pub(crate) fn failure(&self, error: &ClientError) -> Failure {
        Failure::client(error, &self.credentials)
    }
}

/// Finds the gateway: `--url`, else the config's remote one, else this machine's.
pub(crate) fn target(args: &ConnectArgs, context: &Context) -> Result<Target, Failure> {
    let by_flag = match (&args.token, &args.password) {
        (None, None) => None,
        (token, password) => Some(Credentials {
            token: token.clone().unwrap_or_default(),
            password: password.clone().unwrap_or_default(),
            origin: Origin::Flag,
        }),
    };
    let gateway = &context.loaded.config.gateway;
    if let Some(url) = &args.url {
        // The config's token is for the config's gateway; it is not sent to whatever address is typed.
        let credentials = by_flag.ok_or_else(|| {
            Failure::new(
                "--url needs --token or --password: the config's own are not sent to another address",
            )
            .fix("pass --token with the token of the gateway at that address")
        })?;
        return Ok(Target { endpoint: parse(url, args, &credentials)?, credentials, own: false });
    }
    let remote = gateway.mode == Some(Mode::Remote);
    let (own_token, own_password, token_key, password_key) = if remote {
        (&gateway.remote.token, &gateway.remote.password, "gateway.remote.token", "gateway.remote.password")
    } else {
        (&gateway.auth.token, &gateway.auth.password, "gateway.auth.token", "gateway.auth.password")
    };
    let variable = |names: &[&str]| {
        names.iter().find_map(|name| {
            let text = context.environment.get(name).filter(|text| !text.is_empty())?;
            Some(((*name).to_owned(), text))
        })
    };
    let token =
        |token: &str, origin| Credentials { token: token.to_owned(), password: String::new(), origin };
    let password =
        |text: &str, origin| Credentials { token: String::new(), password: text.to_owned(), origin };
    let credentials = by_flag
        .or_else(|| variable(&TOKEN_VARIABLES).map(|(name, text)| token(&text, Origin::Variable(name))))
        .or_else(|| variable(&PASSWORD_VARIABLES).map(|(name, text)| password(&text, Origin::Variable(name))))
        .or_else(|| (!own_token.is_empty()).then(|| token(own_token.reveal(), Origin::Config(token_key))))
        .or_else(|| {
            (!own_password.is_empty()).then(|| password(own_password.reveal(), Origin::Config(password_key)))
        })
        .unwrap_or_else(|| token("", Origin::Nothing));
    let endpoint = match (remote, gateway.remote.url.as_deref()) {
        (true, Some(url)) => parse(url, args, &credentials)?,
        (true, None) => {
            return Err(Failure::config("gateway.mode is \"remote\", but gateway.remote.url is not set")
                .fix("`pincer config set gateway.remote.url wss://HOST`, or pass --url"));
        }
        (false, _) => {
            let env = |name: &str| context.environment.get(name);
            let listen = listen(&context.loaded.config, &Flags::default(), &env).map_err(Failure::config)?;
            Endpoint::local(listen)
        }
    };
    Ok(Target { endpoint, credentials, own: true })
}

fn parse(url: &str, args: &ConnectArgs, credentials: &Credentials) -> Result<Endpoint, Failure> {
    Endpoint::parse(url, args.insecure).map_err(|error| Failure::client(&error, credentials))
}

/// Connects to the gateway that `args` and the config name.
pub(crate) fn connect(args: &ConnectArgs, global: &Global) -> Result<Session, Failure> {
    let context = Context::open(global)?;
    let target = target(args, &context)?;
    connect_to(target, args, &context)
}

/// Connects to `target` with this machine's identity.
pub(crate) fn connect_to(
    mut target: Target,
    args: &ConnectArgs,
    context: &Context,
) -> Result<Session, Failure> {
    let state_dir = &context.located.state_dir;
    let identity = Identity::load_or_create(state_dir)
        .map_err(|error| Failure::client(&ClientError::from(error), &target.credentials))?;
    let mut tokens = DeviceTokens::load(state_dir, identity.id());
    if target.own
        && target.credentials.origin == Origin::Nothing
        && let Some(token) = tokens.get("operator")
    {
        target.credentials =
            Credentials { token: token.to_owned(), password: String::new(), origin: Origin::Device };
    }
    let offer = Offer {
        proto: args.proto(),
        credentials: &target.credentials,
        identity: Some(&identity),
        version: VERSION,
    };
    let client = Client::connect(&target.endpoint, &offer, args.timeout())
        .map_err(|error| Failure::client(&error, &target.credentials))?;
    if let Some(granted) = client.hello().auth.as_ref().filter(|_| target.own)
        && let Some(token) = &granted.device_token
    {
        tokens.keep(&granted.role, token, &granted.scopes, now_ms());
    }
    Ok(Session { client, credentials: target.credentials, timeout: args.timeout() })
}

#[cfg(test)]
mod tests;
