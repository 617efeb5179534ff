#!/usr/bin/env bash
# Runs fuzz targets one after another, each from the files that its reader is tested on.
#
#   fuzz/run.sh [--seconds N] [TARGET...]
#
# All targets and 600 seconds each where nothing is said. Ends with 1 where a target found something; the input
# that did it lies in fuzz/artifacts/TARGET.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=600
if [ "${1:-}" = --seconds ]; then
    seconds=$2
    shift 2
fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    mapfile -t targets < <(cd fuzz/fuzz_targets && basename -s .rs -- *.rs)
fi

fuzz/seeds.sh >/dev/null
cargo_fuzz=(cargo +nightly fuzz)
rustup toolchain list 2>/dev/null | grep -q nightly || cargo_fuzz=(env RUSTC_BOOTSTRAP=1 cargo fuzz)

failed=0
for target in "${targets[@]}"; do
    # No input takes longer than 25 s, and none more than 4 GiB; each target has a tighter bound of its own.
    if "${cargo_fuzz[@]}" run "$target" -- -max_total_time="$seconds" -timeout=25 -rss_limit_mb=6144 \
        -print_final_stats=1 >"fuzz/$target.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "fuzz/$target.log")
        slowest=$(sed -n 's/^stat::slowest_unit_time_sec: *//p' "fuzz/$target.log")
        printf '%-12s nothing found in %s inputs, %s s; slowest %s s\n' "$target" "$runs" "$seconds" "$slowest"
    else
        printf '%-12s FAILED: %s\n' "$target" "$(grep -m1 -E 'panicked|ERROR|error:' "fuzz/$target.log" || tail -1 "fuzz/$target.log")"
        failed=1
    fi
done
exit "$failed"
