using Understudy.Runs;

namespace Understudy.Tests.Runs;

public sealed class JournalTests : IDisposable
{
    private sealed record Row(string Id, string Text, double Weight, string? Verdict = null);

    private readonly TemporaryFolder folder = new();

    private string File_ => folder["rows/a.jsonl"];

    public void Dispose() => folder.Dispose();

    private Journal<Row> Open() => Journal<Row>.Open(File_, row => row.Id);

    [Fact]
    public void Rows_are_appended_once_and_found_again()
    {
        var rows = new[] { new Row("1", "größer \"x\"\n", 0.1), new Row("2", "", double.NaN, "duplicate") };
        using (var journal = Open())
        {
            Assert.All(rows, row => Assert.True(journal.Append(row)));
            Assert.False(journal.Append(rows[0] with { Text = "again" }));
        }
        using var reopened = Open();
        Assert.Equal(2, reopened.Count);
        Assert.True(reopened.Contains("2"));
        Assert.False(reopened.WasTorn);
        Assert.Equal(rows, reopened.Read());
        Assert.False(reopened.Append(rows[1]));
        Assert.Equal("{\"id\":\"1\",\"text\":\"größer \\\"x\\\"\\n\",\"weight\":0.1,\"verdict\":null}", File.ReadLines(File_).First());
    }

    [Fact]
    public void A_torn_last_line_is_cut_wherever_it_was_torn()
    {
        using (var journal = Open())
        {
            journal.Append(new Row("1", "one", 1));
            journal.Append(new Row("2", "two", 1));
        }
        var bytes = File.ReadAllBytes(File_);
        var first = Array.IndexOf(bytes, (byte)'\n') + 1;
        for (var length = first; length < bytes.Length; length++)
        {
            File.WriteAllBytes(File_, bytes[..length]);
            using (var journal = Open())
            {
                Assert.Equal(length > first, journal.WasTorn);
                Assert.Equal(1, journal.Count);
                Assert.True(journal.Append(new Row("2", "two", 1)));
            }
            Assert.Equal(bytes, File.ReadAllBytes(File_));
        }
    }

    [Fact]
    public void A_block_of_zeros_after_a_power_failure_is_cut()
    {
        using (var journal = Open())
            journal.Append(new Row("1", "one", 1));
        File.AppendAllBytes(File_, new byte[200_000]);
        using var reopened = Open();
        Assert.True(reopened.WasTorn);
        Assert.Equal(1, reopened.Count);
    }

    [Fact]
    public void A_damaged_line_in_the_middle_is_refused()
    {
        Directory.CreateDirectory(folder["rows"]);
        File.WriteAllText(File_, "{\"id\":\"1\",\"text\":\"\",\"weight\":1}\n{\"id\":null}\n{\"id\":\"2\",\"text\":\"\",\"weight\":1}\n");
        var message = Assert.Throws<InvalidDataException>(Open).Message;
        Assert.StartsWith($"{File_}(2): expected a JSON object on the line, found something else (", message, StringComparison.Ordinal);
        Assert.EndsWith("Only the last line of this file can be torn by a crash; remove the line, or the file to begin anew.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_may_append_at_the_same_time()
    {
        using var journal = Open();
        Parallel.For(0, 400, i => journal.Append(new Row($"{i / 2}", new string('x', i), 1)));
        Assert.Equal(200, journal.Count);
        Assert.Equal(200, journal.Read().Select(row => row.Id).Distinct().Count());
    }
}
