//! `hello-ok`: the payload that lets a client in.

mod v3;
mod v4;

pub use v3::{
    AuthV3, FeaturesV3, HelloV3, PolicyV3, ServerV3, SessionDefaultsV3, SnapshotV3, UpdateAvailable,
};
pub use v4::{
    Attachments, AuthV4, FeaturesV4, HelloV4, Install, InstallKind, Ownership, PolicyV4, ServerV4,
    SessionDefaultsV4, SnapshotV4, Suspension, SuspensionPhase, UpdateSchedule,
};

/// Largest frame a connected client may send, bytes; upstream's figure on both wires.
pub const MAX_PAYLOAD: u64 = 26_214_400;
/// Most bytes that may wait for a slow client; upstream's figure on both wires.
pub const MAX_BUFFERED_BYTES: u64 = 52_428_800;
/// How often `tick` is sent, milliseconds. Clients give up after about two missed ones.
pub const TICK_INTERVAL_MS: u64 = 30_000;

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::value::RawValue;

    use super::*;
    use crate::Role;
    use crate::connect::{AuthMethod, AuthMode};
    use crate::event::StateVersion;

    fn health() -> Box<RawValue> {
        RawValue::from_string("{}".to_owned()).unwrap()
    }

    fn raw(features: &impl Serialize) -> Box<RawValue> {
        serde_json::value::to_raw_value(features).unwrap()
    }

    #[track_caller]
    fn check(payload: &impl Serialize, want: &[&str]) {
        let value = serde_json::to_value(payload).unwrap();
        for path in want {
            assert!(value.pointer(path).is_some(), "{path} is missing from {value}");
        }
        assert_eq!(value["type"], "hello-ok");
    }

    #[test]
    fn v3_has_every_recorded_key() {
        let (health, scopes) = (health(), ["operator.read".into()]);
        let features = raw(&FeaturesV3 { methods: &["health"], events: &["tick"] });
        let hello = HelloV3::new(
            ServerV3 { version: "0.1.0", commit: None, host: "h", conn_id: "c" },
            &features,
            SnapshotV3 {
                presence: &[],
                health: &health,
                state_version: StateVersion { presence: 1, health: 2 },
                uptime_ms: 3,
                config_path: "/c",
                state_dir: "/s",
                session_defaults: SessionDefaultsV3 {
                    default_agent_id: "main",
                    main_key: "main",
                    main_session_key: "agent:main:main",
                    scope: "per-sender",
                },
                auth_mode: AuthMode::TrustedProxy,
                update_available: None,
            },
            Some(AuthV3 { device_token: "t", role: Role::Operator, scopes: &scopes, issued_at_ms: 1 }),
            PolicyV3::default(),
        );
        check(
            &hello,
            &[
                "/protocol",
                "/server/version",
                "/server/host",
                "/server/connId",
                "/features/methods/0",
                "/features/events/0",
                "/snapshot/presence",
                "/snapshot/health",
                "/snapshot/stateVersion/presence",
                "/snapshot/uptimeMs",
                "/snapshot/configPath",
                "/snapshot/stateDir",
                "/snapshot/sessionDefaults/mainSessionKey",
                "/snapshot/authMode",
                "/auth/deviceToken",
                "/auth/role",
                "/auth/scopes/0",
                "/auth/issuedAtMs",
                "/policy/maxPayload",
                "/policy/maxBufferedBytes",
                "/policy/tickIntervalMs",
            ],
        );
        assert_eq!(serde_json::to_value(&hello).unwrap()["snapshot"]["authMode"], "trusted-proxy");
    }

    #[test]
    fn v4_has_every_recorded_key_but_no_build_id() {
        let health = health();
        let features = raw(&FeaturesV4 { methods: &[], events: &[], capabilities: &[] });
        let hello = HelloV4::new(
            ServerV4 { version: "0.1.0", boot_id: "b", conn_id: "c" },
            &features,
            SnapshotV4 {
                suspension: Suspension { phase: SuspensionPhase::Accepting },
                presence: &[],
                health: &health,
                state_version: StateVersion { presence: 1, health: 2 },
                uptime_ms: 3,
                applied_config_hash: Some("h"),
                session_defaults: SessionDefaultsV4 {
                    default_agent_id: "main",
                    model_configured: true,
                    ownership: Ownership::Legacy,
                    selection_required: false,
                    main_key: "main",
                    main_session_key: "agent:main:main",
                    scope: "per-sender",
                },
                update_schedule: Some(UpdateSchedule::default()),
                config_path: Some("/c"),
                state_dir: Some("/s"),
                auth_mode: Some(AuthMode::Token),
            },
            AuthV4 {
                method: AuthMethod::DeviceToken,
                role: Role::Operator,
                scopes: &[],
                recovery_scope: Some("r"),
                recovery_migration_allowed: Some(true),
                device_token: Some("t"),
                issued_at_ms: Some(1),
            },
            PolicyV4::default(),
        );
        check(
            &hello,
            &[
                "/server/bootId",
                "/features/capabilities",
                "/snapshot/suspension/phase",
                "/snapshot/appliedConfigHash",
                "/snapshot/sessionDefaults/modelConfigured",
                "/snapshot/sessionDefaults/ownership",
                "/snapshot/sessionDefaults/selectionRequired",
                "/snapshot/updateSchedule/install/kind",
                "/controlUiWidgetKinds",
                "/controlUiLinkReaders",
                "/auth/method",
                "/auth/recoveryScope",
                "/auth/recoveryMigrationAllowed",
                "/policy/attachments/maxImageBytes",
                "/policy/allowedSessionVisibilities/3",
                "/policy/hasMultipleSessionSharingIdentities",
            ],
        );
        let value = serde_json::to_value(&hello).unwrap();
        assert!(value.pointer("/server/buildId").is_none(), "a foreign build id makes the Control UI reload");
        assert_eq!(value["auth"]["method"], "device-token");
    }
}
