using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>What is read from lines of logits.</summary>
[Collection(LiveTensors.Name)]
public sealed class LineTests
{
    private const float None = float.NaN;
    private const float Least = float.NegativeInfinity;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_largest_is_the_lowest_of_equals_and_none_of_what_is_no_number(int isa)
    {
        using var instructions = new Instructions(isa);
        using var scope = torch.NewDisposeScope();
        foreach (var width in new[] { 1, 3, 15, 16, 17, 64, 101 })
        {
            var last = width - 1;
            Assert.Equal(0, Largest(width, 1));
            Assert.Equal(last, Largest(width, 1, (last, 2)));
            Assert.Equal(width / 2, Largest(width, 1, (width / 2, 5), (last, 5)));
            Assert.Equal(-1, Largest(width, 1, (last, None)));
            Assert.Equal(-1, Largest(width, 1, (0, None)));
            Assert.Equal(-2, Largest(width, Least));
            Assert.Equal(last, Largest(width, Least, (last, -1e30f)));
            Assert.Equal(last, Largest(width, 1, (last, float.PositiveInfinity)));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_logarithm_of_the_sum_of_exponentials_is_libtorch_s(int isa)
    {
        using var instructions = new Instructions(isa);
        using var numbers = new Generator(3);
        foreach (var width in new[] { 1, 3, 16, 17, 1023, 1025, 5000 })
        {
            using var scope = torch.NewDisposeScope();
            var logits = torch.randn([7, width], numbers) * 8;
            var found = new double[7];
            torch.log_sum_exp_lines(logits, found);
            var expected = logits.to(ScalarType.Float64).logsumexp(-1).ToArray<double>();
            for (var line = 0; line < 7; line++) Assert.Equal(expected[line], found[line], 1e-6);
            Assert.Equal(double.NaN, Sum(width, 1, (width - 1, None)));
            Assert.Equal(double.NaN, Sum(width, Least, (0, None)));
            Assert.Equal(double.NegativeInfinity, Sum(width, Least));
            Assert.Equal(3, Sum(width, Least, (width - 1, 3)));
            Assert.Equal(double.PositiveInfinity, Sum(width, 1, (width - 1, float.PositiveInfinity)));
        }
    }

    private static Tensor Line(int width, float filled, (int At, float Value)[] others)
    {
        var numbers = new float[width];
        Array.Fill(numbers, filled);
        foreach (var (at, value) in others) numbers[at] = value;
        return torch.tensor(numbers, 1, width);
    }

    private static int Largest(int width, float filled, params (int At, float Value)[] others)
    {
        using var scope = torch.NewDisposeScope();
        var found = new int[1];
        torch.argmax_lines(Line(width, filled, others), found);
        return found[0];
    }

    private static double Sum(int width, float filled, params (int At, float Value)[] others)
    {
        using var scope = torch.NewDisposeScope();
        var found = new double[1];
        torch.log_sum_exp_lines(Line(width, filled, others), found);
        return found[0];
    }
}
