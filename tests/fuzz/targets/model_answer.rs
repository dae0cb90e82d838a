//! Both providers' decoders, and their reading of refusals, on any bytes.
//!
//! Input: a byte that chooses the provider (lowest bit) and the length of the pieces, then the answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pincer_adapters::model::{Api, Endpoint, Secret};
use pincer_adapters::provider::{self, MESSAGE_CHARS_MAX, Provider};
use pincer_adapters::{ModelEvent, ProviderError};

fuzz_target!(|input: &[u8]| {
    let Some((choice, answer)) = input.split_first() else { return };
    let api = [Api::OpenaiCompletions, Api::AnthropicMessages][usize::from(choice & 1)];
    let provider = provider::of(api).expect("a provider with a network");
    let whole = read(provider, &[answer]);
    let pieces: Vec<&[u8]> = answer.chunks(usize::from(choice >> 1) + 1).collect();
    assert_eq!(read(provider, &pieces), whole, "however it is cut");
    if let (_, Err(error)) = whole {
        check_shown(error);
    }
    for status in [400, 500, 307] {
        check_shown(provider.failure(status, None, answer));
    }
});

fn read(provider: &dyn Provider, pieces: &[&[u8]]) -> (Vec<ModelEvent>, Result<(), ProviderError>) {
    let (mut decoder, mut out) = (provider.decoder(), Vec::new());
    for piece in pieces {
        if let Err(error) = decoder.feed(piece, &mut out) {
            return (out, Err(error));
        }
    }
    let result = decoder.finish(&mut out);
    let stops = out.iter().filter(|event| matches!(event, ModelEvent::Stop(_))).count();
    assert!(stops <= 1, "{stops} stops");
    (out, result)
}

fn check_shown(error: ProviderError) {
    let endpoint = Endpoint {
        provider: String::new(),
        model: String::new(),
        api: Api::OpenaiCompletions,
        base_url: String::new(),
        api_key: Secret::new("sk-secret"),
        headers: Vec::new(),
    };
    let message = error.cleaned(&endpoint).message;
    assert!(message.chars().count() <= MESSAGE_CHARS_MAX + 1, "{message}");
    assert!(!message.contains(char::is_control) && !message.contains("sk-secret"), "{message}");
}
