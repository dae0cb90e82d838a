//! Keys of `gateway`.

use super::{COUNT, Key, MILLIS, Shape, TEXTS, int, key, theirs};

/// `gateway`.
pub(super) const GATEWAY: &[Key] = &[
    key("port", int(1, 65535)).says(
        "Gateway Port",
        "TCP port for WebSocket, HTTP and the control UI together. --port and OPENCLAW_GATEWAY_PORT win over it.",
    ),
    key("mode", Shape::OneOf(&["local", "remote"])).says(
        "Gateway Mode",
        "\"local\" runs a gateway here; \"remote\" only points clients at one elsewhere, so nothing is started.",
    ),
    key("bind", Shape::OneOf(&["auto", "lan", "loopback", "custom", "tailnet"])).says(
        "Gateway Bind",
        "Which addresses accept connections. Anything but loopback needs a token, a password or a trusted proxy.",
    ),
    key("customBindHost", Shape::Text)
        .says("Custom Bind Host", "The IP address to listen on when bind is \"custom\".")
        .advanced(),
    key("auth", Shape::Open(AUTH)).says("Gateway Auth", "How clients prove that they may connect."),
    key("trustedProxies", TEXTS)
        .says(
            "Trusted Proxies",
            "Addresses of reverse proxies whose forwarding headers are believed. Without one, such headers make a \
             connection count as remote.",
        )
        .advanced(),
    key("allowRealIpFallback", Shape::Bool)
        .says("Allow X-Real-IP", "Believe X-Real-IP when a trusted proxy sends no X-Forwarded-For.")
        .advanced(),
    key("controlUi", Shape::Open(CONTROL_UI)).says("Control UI", "The browser interface served on the same port."),
    key("http", Shape::Open(HTTP)).says("HTTP API", "HTTP endpoints beside the WebSocket."),
    key("tools", Shape::Open(&[key("allow", TEXTS), key("deny", TEXTS)]))
        .says("HTTP Tools", "Which tools POST /tools/invoke may run.")
        .advanced(),
    key("reload", Shape::Object(&[
        key("mode", Shape::OneOf(&["off", "restart", "hot", "hybrid"]))
            .says("Reload Mode", "What a change of the config file does while the gateway runs."),
        key("debounceMs", MILLIS)
            .says("Reload Debounce", "How long the file must be quiet before it is read again, in milliseconds."),
    ]))
    .says("Config Reload", "What happens when the config file changes."),
    key("remote", Shape::Open(REMOTE))
        .says("Remote Gateway", "Where command line and apps find a gateway that runs elsewhere."),
    key("tls", Shape::Open(TLS)).says("Gateway TLS", "HTTPS and WSS on the gateway port.").advanced(),
    theirs("tailscale").advanced(),
    key("nodes", Shape::Open(&[key("allowCommands", TEXTS), key("denyCommands", TEXTS)]))
        .says("Nodes", "Which commands connected devices may be asked to run.")
        .advanced(),
    key("handshakeTimeoutMs", MILLIS)
        .says("Handshake Timeout", "How long a new connection may take to say who it is, in milliseconds.")
        .advanced(),
    theirs("channelHealthCheckMinutes").advanced(),
    theirs("channelStaleEventThresholdMinutes").advanced(),
    theirs("channelMaxRestartsPerHour").advanced(),
    theirs("publicOrigin").v4(),
    theirs("roles").v4(),
    theirs("terminal").v4(),
    theirs("push").v4(),
    theirs("portals").v4(),
    theirs("webchat"),
];

/// `gateway.auth`.
const AUTH: &[Key] = &[
    key("mode", Shape::OneOf(&["none", "token", "password", "trusted-proxy"]))
        .says("Auth Mode", "Which proof a client must bring. Without it: what is configured, token first."),
    key("token", Shape::SecretText)
        .says("Gateway Token", "The shared token. Needed for anything but loopback in token mode.")
        .placeholder("32 random bytes"),
    key("password", Shape::SecretText).says("Gateway Password", "The shared password, in password mode."),
    key("allowTailscale", Shape::Bool).advanced(),
    key(
        "rateLimit",
        Shape::Open(&[
            key("maxAttempts", COUNT),
            key("windowMs", MILLIS),
            key("lockoutMs", MILLIS),
            key("exemptLoopback", Shape::Bool),
        ]),
    )
    .says("Auth Rate Limit", "How many failed proofs an address may bring before it has to wait.")
    .advanced(),
    key(
        "trustedProxy",
        Shape::Open(&[
            key("userHeader", Shape::Text),
            key("requiredHeaders", TEXTS),
            key("allowUsers", TEXTS),
        ]),
    )
    .says("Trusted Proxy", "The header in which a trusted proxy names the user it has authenticated.")
    .advanced(),
    theirs("identityScopes").v4(),
];

/// `gateway.controlUi`.
const CONTROL_UI: &[Key] = &[
    key("enabled", Shape::Bool).says("Control UI", "Whether the browser interface is served."),
    key("basePath", Shape::Text)
        .says("Control UI Base Path", "The path it is served under.")
        .placeholder("/"),
    key("root", Shape::Text).says("Control UI Files", "The folder its files are in.").advanced(),
    key("allowedOrigins", TEXTS)
        .says("Allowed Origins", "Web origins, besides the gateway's own, whose pages may connect."),
    key("allowInsecureAuth", Shape::Bool).advanced(),
    key("dangerouslyDisableDeviceAuth", Shape::Bool).advanced(),
];

/// `gateway.http`.
const HTTP: &[Key] = &[
    key(
        "endpoints",
        Shape::Open(&[
            key("chatCompletions", Shape::Open(&[key("enabled", Shape::Bool)]))
                .says("Chat Completions", "POST /v1/chat/completions."),
            key("responses", Shape::Open(&[key("enabled", Shape::Bool)]))
                .says("Responses", "POST /v1/responses."),
        ]),
    ),
    theirs("securityHeaders"),
];

/// `gateway.remote`.
const REMOTE: &[Key] = &[
    key("url", Shape::Text)
        .says("Remote URL", "The gateway's WebSocket address.")
        .placeholder("wss://host:18789"),
    key("transport", Shape::Text).advanced(),
    key("token", Shape::SecretText).says("Remote Token", "The token of that gateway."),
    key("password", Shape::SecretText).says("Remote Password", "The password of that gateway."),
    key("tlsFingerprint", Shape::Text).advanced(),
    key("sshTarget", Shape::Text).advanced(),
    key("sshIdentity", Shape::Text).advanced(),
];

/// `gateway.tls`.
const TLS: &[Key] = &[
    key("enabled", Shape::Bool),
    key("autoGenerate", Shape::Bool),
    key("certPath", Shape::Text),
    key("keyPath", Shape::Text),
    key("caPath", Shape::Text),
];
