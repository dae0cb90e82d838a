use super::*;
use crate::json::Parser;

#[track_caller]
fn check(text: &str, want: Result<(u64, u64), (Wire, &str)>) {
    Parser::default()
        .parse(&mut text.as_bytes().to_vec(), |root| {
            let got = ConnectParams::read(Some(root));
            let got = got.as_ref().map(|read| (read.min_protocol, read.max_protocol));
            assert_eq!(got.map_err(|bad| (bad.wire, bad.problems.as_str())), want, "{text}");
        })
        .expect("the case is JSON");
}

/// Params of protocol `v` with one more member at the root, and these members in `client`.
fn with(v: u64, client: &str, root: &str) -> String {
    format!(
        r#"{{"minProtocol":{v},"maxProtocol":{v},"client":{{"id":"cli","platform":"linux","mode":"cli"{client}}}{root}}}"#
    )
}

const VERSION: &str = r#","version":"1.0.0""#;

#[test]
fn wording_on_each_wire() {
    check(&with(3, VERSION, ""), Ok((3, 3)));
    check(&with(4, VERSION, ""), Ok((4, 4)));
    check(
        r#"{"minProtocol":3.0,"maxProtocol":4.0,"client":{"id":"cli","version":"1","platform":"x","mode":"ui"}}"#,
        Ok((3, 4)),
    );
    // v3 lists all that is missing, v4 the first.
    check(
        r#"{"pad":"x"}"#,
        Err((
            Wire::V3,
            "must have required property 'minProtocol'; must have required property 'maxProtocol'; \
             must have required property 'client'; at root: unexpected property 'pad'",
        )),
    );
    check(
        r#"{"maxProtocol":4,"pad":"x"}"#,
        Err((Wire::V4, "must have required property 'minProtocol'; at root: unexpected property 'pad'")),
    );
    for (v, wire) in [(3, Wire::V3), (4, Wire::V4)] {
        check(&with(v, "", ""), Err((wire, "at /client: must have required property 'version'")));
        check(&with(v, VERSION, r#","bogus":1"#), Err((wire, "at root: unexpected property 'bogus'")));
        check(
            &with(v, VERSION, r#","auth":{"nope":"x"}"#),
            Err((wire, "at /auth: unexpected property 'nope'")),
        );
        check(
            &with(
                v,
                VERSION,
                r#","device":{"id":"a","publicKey":"b","signature":"c","signedAt":-1,"nonce":"n"}"#,
            ),
            Err((wire, "at /device/signedAt: must be >= 0")),
        );
    }
    check(
        &with(3, VERSION, r#","role":"""#),
        Err((Wire::V3, "at /role: must NOT have fewer than 1 characters")),
    );
    check(
        &with(4, VERSION, r#","role":"""#),
        Err((Wire::V4, "at /role: must not have fewer than 1 characters")),
    );
    check(
        r#"{"minProtocol":3,"maxProtocol":3,"client":{"id":"my-app","version":"1","platform":"x","mode":"robot"}}"#,
        Err((
            Wire::V3,
            "at /client/id: must be equal to constant; at /client/id: must match a schema in anyOf; \
             at /client/mode: must be equal to constant; at /client/mode: must match a schema in anyOf",
        )),
    );
    check(
        r#"{"minProtocol":4,"maxProtocol":4,"client":{"id":"my-app","version":"1","platform":"x","mode":"robot"}}"#,
        Err((
            Wire::V4,
            "at /client/id: must be equal to one of the allowed values; \
             at /client/mode: must be equal to one of the allowed values",
        )),
    );
}

#[test]
fn the_wires_differ_in_what_they_know() {
    let tui = r#"{"minProtocol":3,"maxProtocol":3,"client":{"id":"openclaw-tui","version":"1","platform":"x","mode":"ui"}}"#;
    check(
        tui,
        Err((
            Wire::V3,
            "at /client/id: must be equal to constant; at /client/id: must match a schema in anyOf",
        )),
    );
    check(&tui.replace('3', "4"), Ok((4, 4)));
    check(
        &with(3, VERSION, r#","auth":{"deviceToken":"x"}"#),
        Err((Wire::V3, "at /auth: unexpected property 'deviceToken'")),
    );
    check(&with(4, VERSION, r#","auth":{"deviceToken":"x"},"computerUse":{"any":[1]}"#), Ok((4, 4)));
    let device = r#","device":{"id":"a","publicKey":"b","signature":"c","signedAt":1}"#;
    check(&with(3, VERSION, device), Ok((3, 3)));
    check(&with(4, VERSION, device), Err((Wire::V4, "at /device: must have required property 'nonce'")));
}

#[test]
fn lists_are_bounded() {
    let scopes = vec![r#""s""#; SCOPES_MAX + 1].join(",");
    check(
        &with(4, VERSION, &format!(r#","scopes":[{scopes}]"#)),
        Err((Wire::V4, "at /scopes: must not have more than 64 items")),
    );
}

#[test]
fn absent_params_are_no_object() {
    let bad = ConnectParams::read(None).unwrap_err();
    assert_eq!(bad, BadParams { wire: Wire::V3, problems: "must be object".to_owned() });
}

#[test]
fn secrets_stay_out_of_logs() {
    let text = with(4, VERSION, r#","auth":{"token":"hush","deviceToken":"hush"}"#);
    Parser::default()
        .parse(&mut text.into_bytes(), |root| {
            let read = ConnectParams::read(Some(root)).unwrap();
            assert_eq!(read.auth.token.as_ref().map(Secret::reveal), Some("hush"));
            assert!(!format!("{read:?}").contains("hush"));
        })
        .unwrap();
}
