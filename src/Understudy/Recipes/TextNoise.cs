using Understudy.Data;
using Understudy.Tokenization;

namespace Understudy.Recipes;

/// <summary>BART's noise on the tokens of a text.</summary>
internal sealed class TextNoise(Tokenizer tokenizer, DenoisingOptions options)
{
    // Spans are drawn until enough words are hidden; where hardly a word is left to hide, this many draws in vain in a row end it.
    private const int MostInVain = 50;

    private readonly WordStarts words = new(tokenizer);
    private readonly int mask = Tokenizers.Id(tokenizer, Tokenizers.Mask);

    /// <summary>The spoilt text.</summary>
    internal int[] Spoil(int[] text, SeededRandom random) => Infill(options.PermuteSentences ? Permute(text, random) : text, random);

    private int[] Permute(int[] text, SeededRandom random)
    {
        var sentences = words.Sentences(text);
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(sentences));
        return [.. sentences.SelectMany(sentence => text[sentence])];
    }

    private int[] Infill(int[] text, SeededRandom random)
    {
        var units = words.Words(text);
        // A share of words that is no whole number is right on average.
        var wanted = (int)((units.Count * options.MaskRatio) + random.NextDouble());
        var hidden = new int[units.Count];           // the span that hides a word, from 1; 0 for none
        var inserted = new int[units.Count + 1];     // masks put in before a word
        for (int done = 0, span = 1, inVain = 0; done < wanted && inVain < MostInVain; span++)
        {
            var length = Math.Min(Poisson(random), wanted - done);
            if (length == 0)
            {
                inserted[random.NextInt(inserted.Length)]++;
                inVain++;
                continue;
            }

            var start = random.NextInt(units.Count);
            inVain = hidden[start] != 0 ? inVain + 1 : 0;
            for (var word = start; word < Math.Min(units.Count, start + length) && hidden[word] == 0; word++)
            {
                hidden[word] = span;
                done++;
            }
        }

        var spoilt = new List<int>(text.Length);
        for (var word = 0; word <= units.Count; word++)
        {
            spoilt.AddRange(Enumerable.Repeat(mask, inserted[word]));
            if (word == units.Count) break;
            if (hidden[word] == 0) spoilt.AddRange(text[units[word]]);
            else if (word == 0 || hidden[word] != hidden[word - 1]) spoilt.Add(mask);
        }

        return [.. spoilt];
    }

    // Knuth's product of uniform numbers; the means are small.
    private int Poisson(SeededRandom random)
    {
        var limit = Math.Exp(-options.PoissonLambda);
        var count = 0;
        for (var product = random.NextDouble(); product > limit; product *= random.NextDouble()) count++;
        return count;
    }
}
