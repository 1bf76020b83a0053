using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed class ParallelRowsTests
{
    [Fact]
    public void Results_come_in_the_order_of_the_rows() =>
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => 2 * i), ParallelRows.Select([.. Enumerable.Range(0, 1000)], i => 2 * i));

    [Fact]
    public void The_first_row_at_fault_is_the_one_that_is_told()
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var error = Assert.Throws<InvalidDataException>(() => ParallelRows.Select([.. Enumerable.Range(0, 500)], i =>
                i % 100 == 63 ? throw new InvalidDataException($"row {i}") : i));
            Assert.Equal("row 63", error.Message);
        }
    }

    [Fact]
    public void A_stop_is_heeded()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => ParallelRows.Select([1, 2, 3], i => i, stop.Token));
    }
}
