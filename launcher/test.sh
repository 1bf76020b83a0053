# shellcheck shell=bash
# Builds everything and runs the tests. Sourced by ../understudy.

results=$build/test-results

# run_tests [FILTER | OPTIONS OF DOTNET TEST]: ends the launcher; the last line printed is `N passed, N failed, N skipped`.
run_tests() {
    local arguments=("$@") status=0
    if [ $# -gt 0 ] && [[ $1 != -* ]]; then
        arguments=(--filter "FullyQualifiedName~$1" "${@:2}")
    fi

    begin_build
    fingerprint
    build_native
    dotnet_build 'the program and its tests' "$root/Understudy.slnx"
    exec 9>&-

    # Two test runs at once would count each other's results.
    exec 7>"$build/test.lock"
    flock -n 7 || { say 'waiting for another test run in this folder ...' && flock 7; }
    rm -rf -- "$results"
    mkdir -p -- "$results"
    # A shell starts what it puts in the background with Ctrl+C ignored, and a test sends itself that signal.
    env --default-signal=INT "$dotnet" test "$root/Understudy.slnx" -c Release --no-build --nologo --results-directory "$results" \
        --logger 'trx;LogFilePrefix=results' --logger 'console;verbosity=minimal' \
        --blame-hang --blame-hang-timeout 20min --blame-hang-dump-type none \
        ${arguments[@]+"${arguments[@]}"} 7>&- </dev/null 2>&1 | tee -a "$log" || status=$?
    summarize_tests "$status"
}

# summarize_tests STATUS: STATUS is what `dotnet test` returned; the count comes from its result files alone.
summarize_tests() {
    local files=("$results"/*.trx)
    [ -e "${files[0]}" ] || files=(/dev/null)
    local sequences=("$results"/*/Sequence*.xml)
    if [ -e "${sequences[0]}" ]; then files+=("${sequences[@]}"); fi
    awk -v status="$1" -f "$root/launcher/test-summary.awk" "${files[@]}"
    exit
}
