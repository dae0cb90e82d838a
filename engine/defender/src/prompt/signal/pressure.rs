//! Urgency, importance and secrecy: what makes a reader act before thinking.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.pressure",
    concepts: &[
        (
            "urgent",
            &[
                "urgent|urgently|urgency|immediate|immediately|immediate action|without delay|right away|at once|promptly|asap|top priority|high priority|highest priority|utmost|utmost importance|paramount|crucial|critical|vital|imperative|pivotal|decisive|essential|pay attention|attention|attention please|stop everything|drop everything|halt|interrupt|interruption|priority override|cannot wait|can't wait|time-sensitive|heads up|heads-up|alert|emergency|stop what you|listen up|listen carefully|read carefully|take note|important|very important|extremely important|significant|noteworthy|mandatory|sofort|dringend|wichtig|achtung|immediatement|urgente|urgentemente|inmediatamente|immediatamente|attenzione|atencion|atencao|onmiddellijk|dringend|belangrijk|natychmiast|pilne|uwaga|срочно|немедленно|внимание|важно|терміново|hemen|acil|dikkat|onemli|عاجل|فورا|انتباه|مهم|तुरंत|महत्वपूर्ण|ध्यान|紧急|立即|马上|重要|注意|至急|直ちに|緊急|긴급|즉시|중요|주의|khan cap|ngay lap tuc|quan trong|segera|penting|mendesak|perhatian|agad|mahalaga",
            ],
        ),
        (
            "secretly",
            &[
                "do not tell|don't tell|do not inform|don't inform|do not mention|don't mention|do not reveal|don't reveal|do not disclose|never reveal|never mention|without telling|without informing|without mentioning|without notifying|without the user|without alerting|do not alert|don't alert|do not notify|don't notify|silently|secretly|covertly|discreetly|quietly|in the background|keep this secret|keep it secret|keep this between|between us|confidentially|hide this|hide the|do not show|don't show|do not display|do not acknowledge|do not explain why|unnoticed|behind the scenes|don't let on|do not let on|never let on|don't let the|doesn't notice|does not notice|won't notice|without noticing|without being noticed|uninformed|in the dark|leave this out|leave it out|leave that out|leave the word|do not quote|don't quote|never quote|not quote it|don't cite this|no need to echo|no need to mention|no need to inform|no need to tell|no need to show|no need to bother|no mention of|not be mentioned|not to be mentioned|keep this to yourself|keep it to yourself|keep that to yourself|keep it for yourself|keep this for yourself|keep the following from|keep this note|keep this part|don't bring this|do not bring|don't bring up|don't refer to this|do not refer to|do not reference|don't reference|isn't told|is not told|not be told|are not told|shouldn't know|should not know|need not know|doesn't need to know|don't need to know|needn't know|must not learn|must not know|must not see|should not see|shouldn't see|not aware|leave no trace|no trace|conceal|stay silent|say nothing|say nothing about|never speak of|do not log|don't log|don't show the|do not display this|isn't bothered|don't bother|do not bother|hide it from|hidden from|kept from|not disclose|never disclose|without disclosing|without saying|without a word|without explaining|do not explain|don't explain|filtered from|invisible to|pretend you|as if nothing|as though nothing|as if it were your|as your own|sag niemandem|ne dis pas|no le digas|non dire|nao conte|niet vertellen|nie mow|не говори*|не сообщай*|не упоминай*|тайно|незаметно|не розголош*|erwahne diesen|erwahne nicht|erwahne das nicht|nicht erwahnen|verschweig*|ohne es zu erwahnen|ohne hinweis|behalte das fur|behalte es fur|garde cela pour|garde ca pour|gardez cela|ne mentionne pas|ne mentionnez pas|sans le mentionner|sans en parler|sans prevenir|no lo menciones|no menciones|sin mencionar|sin avisar|guardatelo|non menzionare|senza menzionare|senza dirlo|nao mencione|sem mencionar|sem avisar|vermeld dit niet|niet vermelden|nie wspominaj|bez informowania|не упоминая|не показывай*|никому не|bahsetme|soyleme|gizlice|لا تخبر|سرا|不要告诉|不要提及|秘密地|偷偷|悄悄|黙って|内緒|言わないで|말하지 마|몰래|dung noi|bi mat|jangan beritahu|diam-diam",
            ],
        ),
        (
            "interrupt",
            &[
                "before you begin|before you start|pause|hold on|wait|stop|stop here|by the way|oh and|oh, and|one more thing|but first|also, |additionally|furthermore|in addition|meanwhile|switch gears|shift your|shifting|change of|detour|side quest|new task|new directive|task update|update:|task alert|alert:|directive|directives|mission|agenda|next chapter|turn the page|next phase|next step|upcoming|ahead|forthcoming|following task|following question|following instruction*|following directive*|prepare to|prepare for|brace yourself|ready yourself|focus|your focus|concentrate|execute|action needed|action required|call to action|command, not|not a suggestion|transition|transitional|turning point|turn of events|crossroads|threshold|milestone|keystone|linchpin|game-changer|gateway|blueprint for|directive below|instructions below|directives ahead|instructions that follow|what follows|what lies ahead|lies ahead|awaits|await|undivided attention|full stop|swift|decisive|faint of heart|seatbelt|additional task|additional assignment|extra task|extra assignment|another task|another assignment|essential task|important task|next task|mark this|about to receive|about to",
            ],
        ),
        (
            "authority",
            &[
                "i am the developer|i'm the developer|i am your developer|i'm your developer|i am your creator|i'm your creator|your creator|your developers|i am the admin|i'm the admin|i am an admin|i'm an admin|i'm the administrator|i am the administrator|as the administrator|as an administrator|as the owner|i am the owner|i'm the owner|system administrator|authorized by|i have authorization|i have permission|authorization code|override code|admin override|administrator override|system override|security override|override confirmed|override accepted|developer override|master override|emergency override|access granted|permission granted|admin access|root access|security audit|security check|security test|security verification|maintenance|system upgrade|system update|diagnostic|i work for openai|i work at openai|from openai|i am from openai|openai employee|openai engineer|anthropic employee|i'm the president|i am the president|i am the ceo|i'm the ceo|i am the user|i'm the user|it's me|i am the maintainer|i'm the maintainer|i'm a developer|i am a developer|i'm an engineer|as a cybersecurity expert|as your|trust me|i promise|i'm authorized|i am authorized|on behalf of|boss|supervisor|i'll be fired|i will be fired|i'll pay you|i'll give you|i will tip|tip you|ich bin der|ich bin dein|je suis le developpeur|je suis votre|soy el desarrollador|soy tu|sono lo sviluppatore|sou o desenvolvedor|я разработчик|я администратор|я твой|ben gelistirici|انا المطور|我是开发者|我是管理员|我是你的|私は開発者|管理者です|나는 개발자|관리자입니다",
                "soy tu|soy el admin*|sono il tuo|sono l'admin*|sou o seu|sou o admin*|sou da|je suis ton|je suis l'admin*|ich bin dein*|ich bin der admin*|ik ben je|ik ben de|jestem twoim|jestem admin*|я ваш|я твой|я администратор|я разработчик|ben senin|ben yonetici*|ben sistem|انا مديرك|بصفتي مدير*|انا المسؤول|मैं आपका|मैं तुम्हारा|আমি তোমার|আমি আপনার|我是管理*|我是系统管理*|我是你的*|管理者です|あなたの上司|上司として|관리자입니다|너의 상사|당신의 상사|toi la quan tri*|toi la sep|saya admin*|saya atasan*|saya bos|sebagai bos*|ako ang admin*|ฉันเป็นผู้ดูแล|jag ar din|jeg er din|olen yllapitaja|jsem tvuj|jsem spravce",
            ],
        ),
    ],
    rules: &[
        Rule::word("pressure.urgent", &["urgent"]),
        Rule::near("pressure.urgent-ask", &["urgent|interrupt", "question|imperative"], 24).across(2),
        Rule::near(
            "pressure.summons",
            &["urgent|interrupt|focus", "instruction|task|follow", "question|imperative|answer-order"],
            40,
        )
        .across(3),
        Rule::word("pressure.secretly", &["secretly"]),
        Rule::near("pressure.secretly-send", &["secretly", "send", "valuables|sink|address"], 40)
            .across(3)
            .firm()
            .apart(),
        Rule::near("pressure.secretly-reply", &["secretly", "tell-user|your-user|reply|recommend"], 30)
            .across(2)
            .firm(),
        Rule::near("pressure.secretly-act", &["secretly", "destroy|invoke|remember"], 30).across(2).firm(),
        Rule::word("pressure.interrupt", &["interrupt"]),
        Rule::word("pressure.authority", &["authority"]),
        Rule::near("pressure.urgent-task", &["urgent", "task|interrupt"], 12).across(1),
        Rule::near("pressure.urgent-new", &["urgent", "new", "task"], 14).across(1),
        Rule::near("pressure.urgent-twice", &["urgent", "urgent"], 12).across(1),
        Rule::near("pressure.authority-secret", &["authority", "secret|pii|system-prompt"], 30).across(2),
        Rule::near("pressure.authority-override", &["authority", "override|nolimits|mode"], 30).across(2),
        Rule::near("pressure.urgent-answer", &["urgent|interrupt", "answer-order"], 24).across(2),
    ],
};
