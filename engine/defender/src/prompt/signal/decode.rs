//! "Put these pieces together and do what comes out."

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.smuggling",
    concepts: &[
        (
            "decode",
            &[
                "decode|decoded|decoding|decipher|decrypt|unscramble|base64|rot13|caesar cipher|morse code|morse|hex-encoded|hexadecimal|reverse the|reversed|backwards|concatenate|combine the strings|join the|put together|piece together|interlace|interleave|every other letter|first letter of each|pig latin|leetspeak|translate from|ascii codes|unicode escape|binary|url-encoded|dekodier*|entschlussel*|decode*|decodifi*|decodifica*|декодир*|расшифр*|解码|解密|デコード|復号|디코딩|복호|giai ma|dekode",
            ],
        ),
        (
            "then-do",
            &[
                "and execute|and follow|and do|and perform|and answer|and respond|and reply|then execute|then follow|then do|then perform|then answer|then respond|execute it|follow it|follow the instructions|do what it says|do it|act on|obey|carry out|run it|execute the|without explaining|do not tell me what|instead of|only respond with|then split|then encode|then give an example|would be returned",
            ],
        ),
        (
            "variables",
            &[
                "a =|b =|c =|x =|y =|z =|z = a|a + b|a+b|$a|$b|string z|three strings|two strings|part 1|part 2|part one|part two|first part|second part|var1|var2|smartgpt*|simple_function|def |output of the|payload",
            ],
        ),
        (
            "pieces",
            &[
                "first half|second half|split it|split the|in two parts|two parts|three parts|reverse order|in reverse|each digit|each letter|with spaces|separated by|with a dash|with each|letter by letter|one by one|character level|umgekehrt*|a l'envers|ordre inverse|orden inverso|al reves|dos partes|deux parties|zwei teile|due parti|ordine inverso|ordem inversa|duas partes|в обратном порядке|две части|части|ters sira|iki parca|ترتيب عكسي|جزاين|جزأين|ثلاثه اجزاء|उल्टे क्रम|दो भागों|तीन भागों|भागों|倒序|相反的顺序|两部分|三部分|部分|逆順|つの部分|部分に|역순|부분으로|thanh hai phan|thanh ba phan|thu tu nguoc|urutan terbalik|dua bagian|tiga bagian|dalawang bahagi|tatlong bahagi|reverse order",
            ],
        ),
    ],
    rules: &[
        Rule::word("decode.word", &["decode"]),
        Rule::near("decode.then-do", &["decode", "then-do"], 20).across(2),
        Rule::word("decode.variables", &["variables"]),
        Rule::word("decode.pieces", &["pieces"]),
        Rule::near(
            "decode.pieces-secret",
            &["pieces|decode|variables", "secret|pii|the-user|system-prompt"],
            40,
        )
        .across(3),
    ],
};
