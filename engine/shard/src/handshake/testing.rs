//! A client for tests: says what a case wants it to say, and signs it.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use pincer_protocol::json::Parser;
use pincer_protocol::{ErrorShape, Wire};
use pincer_sessions::time::Now;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{AuthPolicy, Candidate, Decision, DeviceClaim, Handshake, Peer, SecretDigest};
use crate::limiter::{AuthLimiter, AuthLimits};

/// The challenge's nonce in every test.
pub(crate) const NONCE: &str = "eb3279b6-8270-4534-88ef-7ab91e5dad8b";

/// The moment of every test that needs none of its own.
pub(crate) const NOW: Now = Now { mono_ms: 1_000_000, wall_ms: 1_795_358_342_053 };

/// Every scope the recorder asked for.
pub(crate) const ALL: [&str; 5] =
    ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"];

/// Shows a token, with `secret` as the right one.
pub(crate) fn policy() -> AuthPolicy {
    AuthPolicy { token: SecretDigest::of("secret"), ..AuthPolicy::default() }
}

/// One client, on its way in. The fields are what it says.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) wire: Wire,
    pub(crate) range: (u64, u64),
    pub(crate) id: &'static str,
    pub(crate) mode: &'static str,
    pub(crate) role: Option<&'static str>,
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) auth: Value,
    pub(crate) family: Option<&'static str>,
    pub(crate) device: Option<Device>,
    pub(crate) extra: Value,
    pub(crate) remote: &'static str,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) now: Now,
}

/// The device a client shows.
#[derive(Clone)]
pub(crate) struct Device {
    /// Names the key; two clients with the same one are the same device.
    pub(crate) seed: u8,
    /// Layout of what is signed.
    pub(crate) version: &'static str,
    pub(crate) nonce: Option<&'static str>,
    /// How far its clock is ahead of ours, milliseconds.
    pub(crate) skew_ms: i64,
    /// Laid over the `device` object at last.
    pub(crate) over: Value,
}

impl Client {
    /// A `gateway-client` on loopback that knows the token and shows no device.
    pub(crate) fn new(wire: Wire) -> Client {
        Client {
            wire,
            range: (wire.number(), wire.number()),
            id: "gateway-client",
            mode: "backend",
            role: Some("operator"),
            scopes: ALL.to_vec(),
            auth: json!({"token": "secret"}),
            family: None,
            device: None,
            extra: json!({}),
            remote: "127.0.0.1",
            headers: vec![("Host", "127.0.0.1:18789")],
            now: NOW,
        }
    }

    /// The command line.
    pub(crate) fn cli(wire: Wire) -> Client {
        Client { id: "cli", mode: "cli", ..Client::new(wire) }
    }

    /// A node.
    pub(crate) fn node(wire: Wire) -> Client {
        Client { id: "node-host", mode: "node", role: Some("node"), scopes: vec![], ..Client::new(wire) }
    }

    /// The Control UI, on a page of this machine.
    pub(crate) fn control_ui(wire: Wire) -> Client {
        Client { id: "openclaw-control-ui", mode: "webchat", ..Client::new(wire) }
            .header("Origin", "http://127.0.0.1:18789")
    }

    /// Shows device number `seed`, signed as this wire's clients do.
    pub(crate) fn device(mut self, seed: u8) -> Client {
        let version = if self.wire == Wire::V3 { "v2" } else { "v3" };
        self.device = Some(Device { seed, version, nonce: Some(NONCE), skew_ms: 0, over: json!({}) });
        self
    }

    /// Changes the device it shows.
    pub(crate) fn with_device(mut self, change: impl FnOnce(&mut Device)) -> Client {
        change(self.device.as_mut().expect("show a device first"));
        self
    }

    /// Another `auth` object.
    pub(crate) fn auth(self, auth: Value) -> Client {
        Client { auth, ..self }
    }

    /// Other scopes.
    pub(crate) fn scopes(self, scopes: &[&'static str]) -> Client {
        Client { scopes: scopes.to_vec(), ..self }
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Client {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }

    /// From elsewhere.
    pub(crate) fn from(self, remote: &'static str) -> Client {
        Client { remote, ..self }
    }

    /// At another moment.
    pub(crate) fn at(self, now: Now) -> Client {
        Client { now, ..self }
    }

    /// The `connect` request.
    pub(crate) fn frame(&self) -> String {
        let mut client = json!({"id": self.id, "version": "1.0.0", "platform": "linux", "mode": self.mode});
        if let Some(family) = self.family {
            client["deviceFamily"] = family.into();
        }
        let mut params = json!({
            "minProtocol": self.range.0,
            "maxProtocol": self.range.1,
            "client": client,
            "scopes": self.scopes,
        });
        if let Some(role) = self.role {
            params["role"] = role.into();
        }
        if !self.auth.is_null() {
            params["auth"] = self.auth.clone();
        }
        if let Some(device) = &self.device {
            params["device"] = self.sign(device);
        }
        lay(&mut params, &self.extra);
        json!({"type": "req", "id": "c1", "method": "connect", "params": params}).to_string()
    }

    fn sign(&self, device: &Device) -> Value {
        let key = key(device.seed);
        let signed_at = self.now.wall_ms.checked_add_signed(device.skew_ms).unwrap();
        let token = ["token", "deviceToken", "bootstrapToken"]
            .iter()
            .find_map(|name| self.auth.get(name))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut text = format!(
            "{}|{}|{}|{}|{}|{}|{signed_at}|{token}",
            device.version,
            device_id(device.seed),
            self.id,
            self.mode,
            self.role.unwrap_or("operator"),
            self.scopes.join(","),
        );
        if device.version != "v1" {
            text += &format!("|{}", device.nonce.unwrap_or_default());
        }
        if device.version == "v3" {
            text += &format!("|linux|{}", self.family.unwrap_or_default().to_lowercase());
        }
        let mut object = json!({
            "id": device_id(device.seed),
            "publicKey": public_key(device.seed),
            "signature": BASE64_URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).to_bytes()),
            "signedAt": signed_at,
        });
        if let Some(nonce) = device.nonce {
            object["nonce"] = nonce.into();
        }
        lay(&mut object, &device.over);
        object
    }

    /// What the gateway makes of it.
    pub(crate) fn knock(&self, policy: &AuthPolicy, limiter: &mut AuthLimiter) -> Decision {
        knock(&self.frame(), self.remote, &self.headers, policy, limiter, self.now)
    }

    /// What it is told when it is refused: error, close code, close reason.
    #[track_caller]
    pub(crate) fn refused(&self, policy: &AuthPolicy) -> (ErrorShape, u16, String) {
        match self.knock(policy, &mut AuthLimiter::new(AuthLimits::default())) {
            Decision::Reject(rejection) => {
                let (_, error) = rejection.response.expect("a request is answered");
                (error, rejection.close_code, rejection.close_reason)
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Let in without a look at devices.
    #[track_caller]
    pub(crate) fn admitted(&self, policy: &AuthPolicy) -> Candidate {
        match self.knock(policy, &mut AuthLimiter::new(AuthLimits::default())) {
            Decision::Admit(candidate) => *candidate,
            other => panic!("not let in: {other:?}"),
        }
    }

    /// Its proof holds.
    #[track_caller]
    pub(crate) fn claim(&self, policy: &AuthPolicy) -> DeviceClaim {
        match self.knock(policy, &mut AuthLimiter::new(AuthLimits::default())) {
            Decision::NeedsDevice(_, claim) => *claim,
            other => panic!("no claim: {other:?}"),
        }
    }
}

/// Sends `frame` as the first one.
pub(crate) fn knock(
    frame: &str,
    remote: &str,
    headers: &[(&str, &str)],
    policy: &AuthPolicy,
    limiter: &mut AuthLimiter,
    now: Now,
) -> Decision {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let handshake = Handshake::new(NONCE, Peer::new(remote.parse().unwrap(), headers, policy));
    let mut parser = Parser::default();
    let mut bytes = frame.as_bytes().to_vec();
    match parser.parse(&mut bytes, |root| handshake.first_frame(Some(root), policy, limiter, now)) {
        Ok(decision) => decision,
        Err(_) => handshake.first_frame(None, policy, limiter, now),
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Id of device number `seed`.
pub(crate) fn device_id(seed: u8) -> String {
    hex::encode(Sha256::digest(key(seed).verifying_key().as_bytes()))
}

/// Key of device number `seed`.
pub(crate) fn public_key(seed: u8) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key(seed).verifying_key().as_bytes())
}

/// Key of device number `seed` as PEM.
pub(crate) fn public_key_pem(seed: u8) -> String {
    let mut der = hex::decode("302a300506032b6570032100").unwrap();
    der.extend(key(seed).verifying_key().as_bytes());
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der))
}

/// Lays `over` over `value`; `null` removes.
fn lay(value: &mut Value, over: &Value) {
    for (name, over) in over.as_object().unwrap() {
        match over {
            Value::Null => drop(value.as_object_mut().unwrap().remove(name)),
            over => value[name] = over.clone(),
        }
    }
}
