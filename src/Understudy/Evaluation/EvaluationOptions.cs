using Understudy.Data;
using Understudy.Training;
using static Understudy.Data.OptionBounds;

namespace Understudy.Evaluation;

/// <summary>How models are measured on the test rows.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Arithmetic of a student's predictions; a teacher's is that of its tuning.</summary>
    /// <value>The default value is fp32.</value>
    public PrecisionMode Precision { get; init; } = PrecisionMode.Fp32;

    /// <summary>Rows that a student classifies at once where its rows are padded (on a GPU), at least 1; a teacher scores <c>annotate.batch_size</c> rows at once. It cannot change a result.</summary>
    /// <value>The default value is 64.</value>
    [NotInFingerprint]
    public int BatchSize { get; init; } = 64;

    /// <summary>Resamples of the test rows for each bootstrap interval, at least 100; 0 for no such intervals.</summary>
    /// <value>The default value is 1000.</value>
    public int BootstrapResamples { get; init; } = 1000;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        AtLeast("batch_size", BatchSize, 1),
        BootstrapResamples == 0 ? null : Between("bootstrap_resamples", BootstrapResamples, Bootstrap.FewestResamples, 1_000_000));
}
