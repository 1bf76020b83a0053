using Understudy.Data;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Torch;

namespace Understudy.Tests.Recipes;

[Collection(LiveTensors.Name)]
public sealed class DenoisingObjectiveTests
{
    private static readonly string[] Texts = ["The cat sees a dog near the river.", "A horse.", "The spider follows a sparrow in the garden. The dog answers an elephant."];

    [Fact]
    public void The_loss_of_a_padded_batch_is_that_of_each_text_on_its_own()
    {
        using var scope = torch.NewDisposeScope();
        using var objective = New(new DenoisingOptions());
        var pieces = Texts.Select(ToyText.Piece).ToArray();
        var together = objective.Layout(pieces, new SeededRandom(4));
        var random = new SeededRandom(4);
        var alone = pieces.Select(piece => objective.Layout([piece], random)).ToArray();
        Assert.Equal(alone.Sum(batch => batch.Count), together.Count);
        Assert.Equal(Texts.Sum(text => text.Length + 1), together.Bytes);
        Assert.Equal(alone.Sum(batch => objective.Loss(batch, 1, 0, Device.CPU).item<double>()), objective.Loss(together, 1, 0, Device.CPU).item<double>(), 3);
    }

    [Fact]
    public void Masks_that_are_put_in_make_no_text_longer_than_the_model_takes()
    {
        using var scope = torch.NewDisposeScope();
        // Nearly all spans are empty: a mask goes in and nothing goes out.
        using var objective = New(new DenoisingOptions { PoissonLambda = 0.05 });
        int[] piece = [ToyText.Separator, .. Enumerable.Repeat(ToyText.Ids(" dog")[0], objective.LongestPiece - 1), ToyText.Separator];
        for (var seed = 0; seed < 5; seed++)
        {
            var batch = objective.Layout([piece], new SeededRandom(seed));
            Assert.InRange(batch.Inputs.Columns, 1, 64);
            Assert.True(double.IsFinite(objective.Loss(batch, 1, 0, Device.CPU).item<double>()));
        }
    }

    [Fact]
    public void A_sample_is_a_text_however_long_its_prompt_is()
    {
        using var objective = New(new DenoisingOptions());
        var options = new SampleOptions { Prompts = ["x"], MaxNewTokens = 5 };
        Assert.Equal(objective.Sample("The<mask> sees", options, 1), objective.Sample("The<mask> sees", options, 2));
        Assert.NotNull(objective.Sample(string.Concat(Enumerable.Repeat("The cat sees. ", 100)), options, 1));
    }

    private static DenoisingObjective New(DenoisingOptions options)
    {
        var tokenizer = ToyText.TokenizerOf(ArchitectureFamily.Bart);
        var architecture = new ArchitectureOptions { Family = ArchitectureFamily.Bart, NumHiddenLayers = 1, HiddenSize = 16, NumAttentionHeads = 2, MaxPositionEmbeddings = 64 };
        return new DenoisingObjective(new BartForConditionalGeneration(Architectures.Bart(architecture, tokenizer), new RandomParameters(1, 0.3)), tokenizer, options);
    }
}
