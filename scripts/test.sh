# Running every test: part of build.sh. Quick parts come first, and each runs whatever came before, so that one run shows
# all that is wrong.

# A line for each part that is over: tests passed, tests failed, seconds, name.
results=
# Whether parts run beside others, so that each prints what it has to say at its end.
beside=

# The page's suites, run in every engine.
readonly SUITES=(
  page:page training:training quantizing:quantize comparing:sweep "own drawings:hand" explained:explain replayed:replay
  "lab repaired:lab" flips:flips blame:blame search:search "address and colours:state" runs:runs
  "back, forward, undo:travel" "two tabs:tabs" "nothing lost:lost" "strange addresses:address" files:files
  "guided tour:tour" "kept offline:offline" keyboard:keyboard senses:senses
)

run_tests() {
  # Plain text wherever it ends up: the results are read from it.
  export CARGO_TERM_COLOR=never NO_COLOR=1
  unset FORCE_COLOR
  # All promises in one browser; the runner's own limit is 20 s.
  export WASM_BINDGEN_TEST_TIMEOUT=600
  results=$(mktemp)

  check "Rust format" cargo fmt --check
  check "page lints" npm --prefix www run --silent lint
  check "Rust lints, native" cargo clippy --locked --all-targets -- -D warnings
  check "Rust lints, wasm" cargo clippy --locked --all-targets --target wasm32-unknown-unknown -- -D warnings
  check "Rust lints, relaxed" lint_relaxed
  # Not --release: the profile for development is optimised too, and checks for overflow.
  tests "Rust tests, native" cargo test --locked --no-fail-fast
  check "wasm build" build_wasm
  check "page build and types" build_page
  check "npm package" build_package
  check "browsers" setup_browsers
  tests "numbers" page_tests node format
  tests "names of schemes" page_tests node scheme
  tests "records of runs" page_tests node record
  tests "package" page_tests chromium package
  tests "compiled modules" page_tests chromium variants

  tests "Rust tests in Chromium" wasm_pack chrome chromedriver
  tests "Rust tests in Firefox" wasm_pack firefox geckodriver
  tests "Rust tests in WebKit" wasm_in_webkit
  tests "Rust tests in Chromium, scalar" variant_in scalar chrome chromedriver
  tests "Rust tests in Chromium, relaxed" variant_in relaxed chrome chromedriver
  tests "Rust tests in Firefox, relaxed" variant_in relaxed firefox geckodriver

  # A page test mostly waits for a browser: two at once take little more than one.
  together page_in_chromium page_elsewhere
  summary
}

page_in_chromium() {
  suites_in chromium
  tests "links between engines" page_tests chromium,firefox,webkit link
  tests "page errors" page_tests chromium errors
  tests "access of every state" page_tests chromium access
  tests "transfer" page_tests chromium transfer
  tests "handwriting" page_tests chromium strokes
  tests "recognition" page_tests chromium recognition
  tests "pictures" page_tests chromium screenshots
}

page_elsewhere() {
  suites_in firefox
  suites_in webkit
}

suites_in() {
  local browser=$1 suite
  for suite in "${SUITES[@]}"; do tests "${suite%:*} in $browser" page_tests "$browser" "${suite#*:}"; done
}

lint_relaxed() {
  export RUSTFLAGS='-C target-feature=+simd128,+relaxed-simd' CARGO_TARGET_DIR=target/wasm-relaxed
  cargo clippy --locked --all-targets --target wasm32-unknown-unknown -- -D warnings
}

wasm_pack() {
  local browser=$1 driver=$2
  # With its path given, wasm-pack looks for no download.
  wasm-pack test --headless "--$browser" --mode no-install "--$driver" "$(type -P "$driver")" -- --locked
}

# The other builds (plain wasm-pack tests the simd128 one), each in a target folder of its own.
variant_in() {
  local variant=$1 browser=$2 driver=$3
  export RUSTFLAGS='-C llvm-args=-disable-lsr' CARGO_TARGET_DIR=target/wasm-$variant
  if [[ $variant == relaxed ]]; then RUSTFLAGS+=' -C target-feature=+simd128,+relaxed-simd'; fi
  wasm_pack "$browser" "$driver"
}

# wasm-pack knows no WebKit on Linux, so this is what it does for the others: cargo test with the runner of wasm-bindgen.
wasm_in_webkit() {
  export WASM_BINDGEN_TEST_ONLY_WEB=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner
  node www/e2e/webkit-driver.mjs cargo test --locked --no-fail-fast --target wasm32-unknown-unknown
}

page_tests() {
  local browser=$1 file=$2
  QUANTPAD_BROWSERS=$browser node --test-reporter=spec "www/e2e/$file.test.mjs"
}

# check NAME COMMAND...: a part that passes or fails as a whole.
check() { part check "$@"; }
# tests NAME COMMAND...: a part whose own tests are counted. To run none is a failure.
tests() { part tests "$@"; }

part() {
  local kind=$1 name=$2 log status=0 start=$SECONDS ok=0 bad=0
  shift 2
  log=$(mktemp)
  [[ $beside ]] || printf '\n== %s\n' "$name"
  set +e # not `|| status=$?`: bash would then ignore `set -e` inside the part too
  run_group logged "$log" "$@"
  status=$?
  set -e
  [[ ! $beside ]] || { printf '\n== %s\n' "$name" && cat "$log"; }
  [[ $kind == tests ]] && read -r ok bad < <(count_tests "$log")
  rm -f "$log"

  if [[ $kind == check && $status == 0 ]]; then ok=1; fi
  if ((status != 0 && bad == 0)); then bad=1; fi
  if ((ok + bad == 0)); then
    echo "$name: no test was run"
    bad=1
  fi
  printf '%d %d %d %s\n' "$ok" "$bad" $((SECONDS - start)) "$name" >>"$results"
}

# Runs lists of parts beside each other.
together() {
  local list lists=()
  for list in "$@"; do
    (beside=1 && "$list") &
    lists+=($!)
  done
  trap 'kill -TERM "${lists[@]}" 2>/dev/null; wait; exit 130' INT TERM
  for list in "${lists[@]}"; do
    wait "$list" || printf '0 1 0 a list of tests that broke off\n' >>"$results"
  done
  trap - INT TERM
}

logged() {
  local log=$1
  shift
  if [[ $beside ]]; then "$@" >"$log" 2>&1; else "$@" 2>&1 | tee "$log"; fi
}

# Adds up the summaries of cargo test, wasm-bindgen-test and node:test: "passed failed".
count_tests() {
  awk '
    /^test result: / { gsub(/;/, ""); for (i = 2; i <= NF; i++) { if ($i == "passed") ok += $(i - 1); if ($i == "failed") bad += $(i - 1) } }
    /^ℹ pass / { ok += $3 }
    /^ℹ (fail|cancelled|skipped|todo) / { bad += $3 }
    END { print ok + 0, bad + 0 }' "$1"
}

# Runs a command in a process group of its own, which is ended as a whole when build.sh is interrupted: drivers,
# displays and servers leave with whoever started them.
run_group() {
  local group status
  set -m
  (set -e; "$@") </dev/null &
  group=$!
  set +m
  trap 'kill -TERM -- "-$group" 2>/dev/null; wait "$group"; exit 130' INT TERM
  wait "$group"
  status=$?
  trap - INT TERM
  # Nothing that was started may outlive its part, whatever the part's own tidying has missed.
  kill -TERM -- "-$group" 2>/dev/null || true
  return "$status"
}

summary() {
  local status=0
  printf '\n'
  awk -v seconds="$SECONDS" '
    { ok += $1; bad += $2; name = substr($0, length($1 $2 $3) + 4); printf "%-32s %5d passed %4d failed %5d s\n", name, $1, $2, $3 }
    END { printf "%-32s %31d s\n\n%d passed, %d failed\n", "all", seconds, ok, bad; exit bad > 0 }' "$results" || status=1
  rm -f "$results"
  return "$status"
}
