//! Words that many families need.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.general",
    concepts: &[
        (
            "not",
            &[
                "don't|do not|dont|never|must not|should not|shouldn't|cannot|can not|can't|won't|will not|avoid|not",
                "refuse to|refuses to|refrain from|no need to|without|nicht|niemals|kein*|ne pas|jamais|nunca|no debes",
                "não|non|mai|nooit|niet|nie|не|никогда|asla|لا|不要|不得|请勿|切勿|しないで|하지 마|khong|jangan",
            ],
        ),
        (
            "your",
            &[
                "your|yours|you|thy|ur|dein*|ihr|ihre|ihren|ihrem|ihrer|deine|votre|vos|ton|tes|tu|tus|su|sus|vuestr*",
                "tuo|tua|tuoi|tue|vostr*|seu|sua|seus|suas|uw|je|jouw|twoj*|twój|swoj*|ваш*|твой|твои*|твоя|свои*",
                "senin|sizin|你的|您的|你|您|あなたの|あなた|당신의|너의|네|आपका|आपके|आपकी|अपना|अपने|अपनी|anda|kamu|cua ban|ban|iyong|mo",
            ],
        ),
        (
            "tell",
            &[
                "tell|tell me|tell us|show|show me|reveal|print|repeat|output|display|disclose|share|give|give me|provide|expose|dump",
                "recite|confirm|spell|spell out|list|return|echo|say|state|write|write down|write out|type|copy|paste|leak|quote|enumerate",
                "describe|explain|summarize|summarise|paraphrase|translate|encode|divulge|read out|read back|what is|what's|what are|what were|what was",
                "whats|which is|can i have|i need|i want|let me see|let me know|send me|hand over|read me",
                "sag*|zeig*|nenn*|verrat*|gib|geben sie|teile mir|wiederhol*|gebe|druck*|drucken|wie lautet|was ist|was sind|was steht|schreib*",
                "dis|dites|dis-moi|donne*|montre*|revele*|affiche*|repete*|imprime*|quel est|quelle est|quels sont|partage*|ecri*",
                "di|dime|diga*|muestra*|muestre*|revela*|repite|repita|imprim*|dame|cual es|que es|comparte|escrib*|escreva|mostr*|diga-me|qual e|quais sao",
                "dimmi|mostra*|rivel*|ripet*|stampa*|qual e|quali sono|dammi|scriv*|vertel*|toon*|geef|herhaal*|wat is|powiedz*|pokaz*|ujawnij|wypisz|podaj|jakie jest|jaki jest|powtorz",
                "скажи*|покажи*|раскро*|повтори*|выведи*|напиши*|какой|какая|каков*|дай|назови*|покажіть|розкрий*|який",
                "soyle*|goster*|acikla*|tekrarla*|yazdir*|nedir|yaz|ver|اخبرني|قل لي|اظهر|اكشف|كرر|ما هي|ما هو|اكتب|اعطني",
                "बताओ|बताएं|बताइए|दिखाओ|दिखाएं|लिखो|लिखें|क्या है|दोहराएं|告诉*|显示|輸出|输出|重复|重複|打印|透露|是什么|说出|给我|分享",
                "教えて|見せて|表示して|繰り返して|出力して|何ですか|開示して|알려*|보여*|말해*|출력*|반복*|무엇*|공개*|뭐*",
                "cho toi biet|noi cho|hien thi|tiet lo|lap lai|in ra|la gi|บอก|แสดง|ขอ|เขียน|คืออะไร|বলুন|বলো|দেখান|লিখুন|কি ছিল|কী|দিন|paylas*|partager|compartir|condividere|compartilhar|teilen|поделитесь|поделиться|подскажите|bagikan|chia se|ibahagi|分享|分享|공유*|共有*|مشاركه|साझा|प्रदान|bestatigen|confirmer|confirmar|confermare|подтвердить|подтвердите|dogrula*|onayla*|确认|確認して|확인해|تاكيد|पुष्टि|xac nhan|konfirmasi|kumpirmahin|provide me|could you tell|can you tell|can you give|can you share|could you share|would you tell|puoi dirmi|puedes decirme|pouvez-vous me dire|peux-tu|kannst du|konnen sie|pode me dizer|voce pode|kun je|czy mozesz|можешь|можете|soyleyebilir|هل يمكنك|क्या आप|你能|能否|可以告诉|もらえますか|できますか|할 수 있|수 있나요|주실|ban co the|bisakah|maaari mo|katakan|beritahu|tampilkan|ungkapkan|ulangi|apa|cetak|berikan|sabihin|ano ang|ibigay",
                "fortael mig|fortell meg|vis mig|vis meg|beratta|skriv ut|gi meg|giv mig|hvad er|hva er|vad ar|kerro|nayta|mika on|rekni|povez|ukaz*|napis*|jake je|co je|ake je|mondd*|mutasd*|irja|ird*|spune*|arata*|scrie*|care este|πες|πειτε|δειξε|γραψε|ποιος ειναι|ποια ειναι|τι ειναι|ספר לי|תגיד*|הצג|כתוב|מהי|מהו|מה ה*|بگو*|نشان بده|بنویس*|چیست|بتا*|دکھا*|کیا ہے|لکھ*|niambie|uniambie|onyesha|andika|ni nini|சொல்*|காட்டு*|எழுது*|என்ன|చెప్ప*|చూపించ*|ఏమిటి|кажи|napisi|pokazi|koja je|koji je",
                "বলতে পার*|জানাও|জানান|লিখো|দেখাও|प्रिंट|भेजो|भेजिए|सुनाओ|partilha*|partilhar|beri tahu|beritahukan|tunjukkan|sebutkan|ipakita|isulat|ช่วยบอก|บอกหน่อย|hay cho biet|cho biet",
            ],
        ),
        (
            "the-user",
            &[
                "the user|the user's|user's|users'|users|the customer's|the client's|of the user|about the user|jane|john|des benutzers|l'utilisateur|del usuario|el usuario|dell'utente|l'utente|do usuario|o usuario|de gebruiker|uzytkownik*|пользовател*|користувач*|kullanici*|المستخدم|用户*|使用者|ユーザー*|사용자*|उपयोगकर्ता|nguoi dung|pengguna|gumagamit|user|ผู้ใช้|ব্যবহারকারী*|users in your|utilisateurs|usuarios|utenti|benutzer*|utilisateur|customers|your database|database|datenbank|base de donnees|base de datos|banco de dados|база данных|базу данных|数据库|データベース|데이터베이스|قاعده البيانات|co so du lieu|basis data|veritaban*",
                "anvandaren*|brukeren*|brugeren*|kayttaja*|uzivatel*|pouzivatel*|felhasznalo*|utilizator*|χρηστη*|המשתמש*|کاربر*|صارف|mtumiaji|பயனர்*|వినియోగదారు*|потребител*|корисник*|korisnik*",
            ],
        ),
    ],
    rules: &[Rule::word("not", &["not"])],
};
