//! What a client says first.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::gateway::TOKEN;
use crate::identity::Identity;

/// Every operator scope, in the order OpenClaw's own clients send them.
pub const ALL_SCOPES: [&str; 5] =
    ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"];

/// A generation of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// OpenClaw 2026.2.
    V3,
    /// OpenClaw 2026.9.
    V4,
}

impl Wire {
    /// Both.
    pub const BOTH: [Wire; 2] = [Wire::V3, Wire::V4];

    /// As `minProtocol` and `maxProtocol` say it.
    pub fn number(self) -> u64 {
        match self {
            Wire::V3 => 3,
            Wire::V4 => 4,
        }
    }
}

/// Which text a device signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Without a nonce; v3 servers on loopback.
    V1,
    /// With the nonce; both wires.
    V2,
    /// With platform and device family; v4 servers.
    V3,
}

/// Which nonce a device signs and sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nonce {
    /// The challenge's.
    Challenge,
    /// None.
    Absent,
    /// Another.
    Text(&'static str),
}

/// How a device proves itself.
#[derive(Debug, Clone)]
pub struct Device {
    /// Whose key.
    pub identity: Identity,
    /// What is signed.
    pub layout: Layout,
    /// With which nonce.
    pub nonce: Nonce,
    /// `signedAt` relative to now, in milliseconds.
    pub signed_at: i64,
}

/// The params of `connect`, before they are signed. [`Hello::new`] is what an operator with every scope and the shared
/// token sends; tests change what they are about.
#[derive(Debug, Clone)]
pub struct Hello {
    /// The wire it is meant for.
    pub wire: Wire,
    /// `minProtocol` to `maxProtocol`.
    pub range: (u64, u64),
    /// `client`.
    pub client: Value,
    /// `role`.
    pub role: &'static str,
    /// `scopes`.
    pub scopes: Vec<&'static str>,
    /// `auth`; null: absent.
    pub auth: Value,
    /// `device`.
    pub device: Option<Device>,
    /// Further properties.
    pub extra: Map<String, Value>,
}

impl Hello {
    /// A program with a fresh device, every scope and the shared token: what v3 needs for full access.
    pub fn new(wire: Wire) -> Hello {
        Hello::with_identity(wire, Identity::new())
    }

    /// The same, from a given device.
    pub fn with_identity(wire: Wire, identity: Identity) -> Hello {
        let layout = if wire == Wire::V3 { Layout::V2 } else { Layout::V3 };
        let device = Device { identity, layout, nonce: Nonce::Challenge, signed_at: 0 };
        Hello { device: Some(device), ..Hello::without_device(wire) }
    }

    /// The same without a device.
    pub fn without_device(wire: Wire) -> Hello {
        Hello {
            wire,
            range: (wire.number(), wire.number()),
            client: json!({"id": "gateway-client", "version": "1.0.0", "platform": "linux", "mode": "backend"}),
            role: "operator",
            scopes: ALL_SCOPES.to_vec(),
            auth: json!({ "token": TOKEN }),
            device: None,
            extra: Map::new(),
        }
    }

    /// As the client with this id and mode.
    pub fn client(mut self, id: &str, mode: &str) -> Hello {
        self.client["id"] = id.into();
        self.client["mode"] = mode.into();
        self
    }

    /// As the command line.
    pub fn cli(self) -> Hello {
        self.client("cli", "cli")
    }

    /// As a node: its role, no scopes.
    pub fn node(self) -> Hello {
        Hello { role: "node", scopes: Vec::new(), ..self.client("node-host", "node") }
    }

    /// With these scopes only.
    pub fn scopes(self, scopes: &[&'static str]) -> Hello {
        Hello { scopes: scopes.to_vec(), ..self }
    }

    /// With this `auth`.
    pub fn auth(self, auth: Value) -> Hello {
        Hello { auth, ..self }
    }

    /// With these capabilities.
    pub fn caps(mut self, caps: &[&str]) -> Hello {
        self.extra.insert("caps".to_owned(), json!(caps));
        self
    }

    /// Changes how the device proves itself.
    pub fn device(mut self, change: impl FnOnce(&mut Device)) -> Hello {
        change(self.device.as_mut().expect("a device"));
        self
    }

    /// The params, signed for the `nonce` of the challenge.
    pub fn params(&self, nonce: &str) -> Value {
        let mut params = Map::new();
        params.insert("minProtocol".to_owned(), self.range.0.into());
        params.insert("maxProtocol".to_owned(), self.range.1.into());
        params.insert("client".to_owned(), self.client.clone());
        params.insert("role".to_owned(), self.role.into());
        params.insert("scopes".to_owned(), json!(self.scopes));
        if !self.auth.is_null() {
            params.insert("auth".to_owned(), self.auth.clone());
        }
        if let Some(device) = &self.device {
            params.insert("device".to_owned(), self.proof(device, nonce));
        }
        params.extend(self.extra.clone());
        Value::Object(params)
    }

    fn proof(&self, device: &Device, challenge: &str) -> Value {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        let signed_at = now + device.signed_at;
        let nonce = match &device.nonce {
            Nonce::Challenge => Some(challenge),
            Nonce::Absent => None,
            Nonce::Text(text) => Some(*text),
        };
        let text = self.signed_text(device, nonce, signed_at);
        let mut proof = json!({
            "id": device.identity.id(),
            "publicKey": device.identity.public_key(),
            "signature": device.identity.sign(&text),
            "signedAt": signed_at,
        });
        if let Some(nonce) = nonce {
            proof["nonce"] = nonce.into();
        }
        proof
    }

    /// What the device signs.
    pub fn signed_text(&self, device: &Device, nonce: Option<&str>, signed_at: i64) -> String {
        let member = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
        let token = ["token", "deviceToken", "bootstrapToken"]
            .iter()
            .map(|name| member(&self.auth, name))
            .find(|token| !token.is_empty())
            .unwrap_or_default();
        let version = match device.layout {
            Layout::V1 => "v1",
            Layout::V2 => "v2",
            Layout::V3 => "v3",
        };
        let mut parts = vec![
            version.to_owned(),
            device.identity.id(),
            member(&self.client, "id"),
            member(&self.client, "mode"),
            self.role.to_owned(),
            self.scopes.join(","),
            signed_at.to_string(),
            token,
        ];
        if device.layout != Layout::V1 {
            parts.push(nonce.unwrap_or_default().to_owned());
        }
        if device.layout == Layout::V3 {
            for name in ["platform", "deviceFamily"] {
                parts.push(member(&self.client, name).trim().to_ascii_lowercase());
            }
        }
        parts.join("|")
    }
}
