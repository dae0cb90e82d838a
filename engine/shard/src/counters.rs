//! What one shard counts. Plain numbers: only the shard writes them, and `/metrics` gathers them.

/// Counters since start, and gauges filled in when they are read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: u64,
    pub(crate) refused_connections: u64,
    pub(crate) handshakes: u64,
    pub(crate) handshakes_failed: u64,
    pub(crate) requests: u64,
    pub(crate) refused: u64,
    pub(crate) forwarded: u64,
    pub(crate) events: u64,
    pub(crate) events_dropped: u64,
    pub(crate) slow_consumers: u64,
    pub(crate) bad_frames: u64,
    pub(crate) runs_started: u64,
    pub(crate) runs_finished: u64,
    pub(crate) runs_failed: u64,
    pub(crate) runs_aborted: u64,
    pub(crate) store_errors: u64,
    pub(crate) overflows: u64,
    pub(crate) stalled: u64,
    pub(crate) gathers_cut: u64,
    // Gauges.
    pub(crate) connections: u64,
    pub(crate) sessions: u64,
    pub(crate) turns: u64,
    pub(crate) pending: u64,
    pub(crate) outbox_bytes: u64,
    pub(crate) buffer_bytes: u64,
}

impl Counters {
    /// Name, help and value of each, in the order Prometheus shows them. A name that ends in `_total` is a counter.
    pub(crate) fn rows(&self) -> [(&'static str, &'static str, u64); 25] {
        let Counters {
            accepted,
            refused_connections,
            handshakes,
            handshakes_failed,
            requests,
            refused,
            forwarded,
            events,
            events_dropped,
            slow_consumers,
            bad_frames,
            runs_started,
            runs_finished,
            runs_failed,
            runs_aborted,
            store_errors,
            overflows,
            stalled,
            gathers_cut,
            connections,
            sessions,
            turns,
            pending,
            outbox_bytes,
            buffer_bytes,
        } = *self;
        [
            ("connections_accepted_total", "Sockets accepted.", accepted),
            (
                "connections_refused_total",
                "Sockets closed at once because a bound was reached.",
                refused_connections,
            ),
            ("handshakes_total", "Connections that reached hello-ok.", handshakes),
            ("handshakes_failed_total", "Connections refused during the handshake.", handshakes_failed),
            ("calls_total", "Requests received.", requests),
            ("calls_refused_total", "Requests answered with an error.", refused),
            ("cross_shard_calls_total", "Requests forwarded to another shard.", forwarded),
            ("events_total", "Events delivered to connections.", events),
            ("events_dropped_total", "Droppable events skipped for slow connections.", events_dropped),
            ("slow_consumers_total", "Connections closed because they did not read.", slow_consumers),
            ("bad_frames_total", "Messages that were no request frames.", bad_frames),
            ("runs_started_total", "Runs started.", runs_started),
            ("runs_finished_total", "Runs that ended well.", runs_finished),
            ("runs_failed_total", "Runs that ended with an error.", runs_failed),
            ("runs_aborted_total", "Runs that were aborted.", runs_aborted),
            ("store_errors_total", "Lists of changes that could not be made durable.", store_errors),
            ("overflows_total", "Times a bound refused work.", overflows),
            ("ring_stalls_total", "Messages that found a full ring.", stalled),
            ("gathers_cut_total", "Gathered answers that went out without every shard's part.", gathers_cut),
            ("connections", "Connections open.", connections),
            ("sessions", "Sessions owned.", sessions),
            ("turns", "Runs running or queued.", turns),
            ("pending", "Rows that wait for the store or another shard.", pending),
            ("outbox_bytes", "Bytes waiting to be written.", outbox_bytes),
            ("buffer_bytes", "Bytes kept in the buffer pool.", buffer_bytes),
        ]
    }

    /// Sum over shards.
    pub(crate) fn add(&mut self, other: &Counters) {
        let Counters {
            accepted,
            refused_connections,
            handshakes,
            handshakes_failed,
            requests,
            refused,
            forwarded,
            events,
            events_dropped,
            slow_consumers,
            bad_frames,
            runs_started,
            runs_finished,
            runs_failed,
            runs_aborted,
            store_errors,
            overflows,
            stalled,
            gathers_cut,
            connections,
            sessions,
            turns,
            pending,
            outbox_bytes,
            buffer_bytes,
        } = *other;
        self.accepted += accepted;
        self.refused_connections += refused_connections;
        self.handshakes += handshakes;
        self.handshakes_failed += handshakes_failed;
        self.requests += requests;
        self.refused += refused;
        self.forwarded += forwarded;
        self.events += events;
        self.events_dropped += events_dropped;
        self.slow_consumers += slow_consumers;
        self.bad_frames += bad_frames;
        self.runs_started += runs_started;
        self.runs_finished += runs_finished;
        self.runs_failed += runs_failed;
        self.runs_aborted += runs_aborted;
        self.store_errors += store_errors;
        self.overflows += overflows;
        self.stalled += stalled;
        self.gathers_cut += gathers_cut;
        self.connections += connections;
        self.sessions += sessions;
        self.turns += turns;
        self.pending += pending;
        self.outbox_bytes += outbox_bytes;
        self.buffer_bytes += buffer_bytes;
    }
}
