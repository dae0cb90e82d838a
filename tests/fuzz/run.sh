#!/usr/bin/env bash
# Fuzzes:
#
#     tests/fuzz/run.sh ws_decode          one target for a minute
#     tests/fuzz/run.sh ws_decode 600      for ten
#     tests/fuzz/run.sh ws_decode 0 FILE   runs FILE once: a finding from tests/fuzz/artifacts
#     tests/fuzz/run.sh --smoke 5          every target for five seconds, as CI does
#
# libFuzzer on the workspace's stable toolchain: the compiler's coverage pass is asked for by hand, as cargo-fuzz does.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${1:?target, a name in tests/fuzz/targets, or --smoke}
seconds=${2:-60}
shift $(($# < 2 ? $# : 2))

# RUSTC_BOOTSTRAP lets a stable compiler take the unstable flags; nothing shipped is built this way.
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
 -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
RUSTFLAGS=${RUSTFLAGS//$'\n'/}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target}/fuzz

# Naming the target keeps the flags away from build scripts.
host=$(rustc -vV | sed -n 's/^host: //p')
built=$CARGO_TARGET_DIR/$host/release
limits=(-timeout=10 -rss_limit_mb=2048)
build() { cargo build --manifest-path "$here/Cargo.toml" --release --target "$host" "$@"; }
cd "$here"

smoke() {
    local name=$1 said grown
    grown=$(mktemp -d)
    mkdir -p "artifacts/$name"
    # What it finds new goes into the first folder, and is thrown away.
    if said=$("$built/$name" "${limits[@]}" -max_total_time="$seconds" -print_final_stats=1 \
        -artifact_prefix="artifacts/$name/" "$grown" "seeds/$name" 2>&1 </dev/null); then
        rm -rf "$grown"
        printf '%s: %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' <<<"$said")"
    else
        rm -rf "$grown"
        printf '%s\n' "$said" | tail -n 40
        echo "$name failed; again: tests/fuzz/run.sh $name 0 FILE, with the file named above" >&2
        return 1
    fi
}

if [ "$name" = --smoke ]; then
    # A moment's fuzzing is not worth a long build.
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=0
    build --quiet --bins
    failed=0 running=0
    for file in targets/*.rs; do
        # Two at a time, whatever the machine.
        if [ "$running" -eq 2 ]; then
            wait -n || failed=1
            running=1
        fi
        smoke "$(basename "$file" .rs)" &
        running=$((running + 1))
    done
    while [ "$running" -gt 0 ]; do
        wait -n || failed=1
        running=$((running - 1))
    done
    exit "$failed"
fi

build --bin "$name"
if [ $# -gt 0 ]; then
    exec "$built/$name" "$@"
fi
mkdir -p "corpus/$name" "artifacts/$name" "seeds/$name"
exec "$built/$name" "${limits[@]}" -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="artifacts/$name/" "corpus/$name" "seeds/$name"
