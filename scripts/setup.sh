# Installing what is missing: part of build.sh. On Debian with rustup and Node that is everything; elsewhere a tool that
# cannot be installed from here is named in one line: what, why, how.

readonly WASM_PACK_VERSION=0.15.1
readonly GECKODRIVER_VERSION=0.37.1
readonly SETUP_LOG=target/setup.log

# Where rustup and cargo put programs, whether or not the caller's shell knows it.
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

say() { printf '== %s\n' "$*"; }
have() { command -v "$1" >/dev/null; }
die() {
  printf 'build.sh: %s\n' "$*" >&2
  exit 1
}

# Output of installers goes to a log, so that a failure is one line.
quietly() {
  mkdir -p "$(dirname "$SETUP_LOG")"
  { printf '\n$ %s\n' "$*" && "$@"; } >>"$SETUP_LOG" 2>&1 </dev/null
}

# What building the page needs: the Rust toolchain with the wasm target, wasm-bindgen, Node and the npm packages.
setup_build() {
  have cargo || die "cargo is missing; it compiles the Rust code; install Rust with rustup (https://rustup.rs)"
  have node && have npm || die "Node.js (20.19 or newer) with npm is missing; it builds and serves the page; get it from https://nodejs.org"
  node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' ||
    die "Node.js $(node --version) is too old for the page's build; 20.19 or newer is needed; get it from https://nodejs.org"
  have cc || apt_install gcc libc6-dev || die "a C compiler is missing; Rust links with it; install gcc"
  [[ -e Cargo.lock ]] || die "Cargo.lock is missing; it pins every Rust dependency; get it back with: git checkout Cargo.lock"
  rust_part target wasm32-unknown-unknown "compiles for the browser" \
    test -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown"
  # The program and the crate speak a protocol that has no versions, so the two must be equal.
  cargo_program wasm-bindgen wasm-bindgen-cli "$(locked_version wasm-bindgen)" "writes the JavaScript glue"
  npm_packages
}

# What testing needs besides: the checkers of the Rust toolchain and the programs that drive browsers.
setup_tests() {
  rust_part component rustfmt "checks the formatting" cargo fmt --version
  rust_part component clippy "checks the Rust code" cargo clippy --version
  cargo_program wasm-pack wasm-pack "$WASM_PACK_VERSION" "runs the Rust tests in browsers"
  setup_drivers
}

setup_drivers() {
  cargo_program geckodriver geckodriver "$GECKODRIVER_VERSION" "drives Firefox"
}

# The three browsers with their drivers. Returns 1, after one line for what is missing, when they cannot be installed.
setup_browsers() {
  local missing=() wanted=()
  want() {
    local package=$1 program
    for program in "${@:2}"; do have "$program" && return; done
    missing+=("$2")
    wanted+=("$package")
  }
  want chromium chromium chromium-browser google-chrome
  want chromium-driver chromedriver
  want firefox-esr firefox-esr firefox
  want webkit2gtk-driver WebKitWebDriver
  want xvfb Xvfb
  ((${#wanted[@]})) || return 0

  apt_install "${wanted[@]}" && return
  printf 'build.sh: missing: %s; tests and measurements run in real browsers; install them as root: apt-get install --no-install-recommends %s\n' \
    "${missing[*]}" "${wanted[*]}" >&2
  return 1
}

apt_install() {
  local as_root=()
  have apt-get || return 1
  if ((EUID != 0)); then
    sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
  fi
  say "Installing $*"
  quietly "${as_root[@]}" apt-get update &&
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# rust_part KIND NAME WHY CHECK...: adds a target or a component to the Rust toolchain unless CHECK finds it.
rust_part() {
  local kind=$1 name=$2 why=$3
  "${@:4}" >/dev/null 2>&1 && return
  have rustup && say "Adding the Rust $kind $name" && quietly rustup "$kind" add "$name" ||
    die "the Rust $kind $name is missing; it $why; install it with: rustup $kind add $name"
}

# cargo_program PROGRAM CRATE VERSION WHY: installs a Rust program unless it is there in this version.
cargo_program() {
  local program=$1 crate=$2 version=$3 why=$4 found=
  read -r _ found _ < <("$program" --version 2>/dev/null) || true
  [[ $found == "$version" ]] && return
  say "Installing $crate $version (once; this takes some minutes)"
  # A mirror of the registry can lag behind the program's own lock file; then it builds without the lock. --force: a
  # program of another version may have been put there by other means than cargo.
  quietly cargo install --force --locked "$crate@$version" || quietly cargo install --force "$crate@$version" ||
    die "$crate $version could not be installed (see $SETUP_LOG); it $why; install it with: cargo install $crate@$version"
}

locked_version() {
  awk -v name="\"$1\"" '$1 == "name" { found = $3 == name } found && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' Cargo.lock
}

npm_packages() {
  [[ www/node_modules/.package-lock.json -nt www/package-lock.json ]] && return
  say "Installing the npm packages"
  quietly npm --prefix www ci --no-audit --no-fund ||
    die "the npm packages could not be installed (see $SETUP_LOG); the page is built with them; try: npm --prefix www ci"
  touch www/node_modules/.package-lock.json
}
