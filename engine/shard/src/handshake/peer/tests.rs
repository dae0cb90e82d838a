use super::super::policy::Network;
use super::*;

fn peer(remote: &str, headers: &[(&str, &str)], policy: &AuthPolicy) -> Peer {
    Peer::new(remote.parse().unwrap(), headers.iter().map(|(name, value)| (*name, value.as_bytes())), policy)
}

fn trusting(networks: &[&str]) -> AuthPolicy {
    AuthPolicy {
        trusted_proxies: networks.iter().map(|text| Network::parse(text).unwrap()).collect(),
        ..AuthPolicy::default()
    }
}

#[test]
fn who_is_local() {
    let none = AuthPolicy::default();
    let proxy = trusting(&["127.0.0.1"]);
    let host = ("Host", "localhost:18789");
    for (remote, headers, policy, v3, v4) in [
        ("127.0.0.1", vec![host], &none, true, true),
        ("::ffff:127.0.0.1", vec![host], &none, true, true),
        ("::1", vec![("host", "[::1]:18789")], &none, true, true),
        ("127.0.0.1", vec![("Host", "box.tail1.ts.net")], &none, true, true),
        ("127.0.0.1", vec![("Host", "evil.example")], &none, false, true),
        ("127.0.0.1", vec![], &none, false, true),
        ("192.0.2.1", vec![host], &none, false, false),
        ("127.0.0.1", vec![host, ("X-Forwarded-For", "127.0.0.1")], &none, false, false),
        ("127.0.0.1", vec![host, ("X-Forwarded-Host", "x")], &none, false, false),
        ("127.0.0.1", vec![host, ("Forwarded", "for=1.2.3.4")], &none, true, false),
        ("127.0.0.1", vec![host, ("X-Forwarded-For", "203.0.113.7")], &proxy, false, false),
        ("127.0.0.1", vec![host], &proxy, false, true),
    ] {
        let peer = peer(remote, &headers, policy);
        assert_eq!((peer.is_local(Wire::V3), peer.is_local(Wire::V4)), (v3, v4), "{remote} {headers:?}");
    }
}

#[test]
fn the_client_behind_the_proxies() {
    let policy = AuthPolicy { real_ip_fallback: true, ..trusting(&["10.0.0.0/8"]) };
    for (remote, headers, want) in [
        ("10.0.0.1", vec![("X-Forwarded-For", "1.1.1.1, 203.0.113.7, 10.0.0.9")], Some("203.0.113.7")),
        ("10.0.0.1", vec![("X-Forwarded-For", "[2001:db8::1]:443")], Some("2001:db8::1")),
        ("10.0.0.1", vec![("X-Forwarded-For", "203.0.113.7:5000")], Some("203.0.113.7")),
        ("10.0.0.1", vec![("X-Real-IP", "203.0.113.8")], Some("203.0.113.8")),
        ("10.0.0.1", vec![], None),
        ("192.0.2.1", vec![("X-Forwarded-For", "203.0.113.7")], None),
        ("192.0.2.1", vec![], Some("192.0.2.1")),
    ] {
        let peer = peer(remote, &headers, &policy);
        let got = peer.reported_ip(Wire::V3).map(|ip| ip.to_string());
        assert_eq!(got.as_deref(), want, "{remote} {headers:?}");
    }
    let liar = peer("192.0.2.1", &[("X-Forwarded-For", "203.0.113.7")], &policy);
    assert!(liar.lacks_attribution());
    assert_eq!(liar.counted_ip().to_string(), "192.0.2.1", "an untrusted header cannot shift the blame");
    assert!(!peer("10.0.0.1", &[("X-Forwarded-For", "203.0.113.7")], &policy).lacks_attribution());
}

#[test]
fn what_a_proxy_vouches_for() {
    let policy = AuthPolicy {
        mode: AuthMode::TrustedProxy,
        proxy: Some(ProxyRule {
            user_header: "x-user".into(),
            required_headers: vec!["X-Proto".into()],
            allow_users: vec!["ann".into()],
        }),
        ..trusting(&["10.0.0.1"])
    };
    let (user, proto) = (("X-User", " ann "), ("x-proto", "https"));
    for (remote, headers, want) in [
        ("10.0.0.1", vec![user, proto], Ok("ann")),
        ("10.0.0.2", vec![user, proto], Err("trusted_proxy_untrusted_source")),
        ("10.0.0.1", vec![user], Err("trusted_proxy_missing_header_X-Proto")),
        ("10.0.0.1", vec![proto], Err("trusted_proxy_user_missing")),
        ("10.0.0.1", vec![("X-User", "bob"), proto], Err("trusted_proxy_user_not_allowed")),
    ] {
        let peer = peer(remote, &headers, &policy);
        let got = peer.user().map_err(ProxyProblem::reason);
        assert_eq!(got.as_ref().map_err(String::as_str).copied(), want, "{remote} {headers:?}");
    }
    let unset = AuthPolicy { proxy: None, ..policy };
    assert_eq!(peer("10.0.0.1", &[], &unset).user(), Err(&ProxyProblem::ConfigMissing));
}

#[test]
fn values_are_bounded() {
    let long = "é".repeat(1_000);
    let peer = peer(
        "192.0.2.1",
        &[("Origin", &long), ("Host", &long), ("User-Agent", &long)],
        &AuthPolicy::default(),
    );
    assert!(peer.origin().unwrap().len() <= VALUE_BYTES_MAX && peer.host().len() <= VALUE_BYTES_MAX);
}
