using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

/// <summary>Causal models of every family as classifiers.</summary>
[Collection(LiveTensors.Name)]
public sealed class CausalSequenceClassifierTests
{
    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models");

    [Theory]
    [InlineData("gpt-neox", "GPTNeoXForSequenceClassification")]
    [InlineData("gpt2-old-layout", "GPT2ForSequenceClassification")]
    [InlineData("llama", "LlamaForSequenceClassification")]
    [InlineData("mistral-sliding-window", "MistralForSequenceClassification")]
    [InlineData("qwen2", "Qwen2ForSequenceClassification")]
    [InlineData("qwen3", "Qwen3ForSequenceClassification")]
    public void The_score_is_that_of_the_last_real_token(string family, string architecture)
    {
        using var scope = torch.NewDisposeScope();
        using var grad = torch.no_grad();
        using var model = AutoModel.LoadForSequenceClassification(Path.Combine(Fixtures, family), ["a", "b", "c"], 1, out var fresh);
        using var body = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, family));
        Assert.Equal(["score.weight"], fresh);
        Assert.Equal(architecture, model.ToConfigJson()["architectures"]![0]!.GetValue<string>());
        var score = model.Parameters.Single(parameter => parameter.Name == "score.weight").Value;

        long[] ids = [5, 6, 7, 8, 9, 10, 11, 1, 1];
        var logits = model.Forward(torch.tensor(ids, 1, 9), torch.tensor(new long[] { 1, 1, 1, 1, 1, 1, 1, 0, 0 }, 1, 9));
        var alone = body.Hidden(torch.tensor(ids[..7], 1, 7)).select(1, 6).matmul(score.t());
        Assert.Equal(alone.ToArray<float>(), logits.ToArray<float>(), (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(alone.ToArray<float>(), model.Forward(torch.tensor(ids[..7], 1, 7)).ToArray<float>(), (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Fact]
    public void A_saved_one_is_loaded_as_it_was()
    {
        using var scope = torch.NewDisposeScope();
        using var grad = torch.no_grad();
        using var folder = new TemporaryFolder();
        using var model = AutoModel.LoadForSequenceClassification(Path.Combine(Fixtures, "llama"), ["yes", "no"], 3, out _);
        PretrainedFolder.Save(model, folder.FullName);
        using var loaded = Assert.IsType<CausalSequenceClassifier>(AutoModel.Load(folder.FullName));
        Assert.Equal(["yes", "no"], loaded.Labels);
        var ids = torch.tensor(new long[] { 5, 6, 7 }, 1, 3);
        Assert.Equal(model.Forward(ids).ToArray<float>(), loaded.Forward(ids).ToArray<float>());

        // The reference finds the last token by the padding id; the file names none, so the end of a text is it.
        Assert.Equal(1, loaded.ToConfigJson()["pad_token_id"]!.GetValue<int>());
    }

    [Fact]
    public void It_learns_and_leaves_no_tensor_behind()
    {
        using var model = AutoModel.LoadForSequenceClassification(Path.Combine(Fixtures, "qwen3"), ["a", "b"], 1, out _);
        var before = Tensor.TotalCount;
        for (var step = 0; step < 2; step++)
        {
            using var scope = torch.NewDisposeScope();
            var loss = model.Forward(torch.tensor(new long[] { 5, 6, 7, 8, 9, 0 }, 2, 3), torch.tensor(new long[] { 1, 1, 1, 1, 1, 0 }, 2, 3)).sum();
            loss.backward();
            Assert.All(model.Parameters, parameter => Assert.NotNull(parameter.Value.grad));
        }

        // Rotary tables are made at the first step and stay.
        Assert.Equal(before + 2, Tensor.TotalCount);
    }
}
