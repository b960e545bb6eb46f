#!/usr/bin/env bash
# Builds the inbox and then the preset's target: tools/build.sh PRESET TARGET.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1 target=$2

build_inbox() {
  local stamp=build/web.stamp
  if [ -f "$stamp" ] && [ -d web/dist ] && [ -z "$(find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -newer "$stamp" -print -quit)" ]; then
    return
  fi
  echo "building the inbox" >&2
  (cd web
   [ -d node_modules ] && [ node_modules -nt package-lock.json ] || npm ci --silent --no-audit --no-fund
   touch node_modules
   npm run --silent build)
  mkdir -p build && touch "$stamp"
}

build_inbox
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
if [ -t 1 ]; then
  ninja -C "build/$preset" "$target"  # a line that moves, so that nobody wonders
else
  ninja -C "build/$preset" --quiet "$target"
fi
