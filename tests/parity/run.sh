#!/usr/bin/env bash
# Records the calls of a parity recorder against Pincer and scores the answers.
#
#     tests/parity/run.sh RECORDER_DIR TRACES_DIR            both wires, the engine's methods
#     tests/parity/run.sh RECORDER_DIR TRACES_DIR 'sessions|keys'   some of the recorder's groups
#
# RECORDER_DIR has record.mjs, compare.mjs, mock-model.mjs, openclaw.json5 and engine-methods.txt; TRACES_DIR has v3/ and v4/
# as recorded from OpenClaw. Both are only read. Recorded conversations, which the recorder does not ask for, are replayed
# by streams.mjs beside this file. Prints every row that falls short, and a line of totals per wire.
# PINCER_BIN names a gateway that is already built; PARITY_OUT a folder to keep what was recorded.
set -euo pipefail

recorder=$(realpath "${1:?folder of the recorder}")
traces=$(realpath "${2:?folder of the reference traces}")
groups=${3:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

if [ -z "${PINCER_BIN:-}" ]; then
    (cd "$root" && cargo build --quiet --profile ci -p pincer-gateway)
    PINCER_BIN=${CARGO_TARGET_DIR:-$root/target}/ci/pincer
fi
PINCER_BIN=$(realpath "$PINCER_BIN")

work=$(mktemp -d)
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
out=${PARITY_OUT:-$work/out}
mkdir -p "$out"

# The recorder finds its packages beside itself.
cp "$recorder"/* "$here/streams.mjs" "$work"/
chmod -R u+w "$work"
(cd "$work" && npm install --no-audit --no-fund --loglevel=error >/dev/null)
# The port that openclaw.json5 expects its model provider on.
model_port=$(sed -n 's/.*baseUrl: "http:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/openclaw.json5")
node "$work/mock-model.mjs" "$model_port" >"$work/model.log" 2>&1 &
pids+=($!)

for wire in 3 4; do
    home=$work/home$wire
    mkdir -p "$home/.openclaw"
    # A copy each: the recorder writes to the config.
    cp "$work/openclaw.json5" "$home/openclaw.json"
    HOME=$home "$PINCER_BIN" gateway run --port 0 --config "$home/openclaw.json" --state-dir "$home/state" \
        ${PARITY_BACKEND:+--backend "$PARITY_BACKEND"} >"$work/gateway$wire.log" 2>&1 &
    gateway=$!
    pids+=("$gateway")
    port=
    for _ in $(seq 200); do
        port=$(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/gateway$wire.log" | head -n 1)
        [ -n "$port" ] && break
        sleep 0.05
    done
    [ -n "$port" ] || { cat "$work/gateway$wire.log" >&2; exit 1; }
    echo "v$wire: recording against port $port"
    (cd "$work" && TRACE_OUT="$out/v$wire" timeout 600 node record.mjs "$port" "$wire" "$home/state" "$home" \
        ${groups:+"$groups"} >"$out/record-v$wire.log" 2>&1) || tail -n 5 "$out/record-v$wire.log" >&2
    [ -n "$groups" ] || (cd "$work" && timeout 300 node streams.mjs "$port" "$wire" "$traces/v$wire" "$out/v$wire" \
        "$(cat engine-methods.txt)") || echo "v$wire: the conversations were not replayed" >&2
    kill -0 "$gateway" 2>/dev/null || { echo "v$wire: the gateway is gone:"; tail -n 20 "$work/gateway$wire.log"; } >&2
    kill "$gateway" 2>/dev/null || true
    cp "$work/gateway$wire.log" "$out/"
    echo "v$wire: rows that fall short, then totals"
    (cd "$work" && node compare.mjs "$traces/v$wire" "$out/v$wire" --only "$(cat engine-methods.txt)" --verbose)
done
