#!/usr/bin/env bash
# Runs Autobahn's WebSocket test suite against our codec and fails unless every case passes strictly.
#
#     tests/conformance/run.sh                        builds engine/ws/examples/ws_echo.rs and tests that
#     tests/conformance/run.sh ws://127.0.0.1:9001    tests an echo server that already runs
#
# Needs a Debian with apt, gcc, cargo, and python3 with pip. Nothing is installed into the system: the suite wants
# Python 2.7, which Debian had last in bullseye, so its packages are unpacked into a folder of the target directory.
# Set PYTHON27 to use a Python 2.7 (with headers) that is already there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$target/conformance"
CARGO_TARGET_DIR=$(cd "$target" && pwd)
export CARGO_TARGET_DIR
work=$CARGO_TARGET_DIR/conformance
# Its dependencies are pinned by the suite's own package; the installer's are the last ones for Python 2.7.
suite=autobahntestsuite==25.10.1
installer=(pip==20.3.4 setuptools==44.0.0 wheel==0.37.1)
# Compression (12 and 13) is never negotiated.
cases='["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"]'
# Seconds for all cases; they take 21 to 60.
time_limit=300

# Debian's signed package lists and packages of bullseye, from the mirror this machine uses, without touching apt's own
# state.
unpack_python27() {
    local dir=$1 apt=$work/apt mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' |
        awk '$2 !~ /-/ && $3 == "main" && $1 ~ /debian\/?$/ { print $1; exit }')
    [ -n "$mirror" ] || { echo "no Debian mirror among apt's sources; set PYTHON27" >&2; return 1; }
    rm -rf "$apt" && mkdir -p "$apt"/{parts,preferences,lists/partial,cache/archives/partial}
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" >"$apt/sources.list"
    local options=(-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o "Dir::Etc::SourceParts=$apt/parts"
        -o "Dir::Etc::PreferencesParts=$apt/preferences" -o "Dir::State::Lists=$apt/lists"
        -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=")
    apt-get "${options[@]}" update
    # Libraries that newer Debians have under another name come along; the C library must not.
    (cd "$apt" && apt-get "${options[@]}" download python2.7-minimal libpython2.7-minimal libpython2.7-stdlib \
        libpython2.7-dev libssl1.1 libffi7)
    rm -rf "$dir.part" && mkdir -p "$dir.part"
    local deb
    for deb in "$apt"/*.deb; do dpkg-deb -x "$deb" "$dir.part"; done
    rm -rf "$dir" && mv "$dir.part" "$dir"
}

packages=(PYTHONUSERBASE="$work/packages" PYTHONPATH="$work/packages/installer" PYTHONWARNINGS=ignore)
if [ -z "${PYTHON27:-}" ]; then
    python=$work/python
    [ -x "$python/usr/bin/python2.7" ] || unpack_python27 "$python"
    PYTHON27=$python/usr/bin/python2.7
    packages+=(PYTHONHOME="$python/usr" LD_LIBRARY_PATH="$python/usr/lib/$(gcc -print-multiarch)"
        CPATH="$python/usr/include/python2.7:$python/usr/include")
fi
python27=(env "${packages[@]}" "$PYTHON27")

if [ "$(cat "$work/packages/installed" 2>/dev/null)" != "$suite" ]; then
    rm -rf "$work/packages"
    python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$work/packages/installer" \
        "${installer[@]}"
    "${python27[@]}" -m pip install --quiet --no-warn-script-location --user "$suite"
    echo "$suite" >"$work/packages/installed"
fi

url=${1:-}
if [ -z "$url" ]; then
    (cd "$root" && cargo build --quiet --profile ci -p pincer-ws --example ws_echo)
    : >"$work/echo.out"
    "$CARGO_TARGET_DIR/ci/examples/ws_echo" 127.0.0.1:0 >"$work/echo.out" 2>"$work/echo.err" &
    server=$!
    trap 'kill "$server" 2>/dev/null || true' EXIT
    for _ in $(seq 100); do
        [ -s "$work/echo.out" ] && break
        sleep 0.1
    done
    url=ws://$(sed -n 's/^listening on //p' "$work/echo.out")
fi

rm -rf "$work/report"
cat >"$work/spec.json" <<EOF
{"outdir": "$work/report", "servers": [{"agent": "pincer", "url": "$url"}],
 "cases": $cases, "exclude-cases": [], "exclude-agent-cases": {}}
EOF
echo "autobahn: testing $url"
# The suite prints a line per case; a failure to run at all shows in its last lines.
if ! timeout "$time_limit" "${python27[@]}" -c 'from autobahntestsuite.wstest import run; run()' \
    --mode fuzzingclient --spec "$work/spec.json" >"$work/suite.log" 2>&1; then
    tail -n 20 "$work/suite.log" >&2
    exit 1
fi
python3 "$here/verdict.py" "$work/report/index.json"
