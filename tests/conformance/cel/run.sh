#!/usr/bin/env bash
# Installs the conformance data and runs it against the built evaluator.
set -euo pipefail
cd "$(dirname "$0")"
[ -d node_modules ] && [ node_modules -nt package-lock.json ] || npm ci --silent --no-audit --no-fund
touch node_modules
exec node run.mjs "${KEYTURN_BUILD:-../../../build/release}/bin/keyturn_cel_batch"
