#!/usr/bin/env bash
# Fills fuzz/corpus/TARGET with the files that the readers are tested on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Copies files under the names of their contents' checksums, so that none hides another.
seed() {
    local target=$1 file
    shift
    mkdir -p "fuzz/corpus/$target"
    for file in "$@"; do
        [ -f "$file" ] && cp "$file" "fuzz/corpus/$target/$(sha1sum <"$file" | cut -c1-40)"
    done
    printf '%s: %s files\n' "$target" "$(find "fuzz/corpus/$target" -type f | wc -l)"
}

shopt -s nullglob globstar
seed onnx crates/*/t*/**/network.onnx crates/*/t*/**/*.onnx
seed safetensors crates/infoplane-graph/tests/weights/*.safetensors
seed pth_zip crates/infoplane-graph/tests/weights/*.pth
seed pth_legacy crates/infoplane-graph/tests/weights/*.pth
seed npz crates/infoplane-engine/testdata/onnx/*/data.npz
seed image crates/infoplane-data/tests/fixtures/images/*.{jpg,jpeg,png,bmp,gif,webp}
for folder in fuzz/seeds/*/; do
    seed "$(basename "$folder")" "$folder"*
done
