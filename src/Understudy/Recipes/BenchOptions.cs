using Understudy.Data;
using Understudy.Training;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>What <see cref="Bench"/> measures: a GPT-NeoX with random weights, a training batch, a generation.</summary>
public sealed record BenchOptions
{
    /// <summary>The shape of the model.</summary>
    /// <value>The default value is that of a GPT-NeoX of 70 million parameters: 6 layers, width 512, 8 heads.</value>
    public ArchitectureOptions Architecture { get; init; } = new()
    {
        Family = ArchitectureFamily.GptNeox, NumHiddenLayers = 6, HiddenSize = 512, NumAttentionHeads = 8, Dropout = 0,
    };

    /// <summary>An adapter that is trained in place of the weights.</summary>
    /// <value>The default value is null: all weights are trained.</value>
    public LoraOptions? Lora { get; init; }

    /// <summary>Tokens of the vocabulary, at least 2.</summary>
    /// <value>The default value is 50,304.</value>
    public int VocabSize { get; init; } = 50_304;

    /// <summary>Rows of a training batch, at least 1.</summary>
    /// <value>The default value is 8.</value>
    public int BatchSize { get; init; } = 8;

    /// <summary>Tokens of a training row, at least 2.</summary>
    /// <value>The default value is 128.</value>
    public int RowLength { get; init; } = 128;

    /// <summary>Whether a training step keeps only what goes into each block and computes the rest again.</summary>
    /// <value>The default value is false.</value>
    public bool GradientCheckpointing { get; init; }

    /// <summary>Rows of a generation batch; 0 measures no generation.</summary>
    /// <value>The default value is 8.</value>
    public int GenerationRows { get; init; } = 8;

    /// <summary>Tokens of a prompt, at least 1.</summary>
    /// <value>The default value is 64.</value>
    public int PromptLength { get; init; } = 64;

    /// <summary>Tokens generated after a prompt, at least 2.</summary>
    /// <value>The default value is 64.</value>
    public int NewTokens { get; init; } = 64;

    /// <summary>Rows and columns of the square matrices whose product the rates are held against, at least 1.</summary>
    /// <value>The default value is 2,048.</value>
    public int GemmSize { get; init; } = 2048;

    /// <summary>Measurements of which the median is reported, at least 1.</summary>
    /// <value>The default value is 5.</value>
    public int Repeats { get; init; } = 5;

    /// <summary>The precisions to measure, at least one.</summary>
    /// <value>The default value is fp32 and bf16.</value>
    public IReadOnlyList<PrecisionMode> Precisions { get; init; } = [PrecisionMode.Fp32, PrecisionMode.Bf16];

    /// <summary>Seed of the weights and the tokens.</summary>
    /// <value>The default value is 1.</value>
    public long Seed { get; init; } = 1;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() =>
    [
        .. Faults(
            AtLeast("vocab_size", VocabSize, 2),
            AtLeast("batch_size", BatchSize, 1),
            AtLeast("row_length", RowLength, 2),
            AtLeast("generation_rows", GenerationRows, 0),
            AtLeast("prompt_length", PromptLength, 1),
            AtLeast("new_tokens", NewTokens, 2),
            AtLeast("gemm_size", GemmSize, 1),
            AtLeast("repeats", Repeats, 1),
            Precisions.Count == 0 ? new OptionFault("precisions", "expected at least one of fp32 and bf16, found none.") : null,
            Architecture.Family != ArchitectureFamily.GptNeox
                ? new OptionFault("architecture.family", $"expected gpt_neox, found {Architecture.Family.ToString().ToLowerInvariant()}.")
                : null,
            Fits("row_length", RowLength),
            GenerationRows > 0 ? Fits("prompt_length", PromptLength + NewTokens) : null),
        .. (Lora?.Validate() ?? []).Select(fault => fault.Under("lora")),
        .. Architecture.Validate().Select(fault => fault.Under("architecture")),
    ];

    private OptionFault? Fits(string key, int tokens) => tokens > Architecture.MaxPositionEmbeddings
        ? new OptionFault(key, $"a row would have {tokens} tokens, and 'architecture.max_position_embeddings' is {Architecture.MaxPositionEmbeddings}. Lower the one or raise the other.")
        : null;
}
