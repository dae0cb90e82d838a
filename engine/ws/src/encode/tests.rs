use super::*;

#[track_caller]
fn check(write: impl FnOnce(&mut Vec<u8>), expected: &[u8]) {
    let mut out = b"before".to_vec();
    write(&mut out);
    assert_eq!(out.strip_prefix(b"before"), Some(expected));
}

#[test]
fn small_frames() {
    check(|out| append_text(out, b"Hi"), b"\x81\x02Hi");
    check(|out| append_binary(out, b"\x00"), b"\x82\x01\x00");
    check(|out| append_ping(out, b"p"), b"\x89\x01p");
    check(|out| append_pong(out, b""), b"\x8a\x00");
    check(|out| append_close(out, 1000, "bye"), b"\x88\x05\x03\xe8bye");
    check(append_close_empty, b"\x88\x00");
}

#[test]
fn lengths_take_the_shortest_form() {
    let header = |len: usize| {
        let mut header = [0xee; HEADER_BYTES_MAX];
        let size = text_header(len, &mut header);
        header[..size].to_vec()
    };
    assert_eq!(header(0), [0x81, 0]);
    assert_eq!(header(125), [0x81, 125]);
    assert_eq!(header(126), [0x81, 126, 0, 126]);
    assert_eq!(header(65_535), [0x81, 126, 0xff, 0xff]);
    assert_eq!(header(65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn control_payloads_are_cut() {
    let mut expected = vec![0x8a, 125];
    expected.extend_from_slice(&[7; 125]);
    check(|out| append_pong(out, &[7; 200]), &expected);
}

#[test]
fn close_reasons_are_cut_between_characters() {
    for (reason, kept) in [("a".repeat(123), 123), ("a".repeat(124), 123), ("a".repeat(122) + "€uro", 122)]
    {
        let mut expected = vec![0x88, kept as u8 + 2, 0x03, 0xf0];
        expected.extend_from_slice(&reason.as_bytes()[..kept]);
        check(|out| append_close(out, 1008, &reason), &expected);
    }
}

#[test]
fn a_frame_filled_in_place_equals_one_appended() {
    for len in [0, 1, 124, 125, 126, 127, 4096, 65_534, 65_535, 65_536, 65_537, 200_000] {
        let payload: Vec<u8> = (0..len).map(|at| b'a' + (at % 26) as u8).collect();
        let mut expected = Vec::new();
        append_text(&mut expected, &payload);
        check(
            |out| {
                let returned = append_text_with(out, |out| {
                    out.extend_from_slice(&payload);
                    "returned"
                });
                assert_eq!(returned, "returned");
            },
            &expected,
        );
    }
}

#[test]
fn an_open_frame_knows_its_length_and_can_be_cancelled() {
    check(
        |out| {
            let frame = OpenText::begin(out);
            assert_eq!(frame.payload_len(out), 0);
            out.extend_from_slice(b"half of it");
            assert_eq!(frame.payload_len(out), 10);
            frame.cancel(out);
        },
        b"",
    );
}
