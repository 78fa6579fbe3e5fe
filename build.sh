#!/usr/bin/env bash
# All of Quantpad's commands (see usage below). Every step may be repeated, and does nothing when it is already done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

source scripts/setup.sh
source scripts/test.sh

readonly VARIANTS=(scalar simd128 relaxed)
# The page's modules: `page` for its main thread, `quantpad` (the lab) for its workers and for programs. Each is what the
# crate exports with one feature.
readonly -A MODULES=([page]=page [quantpad]=lab)
readonly WASM=www/src/wasm

usage() {
  cat <<'TEXT'
Usage: ./build.sh [COMMAND]

  serve [--port N]                   (default) build the page and serve it on http://127.0.0.1:8080/
  test                               run every test; the last line is `N passed, N failed`
  dist                               build the static site in www/dist/, ready for any host
  package                            build the npm package in pkg/
  bench [--browser B] [--json FILE]  measure in a real browser: chromium (default), firefox or webkit
  setup                              only install what the other commands need

Each command first installs what it needs and does not find.
TEXT
}

usage_error() {
  printf 'build.sh: %s\n\n' "$1" >&2
  usage >&2
  exit 2
}

main() {
  local command=${1:-serve}
  case $command in
    --help | -h) usage ;;
    --port) serve "$@" ;;
    serve | bench) "$command" "${@:2}" ;;
    test | dist | package | setup)
      (($# == 1)) || usage_error "$command takes no option, but got: ${*:2}"
      "command_$command"
      ;;
    *) usage_error "no such command: $command" ;;
  esac
}

serve() {
  local port=8080
  while (($#)); do
    case $1 in
      --port) port=${2-} && shift ;;
      *) usage_error "serve has no option $1" ;;
    esac
    [[ $port =~ ^[0-9]{1,5}$ ]] && ((10#$port <= 65535)) || usage_error "--port needs a number from 0 to 65535"
    shift
  done
  command_dist
  exec node www/serve.mjs --port "$port"
}

bench() {
  local browser=chromium json=
  while (($#)); do
    case $1 in
      --browser) browser=${2-} && shift ;;
      --json) json=${2-} && [[ $json ]] || usage_error "--json needs a file name" && shift ;;
      *) usage_error "bench has no option $1" ;;
    esac
    [[ $browser =~ ^(chromium|firefox|webkit)$ ]] || usage_error "--browser is one of chromium, firefox, webkit"
    shift
  done
  command_dist
  setup_drivers
  setup_browsers || exit 1
  run_group node www/e2e/bench.mjs --browser "$browser" ${json:+--json "$json"}
}

command_setup() {
  setup_build
  setup_tests
  setup_browsers || exit 1
}

command_dist() {
  setup_build
  build_wasm
  build_page
}

command_package() {
  setup_build
  build_wasm
  build_package
}

command_test() {
  setup_build
  setup_tests
  run_tests
}

# The compiled modules, each for every set of instructions; those of one kind are driven by one and the same JavaScript glue.
build_wasm() {
  up_to_date "$WASM/.built" Cargo.toml Cargo.lock .cargo src build.sh && return
  rm -rf "$WASM"
  mkdir -p "$WASM"
  local variant module
  for variant in "${VARIANTS[@]}"; do
    for module in "${!MODULES[@]}"; do
      # The page's main thread runs no relaxed build (www/src/wasm.ts).
      [[ $variant == relaxed && $module == page ]] || build_variant "$variant" "$module"
    done
  done
  # What both modules unpack: neither carries it, so that it is sent once.
  cp src/data/digits.bin "$WASM"
  touch "$WASM/.built"
}

build_variant() {
  local variant=$1 module=$2 target=target/wasm-$1 glue
  # -disable-lsr: loop strength reduction makes V8 spill the register tiles of the kernels.
  # -inline-threshold: a third of LLVM's own; what must be inlined says so in the source, and the rest is 5 % smaller without.
  # The module names the same source files on every machine.
  local flags="-C llvm-args=-disable-lsr -C llvm-args=-inline-threshold=75 --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$PWD=."
  # What rustc takes for granted in every engine, and what the variant adds to it.
  local features=(bulk-memory mutable-globals sign-ext nontrapping-float-to-int multivalue reference-types)
  case $variant in
    simd128)
      flags+=' -C target-feature=+simd128'
      features+=(simd)
      ;;
    relaxed)
      flags+=' -C target-feature=+simd128,+relaxed-simd'
      features+=(simd relaxed-simd)
      ;;
  esac

  say "Building the $variant module \"$module\""
  # A target folder of its own: in a shared one the variants would mix.
  RUSTFLAGS=$flags cargo build --release --lib --locked --no-default-features --features "${MODULES[$module]}" \
    --target wasm32-unknown-unknown --target-dir "$target"
  wasm-bindgen --target web --omit-default-module-path --out-name "$module" --out-dir "$target/glue" \
    "$target/wasm32-unknown-unknown/release/quantpad.wasm"
  # A kernel that is called from one place is still a function of its own: engines allot registers better in small ones.
  www/node_modules/.bin/wasm-opt -O3 --one-caller-inline-max-function-size=20 "${features[@]/#/--enable-}" \
    "$target/glue/${module}_bg.wasm" -o "$WASM/${module}_$variant.wasm"

  for glue in "$module.js" "$module.d.ts"; do
    [[ -e $WASM/$glue ]] || cp "$target/glue/$glue" "$WASM/$glue"
    cmp -s "$target/glue/$glue" "$WASM/$glue" ||
      die "the $variant module \"$module\" needs another $glue than ${VARIANTS[0]}: one loader could not serve both"
  done
}

build_page() {
  up_to_date www/dist/index.html "$WASM" www/src www/sw www/index.html www/public www/*.json www/*.ts www/compress.mjs && return
  say "Building the page"
  rm -rf www/dist # so that a failed build leaves no older page to be served or tested
  npm --prefix www run --silent build || {
    rm -rf www/dist # the last steps fail when the page itself is already there
    return 1
  }
}

build_package() {
  say "Building the npm package"
  rm -rf pkg
  mkdir pkg
  cp "$WASM"/quantpad* "$WASM"/digits.bin scripts/npm/* README.md LICENSE-* pkg/
  node scripts/package.mjs pkg
}

# Is the file newer than all of these files and folders?
up_to_date() {
  local made=$1
  shift
  [[ -e $made && -z $(find "$@" -newer "$made" -print -quit 2>/dev/null) ]]
}

main "$@"
