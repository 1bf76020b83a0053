using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed class ExampleReaderFaultTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_pipe_is_read_like_a_file()
    {
        var pipe = folder["rows.txt"];
        await Process.Start("mkfifo", pipe)!.WaitForExitAsync();
        var writing = Task.Run(() => File.WriteAllText(pipe, "one\ntwo words\n"));
        var texts = ExampleReader.Read(new DataSourceOptions { Path = pipe }, labelled: false).Select(row => row.Text).ToArray();
        await writing.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(["one", "two words"], texts);
    }

    [Theory]
    [InlineData("a.jsonl", """{"txt":"x","label":"y"}""",
        "a.jsonl(1): there is no column 'text'; found [txt, label]. Did you mean 'txt'? Set 'columns.text' to the column to use.")]
    [InlineData("a.jsonl", """{"text":"x"}""",
        "a.jsonl(1): there is no column 'label'; found [text]. Set 'columns.label' to the column to use.")]
    [InlineData("a.csv", "text;label\nx;y\n",
        "a.csv(2): there is no column 'text'; found [text;label]. Set 'delimiter' if the fields are separated by ';'. Set 'columns.text' to the column to use.")]
    [InlineData("a.jsonl", "{\"id\":\"a\",\"text\":\"x\",\"label\":\"y\"}\n\n{\"id\":\"a\",\"text\":\"z\",\"label\":\"y\"}",
        "a.jsonl(3): id 'a' was used on line 1 already. Make the ids unique, or map another column with 'columns.id'.")]
    [InlineData("a.jsonl", "", "a.jsonl: the file has no rows; expected at least one.")]
    [InlineData("a.csv", "", "a.csv: the file has no rows; expected at least one.")]
    [InlineData("a.csv", "text,label\n", "a.csv: the file has no rows; expected at least one.")]
    [InlineData("a.jsonl", "[{\"text\":\"x\"}]",
        "a.jsonl(1): expected a JSON object, found a list. Write each element of the list on a line of its own.")]
    [InlineData("a.jsonl", "{\"text\":\"x\",\"label\":1}\n\"x\"",
        "a.jsonl(2): expected a JSON object, found a string. Write the row as {\"text\": \"...\"}.")]
    [InlineData("a.jsonl", "{\n\"text\":\"x\"}",
        "a.jsonl(1): the line is not JSON (byte 2 of the line). JSON Lines has one whole object per line: is this one object spread over several lines?")]
    [InlineData("a.jsonl", "{\"text\":\"x\",\"label\":1}\n{\"text\":'x'}",
        "a.jsonl(2): the line is not JSON (byte 9 of the line). Every line must be one JSON object.")]
    [InlineData("a.jsonl", """{"text":"x","text":"y","label":1}""",
        "a.jsonl(1): the object names key 'text' twice. Remove one.")]
    [InlineData("a.jsonl", """{"text":{"en":"x"},"label":1}""", "a.jsonl(1): column 'text' holds an object; expected a string.")]
    [InlineData("a.jsonl", """{"text":12,"label":1}""", "a.jsonl(1): column 'text' holds the number 12; expected a string.")]
    [InlineData("a.jsonl", """{"text":null,"label":1}""", "a.jsonl(1): column 'text' holds null; expected a string.")]
    [InlineData("a.jsonl", """{"text":" ","label":1}""", "a.jsonl(1): column 'text' is empty; expected a text. Remove the row or fill it in.")]
    [InlineData("a.jsonl", """{"text":"x\u0000","label":1}""", "a.jsonl(1): column 'text' holds a NUL character, which is not text. Remove it.")]
    [InlineData("a.jsonl", """{"text":"x\ud83d","label":1}""",
        "a.jsonl(1): a string holds half of a surrogate pair (a \\ud800 to \\udfff escape without its other half), which is not text. Remove it.")]
    [InlineData("a.jsonl", """{"text":"x","label":null}""",
        "a.jsonl(1): column 'label' is null; expected a label. Fill it in, or list the file under 'unlabelled'.")]
    [InlineData("a.jsonl", """{"text":"x","label":0.5}""",
        "a.jsonl(1): column 'label' holds the number 0.5; expected a string, an integer, true or false as label.")]
    [InlineData("a.csv", "text,label\nx,\n",
        "a.csv(2): column 'label' is empty; expected a label. Fill it in, or list the file under 'unlabelled'.")]
    [InlineData("a.jsonl", """{"text":"x","label":["a"]}""",
        "a.jsonl(1): column 'label' holds a list; expected a string, an integer, true or false as label.")]
    [InlineData("a.jsonl", """{"id":true,"text":"x","label":1}""", "a.jsonl(1): column 'id' holds true; expected a string or an integer as id.")]
    [InlineData("a.jsonl", """{"id":"","text":"x","label":1}""",
        "a.jsonl(1): column 'id' is empty; expected an id. Fill it in, or map another column with 'columns.id'.")]
    [InlineData("a.csv", "text,label\n\"x\ny\",1\n\"open,1\n",
        "a.csv(4): the quote opened on this line is never closed. Close it, or double the quotes within the field.")]
    [InlineData("a.csv", "text,label\n\"x\" y,1\n",
        "a.csv(2): expected ',' or the end of the line after the closing quote, found ' '. Double the quotes within a quoted field.")]
    [InlineData("a.csv", "text,label\nx \"y\",1\n",
        "a.csv(2): found a quote within a field that does not begin with one. Quote the whole field and double the quotes within it.")]
    [InlineData("a.csv", "text,label\nx,y,1\n",
        "a.csv(2): expected 2 field(s) as in the header [text, label], found 3. Quote fields that contain the delimiter or a line break.")]
    [InlineData("a.tsv", "text\tlabel\nx\ty\tz\n",
        "a.tsv(2): expected 2 field(s) as in the header [text, label], found 3. Remove stray tabs from the fields.")]
    [InlineData("a.csv", "text,label,text\nx,1,y\n", "a.csv(1): the header names column 'text' twice. Rename one.")]
    [InlineData("a.txt", "x", "a.txt: plain text has no labels. Give labelled rows as JSON Lines, CSV or TSV, or list the file under 'unlabelled'.")]
    [InlineData("a.parquet", "PAR1", "a.parquet: the extension '.parquet' says nothing about the format. Set 'format' to jsonl, csv, tsv or text.")]
    public void A_bad_row_is_reported_with_file_line_and_cure(string name, string content, string expected)
    {
        File.WriteAllText(folder[name], content);
        Assert.Equal(expected, Fault(name).Message.Replace(folder.FullName + "/", ""));
    }

    [Theory]
    [InlineData("""{"text":"x","label":1,"w":-1}""", "a.jsonl(1): column 'w' holds the number -1; expected a weight, a number of at least 0.")]
    [InlineData("""{"text":"x","label":1,"w":"much"}""", "a.jsonl(1): column 'w' holds 'much'; expected a weight, a number of at least 0.")]
    [InlineData("""{"text":"x","label":1,"w":1,"p":{"1":0.5,"2":0.4}}""",
        "a.jsonl(1): column 'p' is not a soft label; expected an object of labels and probabilities that sum to 1, such as {\"yes\": 0.9, \"no\": 0.1}.")]
    [InlineData("""{"text":"x","label":1,"w":1,"p":[0.5,0.5]}""",
        "a.jsonl(1): column 'p' is not a soft label; expected an object of labels and probabilities that sum to 1, such as {\"yes\": 0.9, \"no\": 0.1}.")]
    [InlineData("""{"text":"x","label":1,"w":1,"p":null}""",
        "a.jsonl(1): there is no column 'f'; found [text, label, w, p]. Set 'columns.fields' to the column to use.")]
    [InlineData("""{"text":"x","label":1,"w":1,"p":null,"f":{}}""",
        "a.jsonl(1): column 'f' holds an object; expected a string, a number, true or false for a prompt field.")]
    public void A_bad_optional_column_is_reported(string row, string expected)
    {
        var fields = expected.Contains("'f'", StringComparison.Ordinal) ? new[] { "f" } : [];
        File.WriteAllText(folder["a.jsonl"], row);
        var columns = new ColumnMap { Weight = "w", LabelProbabilities = "p", Fields = fields };
        Assert.Equal(expected, Fault("a.jsonl", columns).Message.Replace(folder.FullName + "/", ""));
    }

    [Fact]
    public void A_label_outside_the_given_set_is_reported_with_a_suggestion()
    {
        File.WriteAllText(folder["a.jsonl"], "{\"text\":\"x\",\"label\":\"cancel\"}\n{\"text\":\"x\",\"label\":\"bookflight\"}\n");
        var source = new DataSourceOptions { Path = folder["a.jsonl"] };
        var fault = Assert.Throws<InvalidDataException>(() => ExampleReader.Read(source, true, null, new LabelSet(["book_flight", "cancel"])).Count());
        Assert.Equal(
            "a.jsonl(2): label 'bookflight' is not in the label set [book_flight, cancel]. Did you mean 'book_flight'? Add it to 'data.labels' or fix the row.",
            fault.Message.Replace(folder.FullName + "/", ""));
    }

    [Fact]
    public void Text_in_another_encoding_is_reported_with_the_byte_and_the_conversion()
    {
        byte[] latin1 = [0xEF, 0xBB, 0xBF, .. "one\ntw"u8, 0xE9, .. "\n"u8];
        File.WriteAllBytes(folder["a.txt"], latin1);
        var path = folder["a.txt"];
        Assert.Equal(
            $"{path}(2): byte 9 of the file, 0xE9, is not UTF-8. If the file is in another encoding, convert it: iconv -f WINDOWS-1252 -t UTF-8 '{path}' > converted.",
            Assert.Throws<InvalidDataException>(() => TextLines.Read(path).Count()).Message);
        File.WriteAllBytes(path, [0xEF, 0xBB, 0xBF, .. "on"u8, 0xE9, (byte)'\n']);
        Assert.Contains("(1): byte 5 of the file, 0xE9, is not UTF-8.", Assert.Throws<InvalidDataException>(() => TextLines.Read(path).Count()).Message, StringComparison.Ordinal);
        File.WriteAllBytes(path, Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("one\n")).ToArray());
        Assert.Equal(
            $"{path}(1): the file is UTF-16; expected UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 '{path}' > converted.",
            Assert.Throws<InvalidDataException>(() => TextLines.Read(path).Count()).Message);
    }

    [Theory]
    [InlineData("a.csv")]
    [InlineData("a.jsonl")]
    public void Overlong_surrogate_and_truncated_utf8_are_refused(string name)
    {
        foreach (var bad in new byte[][] { [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x80] })
        {
            File.WriteAllBytes(folder[name], [.. "{\"text\":\""u8, .. bad, .. "\"}\n"u8]);
            Assert.Contains("byte 9 of the file, 0x", Fault(name).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_nul_character_is_refused()
    {
        File.WriteAllBytes(folder["a.txt"], [.. "one\n"u8, 0, .. "two\n"u8]);
        Assert.Equal(
            $"{folder["a.txt"]}(2): the line holds a NUL character. Check that the file is text: remove the character, or convert the file if it is UTF-16 or UTF-32.",
            Assert.Throws<InvalidDataException>(() => TextLines.Read(folder["a.txt"]).Count()).Message);
    }

    [Fact]
    public void A_line_of_50_megabytes_is_refused_by_default_and_read_when_permitted()
    {
        var path = folder["a.txt"];
        var line = new byte[50_000_000];
        Array.Fill(line, (byte)'x');
        File.WriteAllBytes(path, [.. "one\n"u8, .. line, .. "\nthree\n"u8]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var fault = Assert.Throws<InvalidDataException>(() => TextLines.Read(path).Count());
        Assert.Equal($"{path}(2): the line is longer than 16 MiB. Check that the file has one row per line, or raise 'max_line_mb'.", fault.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
        var clock = Stopwatch.StartNew();
        Assert.Equal([3, 50_000_000, 5], TextLines.Read(path, maxLineMb: 64).Select(text => text.Length));
        // Linear time takes a fraction of a second, also on a busy machine far less than this; quadratic time takes many minutes.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 60);
    }

    [Fact]
    public void A_quoted_record_without_end_is_refused_at_the_limit()
    {
        var path = folder["a.csv"];
        File.WriteAllText(path, "text,label\n\"" + string.Concat(Enumerable.Repeat(new string('x', 99) + "\n", 20_000)));
        var source = new DataSourceOptions { Path = path, MaxLineMb = 1 };
        Assert.Equal(
            $"{path}(2): the line is longer than 1 MiB. Check that the file has one row per line, or raise 'max_line_mb'.",
            Assert.Throws<InvalidDataException>(() => ExampleReader.Read(source, true).Count()).Message);
    }

    [Fact]
    public void Json_nested_too_deep_is_refused()
    {
        File.WriteAllText(folder["a.jsonl"], "{\"text\":" + new string('[', 100_000));
        Assert.StartsWith($"{folder["a.jsonl"]}(1): the line is not JSON", Fault("a.jsonl").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Gzip_cut_at_any_place_or_damaged_is_reported()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 40).Select(i => $"line {i * 7919}\n"))));
        var whole = packed.ToArray();
        var path = folder["a.txt.gz"];
        for (var length = 2; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            var fault = Assert.Throws<InvalidDataException>(() => TextLines.Read(path).Count());
            Assert.Equal($"{path}: the gzip data is damaged or cut short. Check it with gzip -t '{path}' and fetch the file again.", fault.Message);
        }
        for (var at = 10; at < whole.Length; at++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[at] ^= 0x10;
            File.WriteAllBytes(path, damaged);
            Assert.ThrowsAny<InvalidDataException>(() => TextLines.Read(path).Count());
        }
    }

    [Fact]
    public void A_wrong_path_is_reported_with_a_neighbour()
    {
        File.WriteAllText(folder["train.jsonl"], "{}");
        Assert.Equal(
            $"{folder["trian.jsonl"]}: there is no such file. Did you mean 'train.jsonl'?",
            Assert.Throws<FileNotFoundException>(() => TextLines.Read(folder["trian.jsonl"]).Count()).Message);
        Assert.Equal(
            $"{folder.FullName}: expected a data file, found a folder. Name the file in it.",
            Assert.Throws<InvalidDataException>(() => TextLines.Read(folder.FullName).Count()).Message);
        File.WriteAllBytes(folder["a.jsonl"], [0x28, 0xB5, 0x2F, 0xFD, 0, 0, 0]);
        Assert.Equal(
            $"{folder["a.jsonl"]}: the file is compressed with zstd, and only gzip is read. Unpack it: unzstd '{folder["a.jsonl"]}'.",
            Fault("a.jsonl").Message);
    }

    [Fact]
    public void All_option_faults_are_reported_at_once()
    {
        var source = new DataSourceOptions { Path = "", Delimiter = ";;", MaxRows = 0, MaxLineMb = 0, Columns = new ColumnMap { Text = "label", Fields = ["label"] } };
        var fault = Assert.Throws<ArgumentException>(() => ExampleReader.Read(source, labelled: true));
        string[] keys = ["path", "delimiter", "max_rows", "max_line_mb", "columns.label", "columns.fields"];
        Assert.All(keys, key => Assert.Contains($"{key}: ", fault.Message, StringComparison.Ordinal));
    }

    private InvalidDataException Fault(string name, ColumnMap? columns = null) =>
        Assert.Throws<InvalidDataException>(() => ExampleReader.Read(new DataSourceOptions { Path = folder[name] }, labelled: true, columns).Count());
}
