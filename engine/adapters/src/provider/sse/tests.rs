use proptest::prelude::*;

use super::*;

/// Reads `pieces` and shows each event as `name|data`; a failure ends the list with its name.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut seen = Vec::new();
    let mut parser = SseParser::default();
    let mut note = |event: SseEvent<'_>| {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        seen.push(format!("{}|{}", text(event.name), text(event.data)));
        Ok::<(), SseError>(())
    };
    let mut result = Ok(());
    for piece in pieces {
        result = parser.feed(piece, &mut note);
        if result.is_err() {
            break;
        }
    }
    let result = result.and_then(|()| parser.finish(&mut note));
    if let Err(error) = result {
        seen.push(format!("{error:?}"));
    }
    seen
}

/// The same events must come however the bytes are cut.
#[track_caller]
fn check(stream: &[u8], expect: &[&str]) {
    assert_eq!(read([stream]), expect, "in one piece");
    assert_eq!(read(stream.chunks(1)), expect, "byte by byte");
    for cut in 0..=stream.len() {
        let (a, b) = stream.split_at(cut);
        assert_eq!(read([a, b]), expect, "cut at {cut}");
    }
}

#[test]
fn events_end_at_blank_lines() {
    check(b"data: a\n\ndata: b\n\n", &["|a", "|b"]);
    check(b"\n\n\ndata: a\n\n\n\n", &["|a"]);
    check(b"event: x\n\ndata: a\n\n", &["|a"]);
}

#[test]
fn every_line_end_counts_once() {
    check(b"data: a\r\n\r\ndata: b\r\n\r\n", &["|a", "|b"]);
    check(b"data: a\r\rdata: b\r\r", &["|a", "|b"]);
    check(b"data: a\r\ndata: b\n\rdata: c\n\n", &["|a\nb", "|c"]);
}

#[test]
fn one_space_after_the_colon_is_no_data() {
    check(b"data:a\n\ndata:  b\n\ndata\n\ndata:\n\n", &["|a", "| b", "|", "|"]);
}

#[test]
fn comments_ids_and_unknown_fields_are_skipped() {
    check(b": OPENROUTER PROCESSING\n\nid: 7\nretry: 10\nfoo: x\ndata: a\n\n", &["|a"]);
}

#[test]
fn a_name_belongs_to_its_event_only() {
    check(b"event: ping\ndata: a\n\ndata: b\n\n", &["ping|a", "|b"]);
    check(b"data: a\nevent: one\nevent: two\n\n", &["two|a"]);
}

#[test]
fn the_last_event_needs_no_blank_line() {
    check(b"data: a\n\ndata: b", &["|a", "|b"]);
    check(b"data: a\n", &["|a"]);
    check(b"event: x", &[]);
}

#[test]
fn a_byte_order_mark_is_skipped_once() {
    check(b"\xEF\xBB\xBFdata: a\n\n\xEF\xBB\xBFdata: b\n\n", &["|a"]);
}

#[test]
fn a_line_is_bounded() {
    let mut stream = b"data: a\n\ndata: ".to_vec();
    stream.resize(stream.len() + LINE_BYTES_MAX, b'x');
    for piece in [stream.len(), 4096] {
        assert_eq!(read(stream.chunks(piece)), ["|a", "LineTooLong"], "pieces of {piece}");
    }
    stream.push(b'\n');
    assert_eq!(read([&stream[..]]), ["|a", "LineTooLong"], "with its end in the same piece");
}

#[test]
fn an_event_is_bounded_over_its_lines() {
    let line = format!("data: {}\n", "x".repeat(EVENT_BYTES_MAX / 4));
    let stream = line.repeat(5);
    assert_eq!(read(stream.as_bytes().chunks(9999)), ["EventTooLong"]);
}

#[test]
fn the_largest_event_passes() {
    let stream = format!("data:{}\n\n", "x".repeat(EVENT_BYTES_MAX - "data:".len()));
    assert_eq!(read(stream.as_bytes().chunks(9999)).len(), 1);
}

proptest! {
    #[test]
    fn cutting_changes_nothing(
        stream in proptest::collection::vec(prop_oneof![
            4 => Just(b'\n'), 2 => Just(b'\r'), 2 => Just(b':'), 1 => Just(b' '),
            2 => proptest::sample::select(&b"dataevent"[..]), 1 => any::<u8>(),
        ], 0..200),
        sizes in proptest::collection::vec(1usize..20, 1..50),
    ) {
        let mut pieces = Vec::new();
        let mut rest = &stream[..];
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(read(pieces), read([&stream[..]]));
    }

    #[test]
    fn what_was_written_is_read(
        events in proptest::collection::vec(("[a-z_]{0,8}", "[^\r\u{0}]{0,40}"), 0..8),
        end in proptest::sample::select(&["\n", "\r\n", "\r"][..]),
        space in proptest::sample::select(&["", " "][..]),
    ) {
        let mut stream = String::new();
        for (name, data) in &events {
            stream += &format!(": comment{end}event:{space}{name}{end}");
            for line in data.split('\n') {
                // Without the separating space a line's own first space would be taken for it.
                let space = if line.starts_with(' ') { " " } else { space };
                stream += &format!("data:{space}{line}{end}");
            }
            stream += end;
        }
        let expect: Vec<_> = events.iter().map(|(name, data)| format!("{name}|{data}")).collect();
        prop_assert_eq!(read([stream.as_bytes()]), expect);
    }
}
