using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed class SamplingTests
{
    private static readonly Example[] Rows = Make(("a", 50), ("b", 30), ("c", 3), ("d", 17));
    private static readonly LabelSet Labels = LabelSet.Infer(Rows);

    [Fact]
    public void A_number_per_label_is_drawn_and_a_short_label_gives_all_with_a_notice()
    {
        var result = FewShot.Sample(Rows, Labels, new FewShotOptions { PerLabel = 5 }, seed: 1);
        Assert.Equal([5, 5, 3, 5], Counts(result.Seeds));
        Assert.Equal(["label 'c' has 3 row(s), fewer than the 5 asked for with 'per_label': all of them are used."], result.Notices);
        Assert.Equal(Rows.Select(row => row.Id).Order(), result.Seeds.Concat(result.Rest).Select(row => row.Id).Order());
        Assert.Equal(result.Seeds.OrderBy(row => int.Parse(row.Id)), result.Seeds);
    }

    [Fact]
    public void Equal_seeds_draw_equal_rows_and_more_rows_contain_the_fewer()
    {
        string[] Ids(int perLabel, long seed) => [.. FewShot.Sample(Rows, Labels, new FewShotOptions { PerLabel = perLabel }, seed).Seeds.Select(row => row.Id)];
        Assert.Equal(Ids(5, 1), Ids(5, 1));
        Assert.NotEqual(Ids(5, 1), Ids(5, 2));
        Assert.Subset(Ids(10, 1).ToHashSet(), Ids(5, 1).ToHashSet());
        Assert.Equal(Ids(5, 7), FewShot.Sample(Rows, Labels, new FewShotOptions { PerLabel = 5, Seed = 7 }, seed: 1).Seeds.Select(row => row.Id));
    }

    [Theory]
    [InlineData(10, new[] { 5, 3, 1, 1 })]
    [InlineData(20, new[] { 10, 6, 1, 3 })]
    [InlineData(4, new[] { 1, 1, 1, 1 })]
    [InlineData(100, new[] { 50, 30, 3, 17 })]
    public void A_total_is_shared_out_in_proportion_with_one_per_label(int total, int[] expected)
    {
        var result = FewShot.Sample(Rows, Labels, new FewShotOptions { Total = total }, seed: 1);
        Assert.Equal(expected, Counts(result.Seeds));
        Assert.Empty(result.Notices);
    }

    [Fact]
    public void A_total_too_small_or_too_large_gives_what_there_is_with_a_notice()
    {
        var few = FewShot.Sample(Rows, Labels, new FewShotOptions { Total = 2 }, seed: 1);
        Assert.Equal([1, 1, 0, 0], Counts(few.Seeds));
        Assert.Equal(["2 of 4 labels have no seed: c, d."], few.Notices);
        var many = FewShot.Sample(Rows, Labels, new FewShotOptions { Total = 101 }, seed: 1);
        Assert.Equal(100, many.Seeds.Count);
        Assert.Equal(["there are 100 rows, fewer than the 101 asked for with 'total': all of them are used."], many.Notices);
    }

    [Fact]
    public void A_given_label_without_rows_is_noticed()
    {
        var result = FewShot.Sample(Rows, new LabelSet([.. Labels, "e"]), new FewShotOptions { PerLabel = 1 }, seed: 1);
        Assert.Equal(["label 'e' has 0 row(s), fewer than the 1 asked for with 'per_label': all of them are used."], result.Notices);
    }

    [Fact]
    public void Shares_are_within_one_of_the_quota_and_never_above_the_size()
    {
        var random = new SeededRandom(4);
        for (var round = 0; round < 2_000; round++)
        {
            var sizes = Enumerable.Range(0, 1 + random.NextInt(8)).Select(_ => random.NextInt(60)).ToArray();
            var total = random.NextInt(300);
            var shares = Apportionment.Share(total, sizes, atLeast: 0);
            var given = Math.Min(total, sizes.Sum());
            Assert.Equal(given, shares.Sum());
            for (var i = 0; i < sizes.Length; i++)
            {
                Assert.InRange(shares[i], 0, sizes[i]);
                if (sizes.Sum() > 0)
                    Assert.InRange(shares[i] - ((double)given * sizes[i] / sizes.Sum()), -1, 1);
            }
            var atLeastOne = Apportionment.Share(total, sizes, atLeast: 1);
            Assert.Equal(given, atLeastOne.Sum());
            if (total >= sizes.Count(size => size > 0))
                Assert.All(sizes.Zip(atLeastOne), pair => Assert.True(pair.First == 0 || pair.Second > 0));
        }
    }

    [Fact]
    public void A_split_is_stratified_disjoint_and_repeats_with_its_seed()
    {
        var options = new SplitOptions { Validation = 0.1, Test = 0.2 };
        var parts = Splits.Split(Rows, Labels, options, seed: 3);
        Assert.Equal([10, 6, 1, 3], Counts(parts.Test));
        Assert.Equal([5, 3, 0, 2], Counts(parts.Validation));
        Assert.Equal(Rows.Select(row => row.Id).Order(), parts.Train.Concat(parts.Validation).Concat(parts.Test).Select(row => row.Id).Order());
        Assert.Equal(parts.Test, Splits.Split(Rows, Labels, options, seed: 3).Test);
        Assert.NotEqual(parts.Test, Splits.Split(Rows, Labels, options, seed: 4).Test);
    }

    [Fact]
    public void The_last_row_of_a_label_stays_in_train()
    {
        var rows = Make(("a", 1), ("b", 1), ("c", 2));
        var parts = Splits.Split(rows, LabelSet.Infer(rows), new SplitOptions { Test = 0.9 }, seed: 3);
        Assert.Equal(["a", "b", "c"], parts.Train.Select(row => row.Label));
    }

    [Fact]
    public void Option_faults_are_reported_with_their_key()
    {
        Assert.Equal(["expected 'per_label' or 'total', found neither."], new FewShotOptions().Validate().Select(fault => fault.ToString()));
        Assert.Equal(
            ["'per_label' (0) and 'total' (-1) exclude each other. Remove one.", "per_label: expected at least 1, found 0.", "total: expected at least 1, found -1."],
            new FewShotOptions { PerLabel = 0, Total = -1 }.Validate().Select(fault => fault.ToString()));
        Assert.Equal(
            ["validation: expected a fraction from 0 to below 1, found NaN.", "test: expected a fraction from 0 to below 1, found 1."],
            new SplitOptions { Validation = double.NaN, Test = 1 }.Validate().Select(fault => fault.ToString()));
        Assert.Equal(
            ["'validation' (0.5) and 'test' (0.5) leave nothing to train on. Together they must be below 1."],
            new SplitOptions { Validation = 0.5, Test = 0.5 }.Validate().Select(fault => fault.ToString()));
        Assert.Throws<ArgumentException>(() => FewShot.Sample(Rows, Labels, new FewShotOptions(), 1));
        Assert.Throws<ArgumentException>(() => Splits.Split(Rows, Labels, new SplitOptions { Test = 2 }, 1));
    }

    private static int[] Counts(IEnumerable<Example> rows)
    {
        var counts = new int[Labels.Count];
        foreach (var row in rows)
            counts[Labels.IndexOf(row.Label!)]++;
        return counts;
    }

    private static Example[] Make(params (string Label, int Count)[] labels) =>
        [.. labels.SelectMany(label => Enumerable.Repeat(label.Label, label.Count)).Select((label, i) => new Example { Id = $"{i}", Text = $"text {i}", Label = label })];
}
