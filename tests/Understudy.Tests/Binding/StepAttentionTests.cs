using Understudy.Data;
using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Attention over the pages of a cache against the plain sum in float32.</summary>
[Collection(LiveTensors.Name)]
public sealed class StepAttentionTests
{
    public static TheoryData<int, ScalarType> Kernels()
    {
        var kernels = new TheoryData<int, ScalarType>();
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            for (var isa = 0; isa < 4; isa++) kernels.Add(isa, type);
        }

        return kernels;
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Tokens_attend_to_what_is_before_them_at_every_size(int isa, ScalarType type)
    {
        using var instructions = new Instructions(isa);
        foreach (var (heads, keyHeads, dim) in new[] { (1, 1, 1), (2, 2, 7), (4, 2, 16), (6, 2, 33), (8, 1, 64), (2, 1, 129), (1, 1, 256) })
        {
            using var rows = new Rows(type, heads, keyHeads, dim, tokens: 80);
            rows.Near((i, j) => j <= i, rows.Attend(StepSees.Before, chunks: [80]));
            rows.Near((i, j) => j <= i, rows.Attend(StepSees.Before, chunks: [1, 16, 1, 30, 32]));
            rows.Near((i, j) => j <= i && i - j < 20, rows.Attend(StepSees.Before, window: 20, chunks: [50, 1, 29]));
            rows.Near((_, _) => true, rows.Attend(StepSees.All, chunks: [80]));
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Parts_change_no_bit(int isa, ScalarType type)
    {
        using var instructions = new Instructions(isa);
        using var rows = new Rows(type, 6, 2, 33, tokens: 90);
        foreach (var window in new[] { 0, 5, 17, 200 })
        {
            var whole = rows.Attend(StepSees.Before, window, chunks: [90]);
            Assert.Equal(whole, rows.Attend(StepSees.Before, window, chunks: [.. Enumerable.Repeat(1, 90)]));
            Assert.Equal(whole, rows.Attend(StepSees.Before, window, chunks: [7, 25, 1, 33, 24]));
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Distances_have_biases_of_their_own(int isa, ScalarType type)
    {
        using var instructions = new Instructions(isa);
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(2);
        using var rows = new Rows(type, 4, 2, 24, tokens: 85);
        // Just as many distances as the row has.
        var bias = torch.randn([4, 171], numbers) * 2;
        var found = rows.Attend(StepSees.Before, chunks: [85], bias: bias);
        rows.Near((i, j) => j <= i, found, bias);
        Assert.Equal(found, rows.Attend(StepSees.Before, chunks: [1, 40, 17, 27], bias: bias));
        rows.Near((_, _) => true, rows.Attend(StepSees.All, chunks: [85], bias: bias), bias);
        using var longer = new Rows(type, 4, 2, 24, tokens: 86);
        Assert.Contains("there are biases for distances below 85", Assert.Throws<TorchException>(() => longer.Attend(StepSees.All, chunks: [86], bias: bias)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void The_nodes_of_a_tree_attend_to_their_ancestors(int isa, ScalarType type)
    {
        using var instructions = new Instructions(isa);
        using var rows = new Rows(type, 4, 2, 24, tokens: 100);
        var random = new SeededRandom(4);
        // 70 nodes after 30 tokens: their bits are more than one word.
        var parents = Enumerable.Range(0, 70).Select(i => i == 0 ? -1 : random.NextInt(i + 1) - 1).ToArray();
        bool Sees(int i, int j)
        {
            if (i < 30 || j < 30) return j <= i;
            for (var node = i - 30; node >= 0; node = parents[node])
            {
                if (node == j - 30) return true;
            }

            return false;
        }

        rows.Near(Sees, rows.Attend(StepSees.Before, chunks: [30], parents: parents));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Rows_attend_to_their_source(int isa, ScalarType type)
    {
        using var instructions = new Instructions(isa);
        using var rows = new Rows(type, 4, 4, 17, tokens: 45);
        rows.Near((_, j) => j < 37, rows.AttendToSource(37));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void What_is_no_number_reaches_those_that_see_it_alone(int isa, ScalarType type)
    {
        using var instructions = new Instructions(isa);
        using var rows = new Rows(type, 2, 1, 16, tokens: 40);
        // In a step of its own: what is computed together may share a sum with a weight of 0.
        var found = rows.With(20, float.NaN).Attend(StepSees.Before, chunks: [20, 20]);
        for (var i = 0; i < 40; i++) Assert.Equal(i >= 20, found.AsSpan(i * 32, 32).ToArray().All(float.IsNaN));
        for (var i = 0; i < 20 * 32; i++) Assert.False(float.IsNaN(found[i]));
    }

    /// <summary>One row of tokens with queries, keys and values of their own.</summary>
    private sealed class Rows : IDisposable
    {
        private readonly ScalarType type;
        private readonly int heads;
        private readonly int keyHeads;
        private readonly int dim;
        private readonly int tokens;
        private readonly float[] numbers;   // [tokens, (heads + 2 key heads) x dim]

        internal Rows(ScalarType type, int heads, int keyHeads, int dim, int tokens)
        {
            (this.type, this.heads, this.keyHeads, this.dim, this.tokens) = (type, heads, keyHeads, dim, tokens);
            using var scope = torch.NewDisposeScope();
            using var generator = new Generator(heads + dim);
            numbers = torch.randn([tokens, Width], generator).ToArray<float>();
        }

        private int Width => (heads + (2 * keyHeads)) * dim;

        internal Rows With(int token, float value)
        {
            Array.Fill(numbers, value, token * Width, Width);
            return this;
        }

        /// <summary>[tokens, heads x dim], computed in parts; the last part is a tree where parents are given.</summary>
        internal float[] Attend(StepSees sees, long window = 0, int[]? chunks = null, int[]? parents = null, Tensor? bias = null)
        {
            using var scope = torch.NewDisposeScope();
            using var pages = new PagedCache(2, keyHeads, dim, type);
            pages.Reserve(40);
            using var identity = StepProductTests.Identity(heads * dim, type);
            using var step = new InferenceStep(type);
            Write(step, pages, null, sees, window, identity, bias);
            // Scattered over the cache, and another layer than the first.
            int[] own = [.. Enumerable.Range(0, 10).Select(i => (i * 7 % 40) + (i / 20))];
            var found = new List<float>();
            var done = 0;
            foreach (var count in chunks!)
            {
                Run(batch => batch.Add([.. Enumerable.Range(done, count)], done, own), count);
                done += count;
            }

            if (parents is not null) Run(batch => batch.AddTree([.. Enumerable.Range(done, parents.Length)], parents, done, own), parents.Length);
            return [.. found];

            void Run(Func<StepBatch, int> add, int count)
            {
                var batch = new StepBatch();
                var first = add(batch);
                for (var i = 0; i < count; i++) batch.Select(first + i);
                found.AddRange(StepNumbers.Run(step, batch, heads * dim));
            }
        }

        /// <summary>The first tokens are a source, which all tokens attend to.</summary>
        internal float[] AttendToSource(int source)
        {
            using var scope = torch.NewDisposeScope();
            using var pages = new PagedCache(2, keyHeads, dim, type);
            pages.Reserve(8);
            using var identity = StepProductTests.Identity(heads * dim, type);
            using var writing = new InferenceStep(type);
            var wide = writing.Buffer(Width, ScalarType.Float32);
            writing.Embed(wide, torch.tensor(numbers, tokens, Width));
            writing.Heads(wide, -1, Layout with { QueryAt = -1, OfSource = 1 }, pages);
            int[] own = [5, 0, 3];
            var batch = new StepBatch();
            batch.Add([.. Enumerable.Range(0, source)], 0, StepNumbers.NoPages, source, own);
            writing.Run(batch, null);

            using var step = new InferenceStep(type);
            Write(step, pages, -1, StepSees.Source, 0, identity);
            batch.Clear();
            for (var i = 0; i < tokens; i++) batch.Select(batch.Add([i], 0, StepNumbers.NoPages, source, own));
            return StepNumbers.Run(step, batch, heads * dim);
        }

        /// <summary>Close to softmax(q k / sqrt(dim)) v over the keys that each token sees.</summary>
        internal void Near(Func<int, int, bool> sees, float[] found, Tensor? bias = null)
        {
            using var scope = torch.NewDisposeScope();
            // The products read rounded numbers, and the weights are rounded too.
            var rounded = torch.tensor(numbers, tokens, Width).to(type).to(ScalarType.Float32);
            var hidden = new float[tokens * tokens];
            for (var i = 0; i < hidden.Length; i++) hidden[i] = sees(i / tokens, i % tokens) ? 0 : float.NegativeInfinity;
            Tensor Heads(int at, int count) => rounded.narrow(1, at * dim, count * dim).view(tokens, count, dim).transpose(0, 1).repeat_interleave(heads / count, 0);   // [heads, tokens, dim]
            var scores = (Heads(0, heads).matmul(Heads(heads, keyHeads).transpose(1, 2)) * (1 / Math.Sqrt(dim))) + torch.tensor(hidden, tokens, tokens);
            if (bias is not null)
            {
                var table = bias.ToArray<float>();
                var (middle, row) = ((int)bias.size(1) / 2, (int)bias.size(1));
                var added = Enumerable.Range(0, heads * tokens * tokens).Select(at => table[(at / tokens / tokens * row) + middle + (at % tokens) - (at / tokens % tokens)]).ToArray();
                scores += torch.tensor(added, heads, tokens, tokens);
            }

            var expected = scores.softmax(-1).matmul(Heads(heads + keyHeads, keyHeads)).transpose(0, 1).contiguous();
            StepNumbers.Near(expected, found, type == ScalarType.Float32 ? 3e-6 : 1.0 / 128);
        }

        public void Dispose()
        {
        }

        private HeadLayout Layout => new()
        {
            Heads = heads, KeyHeads = keyHeads, Dim = dim, Layer = 1,
            QueryAt = 0, KeyAt = heads * dim, ValueAt = (heads + keyHeads) * dim, QueryStep = dim, KeyStep = dim, ValueStep = dim,
        };

        private void Write(InferenceStep step, PagedCache pages, long? keyAt, StepSees sees, long window, PackedMatrix identity, Tensor? bias = null)
        {
            var wide = step.Buffer(Width, ScalarType.Float32);
            step.Embed(wide, torch.tensor(numbers, tokens, Width));
            var query = step.Buffer(heads * dim, type);
            var layout = keyAt is null ? Layout : Layout with { KeyAt = -1, ValueAt = -1 };
            step.Heads(wide, query, layout, pages);
            var mixed = step.Buffer(heads * dim, type);
            step.Attend(query, mixed, layout, pages, sees, 1 / Math.Sqrt(dim), window, bias);
            var selected = step.Buffer(heads * dim, type, selected: true);
            step.Select(mixed, selected);
            step.Linear(selected, -1, identity);
        }
    }
}
