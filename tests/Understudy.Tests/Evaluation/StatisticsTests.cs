using Understudy.Data;
using Understudy.Evaluation;

namespace Understudy.Tests.Evaluation;

public sealed class StatisticsTests
{
    [Fact]
    public void Special_functions_have_their_tabulated_values()
    {
        // Abramowitz and Stegun's tables, and closed forms.
        Assert.Equal(1.959963984540054, SpecialFunctions.NormalUpperQuantile(0.025), 1e-13);
        Assert.Equal(-1.2815515655446004, SpecialFunctions.NormalUpperQuantile(0.9), 1e-13);
        Assert.Equal(0.15729920705028513, SpecialFunctions.Erfc(1), 1e-15);
        Assert.Equal(1, SpecialFunctions.Erfc(3) / 2.2090496998585441e-5, 1e-12);
        Assert.Equal(1, SpecialFunctions.Erfc(10) / 2.0884875837625447e-45, 1e-11);
        Assert.Equal(2 - 0.15729920705028513, SpecialFunctions.Erfc(-1), 1e-15);
        Assert.Equal(Math.Log(Math.PI) / 2, SpecialFunctions.LogGamma(0.5), 1e-13);
        Assert.Equal(Math.Log(3628800), SpecialFunctions.LogGamma(11), 1e-12);
        // t with one degree of freedom is Cauchy's distribution.
        Assert.Equal(1 - (2 / Math.PI * Math.Atan(3)), SpecialFunctions.StudentTwoSided(3, 1), 1e-13);
        Assert.Equal(Math.Tan(Math.PI * 0.475), SpecialFunctions.StudentTwoSidedQuantile(0.05, 1), 1e-9);
        Assert.Equal(0.95 / Math.Sqrt(2 * 0.975 * 0.025), SpecialFunctions.StudentTwoSidedQuantile(0.05, 2), 1e-11);
        // I_x(a, 1) = x^a and I_x(1, b) = 1 - (1 - x)^b.
        Assert.Equal(Math.Pow(0.3, 7.5), SpecialFunctions.RegularizedBeta(0.3, 7.5, 1), 1e-15);
        Assert.Equal(1 - Math.Pow(0.7, 2.5), SpecialFunctions.RegularizedBeta(0.3, 1, 2.5), 1e-14);
        Assert.Equal((0.0, 1.0), (SpecialFunctions.RegularizedBeta(0, 2, 3), SpecialFunctions.RegularizedBeta(1, 2, 3)));
    }

    [Theory]
    [InlineData(3, 8)]
    [InlineData(40, 97)]
    [InlineData(0, 5)]
    [InlineData(12, 12)]
    public void The_incomplete_beta_function_sums_binomial_probabilities(int successes, int trials)
    {
        foreach (var probability in new[] { 0.01, 0.3, 0.5, 0.9 })
        {
            var sum = 0.0;
            for (var k = 0; k <= successes; k++)
            {
                var ways = 1.0;
                for (var i = 1; i <= k; i++)
                    ways *= (double)(trials - k + i) / i;
                sum += ways * Math.Pow(probability, k) * Math.Pow(1 - probability, trials - k);
            }
            var found = successes == trials ? 1 : 1 - SpecialFunctions.RegularizedBeta(probability, successes + 1, trials - successes);
            Assert.Equal(sum, found, 1e-12);
        }
    }

    [Fact]
    public void Intervals_of_a_proportion_hold_at_the_ends_and_for_many_rows()
    {
        Assert.Equal(0, ConfidenceInterval.Wilson(0, 10).Lower);
        Assert.Equal(1, ConfidenceInterval.Wilson(10, 10).Upper);
        // Rule of three, exactly: 1 - (alpha / 2)^(1/n).
        Assert.Equal(1 - Math.Pow(0.025, 0.1), ConfidenceInterval.ClopperPearson(0, 10).Upper, 1e-13);
        Assert.Equal(Math.Pow(0.025, 0.1), ConfidenceInterval.ClopperPearson(10, 10).Lower, 1e-13);
        Assert.Equal((0.0, 1.0), (ConfidenceInterval.ClopperPearson(0, 10).Lower, ConfidenceInterval.ClopperPearson(10, 10).Upper));
        var wide = ConfidenceInterval.ClopperPearson(500_000, 1_000_000);
        Assert.Equal(0.5 - (1.96 * 0.0005), wide.Lower, 2e-6);
        Assert.Equal(1 - wide.Lower, wide.Upper, 1e-12);
        Assert.True(ConfidenceInterval.ClopperPearson(7, 20, 0.99).Lower < ConfidenceInterval.ClopperPearson(7, 20, 0.9).Lower);
    }

    [Fact]
    public void Tests_without_evidence_give_one()
    {
        Assert.Equal(1, SignificanceTests.McNemarExact(0, 0));
        Assert.Equal(1, SignificanceTests.McNemarExact(5, 5));
        Assert.Equal(1, SignificanceTests.McNemarChiSquare(0, 0));
        Assert.Equal(1, SignificanceTests.McNemarChiSquare(5, 5));
        Assert.Equal(1, SignificanceTests.Wilcoxon([0, 0]));
        Assert.Equal(1, SignificanceTests.PairedT([0, 0, 0]));
        Assert.Equal(0, SignificanceTests.PairedT([2, 2]));
    }

    [Fact]
    public void Exact_tests_have_their_closed_forms()
    {
        Assert.Equal(2 * Math.Pow(0.5, 12), SignificanceTests.McNemarExact(12, 0), 1e-16);
        Assert.Equal(2 * (1 + 10) / 1024.0, SignificanceTests.McNemarExact(1, 9), 1e-15);
        Assert.Equal(2 / 256.0, SignificanceTests.Wilcoxon([1, 2, 3, 4, 5, 6, 7, 8]), 1e-15);
        // Ranks 1, 2, 3, one sign against: sums 0 and 1 of the 8 ways, either way.
        Assert.Equal(4 / 8.0, SignificanceTests.Wilcoxon([-1, 2, 3]), 1e-15);
        // Ties share ranks 1.5, 1.5, 3: sums 0 and 1.5 (two ways).
        Assert.Equal(6 / 8.0, SignificanceTests.Wilcoxon([-1, 1, 3]), 1e-15);
        Assert.Equal((1L, 2L), SignificanceTests.Discordant([true, true, false, false], [true, false, true, true]));
    }

    [Fact]
    public void Shares_of_repeats_are_tested_by_their_mean_and_whole_rows_exactly()
    {
        Assert.Equal(SignificanceTests.McNemarExact(12, 3), SignificanceTests.OverRows([.. Enumerable.Repeat(1.0, 12), .. Enumerable.Repeat(-1.0, 3), .. new double[40]]), 1e-15);
        double[] shares = [1, 1 / 3.0, -2 / 3.0, 0, 1 / 3.0, -1 / 3.0, 1, 2 / 3.0];
        Assert.Equal(SignificanceTests.PairedT(shares), SignificanceTests.OverRows(shares), 1e-15);
        // Four rows that all fall on one side do so by chance in one of eight cases, however alike they are.
        Assert.Equal(1 / 8.0, SignificanceTests.OverRows([0.5, 0.5, 0.5, 0.5]), 1e-15);
        Assert.Equal(1, SignificanceTests.OverRows([0.5]));
        Assert.Throws<ArgumentException>(() => SignificanceTests.OverRows([]));
    }

    [Fact]
    public void Wilcoxon_normal_approximation_is_close_to_the_exact_distribution()
    {
        var random = new SeededRandom(8);
        var values = Enumerable.Range(0, 50).Select(_ => random.NextDouble() - 0.4).ToArray();
        var exact = SignificanceTests.Wilcoxon(values);
        // A zero takes the test off the exact path but changes nothing else.
        Assert.Equal(exact, SignificanceTests.Wilcoxon([.. values, 0.0]), 0.01);
        Assert.NotEqual(exact, SignificanceTests.Wilcoxon([.. values, 0.0]));
    }

    [Fact]
    public void Faulty_input_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ConfidenceInterval.Wilson(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ConfidenceInterval.Wilson(3, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ConfidenceInterval.ClopperPearson(-1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ConfidenceInterval.Wilson(1, 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => SignificanceTests.McNemarExact(-1, 2));
        Assert.Equal("Expected at least two values, found 1: one value says nothing about the spread. (Parameter 'values')", Assert.Throws<ArgumentException>(() => ConfidenceInterval.OfMean([1])).Message);
        Assert.Equal("Expected finite values, found NaN. (Parameter 'values')", Assert.Throws<ArgumentException>(() => SignificanceTests.PairedT([1, double.NaN])).Message);
        Assert.Throws<ArgumentException>(() => SignificanceTests.Wilcoxon([]));
        Assert.Throws<ArgumentException>(() => SignificanceTests.Wilcoxon([double.PositiveInfinity]));
        Assert.Throws<ArgumentException>(() => SignificanceTests.Discordant([true], []));
    }
}
