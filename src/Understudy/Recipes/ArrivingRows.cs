using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Understudy.Recipes;

/// <summary>Rows from a source that may make one wait, such as a pipe.</summary>
internal static class ArrivingRows
{
    /// <summary>Waits for a row, then takes the others that are there already.</summary>
    /// <param name="rows">The source; it is read on a thread of its own, which waits in its place.</param>
    /// <param name="most">The most rows of a chunk; at most twice as many are read ahead.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <returns>Chunks of at least one row. What the source throws comes after the rows before it.</returns>
    public static IEnumerable<T[]> Chunks<T>(IEnumerable<T> rows, int most, CancellationToken cancel)
    {
        // Neither is disposed of: a reader that waits for a pipe outlives a consumer that has had enough, and then still asks for them.
        var arrived = new BlockingCollection<T>(2 * most);
        var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        ExceptionDispatchInfo? fault = null;
        var reader = new Thread(() => fault = Read(rows, arrived, ended.Token)) { IsBackground = true, Name = "rows" };
        reader.Start();
        try
        {
            while (Next(arrived, cancel, out var first))
            {
                var chunk = new List<T> { first };
                while (chunk.Count < most && arrived.TryTake(out var more))
                    chunk.Add(more);
                yield return [.. chunk];
            }
            reader.Join();
            fault?.Throw();
        }
        finally
        {
            ended.Cancel();
        }
    }

    private static bool Next<T>(BlockingCollection<T> arrived, CancellationToken cancel, out T first) => arrived.TryTake(out first!, Timeout.Infinite, cancel);

    private static ExceptionDispatchInfo? Read<T>(IEnumerable<T> rows, BlockingCollection<T> arrived, CancellationToken ended)
    {
        try
        {
            foreach (var row in rows)
                arrived.Add(row, ended);
            return null;
        }
        catch (Exception e)
        {
            return ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            arrived.CompleteAdding();
        }
    }
}
