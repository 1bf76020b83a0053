using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

public sealed class BatchTimesTests
{
    [Theory]
    [InlineData(10, 1)]
    [InlineData(15, 1.5)]
    [InlineData(20, 2)]
    [InlineData(30, 4)]
    [InlineData(50, 8)]
    [InlineData(5, 0.5)]
    public void Between_and_beyond_the_measured_sizes_lines_go_on(double size, double seconds) =>
        Assert.Equal(seconds, new BatchTimes([(40, 6), (10, 1), (20, 2)]).Seconds(size), 12);

    [Fact]
    public void Time_is_never_negative() => Assert.Equal(0, new BatchTimes([(10, 1), (20, 5)]).Seconds(5));

    [Fact]
    public void One_size_alone_stands_for_a_time_in_proportion() => Assert.Equal(3, new BatchTimes([(10, 2)]).Seconds(15), 12);

    [Fact]
    public void The_smallest_the_middle_and_the_largest_are_measured_and_none_twice()
    {
        Assert.Equal([1, 50, 99], BatchTimes.ToMeasure(Enumerable.Range(1, 99).Reverse(), size => size));
        Assert.Equal([100], BatchTimes.ToMeasure([95, 100, 97, 99], size => size));
        Assert.Equal([7], BatchTimes.ToMeasure([7], size => size));
    }
}
