namespace Understudy.Tests.Launcher;

public sealed class LauncherTestVerbTests : IDisposable
{
    private readonly LauncherSandbox sandbox = new();

    public void Dispose() => sandbox.Dispose();

    [Fact]
    public void Ends_with_the_count()
    {
        var (code, output, _) = Test(Run(1, Result("T.Passes", "Passed")));
        Assert.Equal((0, "\n1 passed, 0 failed, 0 skipped\n"), (code, output));
    }

    [Fact]
    public void Shows_skipped_and_failed_tests()
    {
        var (code, output, _) = Test(
            Run(4,
                Result("T.Rows(a: &quot;x&gt;y&quot;)", "Passed"),
                Result("T.Waits", "NotExecuted", "<Message>no &lt;GPU&gt; &amp;amp; \"here\"</Message>"),
                Result("T.Differs", "Failed", "<Message>Expected: 1\r\nActual:   2</Message><StackTrace>   at T.Differs()</StackTrace>"),
                Result("T.Hangs", "Timeout")),
            status: 1);
        Assert.Equal(1, code);
        Assert.Equal("""

            SKIPPED (1):
              T.Waits
                  no <GPU> &amp; "here"

            FAILED (2):
              T.Differs
                  Expected: 1
                  Actual:   2
                     at T.Differs()
              T.Hangs (Timeout)

            1 passed, 2 failed, 1 skipped

            """, output);
    }

    [Fact]
    public void No_test_is_a_failure()
    {
        var (code, output, _) = Test(Run(0));
        Assert.Equal((1, "\nTHE TEST RUN IS NOT COMPLETE:\n  No test ran.\n\n0 passed, 0 failed, 0 skipped\n"), (code, output));
    }

    [Fact]
    public void Only_skipped_tests_are_a_failure()
    {
        var (code, output, _) = Test(Run(1, Result("T.Waits", "NotExecuted")));
        Assert.Equal(1, code);
        Assert.EndsWith("  T.Waits\n      no reason given\n\nTHE TEST RUN IS NOT COMPLETE:\n  No test ran.\n\n0 passed, 0 failed, 1 skipped\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_result_file_is_a_failure()
    {
        var (code, output, _) = Test("", status: 1);
        Assert.Equal(1, code);
        Assert.Equal("\nTHE TEST RUN IS NOT COMPLETE:\n  No result file was written: the tests did not start.\n\n0 passed, 0 failed, 0 skipped\n", output);
    }

    [Fact]
    public void A_crashed_host_is_a_failure_that_names_the_tests_under_way()
    {
        var results = Run(1, Result("T.Passes", "Passed") + "<RunInfo outcome=\"Error\"><Text>The active test run was aborted. Reason: Test host process crashed</Text></RunInfo>");
        const string sequence = """
            <TestSequence>
              <Test Name="T.Passes" DisplayName="T.Passes" Completed="True" />
              <Test Name="T.Rows" DisplayName="T.Rows(a: &quot;&gt;&quot;)" Completed="False" />
            </TestSequence>
            """;
        var (code, output, _) = sandbox.Run(["test"], ("FAKE_RESULTS", results), ("FAKE_TEST_STATUS", "1"), ("FAKE_SEQUENCE", sequence));
        Assert.Equal(1, code);
        Assert.Equal("""

            THE TEST RUN IS NOT COMPLETE:
              The active test run was aborted. Reason: Test host process crashed
              running at the end: T.Rows(a: ">")

            1 passed, 0 failed, 0 skipped

            """, output);
    }

    [Fact]
    public void A_result_file_that_is_cut_off_is_a_failure()
    {
        var (code, output, _) = Test(Run(2, Result("T.Passes", "Passed"), Result("T.Ends", "Passed"))[..200]);
        Assert.Equal(1, code);
        Assert.Contains("results.trx is cut off: the test run did not end.\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Counters_that_do_not_fit_the_results_are_a_failure()
    {
        var (code, output, _) = Test(Run(3, Result("T.Passes", "Passed")));
        Assert.Equal(1, code);
        Assert.Contains("results.trx counts 3 tests but lists 1.\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_of_dotnet_test_that_no_test_explains_is_a_failure()
    {
        var (code, output, _) = Test(Run(1, Result("T.Passes", "Passed")), status: 134);
        Assert.Equal(1, code);
        Assert.Contains("dotnet test failed with exit code 134 although no test did.\n", output, StringComparison.Ordinal);
    }

    private (int ExitCode, string Output, string Error) Test(string results, int status = 0) =>
        sandbox.Run(["test"], ("FAKE_RESULTS", results), ("FAKE_TEST_STATUS", $"{status}"));

    private static string Run(int total, params string[] results) => $"""
        <?xml version="1.0" encoding="utf-8"?>
        <TestRun id="1" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
          <Results>
            {string.Concat(results)}
          </Results>
          <ResultSummary outcome="Completed"><Counters total="{total}" executed="{total}" /></ResultSummary>
        </TestRun>
        """;

    private static string Result(string name, string outcome, string errorInfo = "") => errorInfo.Length == 0
        ? $"<UnitTestResult testId=\"1\" testName=\"{name}\" outcome=\"{outcome}\" />"
        : $"<UnitTestResult testId=\"1\" testName=\"{name}\" outcome=\"{outcome}\"><Output><ErrorInfo>{errorInfo}</ErrorInfo></Output></UnitTestResult>";
}
