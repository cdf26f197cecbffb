#!/bin/sh
# Regenerates api/gen from api/proto, and compares the schema with the released
# one, schema.binpb: what would break its clients is an error. With the argument
# "release" the schema becomes the released one instead (DESIGN.md says when).
# Running it on an unchanged tree leaves no diff; CI checks that. Needs Go alone: buf is built from the module that pins
# it, the plugins are tools of the main module, and validate.proto comes from
# the Go module cache because no schema registry may be needed to build this.
set -eu
cd "$(dirname "$0")"
root=$(cd .. && pwd)

# The module version that carries validate.proto. It names the same schema as
# the generated Go package in go.mod.
validate=github.com/bufbuild/protovalidate@v1.2.2

buf="$root/.ci/bin/buf"
pinned="$root/.ci/tools/buf/go.mod"
if [ ! -x "$buf" ] || [ "$pinned" -nt "$buf" ]; then
	mkdir -p "$root/.ci/bin"
	(cd "$root/.ci/tools/buf" && GOFLAGS= go build -o "$buf" github.com/bufbuild/buf/cmd/buf)
fi

from=$(cd "$root" && GOFLAGS=-mod=mod go mod download -json "$validate" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p')
mkdir -p .validate/buf/validate
cp "$from/proto/protovalidate/buf/validate/validate.proto" .validate/buf/validate/validate.proto
chmod u+w .validate/buf/validate/validate.proto

"$buf" format -w proto
"$buf" lint
"$buf" generate

if [ "${1:-}" = release ]; then
	"$buf" build proto --exclude-source-info -o schema.binpb
fi
"$buf" breaking proto --against schema.binpb
