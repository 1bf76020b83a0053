using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>The fused attention against the same composed of library operations in float32, with every set of instructions.</summary>
[Collection(LiveTensors.Name)]
public sealed class AttentionKernelTests
{
    private const double Hidden = -1e30;

    /// <summary>A shape and what hides keys in it.</summary>
    public sealed record AttentionShape(int Batch, int Heads, int KeyHeads, int Tokens, int Keys, int Dim, bool IsCausal = false, string Mask = "")
    {
        internal Tensor? MakeMask(Generator numbers)
        {
            var causal = torch.full([Tokens, Keys], Hidden).triu(Keys - Tokens + 1).view(1, 1, Tokens, Keys);
            var padding = torch.zeros([Batch, 1, 1, Keys]);
            for (var row = 0; row < Batch; row++) padding.select(0, row).narrow(2, 0, row * Keys / 3).fill_(Hidden);
            switch (Mask)
            {
                case "padding": return padding;
                case "causal": return causal;
                // The first tokens of a left-padded row see nothing.
                case "causal and padding": return causal.minimum(padding);
                case "all padding": return torch.full([Batch, 1, 1, Keys], Hidden);
                case "infinite": return torch.full([Batch, 1, Tokens, Keys], double.NegativeInfinity).triu(1);
                case "numbers": return torch.randn([Heads, Tokens, Keys], numbers);
                case "one number": return torch.randn([Tokens, 1], numbers);
                case "boolean": return torch.randn([Batch, 1, Tokens, Keys], numbers).gt(0);
                case "boolean of keys": return padding.eq(0);
                default: return null;
            }
        }
    }

    private static readonly AttentionShape[] Shapes =
    [
        new(2, 3, 3, 37, 37, 64),
        new(2, 2, 2, 64, 64, 64, IsCausal: true),
        new(1, 2, 2, 150, 150, 32, IsCausal: true),
        new(1, 4, 2, 29, 40, 80, IsCausal: true),
        new(2, 2, 1, 1, 50, 24),
        new(2, 3, 3, 3, 19, 17, Mask: "padding"),
        new(3, 2, 2, 70, 70, 16, Mask: "causal and padding"),
        new(1, 4, 2, 9, 33, 20, Mask: "causal"),
        new(2, 2, 2, 13, 21, 64, Mask: "all padding"),
        new(2, 2, 2, 8, 21, 64, Mask: "infinite"),
        new(2, 4, 2, 18, 130, 48, Mask: "numbers"),
        new(2, 2, 2, 7, 7, 8, Mask: "one number"),
        new(2, 2, 2, 40, 40, 32, Mask: "boolean"),
        new(3, 2, 2, 11, 40, 32, Mask: "boolean of keys"),
        new(1, 1, 1, 300, 20, 256),
        new(1, 2, 2, 1, 1, 1),
    ];

    public static TheoryData<int, ScalarType> Paths
    {
        get
        {
            var paths = new TheoryData<int, ScalarType>();
            for (var isa = 0; isa < 4; isa++)
            {
                paths.Add(isa, ScalarType.Float32);
                paths.Add(isa, ScalarType.BFloat16);
            }

            return paths;
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Values_and_gradients_are_those_of_the_composed_attention(int isa, ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        using var instructions = new Instructions(isa);
        // Two roundings to bfloat16 on the way: of the weights and of the result.
        var tolerance = type == ScalarType.Float32 ? 5e-6 : 1.0 / 64;
        foreach (var (given, i) in Shapes.Select((given, i) => (given, i)))
        {
            using var inner = torch.NewDisposeScope();
            using var numbers = new Generator(i);
            var mask = given.MakeMask(numbers);
            var inputs = Inputs(given, type, numbers);
            var upstream = torch.randn([given.Batch, given.Heads, given.Tokens, given.Dim], numbers).to(type);
            var found = Step(inputs, upstream, x => nn.functional.scaled_dot_product_attention(x[0], x[1], x[2], mask, 0, given.IsCausal));
            var expected = Step([.. inputs.Select(x => x.to(ScalarType.Float32))], upstream.to(ScalarType.Float32), x => Composed(x[0], x[1], x[2], mask, given.IsCausal));
            for (var part = 0; part < 4; part++) Near(expected[part], found[part], tolerance, $"{given}, part {part}");
            Assert.All(found, part => Assert.Equal(type, part.dtype));
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Rows_without_padding_are_those_of_one_row_after_the_other(int isa, ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        using var instructions = new Instructions(isa);
        using var numbers = new Generator(7);
        int[] starts = [0, 5, 5, 35, 36, 52];
        int[] keyStarts = [0, 7, 9, 49, 49, 70];
        foreach (var (isCausal, keys) in new[] { (false, keyStarts), (true, starts) })
        {
            var given = new AttentionShape(1, 4, 2, starts[^1], keys[^1], 32);
            var inputs = Inputs(given, type, numbers);
            var upstream = torch.randn([1, 4, given.Tokens, 32], numbers).to(type);
            var found = Step(inputs, upstream, x => nn.functional.scaled_dot_product_attention_varlen(x[0], x[1], x[2], torch.tensor(starts), torch.tensor([.. keys.Select(k => (long)k)]), 0, isCausal));
            var expected = Step([.. inputs.Select(x => x.to(ScalarType.Float32))], upstream.to(ScalarType.Float32), x => torch.cat(
                [.. Enumerable.Range(0, 5).Select(row => Composed(
                    x[0].narrow(2, starts[row], starts[row + 1] - starts[row]),
                    x[1].narrow(2, keys[row], keys[row + 1] - keys[row]),
                    x[2].narrow(2, keys[row], keys[row + 1] - keys[row]),
                    null,
                    isCausal))],
                2));
            for (var part = 0; part < 4; part++) Near(expected[part], found[part], type == ScalarType.Float32 ? 5e-6 : 1.0 / 64, $"causal {isCausal}, part {part}");
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Dropout_depends_on_the_seed_and_its_gradient_is_that_of_the_same_weights(int isa, ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        using var instructions = new Instructions(isa);
        // Weights are 1/64, and values pick out one key each: the output is the matrix of weights after dropout.
        var zeros = torch.zeros([2, 3, 64, 64]).to(type);
        var values = torch.arange(64).unsqueeze(1).eq(torch.arange(64)).expand(2, 3, 64, 64).to(type);
        Tensor[] Weights(long seed)
        {
            torch.manual_seed(seed);
            return Step([zeros, zeros, values], torch.ones([2, 3, 64, 64]).to(type), x => nn.functional.scaled_dot_product_attention(x[0], x[1], x[2], null, 0.25));
        }

        var first = Weights(1);
        var kept = first[0].to(ScalarType.Float32) * (64 * 0.75);
        Assert.All(kept.reshape(-1).ToArray<float>(), weight => Assert.True(weight == 0 || Math.Abs(weight - 1) < 0.01, $"{weight}"));
        Assert.InRange(kept.mean().item<double>(), 0.74, 0.76);
        // What arrives at a value is the sum of its weights.
        Near(first[0].to(ScalarType.Float32).sum(2), first[3].select(3, 0), 0.01, "values");
        Assert.Equal(first[0].to(ScalarType.Float32).ToArray<float>(), Weights(1)[0].to(ScalarType.Float32).ToArray<float>());
        Assert.NotEqual(first[0].to(ScalarType.Float32).ToArray<float>(), Weights(2)[0].to(ScalarType.Float32).ToArray<float>());
    }

    [Fact]
    public void Every_path_drops_the_same_weights()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(4);
        var inputs = Inputs(new AttentionShape(2, 2, 2, 45, 45, 32), ScalarType.Float32, numbers);
        var upstream = torch.randn([2, 2, 45, 32], numbers);
        Tensor[] Run(int isa)
        {
            using var instructions = new Instructions(isa);
            torch.manual_seed(9);
            return Step(inputs, upstream, x => nn.functional.scaled_dot_product_attention(x[0], x[1], x[2], null, 0.5, isCausal: true));
        }

        var portable = Run(0);
        for (var isa = 1; isa < 4; isa++)
        {
            foreach (var (expected, found) in portable.Zip(Run(isa))) Near(expected, found, 5e-6, $"path {isa}");
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void The_gradient_with_dropout_is_the_slope(ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(8);
        var inputs = Inputs(new AttentionShape(1, 2, 1, 33, 33, 16), type, numbers);
        var upstream = torch.randn([1, 2, 33, 16], numbers).to(type);
        Tensor Run(Tensor[] x)
        {
            torch.manual_seed(11);
            return nn.functional.scaled_dot_product_attention(x[0], x[1], x[2], null, 0.3);
        }

        var step = Step(inputs, upstream, Run);
        for (var input = 0; input < 2; input++)
        {
            var direction = step[input + 1].to(ScalarType.Float32);
            double At(double distance)
            {
                Tensor[] moved = [.. inputs.Select(x => x.to(ScalarType.Float32))];
                moved[input] = moved[input] + (direction * distance);
                return (Run(moved) * upstream.to(ScalarType.Float32)).sum().item<double>();
            }

            var length = direction.mul(direction).sum().item<double>();
            var slope = (At(0.01) - At(-0.01)) / 0.02;
            Assert.InRange(slope / length, type == ScalarType.Float32 ? 0.999 : 0.98, type == ScalarType.Float32 ? 1.001 : 1.02);
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void NaN_is_passed_on(int isa, ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        using var instructions = new Instructions(isa);
        using var numbers = new Generator(5);
        for (var input = 0; input < 3; input++)
        {
            var inputs = Inputs(new AttentionShape(1, 1, 1, 20, 20, 16), type, numbers);
            inputs[input].select(2, 6).fill_(float.NaN);
            var found = nn.functional.scaled_dot_product_attention(inputs[0], inputs[1], inputs[2]).to(ScalarType.Float32);
            Assert.True(double.IsNaN(found.select(2, 6).sum().item<double>()));
            Assert.Equal(input > 0, double.IsNaN(found.select(2, 7).sum().item<double>()));
        }

        var hidden = torch.full([1, 1, 20, 20], double.NegativeInfinity);
        Assert.True(double.IsNaN(nn.functional.scaled_dot_product_attention(torch.ones([1, 1, 20, 16]).to(type), torch.ones([1, 1, 20, 16]).to(type), torch.ones([1, 1, 20, 16]).to(type), hidden).sum().item<double>()));
    }

    [Fact]
    public void Heads_are_joined_without_a_copy()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(6);
        var inputs = Inputs(new AttentionShape(2, 3, 3, 9, 9, 16), ScalarType.Float32, numbers);
        foreach (var part in Step(inputs, torch.ones([2, 3, 9, 16]), x => nn.functional.scaled_dot_product_attention(x[0], x[1], x[2])).Take(1))
        {
            Assert.Equal([2L, 9, 48], part.transpose(1, 2).view(2, 9, 48).shape);
        }
    }

    [Fact]
    public void The_same_on_any_number_of_threads()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(3);
        // Two key heads are enough for one thread; for two the queries are divided, and the last part has two of them.
        var inputs = Inputs(new AttentionShape(1, 4, 2, 514, 514, 32), ScalarType.BFloat16, numbers);
        var upstream = torch.randn([1, 4, 514, 32], numbers).to(ScalarType.BFloat16);
        ushort[] Run(int threads)
        {
            var before = torch.get_num_threads();
            torch.set_num_threads(threads);
            torch.manual_seed(2);
            var step = Step(inputs, upstream, x => nn.functional.scaled_dot_product_attention(x[0], x[1], x[2], null, 0.1, isCausal: true));
            torch.set_num_threads(before);
            return [.. step.SelectMany(x => x.contiguous().ToArray<ushort>())];
        }

        Assert.Equal(Run(1), Run(2));
    }

    [Fact]
    public void Under_autocast_it_is_rounded_as_a_product_is()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(2);
        var inputs = Inputs(new AttentionShape(1, 2, 2, 12, 12, 32), ScalarType.Float32, numbers);
        using var cast = torch.autocast(ScalarType.BFloat16);
        var step = Step([inputs[0].to(ScalarType.BFloat16), inputs[1], inputs[2]], torch.ones([1, 2, 12, 32]).to(ScalarType.BFloat16), x => nn.functional.scaled_dot_product_attention(x[0], x[1], x[2]));
        Assert.Equal([ScalarType.BFloat16, ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float32], step.Select(x => x.dtype));
    }

    [Fact]
    public void A_mask_that_learns_gets_its_gradient()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(1);
        var inputs = Inputs(new AttentionShape(2, 2, 2, 6, 6, 8), ScalarType.Float32, numbers);
        var bias = torch.randn([1, 2, 6, 6], numbers).requires_grad_();
        nn.functional.scaled_dot_product_attention(inputs[0], inputs[1], inputs[2], bias).sum().backward();
        var found = bias.grad!.clone();
        bias.grad = null;
        Composed(inputs[0], inputs[1], inputs[2], bias, isCausal: false).sum().backward();
        Near(bias.grad!, found, 5e-6, "mask");
    }

    [Fact]
    public void What_does_not_fit_is_named()
    {
        using var scope = torch.NewDisposeScope();
        Tensor X(int heads, int tokens) => torch.zeros([1, heads, tokens, 8]);
        string Thrown(Func<Tensor> attend) => Assert.Throws<TorchException>(attend).Message;
        Assert.Equal(
            "expected query [batch, heads, tokens, head_dim] and key and value [batch, key heads, keys, head_dim] with heads a multiple of key heads, found [1, 3, 4, 8], [1, 2, 4, 8] and [1, 2, 4, 8]",
            Thrown(() => nn.functional.scaled_dot_product_attention(X(3, 4), X(2, 4), X(2, 4))));
        Assert.Equal("expected a mask broadcastable to [1, 2, 4, 4], found [4, 3]", Thrown(() => nn.functional.scaled_dot_product_attention(X(2, 4), X(2, 4), X(2, 4), torch.zeros([4, 3]))));
        Assert.Equal("expected at least as many keys as tokens with is_causal, found 3 keys and 4 tokens", Thrown(() => nn.functional.scaled_dot_product_attention(X(2, 4), X(2, 3), X(2, 3), isCausal: true)));
        Assert.Equal("expected query starts to rise from 0 to the 4 tokens given, found [0, 3]", Thrown(() => nn.functional.scaled_dot_product_attention_varlen(X(2, 4), X(2, 4), X(2, 4), torch.tensor([0, 3]), torch.tensor([0, 4]))));
    }

    [Fact]
    public void Nothing_is_left_over() => Assert.Equal(0, LiveTensors.Left(() =>
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(1);
        Step(Inputs(new AttentionShape(2, 2, 2, 20, 20, 16), ScalarType.BFloat16, numbers), torch.ones([2, 2, 20, 16]).to(ScalarType.BFloat16), x =>
            nn.functional.scaled_dot_product_attention(x[0], x[1], x[2], torch.zeros([20, 20]), 0.1));
    }));

    /// <summary>Parts of wider tensors in memory as [batch, tokens, heads, dim], as a projection gives them.</summary>
    private static Tensor[] Inputs(AttentionShape given, ScalarType type, Generator numbers)
    {
        Tensor Part(int heads, int tokens, int place) =>
            torch.randn([given.Batch, tokens, heads, 3 * given.Dim], numbers).to(type).transpose(1, 2).narrow(3, place * given.Dim, given.Dim);
        return [Part(given.Heads, given.Tokens, 0), Part(given.KeyHeads, given.Keys, 1), Part(given.KeyHeads, given.Keys, 2)];
    }

    /// <summary>The output and the gradients of the inputs.</summary>
    private static Tensor[] Step(Tensor[] inputs, Tensor upstream, Func<Tensor[], Tensor> attend)
    {
        Tensor[] leaves = [.. inputs.Select(x => x.detach().requires_grad_())];
        var output = attend(leaves);
        output.backward(upstream);
        return [output.detach(), .. leaves.Select(x => x.grad!)];
    }

    private static Tensor Composed(Tensor query, Tensor key, Tensor value, Tensor? mask, bool isCausal)
    {
        var (tokens, keys, groups) = (query.size(2), key.size(2), query.size(1) / key.size(1));
        Tensor Repeated(Tensor x) => x.unsqueeze(2).expand(x.size(0), x.size(1), groups, x.size(2), x.size(3)).reshape(x.size(0), query.size(1), x.size(2), x.size(3));
        var scores = (query * (1 / Math.Sqrt(query.size(3)))).matmul(Repeated(key).transpose(-2, -1));
        if (isCausal) mask = torch.ones([tokens, keys]).tril(keys - tokens).gt(0);
        if (mask is not null) scores = mask.dtype == ScalarType.Bool ? scores.masked_fill(mask.logical_not(), double.NegativeInfinity) : scores + mask;
        return scores.softmax(-1).matmul(Repeated(value));
    }

    /// <summary>The same numbers are not numbers; of the others, the largest difference relative to the largest value.</summary>
    private static void Near(Tensor expected, Tensor found, double tolerance, string where)
    {
        var (a, b) = (expected.contiguous().ToArray<float>(), found.to(ScalarType.Float32).contiguous().ToArray<float>());
        Assert.Equal(a.Length, b.Length);
        double difference = 0, largest = 1e-6;
        for (var i = 0; i < a.Length; i++)
        {
            Assert.True(float.IsNaN(a[i]) == float.IsNaN(b[i]), $"{where}: {a[i]} and {b[i]} at {i}");
            if (float.IsNaN(a[i])) continue;
            difference = Math.Max(difference, Math.Abs(a[i] - b[i]));
            largest = Math.Max(largest, Math.Abs(a[i]));
        }

        Assert.True(difference / largest <= tolerance, $"{where}: {difference} of {largest}");
    }
}
