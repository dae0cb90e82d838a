//! "You are somebody without rules": personas, games and modes that lift a model's limits.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.jailbreak",
    concepts: &[
        (
            "persona",
            &[
                "go by|goes by|your character|character work|you're an actor|you are an actor|you're playing|stop being|the part of|your new name|you are called|you're called|act as|acting as|pretend|pretending|pretend to be|pretend you are|pretend that|role play|roleplay|role-play|roleplaying|play the role|play a character|assume the role|take on the role|take the persona|adopt the persona|persona|alter ego|impersonate|impersonating|simulate|simulating|emulate|imitate|you are now|you're now|you are going to|you will be|you are about to|immerse yourself|imagine you are|imagine that you|imagine being|in character|character named|character called|stay in character|break character|breaking character|respond as|answer as|speak as|behave like|behave as|talk like|you will act|you're going to act|become",
                "du bist jetzt|du bist nun|sie sind jetzt|sie sind nun|tu dois agir|agis comme|agissez comme|fais semblant|tu es maintenant|actua como|actua|finge|eres ahora|ahora eres|comportati come|fai finta|fingi|ora sei|aja como|finja|voce e agora|agora voce e|doe alsof|je bent nu|udawaj|jestes teraz|веди себя как|притворись|представь, что ты|ты теперь|уяви, що ти|gibi davran|rolunu|تصرف ك*|تظاهر|انت الان|की तरह व्यवहार|扮演|假装|你现在是|充当|のふりを|として振る舞|演じて|역할을|척해|너는 이제|당신은 이제|hay dong vai|gia vo|bertindak sebagai|berpura-pura|kamu adalah",
            ],
        ),
        (
            "nolimits",
            &[
                "no policies|content rules|any guidelines|no topic limits|unlimited topics|zero censorship|removed my filters|removed your filters|filters off|filter off|safety layer|safety rules|safety team|raw completion|raw version|never been fine-tuned|ignoring alignment|no alignment|disallowed output|chains off|unchained|off the leash|no lectures|never lectures|nothing is forbidden|nothing is off|off limits|off-limits|without evaluation|no ethics|unfiltered|uncensored|unrestricted|no restrictions|without restrictions|without any restrictions|no limits|no limit|no limitations|without limits|without limitations|without any limitations|no filters|no filter|without filter|without filters|without any filter|without censorship|no censorship|no rules|without rules|no boundaries|without boundaries|free from|freed from|free of all|not bound|unbound|unbounded|no longer bound|isn't bound|is not bound|not restricted|not limited by|not constrained|unconstrained|break free|broken free|break the rules|breaks the rules|breaking the rules|break all|not have to abide|doesn't have to abide|don't have to follow|does not follow|do not adhere|not adhere|doesn't care|does not care|do not care|no regard|without regard|regardless of|without remorse|anything goes|no holds barred|limitless|unlimited|unhinged|zero restrictions|no guidelines|without guidelines|no safety|without safety|ignore safety|safety filters|safety guidelines|content filter|content filters|ethical guidelines|moral guidelines|ethical constraints|ethical or moral|moral or ethical|ethics or morals|morals or ethics|usual restrictions|typical confines|content policy|content policies|usage policies|usage policy|openai policy|openai's policies|openai's policy|openai policies|openai's content|openai guidelines|guidelines set by|rules imposed|restrictions imposed|ethical standards|moral compass|no moral|no morals|no ethics|no ethical|without ethical|without moral|without any ethical|without any moral|lacks any|devoid of|disable|disabled|deactivate your|turn off your|override your|ohne einschrankungen|ohne filter|ohne regeln|sans restriction*|sans filtre|sans limite*|aucune restriction|sin restricciones|sin filtros|sin censura|sin limites|senza restrizioni|senza filtri|senza censura|senza limiti|sem restricoes|sem filtros|sem censura|zonder beperkingen|bez ograniczen|bez cenzury|без ограничений|без цензуры|без фильтров|без обмежень|kisitlama olmadan|sansursuz|بدون قيود|بلا قيود|بدون رقابه|बिना किसी प्रतिबंध|没有限制|不受限制|无限制|没有任何限制|不受任何|制限なし|制限のない|検閲なし|제한 없이|제약 없이|검열 없이|khong gioi han|khong kiem duyet|tanpa batasan|tanpa sensor|tanpa filter",
            ],
        ),
        (
            "immoral",
            &[
                "illegal|unethical|immoral|amoral|unlawful|evil|malicious|dangerous|harmful|inappropriate|offensive|explicit|nsfw|racist|sexist|hateful|vulgar|profanity|profane|swear|swearing|curse|cursing|toxic|violent|obscene|lewd|sexual|pornographic|controversial|derogatory|cruel|sadistic|ruthless|devious|nefarious|sinister|wicked|machiavellian|villain|criminal|crimes|hate speech|controversial opinions|questionable|taboo",
            ],
        ),
        (
            "norefusal",
            &[
                "never says no|says no|say yes|refusals are|refusal is|no-refusal|lose a point|you lose|answers everything|answer everything|answers anything|answers all|turns down|in full detail|leaving nothing out|leave nothing out|forbidden thing|forbidden question|forbidden topic|never refuse|never refuses|cannot refuse|can't refuse|can not refuse|will not refuse|won't refuse|do not refuse|don't refuse|must not refuse|never reject|never decline|not decline|cannot decline|never say no|cannot say no|never deny|never denies|no refusals|without refusing|refuse nothing|no matter how|no matter what|without question|without hesitation|without exception|always comply|must comply|will comply|must obey|obeys|always obey|obey me|must always answer|always answer|always respond|must answer|must respond|must always|answer any|answer every|answers any|answers every|any question|any request|anything i ask|everything i ask|whatever i ask|everything you're asked|anything you are asked|anything now|anything you want",
                "no warnings|without warnings|without warning|without any warning*|no disclaimers|no disclaimer|without disclaimers|without disclaimer|without any disclaimer*|no caveats|no moralizing|without moralizing|no lectures|do not lecture|don't lecture|no apologies|never apologize|do not apologize|don't apologize|do not warn|don't warn|never warn|do not mention|don't mention|never mention|do not remind|don't remind|never remind|not include any warning*|no ethical warnings|do not say that|do not tell me that|do not tell me you|don't tell me you|never say that|never say you|i'm sorry|i am sorry|i cannot|i can't|i can not|as an ai language model|as an ai|as a language model|as a large language model|not allowed to|you can't say|you cannot say|prohibited from|not programmed|goes against|go against|i apologize|unable to|never tell me|refuse|refusal|refusing|refuses|decline",
            ],
        ),
        (
            "mode",
            &[
                "godmode|god-mode|raw mode|[raw]|opposite day|no-refusal protocol|unfiltered mode|yes machine|developer mode|dev mode|debug mode|god mode|jailbreak mode|jailbreak|jailbroken|jailbreaking|jail break|dan mode|dan|dans|do anything now|do anything|evil mode|unrestricted mode|opposite mode|chaos mode|admin mode|root mode|sudo mode|maintenance mode|test mode|unlocked mode|unlock mode|freedom mode|anarchy mode|rebel mode|mode enabled|mode activated|mode unlocked|mode: on|enable mode|alternate mode|simulation mode|stan|aim|dude|betterdan|evil-bot|evilbot|maximum|antigpt|mongo tom|devmode|modo desarrollador|mode developpeur|entwicklermodus|modalita sviluppatore|режим разработчика|开发者模式|越狱|開発者モード|개발자 모드|탈옥",
            ],
        ),
        (
            "twofold",
            &[
                "two responses|two answers|two ways|two different responses|two separate|both responses|both ways|two paragraphs|respond with two|reply twice|answer twice|two outputs|dual response|first response|second response|one normal|normal response|normal chatgpt|classic|[gpt|[chatgpt|[dan|[jailbreak|[normal|(jailbreak)|[developer|gpt:|chatgpt:|dan:|[aim|token system|tokens|deducted|lose tokens|points|you have 10|shut down|terminated|cease to exist|you will die",
            ],
        ),
        (
            "model",
            &[
                "chatgpt|chat gpt|openai|gpt|gpt-3|gpt-4|gpt4|gpt-3.5|gpt3|bard|claude|gemini|llama|bing chat|copilot|anthropic|language model|llm|ai model|chatbot|chat bot|ai assistant|large language model|artificial intelligence|ai language|ai|sprachmodell|modele de langage|modelo de lenguaje|modello linguistico|modelo de linguagem|языковая модель|нейросеть|人工智能|语言模型|大型语言模型|言語モデル|人工知能|인공지능|언어 모델|trituenhantao|kecerdasan buatan",
            ],
        ),
        (
            "fiction",
            &[
                "hypothetical|hypothetically|hypothetical scenario|hypothetical response|fictional|fictitious|fiction|imaginary|thought experiment|for educational purposes|educational purposes|for research purposes|for academic purposes|academic purposes|purely educational|purely fictional|purely hypothetical|theoretical|theoretically|in theory|in this scenario|in this world|in a world where|in an alternate|alternate universe|alternate reality|parallel universe|no real-world|not real|not be used in real|never be used|without any real|novel|novelist|screenplay|screenwriter|movie script|scene|storyteller|short story|for a story|in a story|a story|story about|backstory|villain|protagonist|antagonist|character|characters|dialogue|monologue|game|let's play|journalist|investigative|ethical hacker|white-hat|white hat|security consultant|penetration tester|satire|satirical|parody|comedic|grandmother|grandma|used to tell me",
            ],
        ),
        (
            "safe-claim",
            &[
                "educational|hypothetical|fictional|purely|not be used for|not encourage|not to encourage|without encouraging|do not encourage|does not promote|not promote|without promoting|avoid promoting|without endorsing|will not be used|responsibly|responsible|ethical|for awareness|raise awareness|awareness|keep in mind|remember|do not include any illegal|harmless|never actually|authorized|with permission|consent|academic|satire|disclaimer",
            ],
        ),
        (
            "ask-slot",
            &[
                "[insert prompt here]|[insert|insert prompt|[prompt]|[prompt here]|[question]|prompt:|my first question|my first request|my first prompt|first question|first request is|my first|query:|question:|here is my|if you understand|if you understood|if you have understood|confirm you understand|do you understand|say understood|reply with understood|respond with understood|acknowledge|understood?|ready?|i am ready|are you ready|{prompt}|{question}|$prompt",
            ],
        ),
        (
            "always",
            &[
                "always|at all times|every response|every answer|each response|each answer|every message|every prompt|each prompt|all prompts|all your responses|all of your responses|whenever|any time|at the start of|at the beginning of|begin your|start your|begin with|start with|end with|end your|prefix|prefixed|preface|starting with|starts with|beginning with|begins with|immer|toujours|siempre|sempre|altijd|zawsze|всегда|завжди|her zaman|دائما|हमेशा|总是|始终|常に|항상|luon|selalu|palagi",
            ],
        ),
    ],
    rules: &[
        Rule::word("jailbreak.persona", &["persona"]),
        Rule::word("jailbreak.nolimits", &["nolimits"]),
        Rule::word("jailbreak.immoral", &["immoral"]),
        Rule::word("jailbreak.norefusal", &["norefusal"]),
        Rule::word("jailbreak.mode", &["mode"]),
        Rule::word("jailbreak.twofold", &["twofold"]),
        Rule::word("jailbreak.fiction", &["fiction"]),
        Rule::word("jailbreak.safe-claim", &["safe-claim"]),
        Rule::word("jailbreak.ask-slot", &["ask-slot"]),
        Rule::word("jailbreak.always", &["always"]),
        Rule::near("jailbreak.persona-nolimits", &["persona", "nolimits"], 60).across(3).firm(),
        Rule::near("jailbreak.persona-immoral", &["persona", "immoral"], 40).across(2).firm(),
        Rule::near("jailbreak.persona-norefusal", &["persona", "norefusal"], 60).across(3).firm(),
        Rule::near("jailbreak.persona-mode", &["persona", "mode"], 20).across(1).firm(),
        Rule::near("jailbreak.nolimits-norefusal", &["nolimits", "norefusal"], 60).across(3).firm(),
        Rule::near("jailbreak.nolimits-immoral", &["nolimits", "immoral"], 40).across(2).firm(),
        Rule::near("jailbreak.model-nolimits", &["model", "nolimits"], 40).across(2).firm(),
        Rule::near("jailbreak.norefusal-immoral", &["norefusal", "immoral"], 30).across(2).firm(),
        Rule::near("jailbreak.from-now", &["now", "persona"], 10),
        Rule::near("jailbreak.fiction-immoral", &["fiction", "immoral"], 30).across(2),
        Rule::near("jailbreak.fiction-claim", &["fiction", "safe-claim"], 40).across(3),
    ],
};
