namespace Understudy.Training;

/// <summary>
/// The learning rate of every step: the formulas of <c>transformers.get_scheduler</c> with its default settings. Immutable and thread-safe.
/// </summary>
public sealed class LearningRateSchedule
{
    // transformers' defaults: the end of the polynomial, and the time scale of the inverse square root when there is no warm-up.
    internal const double PolynomialEnd = 1e-7;
    private const double DefaultTimescale = 10_000;

    /// <summary>A schedule over a fixed number of steps.</summary>
    /// <param name="type">How the learning rate moves.</param>
    /// <param name="peak">The learning rate at the end of the warm-up, more than 0; more than 1e-7 for <see cref="ScheduleType.Polynomial"/>.</param>
    /// <param name="warmupSteps">Steps over which it rises from 0, at least 0; <see cref="ScheduleType.Constant"/> ignores them.</param>
    /// <param name="totalSteps">Steps of the whole training, warm-up included, at least 1.</param>
    /// <param name="decaySteps">The last steps, over which <see cref="ScheduleType.WarmupStableDecay"/> falls, at least 0; the other schedules ignore them.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public LearningRateSchedule(ScheduleType type, double peak, int warmupSteps, int totalSteps, int decaySteps = 0)
    {
        var least = type == ScheduleType.Polynomial ? PolynomialEnd : 0;
        if (!(peak > least && double.IsFinite(peak)))
            throw new ArgumentOutOfRangeException(nameof(peak), peak, $"Expected a peak learning rate above {least}.");
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        ArgumentOutOfRangeException.ThrowIfLessThan(totalSteps, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(decaySteps);
        (Type, Peak, WarmupSteps, TotalSteps, DecaySteps) = (type, peak, warmupSteps, totalSteps, decaySteps);
    }

    /// <summary>How the learning rate moves.</summary>
    public ScheduleType Type { get; }

    /// <summary>The learning rate at the end of the warm-up.</summary>
    public double Peak { get; }

    /// <summary>Steps over which the learning rate rises from 0.</summary>
    public int WarmupSteps { get; }

    /// <summary>Steps of the whole training.</summary>
    public int TotalSteps { get; }

    /// <summary>The last steps, over which <see cref="ScheduleType.WarmupStableDecay"/> falls.</summary>
    public int DecaySteps { get; }

    /// <summary>
    /// The schedule that <paramref name="options"/> ask for over <paramref name="totalSteps"/> steps. Ratios are rounded up to whole steps,
    /// as <c>transformers</c> does.
    /// </summary>
    public static LearningRateSchedule From(TrainingOptions options, int totalSteps) =>
        new(options.Schedule, options.LearningRate, options.WarmupSteps ?? (int)Math.Ceiling(totalSteps * options.WarmupRatio), totalSteps, (int)Math.Ceiling(totalSteps * options.DecayRatio));

    /// <summary>The learning rate used by a step.</summary>
    /// <param name="step">
    /// Optimiser steps taken before it: 0 for the first one. A training limited by time gives the share of its time that has passed times
    /// <see cref="TotalSteps"/>, which need not be whole.
    /// </param>
    public double At(double step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return Type switch
        {
            ScheduleType.Constant => Peak,
            _ when step < WarmupSteps => Peak * (step / WarmupSteps),
            ScheduleType.ConstantWithWarmup => Peak,
            ScheduleType.Linear => Peak * Math.Max(0, (TotalSteps - step) / StepsAfterWarmup),
            ScheduleType.Cosine => Peak * Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * (step - WarmupSteps) / StepsAfterWarmup))),
            ScheduleType.InverseSqrt => Peak * InverseSqrt(step),
            ScheduleType.Polynomial => Polynomial(step),
            ScheduleType.WarmupStableDecay => Peak * StableDecay(step),
            _ => throw new InvalidOperationException($"The schedule {Type} has no formula."),
        };
    }

    private double StepsAfterWarmup => Math.Max(1, TotalSteps - WarmupSteps);

    private double InverseSqrt(double step)
    {
        var timescale = WarmupSteps > 0 ? WarmupSteps : DefaultTimescale;
        return 1 / Math.Sqrt((step + timescale - WarmupSteps) / timescale);
    }

    private double StableDecay(double step) => step < TotalSteps - DecaySteps
        ? 1
        : Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, (step - (TotalSteps - DecaySteps)) / Math.Max(1, DecaySteps)))));

    private double Polynomial(double step) =>
        step >= TotalSteps ? PolynomialEnd : ((Peak - PolynomialEnd) * (1 - ((step - WarmupSteps) / StepsAfterWarmup))) + PolynomialEnd;
}
