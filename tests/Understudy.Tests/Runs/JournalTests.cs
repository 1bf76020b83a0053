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

    /// <summary>What may follow the part of a journal that reached the disk before a crash: nothing, or what an old block held.</summary>
    public static TheoryData<byte[]> Tails => new()
    {
        Array.Empty<byte>(),
        new byte[1],
        new byte[70_000],
        "\0\0\n"u8.ToArray(),
        "garbage"u8.ToArray(),
        "{\"id\":\"9\"}\n"u8.ToArray(),
        "{\"id\":\"9\",\"text\":\"gr\u00F6"u8[..^1].ToArray(),
        new byte[] { 0xFF, 0xFE, (byte)'\n' },
    };

    [Theory]
    [MemberData(nameof(Tails))]
    public void A_journal_cut_at_any_byte_loses_the_line_in_flight_alone(byte[] tail)
    {
        var rows = new[] { new Row("1", "größer 🙂 \"x\"\n", 0.1), new Row("2", "", double.NaN, "duplicate"), new Row("3", "drei", 3) };
        using (var journal = Open())
            Assert.All(rows, row => Assert.True(journal.Append(row)));
        var bytes = File.ReadAllBytes(File_);
        for (var length = 0; length <= bytes.Length; length++)
        {
            var whole = bytes.AsSpan(0, length).Count((byte)'\n');
            File.WriteAllBytes(File_, [.. bytes[..length], .. tail]);
            using (var journal = Open())
            {
                Assert.Equal(tail.Length > 0 || (length > 0 && bytes[length - 1] != '\n'), journal.WasTorn);
                Assert.Equal(rows[..whole], journal.Read());
                Assert.All(rows, (row, at) => Assert.Equal(at >= whole, journal.Append(row)));
            }

            Assert.Equal(bytes, File.ReadAllBytes(File_));
        }
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
