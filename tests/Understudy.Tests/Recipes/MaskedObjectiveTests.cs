using Understudy.Data;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

[Collection(LiveTensors.Name)]
public sealed class MaskedObjectiveTests
{
    private static readonly Tokenizer Tokenizer = ToyText.TokenizerOf(ArchitectureFamily.Roberta);
    private static readonly int Mask = Tokenizers.Id(Tokenizer, Tokenizers.Mask);

    [Theory]
    [InlineData(true, 0.2)]
    [InlineData(false, 0.2)]
    [InlineData(true, 0.35)]
    public void The_shares_are_those_that_were_asked_for(bool wholeWord, double probability)
    {
        using var objective = New(new MaskingOptions { Probability = probability, WholeWord = wholeWord });
        var pieces = ToyText.Documents(400, 2).Select(ToyText.Piece).ToArray();
        var (tokens, asked, masked, same) = (0, 0, 0, 0);
        var random = new SeededRandom(1);
        foreach (var (read, labels, text) in Rows(objective, pieces, random))
        {
            tokens += text.Length;
            for (var place = 0; place < text.Length; place++)
            {
                if (labels[place] == Losses.IgnoreIndex)
                {
                    Assert.Equal(text[place], read[place]);
                    continue;
                }

                Assert.Equal(text[place], labels[place]);
                asked++;
                if (read[place] == Mask) masked++;
                else if (read[place] == text[place]) same++;
            }
        }

        // Words are chosen until enough tokens are, so with whole words a little more is asked for.
        Assert.InRange(asked / (double)tokens, probability - 0.01, probability + (wholeWord ? 0.06 : 0.01));
        Assert.InRange(masked / (double)asked, 0.77, 0.83);
        Assert.InRange(same / (double)asked, 0.075, 0.13);
    }

    [Fact]
    public void A_word_is_hidden_as_a_whole_or_not_at_all()
    {
        using var objective = New(new MaskingOptions());
        var words = new WordStarts(Tokenizer);
        var pieces = ToyText.Documents(50, 3).Append("unforeseeable consequences 2026").Select(ToyText.Piece).ToArray();
        var parts = 0;
        foreach (var (read, labels, text) in Rows(objective, pieces, new SeededRandom(2)))
        {
            foreach (var word in words.Words(text))
            {
                Assert.Single(labels[word].Select(label => label == Losses.IgnoreIndex).Distinct());
                if (labels[word][0] == Losses.IgnoreIndex) continue;
                Assert.Single(read[word].Select(id => id == Mask).Distinct());
                if (text[word].Length > 1) parts++;
            }
        }

        Assert.True(parts > 0);
    }

    [Fact]
    public void The_loss_is_that_of_all_logits_at_the_hidden_places()
    {
        using var scope = torch.NewDisposeScope();
        using var objective = New(new MaskingOptions());
        var pieces = ToyText.Documents(7, 4).Append("The").Select(ToyText.Piece).ToArray();
        var batch = objective.Layout(pieces, new SeededRandom(5));
        var (ids, mask) = batch.Inputs.To();
        var logits = ((IMaskedLanguageModel)objective.Model).Forward(ids, mask);
        var expected = Losses.MaskedTokenSum(logits, batch.Targets.To(batch.Labels)).item<double>() / batch.Count;
        Assert.Equal(batch.Labels.Count(label => label != Losses.IgnoreIndex), batch.Count);
        Assert.Equal(expected, objective.Loss(batch, batch.Count, 0, Device.CPU).item<double>(), 5);
    }

    [Fact]
    public void Something_is_asked_of_every_text_and_nothing_of_a_lone_separator()
    {
        using var objective = New(new MaskingOptions { Probability = 0.01 });
        var batch = objective.Layout([ToyText.Piece("The"), [ToyText.Separator, ToyText.Ids("The")[0]]], new SeededRandom(1));
        Assert.Equal((1, 1L), (batch.Inputs.Rows, batch.Count));
    }

    [Fact]
    public void A_sample_fills_in_the_mask_and_leaves_the_rest()
    {
        using var objective = New(new MaskingOptions());
        var options = new SampleOptions { Prompts = ["x"] };
        var filled = objective.Sample("The cat sees a<mask> near the river.", options, 1);
        Assert.StartsWith("The cat sees a", filled, StringComparison.Ordinal);
        Assert.EndsWith(" near the river.", filled, StringComparison.Ordinal);
        Assert.NotNull(objective.Sample(string.Concat(Enumerable.Repeat("The cat sees. ", 100)), options, 1));
    }

    // What the model reads, what is asked for, and the text, without the tokens around it.
    private static IEnumerable<(int[] Read, long[] Labels, int[] Text)> Rows(MaskedObjective objective, int[][] pieces, SeededRandom random)
    {
        foreach (var piece in pieces)
        {
            var batch = objective.Layout([piece], random);
            using var scope = torch.NewDisposeScope();
            var read = batch.Inputs.To().Ids.ToArray<long>();
            yield return ([.. read[1..^1].Select(id => (int)id)], batch.Labels[1..^1], piece[1..^1]);
        }
    }

    private static MaskedObjective New(MaskingOptions options)
    {
        var architecture = new ArchitectureOptions { Family = ArchitectureFamily.Roberta, NumHiddenLayers = 1, HiddenSize = 16, NumAttentionHeads = 2, MaxPositionEmbeddings = 64 };
        return new MaskedObjective(new BertForMaskedLM(Architectures.Classifier(architecture, Tokenizer, []), new RandomParameters(1, 0.3)), Tokenizer, options);
    }
}
