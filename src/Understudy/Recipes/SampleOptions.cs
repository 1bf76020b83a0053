using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>What a model writes while it is pre-trained, into <c>stages/pretrain/samples.jsonl</c>: an eye sees what a loss does not.</summary>
public sealed record SampleOptions
{
    /// <summary>Steps between two samples, at least 1.</summary>
    /// <value>The default value is 500.</value>
    public int Every { get; init; } = 500;

    /// <summary>Texts to begin from: a decoder goes on from them; an encoder fills in their <c>&lt;mask&gt;</c>, and so does an encoder-decoder.</summary>
    /// <value>It has no default value.</value>
    public required IReadOnlyList<string> Prompts { get; init; }

    /// <summary>The most tokens that a decoder writes, at least 1.</summary>
    /// <value>The default value is 40.</value>
    public int MaxNewTokens { get; init; } = 40;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        AtLeast("every", Every, 1),
        AtLeast("max_new_tokens", MaxNewTokens, 1),
        Prompts.Count == 0 ? new OptionFault("prompts", "expected at least one text, found none.") : null);
}
