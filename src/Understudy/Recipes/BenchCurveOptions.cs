using Understudy.Data;
using Understudy.Training;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>What <see cref="BenchCurve"/> compares: a training of a GPT-NeoX from random weights on text, in float32 and in bfloat16.</summary>
public sealed record BenchCurveOptions
{
    /// <summary>The shape of the model, a GPT-NeoX.</summary>
    /// <value>The default value is 6 layers, width 256 and 4 heads.</value>
    public BenchArchitectureOptions Architecture { get; init; } = new() { NumHiddenLayers = 6, HiddenSize = 256, NumAttentionHeads = 4 };

    /// <summary>Tokens of the vocabulary, which is learnt from the text, at least 300.</summary>
    /// <value>The default value is 8,192.</value>
    public int VocabSize { get; init; } = 8_192;

    /// <summary>Rows of a batch, at least 1.</summary>
    /// <value>The default value is 32.</value>
    public int BatchSize { get; init; } = 32;

    /// <summary>Tokens of a row, at least 2.</summary>
    /// <value>The default value is 64.</value>
    public int RowLength { get; init; } = 64;

    /// <summary>Optimiser steps, at least 2.</summary>
    /// <value>The default value is 500.</value>
    public int Steps { get; init; } = 500;

    /// <summary>The peak learning rate, more than 0; it rises over the first 2% of the steps and falls along a cosine.</summary>
    /// <value>The default value is 2e-3.</value>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>Steps over which a curve is smoothed, at least 1: a point is the mean of the losses of this many steps up to its own.</summary>
    /// <value>The default value is 50.</value>
    public int Smoothing { get; init; } = 50;

    /// <summary>Seed of the weights and of the order of the text.</summary>
    /// <value>The default value is 1.</value>
    public long Seed { get; init; } = 1;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() =>
    [
        .. Faults(
            AtLeast("vocab_size", VocabSize, 300),
            AtLeast("batch_size", BatchSize, 1),
            AtLeast("row_length", RowLength, 2),
            AtLeast("steps", Steps, 2),
            MoreThan("learning_rate", LearningRate, 0),
            AtLeast("smoothing", Smoothing, 1),
            Architecture.Family != BenchFamily.GptNeox ? new OptionFault("architecture.family", $"expected gpt_neox, found {Runs.ScalarValue.Text(Architecture.Family)}.") : null,
            RowLength > Architecture.MaxPositionEmbeddings
                ? new OptionFault("row_length", $"a row would have {RowLength} tokens, and 'architecture.max_position_embeddings' is {Architecture.MaxPositionEmbeddings}. Lower the one or raise the other.")
                : null),
        .. Architecture.Validate().Select(fault => fault.Under("architecture")),
    ];

    internal TrainingOptions Training(PrecisionMode precision) => new()
    {
        Precision = precision, MaxSteps = Steps, BatchSize = BatchSize, MaxLength = RowLength, LearningRate = LearningRate, Schedule = ScheduleType.Cosine, WarmupRatio = 0.02,
        WeightDecay = 0.1, AdamBeta2 = 0.95, GroupByLength = false, KeepBest = false,
    };
}
