using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What <see cref="Bench"/> measured.</summary>
/// <param name="Parameters">Weights of the model.</param>
/// <param name="CountedParameters">Weights that take part in matrix products: all but the table that tokens are looked up in.</param>
/// <param name="TrainedParameters">Weights that are trained: all, or those of the adapter.</param>
/// <param name="Threads">Threads that an operation could use.</param>
/// <param name="PeakMemoryBytes">The most memory that the process held so far.</param>
/// <param name="Figures">One entry per precision.</param>
public sealed record BenchResult(long Parameters, long CountedParameters, long TrainedParameters, int Threads, long PeakMemoryBytes, IReadOnlyList<BenchFigures> Figures);

/// <summary>Rates in one precision, each the median of the repeats.</summary>
/// <param name="Precision">The precision.</param>
/// <param name="GemmRate">Product of two square matrices, in operations a second (2 n^3 for a product).</param>
/// <param name="StepSeconds">A training step: forward, backward, clipping, AdamW.</param>
/// <param name="TrainingTokensPerSecond">Tokens of a batch over <paramref name="StepSeconds"/>.</param>
/// <param name="TrainingShare">
/// Work of a step (6 operations per counted parameter and token, 4 where the weights stay as they are) a second, over the GEMM rate measured right before it. A median of its own, so
/// that a change of the machine's load between two rounds does not enter it.
/// </param>
/// <param name="PromptTokensPerSecond">Prompt tokens read a second; null when no generation was measured.</param>
/// <param name="GeneratedTokensPerSecond">New tokens a second after the prompts, all rows together; null when no generation was measured.</param>
public sealed record BenchFigures(
    PrecisionMode Precision,
    double GemmRate,
    double StepSeconds,
    double TrainingTokensPerSecond,
    double TrainingShare,
    double? PromptTokensPerSecond,
    double? GeneratedTokensPerSecond);
