#!/usr/bin/env bash
# Drives the gateway with published OpenClaw clients, and with a v3 client of our own.
#
#     tests/node/run.sh           installs what it needs (npm), builds the gateway, runs the tests
#     tests/node/run.sh --cli     the real command lines of OpenClaw 2026.2 and 2026.9 too: 2 GB of packages, minutes
#     tests/node/run.sh --cli v4  one of them
#
# PINCER_BIN names a gateway that is already built, PINCER_TEST_CLI_V3 and _V4 folders where `openclaw` is installed.
# Needs npm and any node; the tests run with the one from npm.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

cd "$here"
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --no-audit --no-fund --loglevel=error
fi
# `node` on npm fetches itself in an install script, which cautious npm settings skip.
if ! node_modules/.bin/node --version >/dev/null 2>&1; then
    (cd node_modules/node && node installArchSpecificPackage)
fi

if [ -z "${PINCER_BIN:-}" ]; then
    (cd "$root" && cargo build --quiet --profile ci -p pincer-gateway)
    PINCER_BIN=${CARGO_TARGET_DIR:-$root/target}/ci/pincer
fi
PINCER_BIN=$(realpath "$PINCER_BIN")
export PINCER_BIN

tests=(v3.test.mjs v4.test.mjs params.test.mjs)
if [ "${1:-}" = --cli ]; then
    shift
    generations=${*:-v3 v4}
    for generation in $generations; do
        kept=PINCER_TEST_CLI_${generation^^}
        if [ -z "${!kept:-}" ]; then
            (cd "cli/$generation" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
        fi
    done
    export PINCER_TEST_CLI=${generations// /,}
    tests+=(cli/cli.test.mjs)
fi
exec node_modules/.bin/node --test "${tests[@]}"
