//! The closed value sets of an entry's settings, as files and frames spell them.
//!
//! Clients may use other spellings (`/think ultrathink`); those are read by [`Level::read`] of each set, the same words
//! for `sessions.patch` and for slash commands.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of named values.
pub trait Level: Sized + Copy + 'static {
    /// The stored spelling.
    fn as_str(self) -> &'static str;

    /// Reads the stored spelling only.
    fn parse(text: &str) -> Option<Self>;

    /// Reads what a person may write: any case, spaces around, upstream's other words.
    fn read(text: &str) -> Option<Self>;
}

macro_rules! levels {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $(#[$case_doc:meta])* $case:ident = $text:literal $(| $alias:literal)* ),* $(,)? }
    )*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $( $(#[$case_doc])* #[serde(rename = $text)] $case, )* }

        impl Level for $name {
            fn as_str(self) -> &'static str {
                match self { $( $name::$case => $text, )* }
            }

            fn parse(text: &str) -> Option<$name> {
                match text { $( $text => Some($name::$case), )* _ => None }
            }

            fn read(text: &str) -> Option<$name> {
                match &*text.trim().to_lowercase() {
                    $( $text $(| $alias)* => Some($name::$case), )*
                    _ => None,
                }
            }
        }

        impl $name {
            /// The stored spelling.
            pub fn as_str(self) -> &'static str {
                Level::as_str(self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )* };
}

levels! {
    /// How hard the model is asked to think. `adaptive`, `max` and `ultra` exist only on v4, see [`Thinking::read_v3`].
    Thinking {
        /// Not at all.
        Off = "off",
        /// Barely.
        Minimal = "minimal" | "min" | "think",
        /// A little.
        Low = "low" | "on" | "enable" | "enabled" | "thinkhard" | "think-hard" | "think_hard",
        /// Some.
        Medium = "medium" | "mid" | "med" | "thinkharder" | "think-harder" | "harder",
        /// Much.
        High = "high" | "ultrathink" | "thinkhardest" | "highest",
        /// As much as some models offer.
        Xhigh = "xhigh" | "x-high" | "x_high" | "extra-high" | "extrahigh" | "extra high" | "extra_high",
        /// The model decides.
        Adaptive = "adaptive" | "auto",
        /// More than `xhigh`, where a model has it.
        Max = "max",
        /// More than `max`, where a model has it.
        Ultra = "ultra",
    }

    /// How much of a run's inner life is told.
    Verbose {
        /// Answers only.
        Off = "off" | "false" | "no" | "0",
        /// Tool calls as well.
        On = "on" | "true" | "yes" | "1" | "minimal",
        /// Tool output as well.
        Full = "full" | "all" | "everything",
    }

    /// Whether reasoning is shown.
    Reasoning {
        /// Hidden.
        Off = "off" | "false" | "no" | "0" | "hide" | "hidden" | "disable" | "disabled",
        /// Shown when done.
        On = "on" | "true" | "yes" | "1" | "show" | "visible" | "enable" | "enabled",
        /// Shown while it happens.
        Stream = "stream" | "streaming" | "draft" | "live",
    }

    /// Whether commands may leave the sandbox.
    Elevated {
        /// No.
        Off = "off" | "false" | "no" | "0",
        /// Yes, asking as the policy says.
        On = "on" | "true" | "yes" | "1",
        /// Only after asking.
        Ask = "ask" | "prompt" | "approval" | "approve",
        /// Without asking.
        Full = "full" | "auto" | "auto-approve" | "autoapprove",
    }

    /// What is told of token use under each answer.
    UsageNote {
        /// Nothing.
        Off = "off",
        /// Token counts.
        Tokens = "tokens" | "on",
        /// Tokens and cost.
        Full = "full",
    }

    /// Where commands run. `auto` exists only on v4.
    ExecHost {
        /// Wherever fits.
        Auto = "auto",
        /// In the sandbox.
        Sandbox = "sandbox",
        /// On the gateway's machine.
        Gateway = "gateway",
        /// On a paired node.
        Node = "node",
    }

    /// Which commands may run (v3).
    ExecSecurity {
        /// None.
        Deny = "deny",
        /// Those on the list.
        Allowlist = "allowlist",
        /// All.
        Full = "full",
    }

    /// When a person is asked first (v3).
    ExecAsk {
        /// Never.
        Off = "off",
        /// For what is not on the list.
        OnMiss = "on-miss",
        /// Always.
        Always = "always",
    }

    /// Whether answers may be delivered.
    SendPolicy {
        /// Yes.
        Allow = "allow",
        /// No.
        Deny = "deny",
    }

    /// What wakes the agent in a group.
    GroupActivation {
        /// Being mentioned.
        Mention = "mention",
        /// Every message.
        Always = "always",
    }

    /// What sort of conversation the last message came from.
    ChatType {
        /// One person.
        Direct = "direct" | "dm",
        /// A group.
        Group = "group",
        /// A channel.
        Channel = "channel" | "room",
    }

    /// v4: whether a run's steps are traced.
    TraceLevel {
        /// No.
        Off = "off" | "false" | "no" | "0",
        /// Yes.
        On = "on" | "true" | "yes" | "1",
        /// With raw payloads.
        Raw = "raw",
    }

    /// v4: what a session's agent may do on its own.
    PermissionMode {
        /// Look.
        ReadOnly = "read-only",
        /// Act after asking.
        Guarded = "guarded",
        /// Act inside the workspace.
        Workspace = "workspace",
        /// Anything.
        Full = "full",
    }

    /// v4: how the last run ended, or that one is running.
    RunStatus {
        /// A run is under way.
        Running = "running",
        /// It ended well.
        Done = "done",
        /// It failed.
        Failed = "failed",
        /// It was stopped.
        Killed = "killed",
        /// It took too long.
        Timeout = "timeout",
    }

    /// v4: who chose the model.
    ModelSource {
        /// A person.
        User = "user",
        /// Fail-over.
        Auto = "auto",
        /// Nobody: the override was taken back.
        Default = "default",
    }
}

impl Thinking {
    /// Every level v3 knows, weakest first; the last only for some models.
    pub const V3: [Thinking; 6] =
        [Thinking::Off, Thinking::Minimal, Thinking::Low, Thinking::Medium, Thinking::High, Thinking::Xhigh];

    /// Reads what a v3 client may write: `ultra` and `max` mean `high` there, and `adaptive` nothing.
    pub fn read_v3(text: &str) -> Option<Thinking> {
        match Thinking::read(text)? {
            Thinking::Ultra | Thinking::Max => Some(Thinking::High),
            Thinking::Adaptive => None,
            level => Some(level),
        }
    }
}

/// v4's `fastMode`: on, off, or decided by the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FastMode {
    /// Fixed.
    Fixed(bool),
    /// `"auto"`
    Auto,
}

impl Serialize for FastMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            FastMode::Fixed(on) => serializer.serialize_bool(*on),
            FastMode::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for FastMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FastMode, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Fixed(bool),
            Word(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Fixed(on) => Ok(FastMode::Fixed(on)),
            Either::Word(word) if word == "auto" => Ok(FastMode::Auto),
            Either::Word(word) => Err(D::Error::custom(format!("{word:?} is no fast mode"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<L: Level + PartialEq + std::fmt::Debug>(words: &str, want: Option<L>) {
        for word in words.split(',') {
            assert_eq!(L::read(word), want, "{word:?}");
        }
    }

    #[test]
    fn words_people_write() {
        check("off, OFF ", Some(Thinking::Off));
        check("on,enable,enabled,low,thinkhard,think-hard", Some(Thinking::Low));
        check("min,minimal,think", Some(Thinking::Minimal));
        check("mid,med,medium,thinkharder,harder", Some(Thinking::Medium));
        check("high,ultrathink,thinkhardest,highest", Some(Thinking::High));
        check("xhigh,extra-high", Some(Thinking::Xhigh));
        check::<Thinking>("bogus,", None);
        check("on,true,yes,1,minimal,ON", Some(Verbose::On));
        check("full,all,everything", Some(Verbose::Full));
        check("on,visible,show", Some(Reasoning::On));
        check("stream,streaming", Some(Reasoning::Stream));
        check("off,hidden,hide", Some(Reasoning::Off));
        check("ask,prompt,approval", Some(Elevated::Ask));
        check("full,auto", Some(Elevated::Full));
        check("node,NODE", Some(ExecHost::Node));
        check("on-miss", Some(ExecAsk::OnMiss));
    }

    #[test]
    fn v3_has_no_levels_above_xhigh() {
        assert_eq!(Thinking::read_v3("ultra"), Some(Thinking::High));
        assert_eq!(Thinking::read_v3("max"), Some(Thinking::High));
        assert_eq!(Thinking::read_v3("adaptive"), None);
        assert_eq!(Thinking::read("ultra"), Some(Thinking::Ultra));
    }

    #[test]
    fn stored_spellings_read_back() {
        assert_eq!(serde_json::to_string(&ExecAsk::OnMiss).unwrap(), r#""on-miss""#);
        assert_eq!(
            serde_json::from_str::<PermissionMode>(r#""read-only""#).unwrap(),
            PermissionMode::ReadOnly
        );
        assert!(serde_json::from_str::<Thinking>(r#""think""#).is_err(), "aliases are never stored");
        for text in ["true", "false", r#""auto""#] {
            let mode: FastMode = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&mode).unwrap(), text);
        }
        assert!(serde_json::from_str::<FastMode>(r#""fast""#).is_err());
    }
}
