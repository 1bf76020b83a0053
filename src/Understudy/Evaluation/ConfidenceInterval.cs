namespace Understudy.Evaluation;

/// <summary>A range that covers the true value with a stated confidence.</summary>
/// <param name="Lower">The lower end.</param>
/// <param name="Upper">The upper end.</param>
public readonly record struct ConfidenceInterval(double Lower, double Upper)
{
    /// <summary>Wilson's score interval of a proportion (Wilson, 1927), without continuity correction.</summary>
    /// <param name="successes">From 0 to <paramref name="trials"/>.</param>
    /// <param name="trials">At least 1.</param>
    /// <param name="confidence">Above 0 and below 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of its range.</exception>
    public static ConfidenceInterval Wilson(long successes, long trials, double confidence = 0.95)
    {
        Check(successes, trials, confidence);
        double n = trials, p = successes / n;
        var z = SpecialFunctions.NormalUpperQuantile((1 - confidence) / 2);
        var center = p + (z * z / (2 * n));
        var margin = z * Math.Sqrt((p * (1 - p) / n) + (z * z / (4 * n * n)));
        var scale = 1 + (z * z / n);
        // At 0 and n successes the formula leaves rounding errors beyond the ends.
        return new(successes == 0 ? 0 : (center - margin) / scale, successes == trials ? 1 : (center + margin) / scale);
    }

    /// <summary>The exact interval of a proportion (Clopper and Pearson, 1934), which covers at least with the stated confidence.</summary>
    /// <param name="successes">From 0 to <paramref name="trials"/>.</param>
    /// <param name="trials">At least 1.</param>
    /// <param name="confidence">Above 0 and below 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of its range.</exception>
    public static ConfidenceInterval ClopperPearson(long successes, long trials, double confidence = 0.95)
    {
        Check(successes, trials, confidence);
        var tail = (1 - confidence) / 2;
        return new(
            successes == 0 ? 0 : SpecialFunctions.BetaQuantile(tail, successes, trials - successes + 1),
            successes == trials ? 1 : SpecialFunctions.BetaQuantile(1 - tail, successes + 1, trials - successes));
    }

    /// <summary>The interval of a mean by Student's t distribution.</summary>
    /// <param name="values">At least two finite values.</param>
    /// <param name="confidence">Above 0 and below 1.</param>
    /// <exception cref="ArgumentException">There are fewer than two values, or one is not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="confidence"/> is out of its range.</exception>
    public static ConfidenceInterval OfMean(IReadOnlyList<double> values, double confidence = 0.95)
    {
        CheckConfidence(confidence);
        var (mean, error) = MeanAndStandardError(values);
        var margin = error * SpecialFunctions.StudentTwoSidedQuantile(1 - confidence, values.Count - 1);
        return new(mean - margin, mean + margin);
    }

    /// <summary>The mean and its standard error, by the unbiased variance.</summary>
    internal static (double Mean, double StandardError) MeanAndStandardError(IReadOnlyList<double> values)
    {
        if (values.Count < 2)
            throw new ArgumentException($"Expected at least two values, found {values.Count}: one value says nothing about the spread.", nameof(values));
        if (!values.All(double.IsFinite))
            throw new ArgumentException($"Expected finite values, found {values.First(value => !double.IsFinite(value))}.", nameof(values));
        var mean = values.Average();
        var squares = values.Sum(value => (value - mean) * (value - mean));
        return (mean, Math.Sqrt(squares / (values.Count - 1) / values.Count));
    }

    private static void Check(long successes, long trials, double confidence)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        CheckConfidence(confidence);
    }

    /// <exception cref="ArgumentOutOfRangeException">It is not above 0 and below 1.</exception>
    internal static void CheckConfidence(double confidence)
    {
        if (!(confidence > 0 && confidence < 1))
            throw new ArgumentOutOfRangeException(nameof(confidence), confidence, "Expected a confidence above 0 and below 1, such as 0.95.");
    }
}
