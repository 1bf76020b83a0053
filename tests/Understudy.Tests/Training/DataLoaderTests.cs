using System.Diagnostics;
using Understudy.Training;

namespace Understudy.Tests.Training;

public sealed class DataLoaderTests
{
    [Fact]
    public void Items_come_in_their_order_and_not_many_are_made_ahead()
    {
        var made = 0;
        using var loader = new DataLoader<int>(Enumerable.Range(0, 1000).Select(i => Interlocked.Increment(ref made) - 1 + (0 * i)), ahead: 3);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(i, loader.Next());
            // Three are ready and one waits for its place.
            Assert.InRange(Volatile.Read(ref made), i + 1, i + 1 + 4);
        }
    }

    [Fact]
    public void An_exception_comes_as_it_was_after_the_items_before_it()
    {
        using var loader = new DataLoader<int>(Items());
        Assert.Equal(1, loader.Next());
        Assert.Equal(2, loader.Next());
        var error = Assert.Throws<InvalidDataException>(() => loader.Next());
        Assert.Equal("row 3", error.Message);
        Assert.Contains(nameof(Items), error.StackTrace, StringComparison.Ordinal);

        static IEnumerable<int> Items()
        {
            yield return 1;
            yield return 2;
            throw new InvalidDataException("row 3");
        }
    }

    [Fact]
    public void Asking_for_more_than_there_are_is_refused()
    {
        using var loader = new DataLoader<int>([7]);
        Assert.Equal(7, loader.Next());
        Assert.Equal("There are no more items; the loop asked for one too many.", Assert.Throws<InvalidOperationException>(() => loader.Next()).Message);
    }

    [Fact]
    public void A_loop_that_ends_early_leaves_no_thread_behind()
    {
        Thread? maker = null;
        using (var loader = new DataLoader<int>(Endless()))
        {
            Assert.Equal(1, loader.Next());
        }

        Assert.False(maker!.IsAlive);

        IEnumerable<int> Endless()
        {
            maker = Thread.CurrentThread;
            while (true) yield return 1;
        }
    }

    [Fact]
    public void The_share_of_waiting_is_that_of_the_loop_s_time()
    {
        using var slow = new DataLoader<int>(Enumerable.Range(0, 10).Select(i => { Thread.Sleep(20); return i; }));
        for (var i = 0; i < 10; i++) _ = slow.Next();
        Assert.InRange(slow.WaitShare, 0.5, 1);

        using var fast = new DataLoader<int>(Enumerable.Range(0, 10));
        Assert.Equal(0, fast.WaitShare);
        Thread.Sleep(50);
        for (var i = 0; i < 10; i++)
        {
            _ = fast.Next();
            var watch = Stopwatch.StartNew();
            while (watch.ElapsedMilliseconds < 20) Thread.Sleep(5);
        }

        Assert.InRange(fast.WaitShare, 0, 0.2);
    }
}
