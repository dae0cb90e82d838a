//! Keys of `models`.

use super::{COUNT, Key, Shape, TEXTS, key, theirs};

/// `models`.
pub(super) const MODELS: &[Key] = &[
    key("mode", Shape::OneOf(&["merge", "replace"])).advanced(),
    key("providers", Shape::Map(&Shape::Open(PROVIDER)))
        .says("Providers", "Model services by id: where they are and which models they have."),
    theirs("bedrockDiscovery").v3(),
    theirs("pricing").v4(),
];

/// One provider.
const PROVIDER: &[Key] = &[
    key("baseUrl", Shape::Text)
        .says("Base URL", "Address of the API, without the method's path.")
        .placeholder("https://…/v1"),
    key("apiKey", Shape::SecretText).says("API Key", "The key sent with every call."),
    theirs("auth"),
    key("api", Shape::Text).says("API", "How the service speaks: openai-completions, anthropic-messages …"),
    key("headers", Shape::Map(&Shape::SecretText)).says("Headers", "More headers for every call.").advanced(),
    theirs("authHeader"),
    theirs("injectNumCtxForOpenAICompat"),
    key("models", Shape::List(&Shape::Open(MODEL))).says("Models", "The models this service has."),
];

/// One model of a provider.
const MODEL: &[Key] = &[
    key("id", Shape::Text),
    key("name", Shape::Text),
    key("api", Shape::Text),
    key("reasoning", Shape::Bool),
    key("input", TEXTS),
    key(
        "cost",
        Shape::Open(&[
            key("input", Shape::Amount),
            key("output", Shape::Amount),
            key("cacheRead", Shape::Amount),
            key("cacheWrite", Shape::Amount),
        ]),
    ),
    key("contextWindow", COUNT),
    key("maxTokens", COUNT),
    key("headers", Shape::Map(&Shape::SecretText)),
    theirs("compat"),
];
