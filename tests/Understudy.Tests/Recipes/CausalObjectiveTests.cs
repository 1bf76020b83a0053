using Understudy.Data;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

[Collection(LiveTensors.Name)]
public sealed class CausalObjectiveTests
{
    private static readonly string[] Texts = ["The cat sees a dog near the river.", "A horse.", "The spider follows a sparrow in the garden. The dog answers an elephant.", "é 🐎"];

    [Fact]
    public void The_loss_of_packed_documents_is_that_of_each_on_its_own()
    {
        using var scope = torch.NewDisposeScope();
        using var objective = New(out var model);
        int[] stream = [ToyText.Separator, .. Texts.SelectMany(text => ToyText.Ids(text).Append(ToyText.Separator))];
        var packed = new PackedTokens(stream, stream.Length, ToyText.Separator);
        var batch = objective.Layout(packed.Pieces([0], objective.LongestPiece), new SeededRandom(1));
        var (alone, count) = (0.0, 0L);
        foreach (var text in Texts)
        {
            var ids = torch.tensor([.. ToyText.Piece(text).Select(id => (long)id)]).unsqueeze(0);
            alone += Losses.NextTokenSum(model.Logits(model.Hidden(ids)), ids).item<double>();
            count += ids.size(1) - 1;
        }

        Assert.Equal(count, batch.Count);
        Assert.Equal(Texts.Sum(text => System.Text.Encoding.UTF8.GetByteCount(text) + 1), batch.Bytes);
        Assert.Equal(alone / count, objective.Loss(batch, batch.Count, 0, Device.CPU).item<double>(), 5);
    }

    [Fact]
    public void The_longest_piece_is_as_long_as_the_model_takes()
    {
        using var scope = torch.NewDisposeScope();
        using var objective = New(out _);
        int[] stream = [ToyText.Separator, .. Enumerable.Repeat(ToyText.Ids("The dog")[0], 200), ToyText.Separator];
        var pieces = new PackedTokens(stream, stream.Length, ToyText.Separator).Pieces([0], objective.LongestPiece);
        Assert.True(double.IsFinite(objective.Loss(objective.Layout(pieces, new SeededRandom(1)), 1, 0, Device.CPU).item<double>()));
    }

    [Fact]
    public void A_sample_goes_on_from_its_prompt_however_long_that_is()
    {
        using var objective = New(out _);
        var options = new SampleOptions { Prompts = ["x"], MaxNewTokens = 5 };
        Assert.Equal(objective.Sample("The cat", options, 3), objective.Sample("The cat", options, 3));
        Assert.NotNull(objective.Sample(string.Concat(Enumerable.Repeat("The cat sees. ", 100)), options, 3));
    }

    private static CausalObjective New(out GptNeoxForCausalLM model)
    {
        var tokenizer = ToyText.TokenizerOf(ArchitectureFamily.GptNeox);
        var options = new ArchitectureOptions { Family = ArchitectureFamily.GptNeox, NumHiddenLayers = 2, HiddenSize = 16, NumAttentionHeads = 2, MaxPositionEmbeddings = 64 };
        model = new GptNeoxForCausalLM(Architectures.GptNeox(options, tokenizer), new RandomParameters(1, 0.3));
        return new CausalObjective(model, tokenizer);
    }
}
