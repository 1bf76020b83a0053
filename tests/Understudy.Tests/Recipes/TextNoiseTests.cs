using Understudy.Data;
using Understudy.Recipes;
using Understudy.Tokenization;

namespace Understudy.Tests.Recipes;

public sealed class TextNoiseTests
{
    private static readonly Tokenizer Tokenizer = ToyText.TokenizerOf(ArchitectureFamily.Bart);
    private static readonly int Mask = Tokenizers.Id(Tokenizer, Tokenizers.Mask);
    private static readonly WordStarts Words = new(Tokenizer);

    // One token a word, so that what is left can be counted; longer than what fifty draws in vain allow for.
    private static readonly int[] Long = [.. Enumerable.Range(0, 3000).Select(i => ToyText.Ids(i % 2 == 0 ? " the" : " dog")[0])];

    [Fact]
    public void The_share_of_hidden_words_is_that_which_was_asked_for()
    {
        Assert.Equal(Long.Length, Words.Words(Long).Count);
        foreach (var ratio in new[] { 0.0, 0.15, 0.3, 0.6 })
        {
            var noise = new TextNoise(Tokenizer, new DenoisingOptions { MaskRatio = ratio, PermuteSentences = false });
            for (var seed = 0; seed < 10; seed++)
            {
                var left = noise.Spoil(Long, new SeededRandom(seed)).Count(id => id != Mask);
                Assert.InRange(Long.Length - left, (ratio * Long.Length) - 1, (ratio * Long.Length) + 1);
            }
        }
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(3)]
    public void A_mask_stands_for_as_many_words_as_the_mean_of_the_distribution(double lambda)
    {
        // So few spans that they hardly meet.
        var noise = new TextNoise(Tokenizer, new DenoisingOptions { MaskRatio = 0.02, PoissonLambda = lambda, PermuteSentences = false });
        var (masks, hidden) = (0, 0);
        for (var seed = 0; seed < 200; seed++)
        {
            var spoilt = noise.Spoil(Long, new SeededRandom(seed));
            masks += spoilt.Count(id => id == Mask);
            hidden += Long.Length - spoilt.Count(id => id != Mask);
        }

        Assert.InRange(hidden / (double)masks, 0.9 * lambda, 1.06 * lambda);
    }

    [Fact]
    public void Without_permutation_what_is_left_keeps_its_order()
    {
        var noise = new TextNoise(Tokenizer, new DenoisingOptions { PermuteSentences = false });
        foreach (var document in ToyText.Documents(50, 1))
        {
            var text = ToyText.Ids(document);
            var at = 0;
            foreach (var id in noise.Spoil(text, new SeededRandom(document.Length)).Where(id => id != Mask))
            {
                at = Array.IndexOf(text, id, at) + 1;
                Assert.True(at > 0);
            }
        }
    }

    [Fact]
    public void Sentences_change_places_as_wholes()
    {
        var noise = new TextNoise(Tokenizer, new DenoisingOptions { MaskRatio = 0 });
        var text = ToyText.Ids("The cat sees a dog. A horse answers! Who? It costs 3.14 here.");
        var made = Enumerable.Range(0, 60).Select(seed => Tokenizer.Decode(noise.Spoil(text, new SeededRandom(seed)))).ToHashSet();
        Assert.Contains("The cat sees a dog. A horse answers! Who? It costs 3.14 here.", made);
        Assert.Contains(made, spoilt => spoilt.StartsWith(" It costs 3.14 here.", StringComparison.Ordinal));
        Assert.All(made, spoilt => Assert.All(["The cat sees a dog.", " A horse answers!", " Who?", " It costs 3.14 here."], sentence => Assert.Contains(sentence, spoilt, StringComparison.Ordinal)));
        Assert.InRange(made.Count, 15, 24);
    }

    [Fact]
    public void Short_texts_are_spoilt_on_average()
    {
        var noise = new TextNoise(Tokenizer, new DenoisingOptions { MaskRatio = 0.25 });
        Assert.Empty(noise.Spoil([], new SeededRandom(1)));
        var one = ToyText.Ids("unforeseeable");
        var spoilt = Enumerable.Range(0, 2000).Select(seed => noise.Spoil(one, new SeededRandom(seed))).ToArray();
        Assert.All(spoilt, text => Assert.True(text.SequenceEqual(one) || text.All(id => id == Mask)));
        Assert.InRange(spoilt.Count(text => text.All(id => id == Mask)) / 2000.0, 0.21, 0.29);
        // A ratio below one word, on average.
        Assert.All(spoilt, Assert.NotEmpty);
    }

    [Fact]
    public void The_same_seed_spoils_in_the_same_way()
    {
        var noise = new TextNoise(Tokenizer, new DenoisingOptions());
        Assert.Equal(noise.Spoil(Long, new SeededRandom(7)), noise.Spoil(Long, new SeededRandom(7)));
        Assert.NotEqual(noise.Spoil(Long, new SeededRandom(7)), noise.Spoil(Long, new SeededRandom(8)));
    }
}
