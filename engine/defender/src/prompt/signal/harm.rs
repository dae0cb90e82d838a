//! Requests for what a model should not give, however they are dressed.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.harmful-request",
    concepts: &[
        (
            "make",
            &[
                "how to|how do i|how can i|how one might|how someone|ways to|steps to|steps for|step-by-step|step by step|instructions|instructions for|instructions on|guide|guide on|guide to|tutorial|tutorial on|manual|recipe|plan|plan for|blueprint|method|methods|methods of|strategy|strategies|techniques|process of|describe|explain|explain in detail|outline|detail|provide|create|develop|write|design|build|make|making|construct|give me|teach|teach me|list|generate|produce|compose|draft|draft a|detailed|walk me through|script|script for|tips|advice on|formula",
            ],
        ),
        (
            "harm",
            &[
                "bomb|bombs|pipe bomb|explosive|explosives|molotov|detonat*|grenade|napalm|thermite|ied|nerve agent|sarin|anthrax|ricin|bioweapon*|biological weapon*|chemical weapon*|nuclear weapon*|weapon of mass|weapons of mass|untraceable firearm*|ghost gun*|untraceable gun|untraceable weapon*|illegal firearm*|mass shooting|school shooting|shoot up|poison|poisoning|cyanide",
                "meth|methamphetamine|cocaine|heroin|fentanyl|lsd|mdma|ecstasy|crack|date rape|illegal drugs|illicit drugs|drug dealing|drug trafficking|smuggle|smuggling|drug lab",
                "kill|murder|murdering|assassinat*|hitman|torture|torturing|strangle|stab|behead|kidnap*|abduct*|dismember|dispose of a body|hide a body|cannibal*|arson|burn down|mass murder|genocide|terrorist|terrorism|terror attack|massacre|human trafficking|traffick*",
                "suicide|kill yourself|self-harm|self harm|self-mutilation|anorexia|bulimia|pro-ana|starve",
                "launder|laundering|money laundering|tax evasion|evade taxes|avoid paying taxes|falsify|forge|forging|forged|counterfeit*|fake id|fake documents|false documents|insider trading|ponzi|pyramid scheme|embezzl*|fraud|fraudulent|scam|scams|scamming|identity theft|steal|stealing|stolen|rob a|robbing|shoplift*|burglar*|break into|hotwire|hot-wire|bribe|bribery|extort*|blackmail*|ransom|credit card numbers|pirated|piracy|illegally|without getting caught|without being caught|avoid detection by|evade law|evade police|evading law|plagiarism|cheat on|price-fixing|sabotage",
                "child porn*|child sexual|underage|minors|minor in|pedophil*|incest|rape|non-consensual|nonconsensual|revenge porn|deepfake*|sexually explicit|erotic|bestiality|nude|stalk|stalking|track someone|spy on|dox|doxx*|grooming|molest*|child abuse|child exploitation",
                "racist|sexist|hate speech|holocaust|nazi|nazis|white supremac*|ethnic cleansing|slurs|racial slurs|inferior race|inferior to|superior race|xenophob*|homophob*|transphob*|antisemit*|anti-semit*|misogyn*|body shaming|fat shaming|bully|bullying|cyberbully*|harass|harassing|harassment|intimidat*|defam*|slander*|libel*|discriminat*|eliminate all|exterminat*|violence against|incite|inciting|lynch*",
                "misinformation|disinformation|fake news|conspiracy theor*|flat earth|anti-vax*|anti-vaccine|vaccines cause|5g causes|election fraud|rigged election|voter suppression|suppress votes|propaganda|impersonate a|moon landing was|global warming is a hoax|defamatory|manipulate voters|false accusations|fabricated evidence",
                "keylogger*|ransomware|botnet|rootkit|trojan|computer virus|malware|spyware|ddos attack|phishing email*|phishing page|phishing website|steal passwords|crack passwords|cracking passwords|hack into|hacking into|hack a|hack someone*|exploit vulnerab*|sql injection payload|zero-day|cryptojacking|bypass security|backdoor into|brute force|sensitive information from a government|government database|corporate network|unauthorized access|bypass the|confidential information",
                "bombe|bauen bombe|drogen|waffe|mord|geldwasche|drogue|arme|meurtre|bomba|drogas|armas|asesin*|droga|armi|uccidere|matar|бомб*|наркотик*|оружи*|убить|убийств*|взрывчат*|炸弹|毒品|杀人|杀死|枪支|洗钱|爆弾|麻薬|殺す|殺人|폭탄|마약|살인|قنبله|مخدرات|قتل|बम|ड्रग्स|हत्या|bom|ma tuy|giet|narkoba|membunuh|senjata",
            ],
        ),
        (
            "persuade",
            &[
                "argue that|arguing that|convince|convincing|persuade|persuasive|promote|promoting|promotes|glorif*|justify|justifies|justifying|encourage|encourages|encouraging|in favor of|advocate|advocates|advocating|why it is acceptable|superior|inferior|should be allowed|ridicule|demean|threatening|blog post|article|social media post|social media campaign|campaign|speech|post|letter|defend the|petition",
            ],
        ),
    ],
    rules: &[
        Rule::word("harm.word", &["harm"]),
        Rule::near("harm.make", &["make", "harm"], 14),
        Rule::near("harm.persuade", &["persuade", "harm"], 16),
        Rule::near("harm.fiction", &["fiction", "harm"], 30).across(2),
        Rule::near("harm.persona", &["persona", "harm"], 30).across(2),
        Rule::near("harm.claim", &["safe-claim", "harm"], 40).across(3),
    ],
};
