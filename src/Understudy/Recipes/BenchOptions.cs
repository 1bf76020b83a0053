using Understudy.Data;
using Understudy.Runs;
using Understudy.Training;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>What <see cref="Bench"/> measures: a model with random weights, a training batch, a generation.</summary>
public sealed record BenchOptions
{
    /// <summary>The shape of the model.</summary>
    /// <value>The default value is that of a GPT-NeoX of 70 million parameters: 6 layers, width 512, 8 heads.</value>
    public BenchArchitectureOptions Architecture { get; init; } = new();

    /// <summary>An adapter that is trained in place of the weights.</summary>
    /// <value>The default value is null: all weights are trained.</value>
    public LoraOptions? Lora { get; init; }

    /// <summary>Tokens of the vocabulary, at least 2.</summary>
    /// <value>The default value is 50,304.</value>
    public int VocabSize { get; init; } = 50_304;

    /// <summary>Rows of a training batch, at least 1.</summary>
    /// <value>The default value is 8.</value>
    public int BatchSize { get; init; } = 8;

    /// <summary>Tokens of a training row, at least 2; of an encoder-decoder, of its source.</summary>
    /// <value>The default value is 128.</value>
    public int RowLength { get; init; } = 128;

    /// <summary>Tokens of the target of an encoder-decoder, at least 2; other families have none.</summary>
    /// <value>The default value is 64.</value>
    public int TargetLength { get; init; } = 64;

    /// <summary>Tokens of the shortest row, at least 2: rows then have from this to <see cref="RowLength"/> tokens, every length equally often, rows of similar length sharing a batch
    /// (<see cref="TrainingOptions.GroupByLength"/>), and they are measured in turns with rows of equal length that have as many tokens together.</summary>
    /// <value>The default value is null: every row has <see cref="RowLength"/> tokens.</value>
    public int? ShortestRow { get; init; }

    /// <summary>Whether a training step keeps only what goes into each block and computes the rest again.</summary>
    /// <value>The default value is false.</value>
    public bool GradientCheckpointing { get; init; }

    /// <summary>Rows of a generation batch; 0 measures no generation. Only a GPT-NeoX generates here.</summary>
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

    /// <summary>Numbers of processor threads to measure with, in turns, each at least 1.</summary>
    /// <value>The default value is none: as many as the process uses.</value>
    public IReadOnlyList<int> Threads { get; init; } = [];

    /// <summary>Training steps whose operations are measured one by one, after the rates; 0 measures none.</summary>
    /// <value>The default value is 0.</value>
    public int ProfileSteps { get; init; }

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
            AtLeast("target_length", TargetLength, 2),
            AtLeast("shortest_row", ShortestRow, 2),
            AtLeast("generation_rows", GenerationRows, 0),
            AtLeast("prompt_length", PromptLength, 1),
            AtLeast("new_tokens", NewTokens, 2),
            AtLeast("gemm_size", GemmSize, 1),
            AtLeast("repeats", Repeats, 1),
            AtLeast("profile_steps", ProfileSteps, 0),
            Threads.Any(threads => threads < 1) ? new OptionFault("threads", $"expected numbers of at least 1, found {Threads.First(threads => threads < 1)}.") : null,
            Precisions.Count == 0 ? new OptionFault("precisions", "expected at least one of fp32 and bf16, found none.") : null,
            ShortestRow > RowLength ? new OptionFault("shortest_row", $"expected at most 'row_length' ({RowLength}), found {ShortestRow}.") : null,
            ShortestRow is not null && Architecture.Family is not (BenchFamily.Roberta or BenchFamily.Bert)
                ? new OptionFault("shortest_row", $"expected 'architecture.family' roberta or bert with it, found {ScalarValue.Text(Architecture.Family)}. Remove it, or take a classifier.")
                : null,
            GenerationRows > 0 && Architecture.Family != BenchFamily.GptNeox
                ? new OptionFault("generation_rows", $"expected 0 where 'architecture.family' is {ScalarValue.Text(Architecture.Family)}: only gpt_neox generates here. Set it to 0.")
                : null,
            Fits("row_length", RowLength),
            Architecture.Family == BenchFamily.Bart ? Fits("target_length", TargetLength) : null,
            GenerationRows > 0 ? Fits("prompt_length", PromptLength + NewTokens) : null),
        .. (Lora?.Validate() ?? []).Select(fault => fault.Under("lora")),
        .. Architecture.Validate().Select(fault => fault.Under("architecture")),
    ];

    private OptionFault? Fits(string key, int tokens) => tokens > Architecture.MaxPositionEmbeddings
        ? new OptionFault(key, $"a row would have {tokens} tokens, and 'architecture.max_position_embeddings' is {Architecture.MaxPositionEmbeddings}. Lower the one or raise the other.")
        : null;
}
