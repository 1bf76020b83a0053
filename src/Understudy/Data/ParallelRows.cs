using System.Runtime.ExceptionServices;

namespace Understudy.Data;

/// <summary>Work on rows that do not depend on each other, on all processors.</summary>
internal static class ParallelRows
{
    /// <summary>What a function makes of every row, in the order of the rows.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="make">Safe for several threads.</param>
    /// <param name="cancel">Asked before every row.</param>
    /// <remarks>Of rows at fault the first one's exception is thrown, as a loop would throw it.</remarks>
    /// <exception cref="OperationCanceledException">A stop was asked for.</exception>
    public static TResult[] Select<TRow, TResult>(IReadOnlyList<TRow> rows, Func<TRow, TResult> make, CancellationToken cancel = default)
    {
        var results = new TResult[rows.Count];
        var faults = new SortedDictionary<int, ExceptionDispatchInfo>();
        Parallel.For(0, rows.Count, new ParallelOptions { CancellationToken = cancel }, (row, loop) =>
        {
            try
            {
                results[row] = make(rows[row]);
            }
            catch (Exception e)
            {
                lock (faults) faults[row] = ExceptionDispatchInfo.Capture(e);
                // Rows before this one are still looked at: the first fault is the one to tell.
                loop.Break();
            }
        });
        if (faults.Count > 0) faults.First().Value.Throw();
        return results;
    }
}
