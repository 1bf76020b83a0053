using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

public sealed class LengthWarmupOptionsTests
{
    [Fact]
    public void Lengths_grow_in_a_straight_line_of_multiples_of_eight_to_a_whole_row()
    {
        var warmup = new LengthWarmupOptions { From = 64, Ratio = 0.2 };
        Assert.Equal([64, 88, 176, 288, 400, 504, 512, 512], new[] { 0, 6, 25, 50, 75, 99, 100, 499 }.Select(step => warmup.At(step, 500, 512)));
    }

    [Theory]
    [InlineData(8, 0.5, 5)]
    [InlineData(64, 0.5, 33)]
    [InlineData(9, 1, 2)]
    [InlineData(8, 0, 100)]
    [InlineData(11, 1, 100)]
    public void Lengths_stay_between_two_and_a_row_and_never_shrink(int from, double ratio, int rowLength)
    {
        var warmup = new LengthWarmupOptions { From = from, Ratio = ratio };
        var lengths = Enumerable.Range(0, 41).Select(step => warmup.At(step, 40, rowLength)).ToArray();
        Assert.All(lengths, length => Assert.InRange(length, 2, rowLength));
        Assert.Equal(lengths.Order(), lengths);
        Assert.Equal(rowLength, lengths[^1]);
    }
}
