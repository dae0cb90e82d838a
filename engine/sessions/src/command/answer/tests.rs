//! Answers beside upstream's recorded ones.

use super::*;
use crate::command::{Parsed, parse};
use crate::queue::QueueSettings;

fn find(wanted: &str) -> Option<ModelRef> {
    let model = wanted.strip_prefix("mock/").or((wanted == "two").then_some("mock-2"))?;
    Some(ModelRef::new("mock", model))
}

fn view(wire: Wire) -> View<'static> {
    View {
        wire,
        status: Status { queue: QueuePolicy::default_for(wire), ..crate::command::status::tests::example() },
        thinking_levels: &Thinking::V3[..5],
        usage: UsageNote::Off,
        send: None,
        activation: None,
        sender: None,
        channel: "webchat",
        find_model: &find,
        context_parts: ContextParts::default(),
    }
}

#[track_caller]
fn check_on(wire: Wire, message: &str, text: &str, effects: &[CommandEffect]) {
    let got = match parse(wire, message) {
        Parsed::Command(command) => answer(&command, &view(wire)),
        Parsed::Settings(settings) => settings.answer(&view(wire)),
        other => panic!("{message} is {other:?}"),
    };
    assert_eq!((got.text.as_str(), &got.effects[..]), (text, effects), "{message}");
}

#[track_caller]
fn check(message: &str, text: &str, effects: &[CommandEffect]) {
    check_on(Wire::V3, message, text, effects);
}

#[test]
fn answers_read_as_upstreams_do() {
    use CommandEffect::*;
    check("/think high", "Thinking level set to high.", &[SetThinking(Some(Thinking::High))]);
    check("/think", "Current thinking level: high.\nOptions: off, minimal, low, medium, high.", &[]);
    check_on(
        Wire::V4,
        "/think",
        "Current thinking level: high.\nOptions: default, off, minimal, low, medium, high.",
        &[],
    );
    check(
        "/think xhigh",
        "Thinking level \"xhigh\" is not supported for mock/mock-2. Use one of: off, minimal, low, medium, high.",
        &[],
    );
    check(
        "/think banana",
        "Unrecognized thinking level \"banana\". Valid levels: off, minimal, low, medium, high.",
        &[],
    );
    check("/verbose on", "⚙️ Verbose logging enabled.", &[SetVerbose(Verbose::On)]);
    check("/reasoning on", "⚙️ Reasoning visibility enabled.", &[SetReasoning(Reasoning::On)]);
    check(
        "/model mock/mock-2",
        "Model set to mock/mock-2.",
        &[SetModel(Some(ModelRef::new("mock", "mock-2")))],
    );
    check("/model default", "Model reset to the configured default.", &[SetModel(None)]);
    check("/model nope", "Unknown model \"nope\". Use provider/model as in the config, or an alias.", &[]);
    check(
        "/queue",
        "Current queue settings: mode=collect, debounce=1000ms, cap=20, drop=summarize.\nOptions: modes steer, \
         followup, collect, steer+backlog, interrupt; debounce:<ms|s|m>, cap:<n>, drop:old|new|summarize.",
        &[],
    );
    let all = QueueSettings {
        mode: Some(QueueMode::Collect),
        debounce_ms: Some(2000),
        cap: Some(5),
        drop: Some(crate::queue::DropPolicy::Summarize),
    };
    check(
        "/queue collect debounce:2s cap:5 drop:summarize",
        "⚙️ Queue mode set to collect. ⚙️ Queue debounce set to 2000ms. ⚙️ Queue cap set to 5. ⚙️ Queue drop set to \
         summarize.",
        &[SetQueue(all)],
    );
    check_on(
        Wire::V4,
        "/queue queue",
        "Unrecognized queue mode \"queue\". Valid modes: steer, followup, collect, interrupt.",
        &[],
    );
    check("/queue reset", "⚙️ Queue mode reset to default.", &[ClearQueue]);
    check("/usage tokens", "⚙️ Usage footer: tokens.", &[SetUsage(UsageNote::Tokens)]);
    check("/usage cost", "💵 Session cost so far: $0.0001", &[]);
    check("/send off", "⚙️ Send policy set to off.", &[SetSend(Some(SendPolicy::Deny))]);
    check("/activation always", "⚙️ Group activation only applies to group chats.", &[]);
    check("/config show", "⚠️ /config is disabled. Set commands.config=true to enable.", &[]);
    check("/tts on", "⚠️ /tts is not available on this gateway.", &[]);
    check(
        "/think low /verbose off",
        "Thinking level set to low. ⚙️ Verbose logging disabled.",
        &[SetThinking(Some(Thinking::Low)), SetVerbose(Verbose::Off)],
    );
    let reset = Reset { kind: crate::command::ResetKind::New, then: Some("hi".into()) };
    check("/new hi", "", &[reset]);
}

#[test]
fn one_wrong_setting_changes_nothing() {
    let Parsed::Settings(settings) = parse(Wire::V3, "/verbose on /elevated off") else { panic!() };
    let got = settings.answer(&view(Wire::V3));
    assert!(got.text.starts_with("elevated is not available right now"), "{}", got.text);
    assert_eq!(got.effects, []);
}

#[test]
fn groups_can_be_woken_differently() {
    let group = View { activation: Some(GroupActivation::Mention), ..view(Wire::V3) };
    let Parsed::Command(command) = parse(Wire::V3, "/activation always") else { panic!() };
    let got = answer(&command, &group);
    assert_eq!(got.effects, [CommandEffect::SetActivation(GroupActivation::Always)]);
    assert_eq!(got.text, "⚙️ Group activation set to always.");
}

#[test]
fn who_asks_and_what_is_said() {
    let sender = Sender { id: "cli".into(), name: Some("recorder".into()), mode: None, owner: true };
    let known = View { sender: Some(&sender), ..view(Wire::V3) };
    let text = answer(&Command::Whoami, &known).text;
    assert_eq!(text, "🧭 Identity\nChannel: webchat\nUser id: cli\nUsername: @recorder\nAllowFrom: cli");
    let parts = ContextParts { system: 1_500, conversation: 900, messages: 7 };
    let text = answer(&Command::Context, &View { context_parts: parts, ..known }).text;
    assert!(text.contains("1.5k tokens") && text.contains("900 tokens in 7 messages"), "{text}");
}

#[test]
fn settings_for_one_message() {
    let options = |text: &str| {
        let Parsed::Message { settings, .. } = parse(Wire::V3, text) else { panic!("{text}") };
        options_for(&settings, &view(Wire::V3))
    };
    let got = options("/think low /v on /model two say hi").unwrap();
    assert_eq!((got.thinking, got.verbose), (Some(Thinking::Low), Some(Verbose::On)));
    assert_eq!(got.model.as_deref(), Some("mock/mock-2"));
    assert!(options("/think xhigh say hi").unwrap_err().contains("is not supported"));
    assert!(options("/model nope say hi").unwrap_err().contains("Unknown model"));
    assert_eq!(options("hi").unwrap(), TurnOptions::default());
}
