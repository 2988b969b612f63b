#!/bin/sh
# Build InfluxDB 2's influxd from its Go module: scripts/build_influxd2.sh DIRECTORY [VERSION]
# For tests/gateway/destinations/test_real_influx2.py. Needs go, rustup's cargo and gcc; some 10 minutes on 2 cores.
set -eu
mkdir -p "$1"
dir=$(cd "$1" && pwd)
version=${2:-v2.7.12}
export GOPATH="$dir/go" GOFLAGS=-mod=mod GOTOOLCHAIN=local RUSTUP_TOOLCHAIN=stable
cd "$dir"
GOFLAGS='' go mod download "github.com/influxdata/influxdb/v2@$version"
rm -rf src
cp -r "go/pkg/mod/github.com/influxdata/influxdb/v2@$version" src
chmod -R u+w src
cd src
go build -o "$dir/pkg-config" github.com/influxdata/pkg-config
# Flux's Rust part pins a compiler of its own time and denies the warnings of later ones.
flux=$(go list -m -f '{{.Dir}}' github.com/influxdata/flux)
chmod -R u+w "$flux"
sed -i '1s/.*/#![allow(warnings)]/' "$flux/libflux/flux-core/src/lib.rs" "$flux/libflux/flux/src/lib.rs"
PKG_CONFIG="$dir/pkg-config" nice go build -p 2 -tags sqlite_foreign_keys,sqlite_json,noasserts \
    -o "$dir/influxd" ./cmd/influxd
echo "DUSTLINE_INFLUXD2=$dir/influxd"
