using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>How much <see cref="BenchGenerate"/> measures. Lengths are in tokens.</summary>
public sealed record BenchGenerateOptions
{
    /// <summary>Rows that are generated at once, at least 1.</summary>
    /// <value>The default value is 64.</value>
    public int Rows { get; init; } = 64;

    /// <summary>Tokens of a prompt, at least 1.</summary>
    /// <value>The default value is 64.</value>
    public int PromptLength { get; init; } = 64;

    /// <summary>Tokens generated after a prompt, at least 2.</summary>
    /// <value>The default value is 64.</value>
    public int NewTokens { get; init; } = 64;

    /// <summary>Whether the output layer is in int8 too where int8 is measured (<see cref="Models.LoadOptions.QuantizeOutput"/>).</summary>
    /// <value>The default value is true.</value>
    public bool Int8Output { get; init; } = true;

    /// <summary>Labels that are scored, at least 2.</summary>
    /// <value>The default value is 77.</value>
    public int Labels { get; init; } = 77;

    /// <summary>Prompts after which labels are scored, at least 1. An eighth of them, one at least, is also scored with one prompt for every label.</summary>
    /// <value>The default value is 64.</value>
    public int LabelPrompts { get; init; } = 64;

    /// <summary>Tokens of such a prompt, at least 1.</summary>
    /// <value>The default value is 60.</value>
    public int LabelPromptLength { get; init; } = 60;

    /// <summary>Prompts that begin alike, at least 1.</summary>
    /// <value>The default value is 320.</value>
    public int PrefixPrompts { get; init; } = 320;

    /// <summary>Tokens that they begin with, at least 1.</summary>
    /// <value>The default value is 400.</value>
    public int PrefixLength { get; init; } = 400;

    /// <summary>Tokens of their own, at least 1.</summary>
    /// <value>The default value is 20.</value>
    public int PrefixOwnLength { get; init; } = 20;

    /// <summary>Tokens generated after each, at least 1.</summary>
    /// <value>The default value is 8.</value>
    public int PrefixNewTokens { get; init; } = 8;

    /// <summary>Prompts of the job of all lengths, at least 1.</summary>
    /// <value>The default value is 5,000.</value>
    public int MixedPrompts { get; init; } = 5000;

    /// <summary>Tokens of its shortest prompt, at least 1.</summary>
    /// <value>The default value is 10.</value>
    public int ShortestPrompt { get; init; } = 10;

    /// <summary>Tokens of its longest prompt.</summary>
    /// <value>The default value is 300.</value>
    public int LongestPrompt { get; init; } = 300;

    /// <summary>Tokens of its shortest text, at least 1.</summary>
    /// <value>The default value is 3.</value>
    public int ShortestText { get; init; } = 3;

    /// <summary>Tokens of its longest text, at least 2.</summary>
    /// <value>The default value is 200.</value>
    public int LongestText { get; init; } = 200;

    /// <summary>Beams of a beam search, at least 1.</summary>
    /// <value>The default value is 4.</value>
    public int Beams { get; init; } = 4;

    /// <summary>Its sources, which are searched at once, at least 1.</summary>
    /// <value>The default value is 8.</value>
    public int BeamRows { get; init; } = 8;

    /// <summary>Tokens of a source, at least 1.</summary>
    /// <value>The default value is 64.</value>
    public int SourceLength { get; init; } = 64;

    /// <summary>Tokens of a target, at least 1.</summary>
    /// <value>The default value is 48.</value>
    public int TargetLength { get; init; } = 48;

    /// <summary>Short rows over which the process is watched, at least 20.</summary>
    /// <value>The default value is 10,000.</value>
    public int GrowthRows { get; init; } = 10_000;

    /// <summary>Rows that a classifier takes at once, at least 1.</summary>
    /// <value>The default value is 64.</value>
    public int ClassifyRows { get; init; } = 64;

    /// <summary>Tokens of such a row, at least 1.</summary>
    /// <value>The default value is 64.</value>
    public int ClassifyLength { get; init; } = 64;

    /// <summary>Texts that are tokenized and classified, at least 1.</summary>
    /// <value>The default value is 4,000.</value>
    public int PredictTexts { get; init; } = 4000;

    /// <summary>Rows and columns of the square matrices whose product the rates are held against, at least 1.</summary>
    /// <value>The default value is 2,048.</value>
    public int GemmSize { get; init; } = 2048;

    /// <summary>Memory that is read to find its rate, in MiB, at least 1; several times what the caches hold.</summary>
    /// <value>The default value is 512.</value>
    public int MemoryMib { get; init; } = 512;

    /// <summary>Measurements of which the median is reported, at least 1.</summary>
    /// <value>The default value is 5.</value>
    public int Repeats { get; init; } = 5;

    /// <summary>The same for whole jobs (<see cref="BenchGenerateItem.Mixed"/>, <see cref="BenchGenerateItem.Growth"/>, <see cref="BenchGenerateItem.Predict"/>), at least 1.</summary>
    /// <value>The default value is 1.</value>
    public int JobRepeats { get; init; } = 1;

    /// <summary>Seed of the weights, the tokens and the lengths.</summary>
    /// <value>The default value is 1.</value>
    public long Seed { get; init; } = 1;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        AtLeast("rows", Rows, 1),
        AtLeast("prompt_length", PromptLength, 1),
        AtLeast("new_tokens", NewTokens, 2),
        AtLeast("labels", Labels, 2),
        AtLeast("label_prompts", LabelPrompts, 1),
        AtLeast("label_prompt_length", LabelPromptLength, 1),
        AtLeast("prefix_prompts", PrefixPrompts, 1),
        AtLeast("prefix_length", PrefixLength, 1),
        AtLeast("prefix_own_length", PrefixOwnLength, 1),
        AtLeast("prefix_new_tokens", PrefixNewTokens, 1),
        AtLeast("mixed_prompts", MixedPrompts, 1),
        AtLeast("shortest_prompt", ShortestPrompt, 1),
        LongestPrompt < ShortestPrompt ? new OptionFault("longest_prompt", $"expected at least 'shortest_prompt' ({ShortestPrompt}), found {LongestPrompt}.") : null,
        AtLeast("shortest_text", ShortestText, 1),
        AtLeast("longest_text", LongestText, 2),
        LongestText < ShortestText ? new OptionFault("longest_text", $"expected at least 'shortest_text' ({ShortestText}), found {LongestText}.") : null,
        AtLeast("beams", Beams, 1),
        AtLeast("beam_rows", BeamRows, 1),
        AtLeast("source_length", SourceLength, 1),
        AtLeast("target_length", TargetLength, 1),
        AtLeast("growth_rows", GrowthRows, 20),
        AtLeast("classify_rows", ClassifyRows, 1),
        AtLeast("classify_length", ClassifyLength, 1),
        AtLeast("predict_texts", PredictTexts, 1),
        AtLeast("gemm_size", GemmSize, 1),
        AtLeast("memory_mib", MemoryMib, 1),
        AtLeast("repeats", Repeats, 1),
        AtLeast("job_repeats", JobRepeats, 1));
}
