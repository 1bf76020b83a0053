using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>A packed model whose rows fork, as beams do: what two rows have in common they share.</summary>
/// <param name="texts">What the model makes of a text before its first new token, and what it refuses.</param>
/// <param name="packed">The model.</param>
/// <param name="ofSources">Whether texts are sources, which the model attends to, rather than prompts, which it continues.</param>
internal sealed class PackedDecoding(IDecoding texts, PackedModel packed, bool ofSources) : IDecoding
{
    // Enough for products to be at their rate, and buffers stay small.
    private const int TokensAtOnce = 2048;

    public int VocabularySize => texts.VocabularySize;

    public int Room(IReadOnlyList<int> text) => texts.Room(text);

    public IReadOnlyList<int> Beginning(IReadOnlyList<int> text) => texts.Beginning(text);

    public void Check(IReadOnlyList<int> text, int index) => texts.Check(text, index);

    // Nothing is padded.
    public bool Fits(int longest, int room) => true;

    public IDecodingPass Begin(IReadOnlyList<IReadOnlyList<int>> all)
    {
        for (var i = 0; i < all.Count; i++) Check(all[i], i);
        return new Pass(this);
    }

    private State Started(IReadOnlyList<IReadOnlyList<int>> batch)
    {
        var rows = batch.Select(_ => new ForkedRow(packed)).ToList();
        try
        {
            if (ofSources)
            {
                for (var i = 0; i < rows.Count; i++) rows[i].ReachSource(batch[i].Count);
                packed.Encode([.. rows.Select((row, i) => new StepSource(batch[i].ToArray(), row.SourcePages.ToArray()))]);
            }

            var beginnings = batch.Select(text => Beginning(text).ToArray()).ToArray();
            // Behind another source, the same beginning has other keys and values.
            var left = ofSources ? beginnings : [.. beginnings.Select((text, i) => rows[i].Begin(text))];
            var state = new State(packed, rows, left);
            for (var i = 0; i < rows.Count && !ofSources; i++) rows[i].Remember(beginnings[i]);
            return state;
        }
        catch
        {
            foreach (var row in rows) row.Free();
            throw;
        }
    }

    private sealed class Pass(PackedDecoding decoding) : IDecodingPass
    {
        public IDecodingState Run(IReadOnlyList<IReadOnlyList<int>> batch, int room) => decoding.Started(batch);

        public void Dispose()
        {
        }
    }

    private sealed class State : IDecodingState
    {
        private readonly PackedModel packed;
        private readonly StepBatch step = new();
        private List<ForkedRow> rows;
        private Tensor logits;

        public State(PackedModel packed, List<ForkedRow> rows, int[][] beginnings)
        {
            (this.packed, this.rows) = (packed, rows);
            logits = DisposeScope.Detach(torch.empty([rows.Count, packed.Outputs], ScalarType.Float32));
            Compute(beginnings);
        }

        public int Rows => rows.Count;

        public Tensor Logits => logits;

        public void Keep(ReadOnlySpan<long> kept, bool sameTexts)
        {
            var taken = new bool[rows.Count];
            var next = new List<ForkedRow>(kept.Length);
            try
            {
                foreach (var row in kept)
                {
                    next.Add(taken[row] ? rows[(int)row].Fork() : rows[(int)row]);
                    taken[row] = true;
                }
            }
            catch
            {
                foreach (var fork in next.Except(rows)) fork.Free();
                throw;
            }

            for (var i = 0; i < rows.Count; i++)
            {
                if (!taken[i]) rows[i].Free();
            }

            rows = next;
        }

        public void Step(ReadOnlySpan<long> tokens)
        {
            var parts = new int[tokens.Length][];
            for (var i = 0; i < parts.Length; i++) parts[i] = [(int)tokens[i]];
            Compute(parts);
        }

        public void Dispose()
        {
            logits.Dispose();
            foreach (var row in rows) row.Free();
            rows.Clear();
        }

        private void Compute(int[][] parts)
        {
            if (logits.size(0) != parts.Length)
            {
                logits.Dispose();
                logits = DisposeScope.Detach(torch.empty([parts.Length, packed.Outputs], ScalarType.Float32));
            }

            for (var next = 0; next < parts.Length;)
            {
                step.Clear();
                var (first, longest) = (next, 0);
                for (; next < parts.Length && (next == first || step.Tokens + parts[next].Length <= TokensAtOnce); next++) longest = Math.Max(longest, rows[next].Add(step, parts[next]));
                using var lines = logits.narrow(0, first, next - first);
                packed.Run(step, longest, lines);
            }
        }
    }
}
