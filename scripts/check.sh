#!/bin/sh
# Format, lint and types. The firmware is checked against the ESP32 stubs, apart from the rest.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
PATH="$PWD/$bin:$PATH"
export PATH
# The ESP32 stubs stand in site-packages, whose path depends on the Python version.
mkdir -p build
ln -sfn "$("$bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" build/firmware-stubs
"$bin/ruff" format --check .
"$bin/ruff" check .
node node_modules/pyright/index.js --project pyrightconfig.json
node node_modules/pyright/index.js --project pyrightconfig.firmware.json
