# Reads the TRX files of a test run and prints the skipped tests with their reasons, the failed ones with their messages,
# what broke, and last `N passed, N failed, N skipped`. Exits with 1 unless something passed and nothing failed or broke.
#
#   awk -v status=EXIT_CODE_OF_DOTNET_TEST -f test-summary.awk RESULTS.trx... [SEQUENCE.xml...]
#
# The sequence files, which `dotnet test --blame` writes when the host crashes or hangs, say which tests were running.
#
# A record ends at '>', so it is the text before a tag followed by the tag itself. That is safe: in TRX files, as
# XmlWriter writes them, '<' and '>' occur in texts and attributes only as entities.

BEGIN { RS = ">" }

FNR == 1 { close_file() ; file = FILENAME }

{
    at = index($0, "<")
    if (at == 0) next
    text = substr($0, 1, at - 1)
    tag = substr($0, at + 1)
    name = tag
    sub(/[ \t\r\n\/].*/, "", name)
    if (substr(tag, 1, 1) == "/") name = "/" substr(tag, 2)
}

name == "UnitTestResult" {
    test = attribute("testName")
    outcome = attribute("outcome")
    message = ""
    stack = ""
    in_result = 1
    results++
    if (tag ~ /\/$/) close_result()
}
name == "/UnitTestResult" { close_result() }
name == "/Message" && in_result { message = decoded(text) }
name == "/StackTrace" && in_result { stack = decoded(text) }

name == "Counters" { total = attribute("total"); counted = 1 }
name == "RunInfo" { run_info = attribute("outcome") }
# xunit also reports every failed test here, with its own prefix; what remains is a host that crashed or hung.
name == "/Text" && run_info == "Error" && text !~ /^\[xUnit\.net / { broke(first_lines(decoded(text), 12)) }
name == "/TestRun" { finished = 1 }

name == "TestSequence" { sequence = 1 }
name == "Test" && sequence && attribute("Completed") == "False" { broke("running at the end: " attribute("DisplayName")) }

END {
    close_file()
    if (files == 0) broke("No result file was written: the tests did not start.")
    else if (passed + failed == 0) broke("No test ran.")
    if (status != 0 && failed == 0 && problems == 0) broke("dotnet test failed with exit code " status " although no test did.")

    if (skipped) printf "\nSKIPPED (%d):\n%s", skipped, skips
    if (failed) printf "\nFAILED (%d):\n%s", failed, failures
    if (problems) printf "\nTHE TEST RUN IS NOT COMPLETE:\n%s", troubles
    printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit (passed > 0 && failed == 0 && problems == 0 && status == 0) ? 0 : 1
}

function close_result() {
    in_result = 0
    if (outcome == "Passed") passed++
    else if (outcome == "NotExecuted") {
        skipped++
        skips = skips "  " test "\n      " indented(message == "" ? "no reason given" : message) "\n"
    } else {
        failed++
        failures = failures "  " test (outcome == "Failed" ? "" : " (" outcome ")") "\n"
        if (message != "") failures = failures "      " indented(message) "\n"
        if (stack != "") failures = failures "      " indented(stack) "\n"
    }
}

function close_file() {
    if (file != "" && file != "/dev/null" && !sequence) {
        files++
        if (!finished) broke(file " is cut off: the test run did not end.")
        else if (!counted) broke(file " has no counters.")
        else if (total != results) broke(file " counts " total " tests but lists " results ".")
    }
    sequence = 0
    finished = 0
    counted = 0
    results = 0
    run_info = ""
}

function broke(text) {
    problems++
    troubles = troubles "  " indented(text) "\n"
}

# The value of an attribute of the present tag.
function attribute(key,   start, rest) {
    start = index(tag, " " key "=\"")
    if (start == 0) return ""
    rest = substr(tag, start + length(key) + 3)
    return decoded(substr(rest, 1, index(rest, "\"") - 1))
}

function decoded(s) {
    gsub(/&lt;/, "<", s)
    gsub(/&gt;/, ">", s)
    gsub(/&quot;/, "\"", s)
    gsub(/&apos;/, "'", s)
    gsub(/&#x[dD];/, "", s)
    gsub(/&#x[aA];/, "\n", s)
    gsub(/&#x9;/, "\t", s)
    gsub(/&amp;/, "\\&", s)
    gsub(/\r/, "", s)
    return s
}

function indented(s) {
    gsub(/\n/, "\n      ", s)
    return s
}

function first_lines(s, count,   lines, n, i, kept) {
    n = split(s, lines, "\n")
    kept = lines[1]
    for (i = 2; i <= n && i <= count; i++) kept = kept "\n" lines[i]
    return n > count ? kept "\n..." : kept
}
