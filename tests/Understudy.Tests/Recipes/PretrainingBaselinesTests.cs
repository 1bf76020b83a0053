using Understudy.Data;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Tokenization;
using Understudy.Training;
using Encoding = System.Text.Encoding;

namespace Understudy.Tests.Recipes;

public sealed class PretrainingBaselinesTests
{
    private static readonly string[] Words = ["set", "an", "alarm", "für", "seven", "play", "some", "jazz", "what", "is", "the", "weather", "日本", "tomorrow"];

    private readonly Tokenizer tokenizer = BpeTrainer.Train(Texts(300, 1), new BpeTrainerOptions { VocabularySize = 300, MinFrequency = 2, SpecialTokens = [new AddedToken { Content = Tokenizers.EndOfText, Special = true }] });

    [Fact]
    public void Documents_are_the_text_that_the_model_is_measured_on()
    {
        var texts = Texts(20, 2);
        var packed = Pack(texts, 16, out var ids);
        var documents = PretrainingBaselines.Texts(tokenizer, Separator, packed).ToArray();
        var all = Encoding.UTF8.GetBytes(string.Concat(texts.Select(text => text + "\n")));
        var measured = documents.SelectMany(document => document.Text).ToArray();
        // What is left over at the end of the stream is not measured.
        Assert.Equal(all[..measured.Length], measured);
        Assert.InRange(all.Length - measured.Length, 1, 16 * 12);
        Assert.Equal(texts[..(documents.Length - 1)].Select(text => text + "\n"), documents[..^1].Select(document => Encoding.UTF8.GetString(document.Text)));
        // As many tokens and bytes as the objective counts.
        var targets = ids[1..((packed.Rows * 16) + 1)];
        Assert.Equal(targets.Length, documents.Sum(document => document.Tokens));
        Assert.Equal(new TokenByteCounts(tokenizer).Of(targets), measured.Length);
    }

    [Fact]
    public void A_model_of_bytes_that_knows_the_training_text_beats_compressors_that_do_not()
    {
        var measured = PretrainingBaselines.Of("print", tokenizer, Separator, Pack(Texts(2000, 3), 16, out _), Pack(Texts(100, 4), 16, out _), RunProgress.None, default);
        Assert.Equal(("print", 5), (measured.Fingerprint, measured.Order));
        Assert.InRange(measured.ByteModel, 0.4, 1.1);
        Assert.InRange(measured.Gzip, 1.5 * measured.ByteModel, 8);
        Assert.InRange(measured.Documents, 90, 100);
        Assert.True(measured.TrainBytes > 15 * measured.Bytes);
    }

    [Fact]
    public void What_is_no_pre_training_of_a_decoder_is_not_measured()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(PretrainingBaselines.Measure(folder.FullName, RunProgress.None, default));
        PretrainingFolders.Write(folder["encoder"], finished: false, family: "roberta");
        Assert.Null(PretrainingBaselines.Measure(folder["encoder"], RunProgress.None, default));
        PretrainingFolders.Write(folder["unprepared"], finished: false);
        File.Delete(folder["unprepared/stages/pretrain/prepared.txt"]);
        Assert.Null(PretrainingBaselines.Measure(folder["unprepared"], RunProgress.None, default));
    }

    [Fact]
    public void What_was_measured_stands_while_the_stage_is_the_same()
    {
        using var folder = new TemporaryFolder();
        PretrainingFolders.Write(folder["run"]);
        Assert.Equal(3.5, PretrainingBaselines.Measure(folder["run"], RunProgress.None, default)!.Gzip);
        var path = folder["run/stages/pretrain/baselines.json"];
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"print\"", "\"another\"", StringComparison.Ordinal));
        Assert.Null(PretrainingBaselines.Read(PretrainingFolder.Read(folder["run"])!));
    }

    private int Separator => Tokenizers.Id(tokenizer, Tokenizers.EndOfText);

    private PackedTokens Pack(string[] texts, int rowLength, out int[] ids)
    {
        var stream = new List<int> { Separator };
        foreach (var text in texts)
        {
            tokenizer.EncodeIds(text, stream, addSpecialTokens: false);
            stream.Add(Separator);
        }

        ids = [.. stream];
        return new PackedTokens(ids, rowLength, Separator);
    }

    private static string[] Texts(int count, long seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => string.Join(' ', Enumerable.Range(0, 9).Select(_ => Words[random.NextInt(Words.Length)])))];
    }
}
