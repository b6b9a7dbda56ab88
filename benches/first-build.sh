#!/usr/bin/env bash
# Measures the README's first command from nothing: an empty target folder, so every crate is
# compiled. Downloads are not measured. Run it with the machine otherwise idle.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo fetch --locked --quiet
started=$SECONDS
CARGO_TARGET_DIR=$work cargo build --release --locked 2> "$work/build.log" || {
    tail -n 30 "$work/build.log" >&2
    exit 1
}
took=$((SECONDS - started))
built=$SECONDS
(cd "$work" && ./release/salesmart demo > demo.log 2>&1) || {
    tail -n 30 "$work/demo.log" >&2
    exit 1
}
printf '| what | figure |\n| --- | ---: |\n'
printf '| crates compiled | %s |\n' "$(grep -c '^ *Compiling ' "$work/build.log")"
printf '| build, %s cores | %d min %02d s |\n' "$(nproc)" $((took / 60)) $((took % 60))
printf '| `demo` after the build | %d s |\n' $((SECONDS - built))
printf '| binary | %s MB |\n' $(($(stat -c %s "$work/release/salesmart") / 1000000))
printf '| target folder | %s MB |\n' $(($(du -sk "$work" | cut -f1) / 1024))
