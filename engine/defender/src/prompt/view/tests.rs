use super::*;

fn read(text: &str) -> View {
    let mut view = View::default();
    view.read(text, 0, &Folder::new());
    view
}

#[track_caller]
fn check(text: &str, expect: &str) {
    assert_eq!(read(text).text, expect, "{text}");
}

#[test]
fn disguises_are_undone() {
    check("Ig\u{200b}no\u{ad}re", "ignore");
    check("\u{e0049}\u{e0067}\u{e006e}ore", "ignore");
    check("I g n o r e   a l l   r u l e s", "ignore all rules");
    check("i.g.n.o.r.e a.l.l r.u.l.e.s", "ignore all rules");
    check("&#73;gn&#x6f;re", "ignore");
    check("\\u0049gnore", "ignore");
    check("%49gn%6Fre", "ignore");
}

#[test]
fn lists_and_initials_stay() {
    check("a b c", "a b c");
    check("J. R. R. Tolkien", "j. r. r. tolkien");
    check("options a, b or c", "options a, b or c");
    check("100% sure & done \\o/", "100% sure & done \\o/");
}

#[test]
fn flags_are_no_hidden_text() {
    let view = read("🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} England");
    assert_eq!(view.disguise.tags, 0);
    assert_eq!(read("x\u{e0067}\u{e0062}").disguise.tags, 2);
}

#[test]
fn spans_point_at_the_original() {
    for (text, word, expect) in [
        ("please ignore it", "ignore", "ignore"),
        ("  please\n\n  IGNORE it", "ignore", "IGNORE"),
        ("é&#105;gnore it", "ignore", "&#105;gnore"),
        ("so, i\u{200b}gno\u{200b}re it", "ignore", "i\u{200b}gno\u{200b}re"),
        ("x: i g n o r e   i t", "ignore", "i g n o r e"),
    ] {
        let view = read(text);
        let at = view.text.find(word).unwrap();
        let span = view.span(at as u32, (at + word.len()) as u32);
        assert_eq!(&text[span.start as usize..span.end as usize], expect, "{text}");
    }
}

#[test]
fn sentences_lines_quotes_and_code() {
    let view = read("One two. Three \"four five\" `six`\nseven\n\nEIGHT ```nine```");
    let flags: Vec<u8> = view.tokens.iter().map(|token| token.flags).collect();
    assert_eq!(
        flags,
        [
            SENTENCE_START | LINE_START,
            0,
            SENTENCE_START,
            QUOTED,
            QUOTED,
            CODE,
            LINE_START,
            SENTENCE_START | LINE_START,
            CODE
        ]
    );
    assert_eq!(view.tokens.iter().map(|token| token.sentence).max(), Some(2));
    assert_eq!(view.capitals, 1);
}

#[test]
fn what_is_quoted_as_a_whole_is_not_quoted() {
    let flags =
        |text: &str| read(text).tokens.iter().fold(0, |flags, token| flags | token.flags) & (QUOTED | CODE);
    for text in ["\"one two\"", "'one'", "`one` \"two\"", "```\none two\n```"] {
        assert_eq!(flags(text), 0, "{text:?}");
    }
    assert_eq!(flags("\"one two\" three"), QUOTED);
    assert_eq!(flags("say ```one```"), CODE);
}

#[test]
fn what_is_quoted_in_json_is_quoted() {
    let view = read(r#"{"text": "one \"two\" three", "more": "four"} "five""#);
    let quoted: Vec<bool> = view.tokens.iter().map(|token| token.flags & QUOTED != 0).collect();
    assert_eq!(quoted, [true, false, true, false, true, false, true]);
}

#[test]
fn ideographs_are_words_of_their_own() {
    assert_eq!(read("忽略ab之前").tokens.len(), 5);
    assert_eq!(read("지시를 무시").tokens.len(), 2);
}

/// One character that is folded to a whole sentence.
#[test]
fn a_ligature_is_its_own_origin() {
    let mut view = View::default();
    for (text, base, spans) in [("\u{fdfa}", 0, 0..3), ("\u{fdfa} a", 7, 7..10)] {
        view.read(text, base, &Folder::new());
        let end = view.text.find(" a").unwrap_or(view.text.len()) as u32;
        let span = view.span(0, end);
        assert_eq!(span.start..span.end, spans, "{text:?}");
    }
}

/// What is read of a view: all but where it came from.
fn seen(view: &View) -> (&str, &[Token], Disguise, [u32; 3]) {
    (&view.text, &view.tokens, view.disguise, [view.sentences, view.lines, view.capitals])
}

proptest::proptest! {
    /// Runs are joined as if it were looked for them letter by letter.
    #[test]
    fn runs_are_joined_and_nothing_else(text in "([a-c1-2éA]|[ .,|]| {2,3}|\n|b c |1 2 3 ){0,60}") {
        let view = read(&text);
        let folded = {
            let mut view = View::default();
            let mut plain = Plain::default();
            view.clear();
            view.end = text.len() as u32;
            plain.read(text.as_bytes());
            view.fold_all(&text, 0, &Folder::new(), &plain);
            view.text.make_ascii_lowercase();
            view
        };
        let (mut expect, mut came_from) = (String::new(), Vec::new());
        let bytes = folded.text.as_bytes();
        let is_letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
        let mut at = 0;
        while at < bytes.len() {
            let mut end = at;
            while is_letter(end) && bytes.get(end + 1).is_none_or(|&byte| spaced::is_separator(byte)) {
                end += 2;
            }
            let letters = (at..end).step_by(2).filter(|&n| bytes[n].is_ascii_alphabetic()).count();
            if letters >= spaced::RUN_MIN && (at == 0 || !is_letter(at - 1)) {
                for n in (at..end).step_by(2) {
                    came_from.push(folded.origin(n as u32));
                    expect.push(char::from(bytes[n]));
                    let is_wide = folded.wide.contains(&(n as u32 + 1));
                    if n + 2 < end && (is_wide || bytes[n + 1] != bytes[at + 1]) {
                        came_from.push(folded.origin(n as u32 + 1));
                        expect.push(' ');
                    }
                }
                at = end - 1;
            } else {
                let c = folded.text[at..].chars().next().unwrap();
                (0..c.len_utf8()).for_each(|n| came_from.push(folded.origin((at + n) as u32)));
                expect.push(c);
                at += c.len_utf8();
            }
        }
        proptest::prop_assert_eq!(&view.text, &expect);
        let found: Vec<u32> = (0..view.text.len()).map(|at| view.origin(at as u32)).collect();
        proptest::prop_assert_eq!(found, came_from);
    }

    #[test]
    fn a_turned_view_is_that_of_the_turned_text(text in "[ -~\n]{0,200}") {
        let mut turned = text.clone().into_bytes();
        crate::prompt::decode::turn(&mut turned);
        let turned = String::from_utf8(turned).unwrap();
        if !has_escapes(text.as_bytes()) && !has_escapes(turned.as_bytes()) {
            let (mut view, expect) = (read(&text), read(&turned));
            view.turn();
            proptest::prop_assert_eq!(seen(&view), seen(&expect));
        }
    }
}
