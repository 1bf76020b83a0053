using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What <see cref="Bench"/> measured of a model.</summary>
/// <param name="Shape">Name of the shape; null where it has none.</param>
/// <param name="Options">What was measured.</param>
/// <param name="Work">The model's weights and what they cost.</param>
/// <param name="Figures">One entry for each precision and number of threads.</param>
public sealed record BenchResult(string? Shape, BenchOptions Options, BenchWork Work, IReadOnlyList<BenchFigures> Figures);

/// <summary>Rates in one precision with one number of threads, each the median of the rounds.</summary>
/// <param name="Precision">The precision.</param>
/// <param name="Threads">Threads that an operation could use.</param>
/// <param name="GemmRate">Product of two square matrices, in operations a second (2 n^3 for a product).</param>
/// <param name="StepSeconds">A training step: the batch's tensors, forward, backward, gradient norm, clipping, AdamW.</param>
/// <param name="TokensPerSecond">Tokens of training rows a second, without padding; sources and targets together.</param>
/// <param name="RowsPerSecond">Training rows a second; null for a language model.</param>
/// <param name="TrainingShare">
/// Operations of the steps (<see cref="BenchWork"/>) a second, over the GEMM rate measured right before them. A median of its own, so that a change of the machine's load between two rounds does not
/// enter it.
/// </param>
/// <param name="EvenRatio">Tokens a second of rows by length over those of rows of equal length, measured in turns; null where all rows are equally long. A median of its own, too.</param>
/// <param name="PromptTokensPerSecond">Prompt tokens read a second; null when no generation was measured.</param>
/// <param name="GeneratedTokensPerSecond">New tokens a second after the prompts, all rows together; null when no generation was measured.</param>
/// <param name="PeakMemoryBytes">The most memory that the process held so far, the program itself included.</param>
/// <param name="Rounds">What every round measured.</param>
/// <param name="Profile">Where the time of a step goes; null where none was taken.</param>
public sealed record BenchFigures(
    PrecisionMode Precision,
    int Threads,
    double GemmRate,
    double StepSeconds,
    double TokensPerSecond,
    double? RowsPerSecond,
    double TrainingShare,
    double? EvenRatio,
    double? PromptTokensPerSecond,
    double? GeneratedTokensPerSecond,
    long PeakMemoryBytes,
    IReadOnlyList<BenchRound> Rounds,
    BenchProfile? Profile);

/// <summary>One round: a product, then training steps, then perhaps a generation.</summary>
/// <param name="GemmRate">Operations a second of the product.</param>
/// <param name="StepSeconds">A training step, the mean of <paramref name="Steps"/>.</param>
/// <param name="Steps">Training steps of the round.</param>
/// <param name="TokensPerSecond">Tokens of training rows a second.</param>
/// <param name="RowsPerSecond">Training rows a second.</param>
/// <param name="TrainingShare">Operations of the steps a second over <paramref name="GemmRate"/>.</param>
/// <param name="EvenTokensPerSecond">The same for rows of equal length with as many tokens; null where all rows are equally long.</param>
/// <param name="PromptTokensPerSecond">As in <see cref="BenchFigures"/>.</param>
/// <param name="GeneratedTokensPerSecond">As in <see cref="BenchFigures"/>.</param>
public sealed record BenchRound(
    double GemmRate,
    double StepSeconds,
    int Steps,
    double TokensPerSecond,
    double RowsPerSecond,
    double TrainingShare,
    double? EvenTokensPerSecond,
    double? PromptTokensPerSecond,
    double? GeneratedTokensPerSecond);

/// <summary>Where the time of training steps goes.</summary>
/// <param name="Steps">Steps that were taken.</param>
/// <param name="Seconds">What they took together; the operations add up to it.</param>
/// <param name="Operations">The operations, that which took longest first. What is in no operation is in those whose names begin with <c>outside of operations</c>.</param>
public sealed record BenchProfile(int Steps, double Seconds, IReadOnlyList<MeasuredOperation> Operations);
