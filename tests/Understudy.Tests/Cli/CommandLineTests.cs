using System.Diagnostics;
using Understudy.Cli;

namespace Understudy.Tests.Cli;

public sealed class CommandLineTests
{
    private static (int Exit, string Output, string Error) Run(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = CommandLine.Run(args, output, error);
        return (exit, output.ToString(), error.ToString());
    }

    public static TheoryData<string> Verbs()
    {
        var root = CommandLine.Root(new Execution(TextWriter.Null, TextWriter.Null, default));
        return [.. root.Subcommands.Select(verb => verb.Name)];
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Every_verb_has_help_with_an_example(string verb)
    {
        var (exit, output, error) = Run(verb, "--help");
        Assert.Equal((0, ""), (exit, error));
        Assert.Contains($"  understudy {verb} ", output, StringComparison.Ordinal);
        Assert.Contains("Example", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("partiy x", "Unrecognized command or argument 'partiy'. Did you mean 'parity'?\n'understudy --help' explains.\n")]
    [InlineData("parity", "Required argument 'FOLDER' missing for command: 'parity'.\n'understudy parity --help' explains, with an example.\n")]
    [InlineData("parity x --thread 2", "Unrecognized option '--thread'.\n'understudy parity --help' explains, with an example.\n")]
    [InlineData("parity /nowhere", "There is no file or folder '/nowhere' with references to compare with.\n")]
    public void A_wrong_command_line_is_the_users_to_cure(string line, string expected)
    {
        var (exit, output, error) = Run(line.Split(' '));
        Assert.Equal((2, "", expected), (exit, output, error));
    }

    [Theory]
    [InlineData("--threads: expected a whole number of at least 0, found 'abc'.", "run", "a.yaml", "--threads", "abc")]
    [InlineData("--threads: expected a whole number of at least 0, found '-1'.", "bench", "--threads", "-1")]
    [InlineData("--batch-size: expected a whole number of at least 1, found '0'.", "evaluate", "model", "a.csv", "--batch-size", "0")]
    [InlineData("--output: expected a folder, found an empty text. Leave the option out for its default.", "run", "a.yaml", "--output", "")]
    [InlineData("--label: expected the name of a column, found an empty text. Leave the option out for its default.", "init", "a.csv", "--label", " ")]
    [InlineData("--format: expected jsonl or table, found 'tables'. Did you mean 'table'?", "predict", "model", "a.csv", "--format", "tables")]
    [InlineData("--all goes with --format jsonl, found --format table. Leave out one of them.", "predict", "model", "a.csv", "--format", "table", "--all")]
    public void A_wrong_option_says_what_was_expected(string expected, params string[] args)
    {
        var (exit, output, error) = Run(args);
        Assert.Equal((2, "", $"{expected}\n'understudy {args[0]} --help' explains, with an example.\n"), (exit, output, error));
    }

    [Fact]
    public void A_reader_that_is_gone_is_no_fault()
    {
        using var stop = new StopSignal();
        using var error = new StringWriter();
        Assert.Equal(141, ExitCodes.Guard(error, false, stop, ["predict"], false, () => throw new IOException("Broken pipe", 32)));
        Assert.Equal("", error.ToString());
    }

    [Fact]
    public void Where_an_error_came_from_is_shown_when_asked()
    {
        var (exit, _, error) = Run("parity", "/nowhere", "--verbose");
        Assert.Equal(2, exit);
        Assert.Contains("   at Understudy.Parity.GoldenFolder.Find(", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_names_the_program() => Assert.Contains("understudy [command]", Run("--help").Output, StringComparison.Ordinal);

    [Fact]
    public void Stopping_says_how_to_continue()
    {
        using var stop = new StopSignal();
        using var error = new StringWriter();
        Process.Start("kill", $"-INT {Environment.ProcessId}")!.WaitForExit();
        Assert.True(stop.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(10)));
        var exit = ExitCodes.Guard(error, false, stop, ["run", "a b.yaml", "--set", "name=it's"], true, () => throw new OperationCanceledException());
        Assert.Equal(130, exit);
        ExitCodes.Guard(error, false, stop, ["bench"], false, () => throw new OperationCanceledException());
        Assert.Equal("Stopped. To continue where it stopped: understudy run 'a b.yaml' --set 'name=it'\\''s'\nStopped. To begin anew: understudy bench\n", error.ToString());
    }

    [Theory]
    [InlineData(typeof(InvalidDataException), 2, "text\n")]
    [InlineData(typeof(IOException), 2, "text\n")]
    [InlineData(typeof(ArgumentException), 1, "text\n--verbose shows where this came from.\n")]
    [InlineData(typeof(NullReferenceException), 1, "NullReferenceException: text\nThis is a fault of Understudy. --verbose shows where it came from, which is what a report of it needs.\n")]
    public void An_error_has_its_exit_code_and_its_text(Type type, int code, string expected)
    {
        using var stop = new StopSignal();
        using var error = new StringWriter();
        Assert.Equal(code, ExitCodes.Guard(error, false, stop, [], false, () => throw (Exception)Activator.CreateInstance(type, "text")!));
        Assert.Equal(expected, error.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_error_cannot_command_the_terminal(bool verbose)
    {
        using var stop = new StopSignal();
        using var error = new StringWriter();
        ExitCodes.Guard(error, verbose, stop, [], false, () => throw new InvalidDataException("a.csv: found \u001b[31m\u009b2J\r,\n\texpected a label"));
        Assert.Contains("a.csv: found ?[31m?2J?,\n\texpected a label", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(error.ToString(), c => char.IsControl(c) && c is not ('\n' or '\t'));
    }
}
