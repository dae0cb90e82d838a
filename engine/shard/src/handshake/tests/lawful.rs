//! Whatever is sent, the answer is lawful.

use proptest::prelude::*;

use super::*;

/// Any JSON, a few levels deep, with the names that matter among its keys.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![Just("operator"), Just("node"), Just("cli"), Just("webchat"), Just("secret"), Just("")]
            .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let key = prop_oneof![
            Just("minProtocol"),
            Just("maxProtocol"),
            Just("client"),
            Just("id"),
            Just("mode"),
            Just("version"),
            Just("platform"),
            Just("role"),
            Just("scopes"),
            Just("device"),
            Just("auth"),
            Just("token"),
            Just("signedAt"),
            Just("x"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6).prop_map(|entries| {
                Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

/// What every decision must be, whoever sent what.
fn lawful(decision: &Decision) {
    match decision {
        Decision::Reject(rejection) => {
            assert!([1000, 1002, 1008].contains(&rejection.close_code), "{rejection:?}");
            assert!(rejection.close_reason.len() <= 123, "{rejection:?}");
            if let Some((_, error)) = &rejection.response {
                assert!(!error.message.is_empty());
            }
        }
        Decision::Admit(candidate) => {
            // The secret of these tests cannot be guessed: whoever passes has shown it.
            assert!(candidate.method.is_shared_secret(), "{candidate:?}");
            assert!(candidate.device_id.is_none());
        }
        Decision::NeedsDevice(candidate, claim) => {
            assert_eq!(candidate.device_id.as_deref(), Some(&*claim.device_id));
            assert_eq!(candidate.scopes, claim.scopes);
        }
    }
}

fn ask(text: &str) -> Decision {
    let mut limiter = AuthLimiter::new(AuthLimits::default());
    let headers = [("Host", "localhost"), ("Origin", "http://localhost")];
    knock(text, "127.0.0.1", &headers, &policy(), &mut limiter, NOW)
}

proptest! {
    #[test]
    fn any_params(params in json()) {
        let frame = json!({"type": "req", "id": "c1", "method": "connect", "params": params});
        lawful(&ask(&frame.to_string()));
    }

    #[test]
    fn any_change_of_a_good_connect(
        v4 in any::<bool>(),
        path in prop::sample::select(vec![
            "/minProtocol", "/maxProtocol", "/client", "/client/id", "/client/mode", "/client/version", "/role",
            "/scopes", "/device", "/device/id", "/device/publicKey", "/device/signature", "/device/signedAt",
            "/device/nonce", "/auth", "/auth/token",
        ]),
        value in json(),
    ) {
        let client = Client::cli(if v4 { V4 } else { V3 }).device(1);
        let mut frame: Value = serde_json::from_str(&client.frame()).unwrap();
        *frame["params"].pointer_mut(path).unwrap() = value;
        lawful(&ask(&frame.to_string()));
    }

    #[test]
    fn any_text(text in ".{0,200}") {
        lawful(&ask(&text));
    }

    #[test]
    fn no_flipped_bit_keeps_a_proof(v4 in any::<bool>(), byte in 0usize..64, bit in 0u8..8) {
        use base64::Engine as _;
        let engine = base64::prelude::BASE64_URL_SAFE_NO_PAD;
        let client = Client::cli(if v4 { V4 } else { V3 }).device(1);
        let frame: Value = serde_json::from_str(&client.frame()).unwrap();
        let mut signature =
            engine.decode(frame["params"]["device"]["signature"].as_str().unwrap()).unwrap();
        signature[byte] ^= 1 << bit;
        let forged = engine.encode(signature);
        let client = client.with_device(|device| device.over = json!({"signature": forged}));
        prop_assert_eq!(client.refused(&policy()).0.message, "device signature invalid");
    }
}
