//! What a client says it is.

use serde::{Deserialize, Serialize};

use crate::Wire;

/// The programs that may connect; the set is closed on both wires. The names are upstream's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // the names say it
pub enum ClientId {
    WebchatUi,
    OpenclawControlUi,
    Webchat,
    Cli,
    GatewayClient,
    OpenclawMacos,
    OpenclawIos,
    OpenclawAndroid,
    NodeHost,
    Test,
    Fingerprint,
    OpenclawProbe,
    OpenclawBrowserCopilot,
    OpenclawTui,
    OpenclawLinux,
    OpenclawWatchos,
    OpenclawWorker,
}

/// Ids protocol 3 knows.
pub(super) const IDS_V3: &[&str] = &[
    "webchat-ui",
    "openclaw-control-ui",
    "webchat",
    "cli",
    "gateway-client",
    "openclaw-macos",
    "openclaw-ios",
    "openclaw-android",
    "node-host",
    "test",
    "fingerprint",
    "openclaw-probe",
];

/// Ids protocol 4 knows.
pub(super) const IDS_V4: &[&str] = &[
    "webchat-ui",
    "openclaw-control-ui",
    "openclaw-browser-copilot",
    "openclaw-tui",
    "webchat",
    "cli",
    "gateway-client",
    "openclaw-macos",
    "openclaw-linux",
    "openclaw-ios",
    "openclaw-watchos",
    "openclaw-android",
    "node-host",
    "openclaw-worker",
    "test",
    "fingerprint",
    "openclaw-probe",
];

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientMode {
    /// A chat page in a browser.
    Webchat,
    /// One command of the command line.
    Cli,
    /// A person's app.
    Ui,
    /// A program.
    Backend,
    /// A device that serves commands.
    Node,
    /// A cloud worker (v4). It is admitted by a road of its own, which this gateway does not have.
    Worker,
    /// Somebody who only looks whether we are there.
    Probe,
    /// A test.
    Test,
}

/// Modes protocol 3 knows.
pub(super) const MODES_V3: &[&str] = &["webchat", "cli", "ui", "backend", "node", "probe", "test"];

/// Modes protocol 4 knows.
pub(super) const MODES_V4: &[&str] = &["webchat", "cli", "ui", "backend", "node", "worker", "probe", "test"];

/// `client` of the connect params.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientInfo {
    /// Which program.
    pub id: ClientId,
    /// How a person named it.
    pub display_name: Option<Box<str>>,
    /// Its version.
    pub version: Box<str>,
    /// v4: build of a Control UI.
    pub build_id: Option<Box<str>>,
    /// Operating system, free text.
    pub platform: Box<str>,
    /// Kind of machine, free text.
    pub device_family: Option<Box<str>>,
    /// Model of machine, free text.
    pub model_identifier: Option<Box<str>>,
    /// v4: the person's time zone.
    pub time_zone: Option<Box<str>>,
    /// What it is for.
    pub mode: ClientMode,
    /// Tells two instances of one program apart.
    pub instance_id: Option<Box<str>>,
}

impl ClientInfo {
    /// The browser Control UI.
    pub fn is_control_ui(&self) -> bool {
        self.id == ClientId::OpenclawControlUi
    }

    /// A client whose operator sits in front of one of upstream's interfaces; v4 counts the terminal among them.
    pub fn is_operator_ui(&self, wire: Wire) -> bool {
        self.is_control_ui()
            || wire == Wire::V4 && matches!(self.id, ClientId::OpenclawBrowserCopilot | ClientId::OpenclawTui)
    }

    /// A chat page.
    pub fn is_webchat(&self) -> bool {
        self.mode == ClientMode::Webchat || self.id == ClientId::WebchatUi
    }

    /// The command line.
    pub fn is_cli(&self) -> bool {
        self.mode == ClientMode::Cli
    }

    /// A first-party app with a window.
    pub fn is_native_app(&self) -> bool {
        self.mode == ClientMode::Ui
            && matches!(
                self.id,
                ClientId::OpenclawMacos
                    | ClientId::OpenclawLinux
                    | ClientId::OpenclawIos
                    | ClientId::OpenclawAndroid
            )
    }

    /// The machine as v4 remembers it: a node host names its desktop system in the words of the runtime it runs on, and
    /// leaves out the kind of machine. Wire fact: a device paired as a Linux node is then another machine to a client
    /// that names no kind.
    pub fn as_known_machine(&self) -> ClientInfo {
        let mut known = self.clone();
        if self.id != ClientId::NodeHost || self.mode != ClientMode::Node {
            return known;
        }
        let (platform, family) = match &*self.platform {
            "darwin" | "macos" => ("macos", "Mac"),
            "win32" | "windows" => ("windows", "Windows"),
            "linux" => ("linux", "Linux"),
            _ => return known,
        };
        let told = self.device_family.as_deref().map(str::trim).filter(|told| !told.is_empty());
        match told {
            Some(told) if !told.eq_ignore_ascii_case(family) => return known,
            Some(told) => known.device_family = Some(told.into()),
            None => known.device_family = Some(family.into()),
        }
        known.platform = platform.into();
        known
    }

    /// A cloud worker's claim.
    pub fn is_worker(&self) -> bool {
        self.id == ClientId::OpenclawWorker || self.mode == ClientMode::Worker
    }
}

impl ClientId {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ClientId::WebchatUi => "webchat-ui",
            ClientId::OpenclawControlUi => "openclaw-control-ui",
            ClientId::Webchat => "webchat",
            ClientId::Cli => "cli",
            ClientId::GatewayClient => "gateway-client",
            ClientId::OpenclawMacos => "openclaw-macos",
            ClientId::OpenclawIos => "openclaw-ios",
            ClientId::OpenclawAndroid => "openclaw-android",
            ClientId::NodeHost => "node-host",
            ClientId::Test => "test",
            ClientId::Fingerprint => "fingerprint",
            ClientId::OpenclawProbe => "openclaw-probe",
            ClientId::OpenclawBrowserCopilot => "openclaw-browser-copilot",
            ClientId::OpenclawTui => "openclaw-tui",
            ClientId::OpenclawLinux => "openclaw-linux",
            ClientId::OpenclawWatchos => "openclaw-watchos",
            ClientId::OpenclawWorker => "openclaw-worker",
        }
    }
}

impl ClientMode {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ClientMode::Webchat => "webchat",
            ClientMode::Cli => "cli",
            ClientMode::Ui => "ui",
            ClientMode::Backend => "backend",
            ClientMode::Node => "node",
            ClientMode::Worker => "worker",
            ClientMode::Probe => "probe",
            ClientMode::Test => "test",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_the_schema_lets_through_can_be_read() {
        for (name, id) in IDS_V4.iter().chain(IDS_V3).map(|name| {
            (
                *name,
                serde_json::from_value::<ClientId>((*name).into()).unwrap_or_else(|e| panic!("{name}: {e}")),
            )
        }) {
            assert_eq!(id.as_str(), name);
        }
        for (name, mode) in MODES_V4
            .iter()
            .chain(MODES_V3)
            .map(|name| (*name, serde_json::from_value::<ClientMode>((*name).into()).unwrap()))
        {
            assert_eq!(mode.as_str(), name);
        }
    }

    #[track_caller]
    fn check(id: ClientId, platform: &str, family: Option<&str>, want: (&str, Option<&str>)) {
        let mode = if id == ClientId::NodeHost { ClientMode::Node } else { ClientMode::Cli };
        let client = ClientInfo {
            id,
            display_name: None,
            version: "1".into(),
            build_id: None,
            platform: platform.into(),
            device_family: family.map(Into::into),
            model_identifier: None,
            time_zone: None,
            mode,
            instance_id: None,
        };
        let known = client.as_known_machine();
        assert_eq!((&*known.platform, known.device_family.as_deref()), want);
    }

    #[test]
    fn node_hosts_are_known_by_their_system() {
        check(ClientId::NodeHost, "linux", None, ("linux", Some("Linux")));
        check(ClientId::NodeHost, "darwin", Some(" mac "), ("macos", Some("mac")));
        check(ClientId::NodeHost, "win32", Some(""), ("windows", Some("Windows")));
        check(ClientId::NodeHost, "linux", Some("Raspberry"), ("linux", Some("Raspberry")));
        check(ClientId::NodeHost, "freebsd", None, ("freebsd", None));
        check(ClientId::Cli, "linux", None, ("linux", None));
    }
}
