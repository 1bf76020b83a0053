using System.IO.Compression;
using System.Text;
using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed class ExampleReaderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Json_lines_are_read_by_the_column_map()
    {
        var path = Write("train.jsonl", """
            {"id": "a", "utterance": "wake me up", "intent": "alarm", "hint": "clock", "extra": [1, 2]}

            {"utterance": "what time is it", "id": 17, "intent": "time", "hint": 3}
            """);
        var columns = new ColumnMap { Text = "utterance", Label = "intent", Fields = ["hint"] };
        var rows = Read(path, columns);
        Assert.Equal(["a", "17"], rows.Select(row => row.Id));
        Assert.Equal(["wake me up", "what time is it"], rows.Select(row => row.Text));
        Assert.Equal(["alarm", "time"], rows.Select(row => row.Label));
        Assert.Equal("wake me up", rows[0].Field("utterance"));
        Assert.Equal("3", rows[1].Field("hint"));
        Assert.Null(rows[0].Field("extra"));
        Assert.Equal(1, rows[0].Weight);
    }

    [Fact]
    public void Labels_may_be_strings_integers_and_booleans()
    {
        var path = Write("train.jsonl", "{\"text\":\"x\",\"label\":true}\n{\"text\":\"y\",\"label\":-2}\n{\"text\":\"z\",\"label\":\"oui\"}");
        Assert.Equal(["true", "-2", "oui"], Read(path).Select(row => row.Label));
    }

    [Fact]
    public void Rows_without_an_id_are_called_by_file_and_line()
    {
        Assert.Equal(["a.jsonl:1", "a.jsonl:3"], Read(Write("a.jsonl", "{\"text\":\"x\",\"label\":1}\n\n{\"text\":\"y\",\"label\":1}")).Select(row => row.Id));
        Assert.Equal(["a.csv:2", "a.csv:4"], Read(Write("a.csv", "text,label\n\"x\nx\",1\ny,1\n")).Select(row => row.Id));
        Assert.Equal(["a.txt:1", "a.txt:3"], Read(Write("a.txt", "one\n \ntwo\n"), labelled: false).Select(row => row.Id));
    }

    [Fact]
    public void Csv_fields_may_be_quoted_and_span_lines()
    {
        var path = Write("a.csv", "label,text,note\r\n1,\"a, \"\"b\"\"\r\nc\",\r\n\r\n2,d,\"\"\r\n");
        var rows = Read(path, new ColumnMap { Fields = ["note"] });
        Assert.Equal(["a, \"b\"\r\nc", "d"], rows.Select(row => row.Text));
        Assert.Equal(["1", "2"], rows.Select(row => row.Label));
        Assert.Equal("", rows[0].Field("note"));
    }

    [Fact]
    public void Tsv_has_no_quoting()
    {
        var rows = Read(Write("a.tsv", "text\tlabel\n\"half a quote\tyes\n"));
        Assert.Equal(["\"half a quote"], rows.Select(row => row.Text));
    }

    [Fact]
    public void Another_delimiter_can_be_set()
    {
        var source = new DataSourceOptions { Path = Write("a.csv", "text;label\n\"x;y\";yes\n"), Delimiter = ";" };
        Assert.Equal(["x;y"], ExampleReader.Read(source, labelled: true).Select(row => row.Text));
    }

    [Fact]
    public void A_pair_task_has_two_texts()
    {
        var rows = Read(Write("a.jsonl", """{"premise":"p","hypothesis":"","label":"yes"}"""), new ColumnMap { Text = "premise", TextPair = "hypothesis" });
        Assert.Equal(("p", ""), (rows[0].Text, rows[0].TextPair));
        Assert.Equal("p", rows[0].Field("premise"));
        Assert.Equal("", rows[0].Field("text_pair"));
    }

    [Fact]
    public void Weights_and_soft_labels_are_read_when_mapped()
    {
        var columns = new ColumnMap { Weight = "w", LabelProbabilities = "p" };
        var rows = Read(Write("a.jsonl", """{"text":"x","w":0.5,"p":{"yes":0.75,"no":0.25}}"""), columns);
        Assert.Equal((0.5, "yes"), (rows[0].Weight, rows[0].Label));
        Assert.Equal([0.25, 0.75], new LabelSet(["no", "yes"]).Probabilities(rows[0]));
    }

    [Fact]
    public void Byte_order_mark_crlf_and_a_missing_last_line_break_are_accepted()
    {
        var path = folder["a.txt"];
        File.WriteAllBytes(path, [0xEF, 0xBB, 0xBF, .. "één\r\ntwo\r\n\r\nthree"u8]);
        Assert.Equal(["één", "two", "three"], TextLines.Read(path));
    }

    [Theory]
    [InlineData("a.jsonl.gz", true)]
    [InlineData("a.jsonl", true)]
    [InlineData("a.jsonl.gz", false)]
    public void Gzip_is_recognised_by_its_first_bytes(string name, bool packed)
    {
        var path = folder[name];
        var bytes = "{\"text\":\"x\",\"label\":\"yes\"}\n"u8.ToArray();
        File.WriteAllBytes(path, packed ? Gzip(bytes) : bytes);
        Assert.Equal(["x"], Read(path).Select(row => row.Text));
    }

    [Fact]
    public void Gzip_members_may_follow_each_other()
    {
        var path = folder["a.txt.gz"];
        File.WriteAllBytes(path, [.. Gzip("one\n"u8.ToArray()), .. Gzip("two\n"u8.ToArray())]);
        Assert.Equal(["one", "two"], TextLines.Read(path));
    }

    [Fact]
    public void Large_gzip_files_come_through_whole()
    {
        var random = new SeededRandom(1);
        var text = string.Concat(Enumerable.Range(0, 30_000).Select(i => $"line {i} {random.NextUInt64()}\n"));
        var path = folder["a.txt.gz"];
        File.WriteAllBytes(path, Gzip(Encoding.UTF8.GetBytes(text)));
        Assert.Equal(text, string.Concat(TextLines.Read(path).Select(line => line + "\n")));
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
            gzip.Write(bytes);
        return packed.ToArray();
    }

    private string Write(string name, string text)
    {
        var path = folder[name];
        File.WriteAllText(path, text);
        return path;
    }

    private static Example[] Read(string path, ColumnMap? columns = null, bool labelled = true) =>
        [.. ExampleReader.Read(new DataSourceOptions { Path = path }, labelled, columns)];
}
