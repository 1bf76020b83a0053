using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed class SeededRandomTests
{
    [Fact]
    public void The_sequence_is_that_of_the_published_algorithm()
    {
        // From an independent implementation of SplitMix64 + xoshiro256**; the first SplitMix64 output of seed 0 is e220a8397b1dcdaf.
        var random = new SeededRandom(0);
        Assert.Equal(0xe220a8397b1dcdafUL, random.Save()[0]);
        Assert.Equal([0x99ec5f36cb75f2b4UL, 0xbf6e1f784956452aUL, 0x1a5f849d4933e6e0UL], [random.NextUInt64(), random.NextUInt64(), random.NextUInt64()]);
    }

    [Fact]
    public void Bounded_numbers_fill_the_range_evenly()
    {
        var random = new SeededRandom(7);
        var counts = new int[6];
        for (var i = 0; i < 60_000; i++)
            counts[random.NextInt(6)]++;
        Assert.All(counts, count => Assert.InRange(count, 9_600, 10_400));
        for (var i = 0; i < 1_000; i++)
            Assert.InRange(random.NextDouble(), 0, 1 - double.Epsilon);
    }

    [Fact]
    public void A_bound_that_rejects_half_of_all_draws_stays_in_range()
    {
        var random = new SeededRandom(3);
        for (var i = 0; i < 1_000; i++)
            Assert.InRange(random.NextLong((1L << 62) + 1), 0, 1L << 62);
    }

    [Fact]
    public void A_fork_depends_on_the_seed_and_the_name_but_not_on_earlier_draws()
    {
        var fresh = new SeededRandom(5);
        var used = new SeededRandom(5);
        used.NextUInt64();
        Assert.Equal(fresh.Fork("shuffle").NextUInt64(), used.Fork("shuffle").NextUInt64());
        Assert.NotEqual(fresh.Fork("shuffle").NextUInt64(), fresh.Fork("sampling").NextUInt64());
        Assert.NotEqual(fresh.Fork("row", 1).NextUInt64(), fresh.Fork("row", 2).NextUInt64());
        Assert.NotEqual(fresh.Fork("shuffle").NextUInt64(), new SeededRandom(6).Fork("shuffle").NextUInt64());
    }

    [Fact]
    public void A_shuffle_is_a_permutation_and_repeats_with_its_seed()
    {
        var first = new SeededRandom(11).Permutation(100);
        Assert.Equal(first, new SeededRandom(11).Permutation(100));
        Assert.NotEqual(Enumerable.Range(0, 100), first);
        Assert.Equal(Enumerable.Range(0, 100), first.Order());
    }

    [Fact]
    public void A_restored_generator_continues_the_sequence()
    {
        var random = new SeededRandom(9);
        random.NextUInt64();
        var restored = SeededRandom.Restore(9, random.Save());
        Assert.Equal(random.NextUInt64(), restored.NextUInt64());
        Assert.Equal(random.Fork("a").NextUInt64(), restored.Fork("a").NextUInt64());
        Assert.Throws<ArgumentException>(() => SeededRandom.Restore(9, [0, 0, 0, 0]));
        Assert.Throws<ArgumentException>(() => SeededRandom.Restore(9, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt(0));
    }
}
