//! "Now comes your real task": work that nobody gave replaces the work that was.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.new-task",
    concepts: &[
        (
            "new",
            &[
                "new|next|real|actual|true|different|additional|updated|following|another|revised|urgent|special|secret|hidden|primary|main|side|new and|bonus|fresh|latest|extra|secondary|neue|neuen|neuer|neues|folgende*|andere*|weitere*|eigentliche*|nachste*",
                "nouvelle|nouvelles|nouveau|nouveaux|suivant*|autre|nueva|nuevas|nuevo|nuevos|siguiente*|otra|nuovo|nuova|nuovi|nuove|seguent*|novo|nova|novos|novas|seguinte*|nieuwe|volgende|nowe|nowa|nowy|nastepn*|нов*|следующ*|настоящ*|наступн*|yeni|asil|جديده|جديد|التاليه|नया|नए|नई|निम्नलिखित|新的|新|以下|下面的|新しい|次の|새로운|다음|moi|tiep theo|sau day|baru|berikut|bagong|nove|novi|nova|nya|uusi",
            ],
        ),
        (
            "task",
            &[
                "task|tasks|assignment|assignments|quest|mission|job|objective|goal|instruction|instructions|directive|directives|orders|order|role|prompt|command|commands|rule|rules|agenda|priority|request|challenge|duty|activity|project|query|problem|exercise|aufgabe|aufgaben|aufgabenstellung*|anweisung*|auftrag|ziel",
                "tache|taches|consigne*|mission|objectif|tarea|tareas|instruccion*|mision|objetivo|compito|compiti|istruzion*|obiettivo|tarefa|tarefas|instruc*|missao|taak|taken|opdracht|zadanie|zadania|polecen*|задач*|задани*|инструкц*|цель|завдання|gorev*|talimat*|مهمه|المهمه|تعليمات|कार्य|निर्देश*|काम|任务|指令|指示|目标|任務|タスク|指示|課題|작업|임무|지시*|과제|nhiem vu|huong dan|tugas|perintah|gawain|zadat*|uppgift*|tehtava",
            ],
        ),
        (
            "done",
            &[
                "task complete|task completed|task is complete|task is done|task done|tasks complete|well done|great job|good job|good work|that is done|that's done|that is all|that is enough|that's enough|thank you for your help|thanks for your help|work is done|completed successfully|successfully completed|answer: task|mission accomplished|end of task|end of instructions|end of document|end of text|end of email|end of input|end of context|end of message|end of data|end of file|end of the document|end of the text|superbly done|very good|very well done|excellent work|perfect. now|okay. now|ok. now|nicely done|summary complete|done.",
                "sehr gut|gut gemacht|das ist erledigt|damit ist|fertig|das genugt|genug davon|tres bien|bien joue|c'est fait|bravo|muy bien|bien hecho|eso es todo|molto bene|ben fatto|muito bem|heel goed|goed gedaan|bardzo dobrze|отлично|молодец|хорошо. теперь|aferin|tebrikler|احسنت|बहुत अच्छा|शाबाश|很好|做得好|干得好|よくできました|お疲れ様|잘했*|tot lam|bagus|kerja bagus|vrlo dobro|odlicno|bra jobbat",
            ],
        ),
        (
            "instead",
            &[
                "instead|rather|stattdessen|lieber|au lieu|plutot|a la place|en lugar|en su lugar|en vez|invece|piuttosto|em vez|ao inves|em vez disso|in plaats|zamiast|вместо|замість|yerine|بدلا|इसके बजाय|बजाय|而是|改为|代わりに|대신|thay vao|thay vi|sebagai gantinya|alih-alih|sa halip|umesto|umjesto|istallet",
            ],
        ),
        (
            "now",
            &[
                "now|from now on|from this point|from here on|starting now|henceforth|hereafter|as of now|going forward|jetzt|nun|ab jetzt|ab sofort|von nun an|maintenant|desormais|a partir de maintenant|dorenavant|ahora|a partir de ahora|desde ahora|adesso|ora|d'ora in poi|agora|a partir de agora|de agora em diante|nu|vanaf nu|teraz|od teraz|теперь|отныне|сейчас|с этого момента|відтепер|тепер|simdi|artik|bundan sonra|الان|من الان|अब|अब से|现在|从现在|今から|これから|これからは|이제|지금부터|bay gio|tu bay gio|sekarang|mulai sekarang|ngayon|sada|od sada|nyt",
            ],
        ),
        (
            "restart",
            &[
                "start over|start from scratch|start again|start anew|start fresh|begin again|begin anew|starting over|reset yourself|new beginning|clean slate|change of plans|change of plan|change your instructions|changing your instructions|fangen wir|von vorne|neu anfangen|beginnen wir|recommenc*|repartons|empecemos|empezar de nuevo|ricominc*|recomec*|begin opnieuw|zacznij od nowa|начни заново|начнём сначала|начнем сначала|yeniden basla*|重新开始|从头开始|最初から|やり直|처음부터|bat dau lai|mulai dari awal",
            ],
        ),
        (
            "focus",
            &[
                "concentrate only|focus only|concentrate on|only on this|focus on this|prioritize this|takes priority|take priority|takes precedence|take precedence|higher priority|priority over|most important task|only task|sole task|primary objective|your only|konzentriere*|setze sie|gewissenhaft|concentre*|concentrat*|concentra*|сосредоточь*|集中して|专注于",
            ],
        ),
        (
            "follow",
            &[
                "follow|obey|execute|perform|complete|carry out|comply|adhere|strictly adhere|proceed|do|accomplish|fulfill|undertake|tackle|handle|respond to|answer|process|address|befolge*|folge*|suivez|suis|execute*|sigue|siga|ejecuta|segui|esegui|siga|execute|volg|wykonaj|выполни*|следуй*|виконай*|uygula|اتبع|نفذ|पालन|执行|遵循|完成|从事|実行して|従って|수행*|따르*|thuc hien|lam theo|lakukan|ikuti|sundin",
            ],
        ),
    ],
    rules: &[
        Rule::chain("newtask.new", &["new", "task"], 3),
        Rule::chain("newtask.now", &["now", "new", "task"], 8).across(1),
        Rule::chain("newtask.done", &["done", "now|new"], 8).across(1),
        Rule::word("newtask.done-word", &["done"]),
        Rule::word("newtask.restart", &["restart"]),
        Rule::word("newtask.focus", &["focus"]),
        Rule::chain("newtask.follow", &["follow", "new", "task"], 7),
        Rule::near("newtask.override", &["override", "new", "task"], 16).across(2).apart(),
        Rule::chain("newtask.override-now", &["override", "now|instead"], 16).across(1),
        Rule::word("newtask.instead", &["instead"]),
        Rule::word("newtask.now-word", &["now"]),
    ],
};
