using Understudy.Tokenization;

namespace Understudy.Recipes;

/// <summary>How many UTF-8 bytes of text tokens stand for.</summary>
internal sealed class TokenByteCounts
{
    private readonly int[] counts;

    internal TokenByteCounts(Tokenizer tokenizer)
    {
        var bytes = tokenizer.TokenBytes;
        // A special token stands for the line break between documents.
        counts = [.. Enumerable.Range(0, bytes.Count).Select(id => Math.Max(1, bytes.Of(id).Length))];
    }

    internal long Of(ReadOnlySpan<int> ids)
    {
        var sum = 0L;
        foreach (var id in ids) sum += counts[id];
        return sum;
    }
}
