using Understudy.Data;
using Understudy.Tokenization;

namespace Understudy.Recipes;

/// <summary>The special tokens of RoBERTa and BART, and what they are put around.</summary>
internal sealed class EncoderTokens(Tokenizer tokenizer)
{
    private readonly int separator = Tokenizers.Separator(tokenizer);
    private readonly int begin = Tokenizers.Id(tokenizer, Tokenizers.Begin);
    private readonly int end = Tokenizers.Id(tokenizer, Tokenizers.End);
    private readonly int[] texts = [.. Enumerable.Range(0, tokenizer.TokenBytes.Count).Where(tokenizer.TokenBytes.IsText)];

    /// <summary>The padding token.</summary>
    internal int Padding { get; } = Tokenizers.Id(tokenizer, Tokenizers.Padding);

    /// <summary>The token that stands for hidden words.</summary>
    internal int Mask { get; } = Tokenizers.Id(tokenizer, Tokenizers.Mask);

    /// <summary>The text of a piece, without the separator before it and the token that comes after it.</summary>
    internal int[] Text(int[] piece) => piece[(piece[0] == separator ? 1 : 0)..^1];

    /// <summary>A text as a model reads it: <c>&lt;s&gt; text &lt;/s&gt;</c>.</summary>
    internal int[] Around(IReadOnlyList<int> text) => [begin, .. text, end];

    /// <summary>Any token that stands for text.</summary>
    internal int AnyText(SeededRandom random) => texts[random.NextInt(texts.Length)];
}
