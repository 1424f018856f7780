# What scripts/demo and scripts/test share: finding the tools, naming the command that installs a missing one, and
# building the pages. Sourced from the repository's root, not run.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Commands as root, where this user may: root itself, or sudo that asks no password.
may_root() { [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# The oldest compiler that builds this, as Cargo.toml says.
wanted_rust() { sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml; }

need_rust() {
  # rustup installs here, which a shell opened before it does not have on its path yet.
  have cargo || PATH="$HOME/.cargo/bin:$PATH"
  have cargo || die "Outfitter needs the Rust toolchain, $(wanted_rust) or newer, and cargo was not found. Install it with
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y
and run this again."
  local found
  found=$(rustc --version | sed 's/^rustc \([0-9.]*\).*/\1/')
  [ "$(printf '%s\n%s\n' "$(wanted_rust)" "$found" | sort -V | head -n 1)" = "$(wanted_rust)" ] ||
    die "Outfitter needs Rust $(wanted_rust) or newer; this is $found. Update it with
  rustup update stable
and run this again."
  have cc || have gcc || have clang || die "Outfitter's dependencies need a C compiler and none was found. Install one with
  sudo apt-get install -y build-essential        (Debian, Ubuntu)
  xcode-select --install                         (macOS)
and run this again."
}

# vite asks for Node 20.19, or 22.12 and later.
node_works() {
  have node && have npm && node -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)'
}
node_hint() {
  if have node && have npm; then echo "Node $(node --version) is older than the pages' build needs (20.19, or 22.12)."
  else echo "Node 20.19 or newer with npm was not found (https://nodejs.org, or: sudo apt-get install -y nodejs npm)."; fi
}

# npm_ci DIR: the packages of DIR's lock file, installed only when the lock file changed since the last time.
npm_ci() {
  local stamp="$1/node_modules/.installed-lock"
  if ! cmp -s "$1/package-lock.json" "$stamp"; then
    (cd "$1" && npm ci --no-audit --no-fund --loglevel=error) && cp "$1/package-lock.json" "$stamp"
  fi
}

# The pages that the binary embeds: web/dist.
web_pages() {
  npm_ci web
  (cd web && npm run --silent build)
}

# Redis for what shares its shoppers: the distribution's, where this user may install it.
need_redis() {
  have redis-server && return
  may_root && have apt-get || die "redis-server, 7 or newer, was not found. Install it with
  sudo apt-get install -y redis-server           (Debian, Ubuntu)
  brew install redis                             (macOS)
and run this again."
  say "redis-server is missing: installing the distribution's"
  as_root apt-get -qq update
  DEBIAN_FRONTEND=noninteractive as_root apt-get -qq install -y --no-install-recommends redis-server >/dev/null
}

# PostgreSQL for the decision log's test, which starts a server of its own: the distribution's, where this user may install it.
# Debian keeps the server's programs off the path.
need_postgres() {
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
  have pg_config && [ -x "$(pg_config --bindir)/initdb" ] && return
  may_root && have apt-get || die "PostgreSQL's server was not found. Install it with
  sudo apt-get install -y postgresql             (Debian, Ubuntu)
  brew install postgresql                        (macOS)
and run this again."
  say "PostgreSQL is missing: installing the distribution's"
  as_root apt-get -qq update
  DEBIAN_FRONTEND=noninteractive as_root apt-get -qq install -y --no-install-recommends postgresql >/dev/null
}

# A port of the loopback address that nothing listens on.
free_port() {
  local port
  while true; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

target_folder() { cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'; }
