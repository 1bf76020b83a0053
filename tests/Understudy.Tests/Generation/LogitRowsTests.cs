using Understudy.Generation;
using Understudy.Torch;

namespace Understudy.Tests.Generation;

public sealed class LogitRowsTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void A_line_is_what_libtorch_widens_it_to(ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        var logits = (torch.arange(0, 3 * 37, dtype: ScalarType.Float32) * 0.37 - 11).view(3, 37).to(type);
        var expected = logits.to(ScalarType.Float32).ToArray<float>();
        var rows = new LogitRows(logits);
        Assert.Equal(3, rows.Count);
        var line = new float[37];
        for (var i = 0; i < 3; i++)
        {
            rows.CopyTo(i, line);
            Assert.Equal(expected[(37 * i)..(37 * (i + 1))], line);
        }
    }

    [Fact]
    public void Lines_of_a_view_are_read_as_the_view_shows_them()
    {
        using var scope = torch.NewDisposeScope();
        var logits = torch.arange(0, 12, dtype: ScalarType.Float32).view(3, 4).t();
        var line = new float[3];
        new LogitRows(logits).CopyTo(1, line);
        Assert.Equal([1, 5, 9], line);
    }

    [Theory]
    [InlineData(new[] { 0f, 0f }, 0.69314718055994529)]
    [InlineData(new[] { 1000f, float.NegativeInfinity }, 1000)]
    [InlineData(new[] { float.NaN, 1f }, double.NaN)]
    [InlineData(new[] { float.PositiveInfinity, 1f }, double.NaN)]
    [InlineData(new[] { float.NegativeInfinity, float.NegativeInfinity }, double.NaN)]
    public void The_normaliser_is_stable_and_shows_broken_logits(float[] row, double expected)
    {
        Assert.Equal(expected, LogitRows.LogSumExp(row), 1e-6);
    }

    [Fact]
    public void The_normaliser_covers_rows_of_any_length()
    {
        foreach (var length in new[] { 1, 1023, 1024, 1025, 5000 }) Assert.Equal(2 + Math.Log(length), LogitRows.LogSumExp(Enumerable.Repeat(2f, length).ToArray()), 1e-6);
    }
}
