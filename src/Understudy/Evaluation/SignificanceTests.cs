namespace Understudy.Evaluation;

/// <summary>Two-sided tests of whether two models differ, on the same rows or the same repeats. Each gives a p-value from 0 to 1.</summary>
public static class SignificanceTests
{
    /// <summary>McNemar's exact test: whether the rows that only one of two classifiers gets right are split evenly.</summary>
    /// <param name="onlyFirst">Rows that only the first gets right, at least 0.</param>
    /// <param name="onlySecond">Rows that only the second gets right, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative.</exception>
    public static double McNemarExact(long onlyFirst, long onlySecond)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(onlyFirst);
        ArgumentOutOfRangeException.ThrowIfNegative(onlySecond);
        var (fewer, all) = (Math.Min(onlyFirst, onlySecond), onlyFirst + onlySecond);
        // P(X <= fewer) of a binomial with probability 1/2 is an incomplete beta function.
        return all == 0 ? 1 : Math.Min(1, 2 * SpecialFunctions.RegularizedBeta(0.5, all - fewer, fewer + 1));
    }

    /// <summary>McNemar's chi-square test with Edwards' continuity correction; needs about 25 rows on which the two differ.</summary>
    /// <param name="onlyFirst">Rows that only the first gets right, at least 0.</param>
    /// <param name="onlySecond">Rows that only the second gets right, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative.</exception>
    public static double McNemarChiSquare(long onlyFirst, long onlySecond)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(onlyFirst);
        ArgumentOutOfRangeException.ThrowIfNegative(onlySecond);
        var all = onlyFirst + onlySecond;
        var excess = Math.Max(0, Math.Abs(onlyFirst - onlySecond) - 1);
        // The tail of chi-square with one degree of freedom is that of a squared normal variable.
        return all == 0 ? 1 : SpecialFunctions.Erfc(excess / Math.Sqrt(2.0 * all));
    }

    /// <summary>Counts the rows that only one of two classifiers gets right, for McNemar's tests.</summary>
    /// <exception cref="ArgumentException">The lists are of different lengths.</exception>
    public static (long OnlyFirst, long OnlySecond) Discordant(ReadOnlySpan<bool> firstCorrect, ReadOnlySpan<bool> secondCorrect)
    {
        if (firstCorrect.Length != secondCorrect.Length)
            throw new ArgumentException($"Expected the same rows for both, found {firstCorrect.Length} and {secondCorrect.Length}.", nameof(secondCorrect));
        long onlyFirst = 0, onlySecond = 0;
        for (var row = 0; row < firstCorrect.Length; row++)
        {
            onlyFirst += firstCorrect[row] && !secondCorrect[row] ? 1 : 0;
            onlySecond += secondCorrect[row] && !firstCorrect[row] ? 1 : 0;
        }
        return (onlyFirst, onlySecond);
    }

    /// <summary>Whether two models, or the means of several trainings of each, are equally accurate over rows like these.</summary>
    /// <param name="differences">For each row the share of one side's trainings that get it right less the other's, from -1 to 1; at least one row.</param>
    /// <returns>
    /// <see cref="McNemarExact"/> where every difference is -1, 0 or 1, as with one training each; otherwise <see cref="PairedT"/> over the rows, but never
    /// less than the chance that all rows with a difference fall on one side. Counting for each row which side is right more often would not do: the side
    /// whose trainings agree more with each other wins most rows (where it is right on most) without being more accurate.
    /// </returns>
    /// <exception cref="ArgumentException">There is no row, or a difference is not finite.</exception>
    public static double OverRows(IReadOnlyList<double> differences)
    {
        if (differences.Count == 0)
            throw new ArgumentException("Expected at least one row.", nameof(differences));
        if (differences.All(difference => difference is -1 or 0 or 1))
            return McNemarExact(differences.LongCount(difference => difference > 0), differences.LongCount(difference => difference < 0));
        return differences.Count == 1 ? 1 : Math.Max(PairedT(differences), McNemarExact(0, differences.LongCount(difference => difference != 0)));
    }

    /// <summary>Student's paired t test: whether the mean of the differences is 0, the differences being normal.</summary>
    /// <param name="differences">At least two finite differences.</param>
    /// <returns>1 when all differences are 0, 0 when all are equal and not 0.</returns>
    /// <exception cref="ArgumentException">There are fewer than two differences, or one is not finite.</exception>
    public static double PairedT(IReadOnlyList<double> differences)
    {
        var (mean, error) = ConfidenceInterval.MeanAndStandardError(differences);
        if (error == 0)
            return mean == 0 ? 1 : 0;
        return SpecialFunctions.StudentTwoSided(mean / error, differences.Count - 1);
    }

    /// <summary>
    /// Wilcoxon's signed-rank test: whether the differences lie evenly around 0. Differences of 0 are left out. Exact as
    /// SciPy's <c>wilcoxon</c> decides: up to 50 differences without ties and zeros, up to 13 with them; else by the normal
    /// approximation with correction for ties and without one for continuity.
    /// </summary>
    /// <param name="differences">At least one finite difference.</param>
    /// <exception cref="ArgumentException">There is no difference, or one is not finite.</exception>
    public static double Wilcoxon(IReadOnlyList<double> differences)
    {
        if (differences.Count == 0)
            throw new ArgumentException("Expected at least one difference.", nameof(differences));
        if (!differences.All(double.IsFinite))
            throw new ArgumentException("Expected finite differences.", nameof(differences));
        var values = differences.Where(difference => difference != 0).OrderBy(Math.Abs).ToArray();
        if (values.Length == 0)
            return 1;
        var (doubledRanks, tieTerm) = DoubledRanks(values);
        var positive = values.Zip(doubledRanks).Where(pair => pair.First > 0).Sum(pair => (long)pair.Second);
        var regular = tieTerm == 0 && values.Length == differences.Count;
        return differences.Count <= (regular ? 50 : 13) ? ExactSignedRank(doubledRanks, positive) : NormalSignedRank(values.Length, tieTerm, positive / 2.0);
    }

    // Twice the mid-ranks of the absolute values, whole numbers also for ties, and the sum of t^3 - t over groups of ties.
    private static (int[] DoubledRanks, double TieTerm) DoubledRanks(double[] ordered)
    {
        var ranks = new int[ordered.Length];
        var tieTerm = 0.0;
        for (var first = 0; first < ordered.Length;)
        {
            var end = first + 1;
            while (end < ordered.Length && Math.Abs(ordered[end]) == Math.Abs(ordered[first]))
                end++;
            Array.Fill(ranks, first + 1 + end, first, end - first);
            double size = end - first;
            tieTerm += (size * size * size) - size;
            first = end;
        }
        return (ranks, tieTerm);
    }

    // How many of the 2^n ways to sign the ranks give each sum of positive ranks.
    private static double ExactSignedRank(int[] doubledRanks, long positive)
    {
        var ways = new double[doubledRanks.Sum() + 1];
        ways[0] = 1;
        foreach (var rank in doubledRanks)
        {
            for (var sum = ways.Length - 1; sum >= rank; sum--)
                ways[sum] += ways[sum - rank];
        }
        var all = Math.Pow(2, doubledRanks.Length);
        var atMost = ways.Take((int)positive + 1).Sum() / all;
        var atLeast = ways.Skip((int)positive).Sum() / all;
        return Math.Min(1, 2 * Math.Min(atMost, atLeast));
    }

    private static double NormalSignedRank(double n, double tieTerm, double positive)
    {
        var mean = n * (n + 1) / 4;
        var deviation = Math.Sqrt((n * (n + 1) * ((2 * n) + 1) / 24) - (tieTerm / 48));
        return SpecialFunctions.Erfc(Math.Abs(positive - mean) / deviation / Math.Sqrt(2));
    }
}
