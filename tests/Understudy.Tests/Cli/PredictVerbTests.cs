using System.Text;
using System.Text.Json;
using Understudy.Models;

namespace Understudy.Tests.Cli;

/// <summary><c>predict</c> in a pipe, as a process of its own.</summary>
public sealed class PredictVerbTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public PredictVerbTests()
    {
        var config = new BertConfig { ModelType = "roberta", VocabSize = 901, HiddenSize = 8, NumHiddenLayers = 1, NumAttentionHeads = 2, IntermediateSize = 16, MaxPositionEmbeddings = 34, PadTokenId = 1, Labels = ["alarm", "music"] };
        using (var model = AutoModel.NewSequenceClassifier(config, seed: 1))
            PretrainedFolder.Save(model, folder.FullName);
        File.Copy("Fixtures/tokenizers/roberta-style/tokenizer.json", folder["tokenizer.json"]);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_pipe_is_answered_as_it_comes()
    {
        using var program = new ProgramProcess("predict", folder.FullName, "--threads", "1", "--with-text");
        program.Input.Write("hi\n");
        program.Input.Flush();
        Assert.Equal(("stdin:1", "hi"), Answer(program.Output.ReadLine()!));
        program.Input.Write("play some jazz\n\nwake me");
        program.Input.Flush();
        Assert.Equal(("stdin:2", "play some jazz"), Answer(program.Output.ReadLine()!));
        var (exit, output, error) = program.End(" up"u8.ToArray());
        Assert.Equal((0, ""), (exit, error));
        Assert.Equal(("stdin:4", "wake me up"), Answer(output.TrimEnd()));
    }

    [Fact]
    public void Objects_are_read_as_objects_and_a_wrong_one_is_named_after_those_before_it()
    {
        using var program = new ProgramProcess("predict", folder.FullName, "-", "--threads", "1");
        var (exit, output, error) = program.End(Encoding.Latin1.GetBytes("{\"text\": \"play\"}\n{\"id\": \"b\", \"text\": \"caf\u00e9\"}\n"));
        Assert.Equal(2, exit);
        Assert.Equal("stdin:1", JsonDocument.Parse(output).RootElement.GetProperty("id").GetString());
        Assert.Equal("/dev/stdin(2): byte 41 of the file, 0xE9, is not UTF-8. If the file is in another encoding, convert it: iconv -f WINDOWS-1252 -t UTF-8 '/dev/stdin' > converted.\n", error);
    }

    [Fact]
    public void A_format_can_be_named_and_an_empty_pipe_is_no_fault()
    {
        using var table = new ProgramProcess("predict", folder.FullName, "--threads", "1", "--set", "format=csv", "--format", "table");
        var lines = table.End("id,text\na-rather-long-identifier,\"two\nlines\"\nb,日本語のとても長い文章がここにあります、それでも表はくずれないはずです。確かめてみましょう、もう少し長く。\n"u8.ToArray()).Output.Split('\n');
        Assert.Matches("^id {16}text {60}label  probability$", lines[0]);
        Assert.Matches("^a-rather-long-i…  two lines {55}(alarm|music) +[0-9.]+%$", lines[1]);
        Assert.Matches("^b {17}日本語のとても長い文章がここにあります、それでも表はくずれな… {3}(alarm|music) +[0-9.]+%$", lines[2]);
        using var nothing = new ProgramProcess("predict", folder.FullName, "--threads", "1");
        Assert.Equal((0, "", ""), nothing.End());
    }

    [Fact]
    public void A_reader_that_has_enough_ends_it_quietly()
    {
        File.WriteAllLines(folder["many.txt"], Enumerable.Range(0, 20_000).Select(i => $"play song {i}"));
        using var program = ProgramProcess.Shell($"understudy predict '{folder.FullName}' '{folder["many.txt"]}' --threads 1 | head -n 1");
        var (exit, output, error) = program.End();
        Assert.Equal((141, ""), (exit, error));
        Assert.StartsWith("{\"id\":\"many.txt:1\",", output, StringComparison.Ordinal);
    }

    private static (string Id, string Text) Answer(string line)
    {
        var answer = JsonDocument.Parse(line).RootElement;
        Assert.Contains(answer.GetProperty("label").GetString(), new[] { "alarm", "music" });
        return (answer.GetProperty("id").GetString()!, answer.GetProperty("text").GetString()!);
    }
}
