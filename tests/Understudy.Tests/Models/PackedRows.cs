using Understudy.Data;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

/// <summary>Rows of random tokens through a model's step.</summary>
internal static class PackedRows
{
    internal static int[] Tokens(int vocabulary, int seed, int count)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextInt(vocabulary))];
    }

    internal static Tensor Ids(params int[][] rows) => torch.tensor([.. rows.SelectMany(row => row.Select(id => (long)id))], rows.Length, rows[0].Length);

    /// <summary>Pages from 0 on for texts of these lengths.</summary>
    internal static int[][] Pages(IEnumerable<int> lengths)
    {
        var next = 0;
        return [.. lengths.Select(length => Enumerable.Range(0, (length + PagedCache.PageTokens - 1) / PagedCache.PageTokens).Select(_ => next++).ToArray())];
    }

    /// <summary>The outputs of every token of every row, computed in parts of so many tokens.</summary>
    /// <param name="packed">The model.</param>
    /// <param name="texts">The rows.</param>
    /// <param name="chunk">Tokens of a part.</param>
    /// <param name="sources">What each row attends to, encoded before; null for nothing.</param>
    internal static float[][] OfAllTokens(PackedModel packed, int[][] texts, int chunk = int.MaxValue, (int Tokens, int[] Pages)[]? sources = null)
    {
        var pages = Pages(texts.Select(text => text.Length));
        packed.Cache.Reserve(pages.Sum(own => own.Length));
        var found = texts.Select(_ => new List<float>()).ToArray();
        var batch = new StepBatch();
        for (var done = 0; texts.Any(text => text.Length > done); done += Math.Min(chunk, 1 << 20))
        {
            batch.Clear();
            var lines = new List<int>();
            for (var row = 0; row < texts.Length; row++)
            {
                if (texts[row].Length <= done) continue;
                var part = texts[row].AsSpan(done, Math.Min(chunk, texts[row].Length - done));
                var first = batch.Add(part, done, pages[row], sources?[row].Tokens ?? 0, sources?[row].Pages ?? []);
                for (var i = 0; i < part.Length; i++)
                {
                    batch.Select(first + i);
                    lines.Add(row);
                }
            }

            var numbers = Run(packed, batch, texts.Max(text => text.Length));
            for (var line = 0; line < lines.Count; line++) found[lines[line]].AddRange(numbers.AsSpan(line * packed.Outputs, packed.Outputs));
        }

        return [.. found.Select(list => list.ToArray())];
    }

    /// <summary>The output of one token of every row: the first, or the last.</summary>
    internal static float[][] OfOneToken(PackedModel packed, int[][] texts, bool last = false, int[][]? types = null)
    {
        var pages = Pages(texts.Select(text => text.Length));
        packed.Cache.Reserve(pages.Sum(own => own.Length));
        var batch = new StepBatch();
        for (var row = 0; row < texts.Length; row++)
        {
            var first = batch.Add(texts[row], 0, pages[row], tokenTypes: types?[row] ?? []);
            batch.Select(last ? first + texts[row].Length - 1 : first);
        }

        var numbers = Run(packed, batch, texts.Max(text => text.Length));
        return [.. Enumerable.Range(0, texts.Length).Select(row => numbers.AsSpan(row * packed.Outputs, packed.Outputs).ToArray())];
    }

    internal static void AssertClose(float[] expected, float[] found, double tolerance)
    {
        Assert.Equal(expected.Length, found.Length);
        var largest = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - found[i]) <= tolerance * Math.Max(1, largest), $"{i}: expected {expected[i]}, found {found[i]}.");
    }

    private static float[] Run(PackedModel packed, StepBatch batch, int longest)
    {
        using var scope = torch.NewDisposeScope();
        var output = torch.empty([batch.Selected.Length, packed.Outputs], ScalarType.Float32);
        packed.Run(batch, longest, output);
        return output.ToArray<float>();
    }
}
