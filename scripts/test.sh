# Running every test: part of build.sh. Quick parts come first, and each runs whatever came before, so that one run shows
# all that is wrong.

passed=0 failed=0 report=()

run_tests() {
  # Plain text wherever it ends up: the results are read from it.
  export CARGO_TERM_COLOR=never NO_COLOR=1
  unset FORCE_COLOR
  # A debug build trains slowly; the runner's own limit of 20 s is for quicker tests.
  export WASM_BINDGEN_TEST_TIMEOUT=300

  check "Rust format" cargo fmt --check
  check "Rust lints, native" cargo clippy --locked --all-targets -- -D warnings
  check "Rust lints, wasm" cargo clippy --locked --all-targets --target wasm32-unknown-unknown -- -D warnings
  check "Rust lints, relaxed" lint_relaxed
  check "page lints" npm --prefix www run --silent lint
  # Not --release: the test profile is optimised too, and checks for overflow.
  tests "Rust tests, native" cargo test --locked --no-fail-fast
  check "wasm build" build_wasm
  check "page build and types" build_page
  check "npm package" build_package
  check "browsers" setup_browsers

  tests "Rust tests in Chromium" wasm_pack chrome chromedriver
  tests "Rust tests in Firefox" wasm_pack firefox geckodriver
  tests "Rust tests in WebKit" wasm_in_webkit
  tests "Rust tests in Chromium, scalar" variant_in scalar chrome chromedriver
  tests "Rust tests in Chromium, relaxed" variant_in relaxed chrome chromedriver
  tests "Rust tests in Firefox, relaxed" variant_in relaxed firefox geckodriver
  local browser
  for browser in chromium firefox webkit; do
    tests "page in $browser" page_tests "$browser" page
    tests "training in $browser" page_tests "$browser" training
    tests "quantizing in $browser" page_tests "$browser" quantize
    tests "comparing in $browser" page_tests "$browser" sweep
    tests "own drawings in $browser" page_tests "$browser" hand
    tests "explained in $browser" page_tests "$browser" explain
    tests "replayed in $browser" page_tests "$browser" replay
    tests "lab repaired in $browser" page_tests "$browser" lab
    tests "flips in $browser" page_tests "$browser" flips
    tests "blame in $browser" page_tests "$browser" blame
    tests "search in $browser" page_tests "$browser" search
    tests "address and colours in $browser" page_tests "$browser" state
    tests "runs in $browser" page_tests "$browser" runs
    tests "back, forward, undo in $browser" page_tests "$browser" travel
    tests "two tabs in $browser" page_tests "$browser" tabs
    tests "nothing lost in $browser" page_tests "$browser" lost
    tests "strange addresses in $browser" page_tests "$browser" address
    tests "files in $browser" page_tests "$browser" files
    tests "guided tour in $browser" page_tests "$browser" tour
    tests "kept offline in $browser" page_tests "$browser" offline
    tests "keyboard in $browser" page_tests "$browser" keyboard
    tests "senses in $browser" page_tests "$browser" senses
  done
  tests "links between engines" page_tests chromium,firefox,webkit link
  tests "names of schemes" page_tests node scheme
  tests "records of runs" page_tests node record
  tests "page errors" page_tests chromium errors
  tests "access of every state" page_tests chromium access
  tests "transfer" page_tests chromium transfer
  tests "handwriting" page_tests chromium strokes
  tests "recognition" page_tests chromium recognition
  tests "pictures" page_tests chromium screenshots
  tests "package" page_tests chromium package
  tests "compiled modules" page_tests chromium variants

  summary
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
  printf '\n== %s\n' "$name"
  set +e # not `|| status=$?`: bash would then ignore `set -e` inside the part too
  run_group logged "$log" "$@"
  status=$?
  set -e
  [[ $kind == tests ]] && read -r ok bad < <(count_tests "$log")
  rm -f "$log"

  if [[ $kind == check && $status == 0 ]]; then ok=1; fi
  if ((status != 0 && bad == 0)); then bad=1; fi
  if ((ok + bad == 0)); then
    echo "$name: no test was run"
    bad=1
  fi
  passed=$((passed + ok)) failed=$((failed + bad))
  report+=("$(printf '%-32s %5d passed %4d failed %5d s' "$name" "$ok" "$bad" $((SECONDS - start)))")
}

logged() {
  local log=$1
  shift
  "$@" 2>&1 | tee "$log"
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
  printf '\n'
  printf '%s\n' "${report[@]}"
  printf '%-32s %31d s\n\n' "all" "$SECONDS"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}
