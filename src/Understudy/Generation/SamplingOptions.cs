using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Generation;

/// <summary>How the next token is chosen from a model's logits, and when a text ends.</summary>
/// <remarks>
/// Names, order and formulas are those of Hugging Face's <c>GenerationConfig</c>: repetition penalty, n-grams and bad
/// words first, then temperature, top-k, top-p, min-p, typical-p.
/// </remarks>
public sealed record SamplingOptions
{
    /// <summary>Whether tokens are drawn at random. Otherwise each is the most probable one (greedy) and temperature, top-k, top-p, min-p and typical-p have no effect.</summary>
    /// <value>The default value is true.</value>
    public bool DoSample { get; init; } = true;

    /// <summary>The logits are divided by it, more than 0; below 1 sharpens, above 1 flattens.</summary>
    /// <value>The default value is 1.</value>
    public double Temperature { get; init; } = 1.0;

    /// <summary>Only this many most probable tokens stay, at least 1.</summary>
    /// <value>The default value is null: all stay.</value>
    public int? TopK { get; init; }

    /// <summary>Only the fewest most probable tokens whose probabilities reach this sum stay, more than 0 and at most 1 (Holtzman et al., arXiv 1904.09751).</summary>
    /// <value>The default value is null: all stay.</value>
    public double? TopP { get; init; }

    /// <summary>Only tokens with at least this share of the most probable token's probability stay, from 0 to 1 (Nguyen et al., arXiv 2407.01082).</summary>
    /// <value>The default value is null: all stay.</value>
    public double? MinP { get; init; }

    /// <summary>Only the tokens whose surprise is nearest to the expected one stay, until their probabilities reach this sum, more than 0 and below 1 (Meister et al., arXiv 2202.00666).</summary>
    /// <value>The default value is null: all stay.</value>
    public double? TypicalP { get; init; }

    /// <summary>The logits of tokens that occurred already are divided (positive ones) or multiplied (negative ones) by it, more than 0 (Keskar et al., arXiv 1909.05858).</summary>
    /// <value>The default value is 1: none.</value>
    public double RepetitionPenalty { get; init; } = 1.0;

    /// <summary>No sequence of this many tokens occurs twice, at least 1.</summary>
    /// <value>The default value is null: none is forbidden.</value>
    public int? NoRepeatNgramSize { get; init; }

    /// <summary>Texts that must not be generated. Each is tokenized as it stands and with a leading space.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<string> BadWords { get; init; } = [];

    /// <summary>The most tokens generated, at least 1.</summary>
    /// <value>The default value is 64.</value>
    public int MaxNewTokens { get; init; } = 64;

    /// <summary>Texts that end the generation; what is returned ends before the first of them. The model's end-of-text token always ends it.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Seed of the draws; each row has its own stream, so its text does not depend on the rows beside it.</summary>
    /// <value>The default value is null: derived from the run's seed.</value>
    public long? Seed { get; init; }

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        [
            MoreThan("temperature", Temperature, 0),
            AtLeast("top_k", TopK, 1),
            AboveTo("top_p", TopP, 0, 1),
            Between("min_p", MinP, 0, 1),
            AboveToBelow("typical_p", TypicalP, 0, 1),
            MoreThan("repetition_penalty", RepetitionPenalty, 0),
            AtLeast("no_repeat_ngram_size", NoRepeatNgramSize, 1),
            AtLeast("max_new_tokens", MaxNewTokens, 1),
            .. BadWords.Select((text, i) => NotEmpty($"bad_words[{i}]", text)),
            .. StopStrings.Select((text, i) => NotEmpty($"stop_strings[{i}]", text)),
        ]);
}
