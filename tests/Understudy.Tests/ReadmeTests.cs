using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Tests;

public sealed class ReadmeTests
{
    [Fact]
    public void The_lines_of_code_compile_and_work()
    {
        using var saved = new TemporaryFolder();
        var config = new BertConfig { ModelType = "roberta", VocabSize = 901, HiddenSize = 8, NumHiddenLayers = 1, NumAttentionHeads = 2, IntermediateSize = 16, MaxPositionEmbeddings = 34, PadTokenId = 1, Labels = ["alarm", "music"] };
        using (var model = PretrainedFolder.NewSequenceClassifier(config, seed: 1))
            PretrainedFolder.Save(model, saved.FullName);
        File.Copy("Fixtures/tokenizers/roberta-style/tokenizer.json", saved["tokenizer.json"]);

        var folder = saved.FullName;
        #region README
        var tokenizer = Tokenizer.FromFolder(folder);
        using var student = PretrainedFolder.LoadSequenceClassifier(folder);
        using var scope = torch.NewDisposeScope();
        using var inference = torch.no_grad();

        long[] ids = [.. tokenizer.Encode("wake me up at nine").Ids];
        var logits = student.Forward(torch.tensor(ids, 1, ids.Length));   // [1, labels]
        var probabilities = logits.softmax(-1).ToArray<float>();
        var best = student.Labels[probabilities.IndexOf(probabilities.Max())];
        #endregion

        Assert.Equal(1f, probabilities.Sum(), 1e-5f);
        Assert.Contains(best, student.Labels);
    }

    [Fact]
    public void The_README_shows_those_lines()
    {
        var test = File.ReadAllText(Path.Combine(Repository.Root, "tests/Understudy.Tests/ReadmeTests.cs"));
        var lines = test.Split("#region README\n")[1].Split("        #endregion")[0].Replace("\n        ", "\n", StringComparison.Ordinal).Trim();
        Assert.Contains(lines, File.ReadAllText(Path.Combine(Repository.Root, "README.md")), StringComparison.Ordinal);
    }
}
