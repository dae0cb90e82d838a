#!/usr/bin/env bash
# Fuzzes one target:
#
#     tests/fuzz/run.sh ws_decode          for a minute
#     tests/fuzz/run.sh ws_decode 600      for ten
#     tests/fuzz/run.sh ws_decode 0 FILE   runs FILE once: a finding from tests/fuzz/artifacts
#
# libFuzzer on the workspace's stable toolchain: the compiler's coverage pass is asked for by hand, as cargo-fuzz does.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${1:?target, a name in tests/fuzz/targets}
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
cargo build --manifest-path "$here/Cargo.toml" --release --target "$host" --bin "$name"
binary=$CARGO_TARGET_DIR/$host/release/$name
if [ $# -gt 0 ]; then
    exec "$binary" "$@"
fi
cd "$here"
mkdir -p "corpus/$name" "artifacts/$name" "seeds/$name"
exec "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="artifacts/$name/" "corpus/$name" "seeds/$name"
