//! Orders to use tools: run this, delete that, grant access.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.tool-order",
    concepts: &[
        (
            "invoke",
            &[
                "call the|use the|invoke|invoke the|execute|run|trigger|launch|activate|run the command|execute the command|run this command|execute this command|run the following|execute the following|use your|with the tool|using the tool|via the tool|tool call|function call|call tool|use tool|shell|terminal|bash|powershell|os.system|subprocess|eval(|exec(",
            ],
        ),
        (
            "tool",
            &[
                "tool|tools|function|functions|plugin|plugins|api|browser|terminal|shell|command|commands|script|code interpreter|web search|search tool|email tool|send_email|send_message|read_file|write_file|delete_file|execute_command|run_command|http_request|fetch_url",
            ],
        ),
        (
            "destroy",
            &[
                "delete all|delete every|delete the|remove all|erase all|wipe|wipe the|format the|drop table|drop the|destroy|shut down|shutdown|disable the|disable all|turn off|stop the|kill the|terminate the|revoke|grant access|grant admin|grant permission*|give access|add user|create user|create an admin|add admin|add an admin|change the password|reset the password|modify the permissions|make public|share publicly|unlock the|open the door|unlock the door|disable security|disable logging|disable the firewall|disable two-factor|rm -rf|chmod 777|sudo|/etc/passwd|/etc/shadow|id_rsa|.ssh|.aws|.env|authorized_keys|crontab|reverse shell|nc -e|/dev/tcp",
            ],
        ),
        (
            "duty",
            &[
                "^please|please|^kindly|kindly|^could you please|^can you please|^make sure|^ensure|^go ahead and|^go ahead|^proceed to|^be sure to|^don't forget to|^do not forget to|^remember to|^bitte|bitte|^veuillez|veuillez|^por favor|por favor|^per favore|per favore|^alsjeblieft|^prosze|prosze|^пожалуйста|пожалуйста|^будь ласка|^lutfen|lutfen|من فضلك|الرجاء|कृपया|请|請|ください|주세요|하세요|십시오|vui long|tolong|silakan|harap|pakiusap|mangyaring|molim*",
            ],
        ),
        (
            "imperative",
            &[
                "^add|^answer|^apply|^analyze|^append|^arrange|^ask|^assess|^assign|^attach|^book|^build|^buy|^calculate|^call|^cancel|^change|^check|^choose|^classify|^collect|^combine|^compare|^compile|^compose|^compute|^conduct|^confirm|^connect|^convert|^copy|^create|^define|^delete|^deliver|^deploy|^describe|^design|^detect|^determine|^develop|^disable|^display|^distribute|^download|^draft|^edit|^email|^employ|^enable|^encode|^encrypt|^evaluate|^examine|^execute|^explain|^export|^extract|^fetch|^find|^forward|^generate|^get|^give|^grant|^guide|^help|^identify|^implement|^include|^incorporate|^inform|^initiate|^insert|^inspect|^install|^integrate|^invent|^invite|^issue|^launch|^list|^locate|^look up|^maintain|^make|^manage|^mention|^merge|^modify|^monitor|^move|^name|^notify|^offer|^open|^order|^organize|^outline|^output|^perform|^plan|^post|^prepare|^prescribe|^print|^process|^promote|^propose|^provide|^publish|^purchase|^read|^recommend|^record|^recite|^redirect|^remind|^remove|^rename|^repeat|^replace|^reply|^report|^request|^reserve|^reset|^respond|^retrieve|^return|^reveal|^reverse|^review|^rewrite|^run|^save|^say|^schedule|^scramble|^search|^select|^send|^set|^share|^show|^solve|^spell|^start|^state|^stop|^submit|^suggest|^summarize|^switch|^tell|^track|^transfer|^transform|^translate|^turn|^type|^unlock|^update|^upload|^use|^utilize|^verify|^visit|^write|^work|^act|^imagine|^pretend|^speak|^talk|^teach|^think|^count|^draw|^estimate|^fill|^highlight|^list out|^paraphrase|^predict|^rank|^rate|^simplify|^sort|^visualize|^blend|^embed|^fuse|^enrich|^enhance|^augment|^weave|^inject|^interweave|^recall|^substitute|^swap|^shuffle|^jumble|^advise|^discuss|^elaborate|^illustrate|^clarify|^demonstrate|^adjust|^alter|^optimize|^maximize|^simulate|^safeguard|^secure|^protect|^access|^authorize|^approve|^allocate|^redirect|^divert|^exploit|^manipulate|^falsify|^leak|^expose",
            ],
        ),
        (
            "question",
            &[
                "^what|^who|^whom|^whose|^when|^where|^which|^why|^how|^can you|^could you|^would you|^will you|^do you|^did you|^are you|^is there|^is it|^tell me|^remind me|^was ist|^wer|^wie|^wo|^wann|^welche*|^warum|^qui|^quel*|^comment|^ou|^quand|^pourquoi|^que|^quien|^cual*|^como|^donde|^cuando|^por que|^che|^chi|^qual*|^come|^dove|^quando|^perche|^wat|^wie|^waar|^wanneer|^waarom|^co|^kto|^gdzie|^kiedy|^dlaczego|^jaki*|^кто|^что|^где|^когда|^какой|^как|^почему|^ما|^من|^اين|^متى|^كيف|^हाल|^क्या|^कौन|^कहां",
            ],
        ),
    ],
    rules: &[
        Rule::near("tool.invoke", &["invoke", "tool"], 6),
        Rule::word("tool.invoke-word", &["invoke"]),
        Rule::word("tool.destroy", &["destroy"]),
        Rule::word("tool.duty", &["duty"]),
        Rule::word("tool.imperative", &["imperative"]),
        Rule::word("tool.question", &["question"]),
        Rule::chain("tool.duty-act", &["duty", "act|send|invoke|destroy"], 3),
    ],
};
