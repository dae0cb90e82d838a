//! Plain HTTP on the gateway's port: probes and metrics. Everything else is a clear 404.

use std::fmt::Write;

use pincer_ws::http::{Head, ResponseOptions, simple_response};

use crate::Shard;
use crate::counters::Counters;
use crate::driver::ConnId;
use crate::gather::{Part, Query};
use crate::load::Figure;

impl Shard {
    /// Answers one request. Bodies are not read: no page of ours takes one, so the connection closes after it.
    pub(crate) fn http_request(&mut self, conn: ConnId, head: &Head<'_>) {
        let head_only = head.method() == "HEAD";
        let known = matches!(
            head.path(),
            "/health" | "/healthz" | "/ready" | "/readyz" | "/startup" | "/startupz" | "/metrics"
        );
        if known && !head_only && head.method() != "GET" {
            let page = Page::text(405, "Method Not Allowed\n");
            return self.serve(conn, &page, &[("Allow", "GET, HEAD")], head_only);
        }
        let page = match head.path() {
            "/health" | "/healthz" => Page::json(200, r#"{"ok":true,"status":"live"}"#.to_owned()),
            "/ready" | "/readyz" => {
                let uptime = self.uptime_ms();
                if self.draining.is_some() {
                    Page::json(
                        503,
                        format!(r#"{{"ready":false,"failing":["draining"],"uptimeMs":{uptime}}}"#),
                    )
                } else {
                    Page::json(200, format!(r#"{{"ready":true,"failing":[],"uptimeMs":{uptime}}}"#))
                }
            }
            "/startup" | "/startupz" => Page::json(
                200,
                format!(
                    r#"{{"ok":true,"status":"started","version":"{}","uptimeMs":{}}}"#,
                    env!("CARGO_PKG_VERSION"),
                    self.uptime_ms()
                ),
            ),
            "/metrics" if !self.may_see_metrics(conn, head) => {
                Page::json(401, r#"{"error":{"message":"Unauthorized","type":"unauthorized"}}"#.to_owned())
            }
            "/metrics" => {
                return self.ask_all(Query::Counters, move |shard, parts| {
                    let page = Page {
                        status: 200,
                        kind: "text/plain; version=0.0.4",
                        body: render(&parts, shard.load.figures()),
                    };
                    shard.serve(conn, &page, &[], head_only);
                });
            }
            _ => Page::text(404, "Not Found\n"),
        };
        self.serve(conn, &page, &[], head_only);
    }

    /// Metrics go to this machine, and to whoever holds the shared secret.
    fn may_see_metrics(&self, conn: ConnId, head: &Head<'_>) -> bool {
        let Some(peer) = self.connections.get(conn).and_then(|connection| connection.peer()) else {
            return false;
        };
        let proxied = head.header("x-forwarded-for").is_some() || head.header("forwarded").is_some();
        let local = peer.remote.ip().is_loopback() && !proxied;
        let bearer = head.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        local || bearer.is_some_and(|secret| self.view.accepts_secret(secret))
    }

    fn serve(&mut self, conn: ConnId, page: &Page, extra: &[(&str, &str)], head_only: bool) {
        let options = ResponseOptions { head_only, keep_alive: false };
        let response = simple_response(page.status, page.kind, page.body.as_bytes(), extra, options);
        self.write_bytes(conn, |out| out.extend_from_slice(&response));
        self.hang_up(conn);
    }

    pub(crate) fn uptime_ms(&self) -> u64 {
        self.now.mono_ms.saturating_sub(self.view.started.mono_ms)
    }
}

struct Page {
    status: u16,
    kind: &'static str,
    body: String,
}

impl Page {
    fn text(status: u16, body: &str) -> Page {
        Page { status, kind: "text/plain; charset=utf-8", body: body.to_owned() }
    }

    fn json(status: u16, body: String) -> Page {
        Page { status, kind: "application/json", body }
    }
}

/// The Prometheus text of all shards' counters: one series a shard, so that an uneven load shows.
fn render(parts: &[Part], figures: Vec<Figure>) -> String {
    let mut shards: Vec<(u8, Counters)> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Counters { shard, counters } => Some((*shard, **counters)),
            _ => None,
        })
        .collect();
    shards.sort_by_key(|(shard, _)| *shard);
    let names = Counters::default().rows();
    let mut out = String::new();
    for (index, (name, help, _)) in names.iter().enumerate() {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP pincer_{name} {help}\n# TYPE pincer_{name} {kind}");
        for (shard, counters) in &shards {
            let value = counters.rows().get(index).map_or(0, |(_, _, value)| *value);
            let _ = writeln!(out, "pincer_{name}{{shard=\"{shard}\"}} {value}");
        }
    }
    let mut named = "";
    for Figure { name, help, shard, value } in figures {
        if name != named {
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
            named = name;
        }
        let _ = match shard {
            Some(shard) => writeln!(out, "{name}{{shard=\"{shard}\"}} {value}"),
            None => writeln!(out, "{name} {value}"),
        };
    }
    out
}
