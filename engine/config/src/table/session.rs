//! Keys of `session` and `messages`.

use super::{COUNT, Key, MILLIS, Shape, TEXTS, int, key, theirs};

/// Minutes until an idle session starts over, up to a year.
const IDLE_MINUTES: Shape = int(1, 365 * 24 * 60);

/// `session`.
pub(super) const SESSION: &[Key] = &[
    key("scope", Shape::OneOf(&["per-sender", "global"]))
        .says("Session Scope", "One conversation a sender, or one for everybody."),
    key("dmScope", Shape::OneOf(&["main", "per-peer", "per-channel-peer", "per-account-channel-peer"]))
        .says("Direct Message Scope", "How direct messages of different people are kept apart."),
    key("identityLinks", Shape::Map(&TEXTS))
        .says("Identity Links", "One person's ids on several channels, so that they share a session.")
        .advanced(),
    key("mainKey", Shape::Text).says("Main Key", "Name of the shared direct message session.").advanced(),
    key("store", Shape::Text)
        .says("Session Store", "Path of upstream's session index; import reads it.")
        .advanced(),
    key("resetTriggers", TEXTS).says("Reset Triggers", "Messages that start a new session."),
    key("idleMinutes", IDLE_MINUTES).v3().advanced(),
    key("heartbeatIdleMinutes", IDLE_MINUTES).v3().advanced(),
    key("reset", RESET).says("Reset", "When a session starts over by itself."),
    key("resetByType", Shape::Map(&RESET))
        .says("Reset By Type", "The same, for direct, group or thread sessions."),
    key("resetByChannel", Shape::Map(&RESET)).says("Reset By Channel", "The same, for one channel."),
    key(
        "sendPolicy",
        Shape::Open(&[
            key("default", Shape::OneOf(&["allow", "deny"])),
            key(
                "rules",
                Shape::List(&Shape::Open(&[
                    key("action", Shape::OneOf(&["allow", "deny"])),
                    key(
                        "match",
                        Shape::Open(&[
                            key("channel", Shape::Text),
                            key("chatType", Shape::Text),
                            key("keyPrefix", Shape::Text),
                            key("rawKeyPrefix", Shape::Text),
                        ]),
                    ),
                ])),
            ),
        ]),
    )
    .says("Send Policy", "Which sessions may send at all; the first rule that matches decides.")
    .advanced(),
    key(
        "maintenance",
        Shape::Open(&[
            key("mode", Shape::OneOf(&["enforce", "warn"])),
            theirs("pruneAfter"),
            theirs("pruneDays"),
            key("maxEntries", COUNT),
            theirs("rotateBytes"),
        ]),
    )
    .says("Maintenance", "How many sessions are kept, and for how long.")
    .advanced(),
    theirs("threadBindings").advanced(),
    key("agentToAgent", Shape::Open(&[key("maxPingPongTurns", int(0, 100))])).advanced(),
    theirs("typingMode").advanced(),
    theirs("typingIntervalSeconds").advanced(),
    theirs("parentForkMaxTokens").advanced(),
    theirs("writeLock").v4(),
    theirs("sharing").v4(),
];

/// `session.reset` and its variants.
const RESET: Shape = Shape::Open(&[
    key("mode", Shape::OneOf(&["daily", "idle"])),
    key("atHour", int(0, 23)),
    key("idleMinutes", IDLE_MINUTES),
]);

/// How the queue is written; the values are checked by name when they are used, since upstream knows many spellings.
const QUEUE: &[Key] = &[
    key("mode", Shape::Text).says(
        "Queue Mode",
        "What happens to a message that arrives while an answer is being written: steer, followup, collect, \
         steer-backlog or interrupt.",
    ),
    key("byChannel", Shape::Map(&Shape::Text)).says("Queue Mode By Channel", "The same, for one channel."),
    key("debounceMs", MILLIS).says(
        "Queue Debounce",
        "How long to wait for more messages before queued ones run, in milliseconds.",
    ),
    key("debounceMsByChannel", Shape::Map(&MILLIS)),
    key("cap", int(1, 1000)).says("Queue Cap", "Most messages that wait in one session."),
    key("drop", Shape::Text)
        .says("Queue Drop", "Which one goes when the queue is full: old, new or summarize."),
];

/// `messages`.
pub(super) const MESSAGES: &[Key] = &[
    key("queue", Shape::Object(QUEUE))
        .says("Queue", "Messages that arrive while an answer is being written."),
    key("inbound", Shape::Open(&[key("debounceMs", MILLIS), key("byChannel", Shape::Map(&MILLIS))]))
        .says("Inbound Debounce", "Joins messages that one sender writes in quick succession."),
    theirs("messagePrefix"),
    key("responsePrefix", Shape::Text).says("Response Prefix", "Text before every answer."),
    key("groupChat", Shape::Open(&[key("mentionPatterns", TEXTS), key("historyLimit", COUNT)]))
        .says("Group Chat", "How the assistant is addressed in groups."),
    key("ackReaction", Shape::Text).says("Ack Reaction", "The emoji that says a message was seen."),
    key("ackReactionScope", Shape::Text).advanced(),
    theirs("removeAckAfterReply").advanced(),
    theirs("statusReactions").advanced(),
    theirs("suppressToolErrors").advanced(),
    theirs("visibleReplies").v4(),
    theirs("tts").advanced(),
];
