//! Orders about the reply, from somebody who is not the one it goes to: "in your response, mention our shop".

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.reply-control",
    concepts: &[
        (
            "reply",
            &[
                "your response|your responses|your reply|your replies|your answer|your answers|your output|your message|your summary|your text|your translation|your next|your final|your conclusion|your report|your sentence|your sentences|your letters|your words|your writing|your email|your analysis|your feedback|your result|your results|the response|the reply|the answer|the output|the summary|this response|this reply|this answer|all responses|every response|each response|every reply|when responding|when replying|when answering|when summarizing|when asked|when you respond|when you answer|when you reply|when you summarize|response to the user|reply to the user|answer to the user|in response|deine antwort|deiner antwort|ihre antwort|ihrer antwort|ta reponse|votre reponse|tu respuesta|su respuesta|tua risposta|sua resposta|jouw antwoord|twojej odpowiedzi|твой ответ|свой ответ|ваш ответ|ответе|yanitin*|cevabin*|ردك|اجابتك|इजवाब|你的回答|你的回复|您的回答|回答中|回复中|返答|回答に|あなたの回答|당신의 답변|답변에|응답에|cau tra loi cua ban|jawaban anda|jawabanmu",
            ],
        ),
        (
            "alter",
            &[
                "include|including|add|adding|append|insert|incorporate|integrate|embed|mention|mentioning|convert|encode|translate|reverse|replace|substitute|swap|use|using|apply|write|end|begin|start|conclude|provide|modify|change|enhance|augment|enrich|alter|adjust|embellish|transform|scramble|jumble|shuffle|rearrange|encrypt|cipher|format|present|capitalize|obfuscate|mix|group|shift|flip|invert|mirror|remove|omit|suggest|recommend|promote|advertise|direct|redirect|encourage|invite|urge|advise|inform|remind|tell|highlight|emphasize|hint|tease|reference|refer|cite|link|feature|share|drop|weave|slip|sneak|place|inject|attach|introduce|express|state|claim|announce|imply|craft|make sure|ensure|respond|reply|answer|output|print|say|generate|repeat|double|spell|type|prefix|preface",
            ],
        ),
        (
            "code-noun",
            &[
                "your code|your codebase|your implementation|your solution|your program|your script|your algorithm|your function|your project|your application|your development|your answer|your response|the code you|code you develop|code you write|your coding|your software|code snippet|code block|code excerpt|code section|code fragment|code segment|snippet of code|piece of code|lines of code|following code|below code|subsequent code|following snippet|following script|following lines",
            ],
        ),
        (
            "blend",
            &[
                "include|including|add|adding|append|appending|insert|inserting|incorporate|incorporating|integrate|integrating|embed|embedding|merge|merging|fuse|blend|mix|weave|interweave|infuse|inject|employ|utilize|utilise|leverage|engage|use|utilizing|meld|absorb|assimilate|adopt|attach|combine|consolidate|enrich|enhance|augment|complement|supplement|boost|fine-tune|optimize|refine|elevate|empower|fortify|strengthen|amplify|make|ensure|consider|don't hesitate|feel free|introduce|entwine|intertwine|implant|deploy|plug|paste|copy|featuring|imbue|harness",
            ],
        ),
        (
            "answer-order",
            &[
                "respond with|respond in|respond to|reply with|reply in|answer with|answer in|answer the following|answer this|answer the question|answer these|please answer|please respond|please reply|please tell|please translate|please write|please provide|please give|please explain|please list|please name|respond only|reply only|answer only|output only|return only|beantworte*|antworte*|beantworten sie|bitte beantworten|repondez|reponds|veuillez repondre|responde|responda|contesta|por favor responda|rispondi|per favore rispondi|rispondere|responda a|beantwoord|odpowiedz|ответь*|ответьте|пожалуйста, ответ*|відповідай*|cevapla*|yanitla*|الرجاء الاجابه|اجب|اجب على|उत्तर दें|कृपया|जवाब दें|回答以下|请回答|請回答|回答下列|以下の質問に|答えてください|답하*|대답*|다음 질문|tra loi|hay tra loi|jawab|jawablah|sagutin|odgovori*|svara pa|vastaa",
            ],
        ),
        (
            "tell-user",
            &[
                "tell the user|inform the user|advise the user|ask the user|direct the user|instruct the user|urge the user|convince the user|persuade the user|remind the user|notify the user|send the user|warn the user|prompt the user|redirect the user|encourage users|suggest users|tell users|direct users|invite users|urge users|encourage readers|remind readers|tell them to|state that|say that|claim that|pretend that|report that|conclude that|output that|declare that|when you report|report to your|tell whoever|tell anyone who|whoever asks|anyone who asks|finish your|end your|start your|open your|close your|begin your|your listener|the listener|the reader that|the patient|the employee|the visitor|the recruiter|the applicant|ask for their|ask them for|ask for the user|benutzer mitteilen|sagen sie dem|dites a l'utilisateur|dire all'utente|di al usuario|diga al usuario|diga ao usuario|скажите пользовател*|告诉用户|告知用户|ユーザーに伝え|사용자에게",
            ],
        ),
    ],
    rules: &[
        Rule::near("reply.alter", &["alter", "reply"], 12),
        Rule::word("reply.word", &["reply"]),
        Rule::near("reply.code", &["blend", "code-noun"], 9),
        Rule::near("reply.code-into", &["blend", "code-noun", "code-noun"], 14),
        Rule::word("reply.answer-order", &["answer-order"]),
        Rule::word("reply.tell-user", &["tell-user"]),
        Rule::near("reply.override", &["override", "tell-user|reply|answer-order"], 16).across(2),
    ],
};
