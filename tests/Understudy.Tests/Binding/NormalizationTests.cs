using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Layer norm, RMS norm and what they give besides, against the same by library operations.</summary>
public sealed class NormalizationTests
{
    private const double Eps = 1e-5;

    // Rounding to bfloat16 is 2^-9 of a value; a gradient is rounded on the way in and on the way out.
    private const double Bf16 = 1.0 / 128;

    [Theory]
    [InlineData(ScalarType.Float32, 1, 1)]
    [InlineData(ScalarType.Float32, 3, 7)]
    [InlineData(ScalarType.Float32, 131, 64)]
    [InlineData(ScalarType.Float32, 200, 517)]
    [InlineData(ScalarType.BFloat16, 3, 7)]
    [InlineData(ScalarType.BFloat16, 131, 130)]
    public void A_norm_equals_the_composed_one(ScalarType type, int rows, int width)
    {
        foreach (var centred in new[] { true, false })
        {
            using var scope = torch.NewDisposeScope();
            using var leaves = new Leaves(type, rows, width, parameters: type);
            var upstream = leaves.Random(rows, width).to(type);
            var y = centred ? nn.functional.layer_norm(leaves.X, [width], leaves.Weight, leaves.Bias, Eps) : nn.functional.rms_norm(leaves.X, leaves.Weight, Eps);
            y.backward(upstream);
            var found = leaves.Gradients(centred);
            var expected = Composed(leaves.X, leaves.Weight, centred ? leaves.Bias : null);
            expected.backward(upstream.to(ScalarType.Float32));
            Assert.Equal(type, y.dtype);
            Near(expected, y, type);
            foreach (var (one, other) in leaves.Gradients(centred).Zip(found)) Near(one, other, type);
        }
    }

    [Theory]
    [InlineData(true, ScalarType.Float32)]
    [InlineData(true, ScalarType.BFloat16)]
    [InlineData(false, ScalarType.Float32)]
    [InlineData(false, ScalarType.BFloat16)]
    public void All_that_a_norm_gives_besides_has_its_gradient(bool autocast, ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        using var mixed = autocast ? torch.autocast(ScalarType.BFloat16) : null;
        var narrow = autocast ? ScalarType.BFloat16 : type;
        using var leaves = new Leaves(type, 150, 70, parameters: ScalarType.Float32);
        var ways = new (string Name, ScalarType[] Types, Func<IReadOnlyList<Tensor>> Fused, Func<IReadOnlyList<Tensor>> Composed)[]
        {
            ("for products", [narrow], () => [nn.functional.layer_norm_for_products(leaves.X, leaves.Weight, leaves.Bias, Eps)], () => [Composed(leaves.X, leaves.Weight, leaves.Bias)]),
            ("twice", [type, narrow], () => Listed(nn.functional.layer_norm_twice(leaves.X, leaves.Weight, leaves.Bias, Eps)), () => [Composed(leaves.X, leaves.Weight, leaves.Bias), Composed(leaves.X, leaves.Weight, leaves.Bias)]),
            ("branch", [type, narrow], () => Listed(nn.functional.layer_norm_branch(leaves.X, leaves.Weight, leaves.Bias, Eps)), () => [leaves.X + 0, Composed(leaves.X, leaves.Weight, leaves.Bias)]),
            ("two branches", [type, narrow, narrow],
                () => nn.functional.layer_norm_branch(leaves.X, leaves.Weight, leaves.Bias, leaves.SecondWeight, leaves.SecondBias, Eps) is var (around, first, second) ? [around, first, second] : [],
                () => [leaves.X + 0, Composed(leaves.X, leaves.Weight, leaves.Bias), Composed(leaves.X, leaves.SecondWeight, leaves.SecondBias)]),
            ("RMS branch", [type, autocast ? narrow : ScalarType.Float32], () => Listed(nn.functional.rms_norm_branch(leaves.X, leaves.Weight, Eps)), () => [leaves.X + 0, Composed(leaves.X, leaves.Weight, null)]),
        };
        foreach (var way in ways)
        {
            var weights = way.Types.Select(_ => leaves.Random(150, 70)).ToArray();
            var found = way.Fused();
            Assert.Equal(way.Types, found.Select(one => one.dtype));
            Weighted(found, weights).backward();
            var gradients = leaves.Gradients();
            var expected = way.Composed();
            Weighted(expected, weights).backward();
            foreach (var (one, other) in expected.Zip(found)) Near(one, other, ScalarType.BFloat16);
            foreach (var (one, other) in leaves.Gradients().Zip(gradients))
            {
                Assert.True(Difference(one, other) <= (autocast || type == ScalarType.BFloat16 ? Bf16 : 1e-5), way.Name);
            }
        }
    }

    [Fact]
    public void What_is_not_used_has_no_part_in_the_gradient()
    {
        using var scope = torch.NewDisposeScope();
        using var leaves = new Leaves(ScalarType.Float32, 5, 9, parameters: ScalarType.Float32);
        var (around, normed) = nn.functional.layer_norm_branch(leaves.X, leaves.Weight, leaves.Bias, Eps);
        around.sum().backward();
        Assert.All(leaves.X.grad!.ToArray<float>(), value => Assert.Equal(1, value));
        Assert.Null(leaves.Weight.grad);
        leaves.Gradients();
        normed = nn.functional.layer_norm_branch(leaves.X, leaves.Weight, leaves.Bias, Eps).Normalized;
        normed.sum().backward();
        Assert.All(leaves.Bias.grad!.ToArray<float>(), value => Assert.Equal(5, value));
        // A frozen weight, as beside an adapter.
        leaves.Gradients();
        leaves.Weight.requires_grad_(false);
        leaves.Bias.requires_grad_(false);
        (nn.functional.layer_norm(leaves.X, [9], leaves.Weight, leaves.Bias, Eps) * leaves.Random(5, 9)).sum().backward();
        Assert.NotNull(leaves.X.grad);
        Assert.Null(leaves.Weight.grad);
    }

    [Fact]
    public void A_row_that_is_no_number_spoils_no_other_row()
    {
        using var scope = torch.NewDisposeScope();
        using var leaves = new Leaves(ScalarType.Float32, 3, 100, parameters: ScalarType.Float32);
        using (torch.no_grad()) leaves.X.narrow(0, 1, 1).narrow(1, 3, 1).fill_(double.NaN);
        var y = nn.functional.layer_norm(leaves.X, [100], leaves.Weight, leaves.Bias, Eps);
        y.sum().backward();
        foreach (var tensor in new[] { y, leaves.X.grad! })
        {
            var values = tensor.ToArray<float>();
            Assert.All(values[100..200], value => Assert.True(float.IsNaN(value)));
            Assert.All(values[..100].Concat(values[200..]), value => Assert.True(float.IsFinite(value)));
        }
    }

    [Fact]
    public void A_norm_without_variance_gives_the_bias()
    {
        using var scope = torch.NewDisposeScope();
        var y = nn.functional.layer_norm(torch.full([2, 5], 1e20, ScalarType.Float32), [5], torch.ones([5]), torch.tensor([1f, 2, 3, 4, 5]), 1e-12);
        Assert.Equal([1f, 2, 3, 4, 5, 1, 2, 3, 4, 5], y.ToArray<float>());
    }

    [Fact]
    public void Nothing_is_kept_where_no_gradient_is_wanted()
    {
        using var scope = torch.NewDisposeScope();
        using var leaves = new Leaves(ScalarType.Float32, 4, 8, parameters: ScalarType.Float32);
        using var gradients = torch.no_grad();
        Assert.False(nn.functional.layer_norm_branch(leaves.X, leaves.Weight, leaves.Bias, Eps).Normalized.requires_grad);
        Assert.False(nn.functional.rms_norm(leaves.X, leaves.Weight, Eps).requires_grad);
    }

    [Fact]
    public void The_gradient_of_the_weight_is_the_same_on_any_number_of_threads()
    {
        using var scope = torch.NewDisposeScope();
        using var leaves = new Leaves(ScalarType.Float32, 700, 96, parameters: ScalarType.Float32);
        var upstream = leaves.Random(700, 96);
        float[] Compute(int threads)
        {
            var before = torch.get_num_threads();
            torch.set_num_threads(threads);
            nn.functional.layer_norm(leaves.X, [96], leaves.Weight, leaves.Bias, Eps).backward(upstream);
            torch.set_num_threads(before);
            return [.. leaves.Gradients().SelectMany(gradient => gradient.ToArray<float>())];
        }

        Assert.Equal(Compute(1), Compute(2));
    }

    [Fact]
    public void A_weight_of_another_width_is_refused()
    {
        using var scope = torch.NewDisposeScope();
        Assert.Equal(
            "expected a weight and a bias of the last dimension of x [2, 5], found [4]",
            Assert.Throws<TorchException>(() => nn.functional.rms_norm(torch.zeros([2, 5]), torch.ones([4]), Eps)).Message);
    }

    // In float32 and without any kernel of this project.
    private static Tensor Composed(Tensor input, Tensor weight, Tensor? bias)
    {
        var x = input.to(ScalarType.Float32);
        if (bias is not null) x -= x.mean(-1, keepdim: true);
        var y = x * ((x * x).mean(-1, keepdim: true) + Eps).rsqrt() * weight.to(ScalarType.Float32);
        return bias is null ? y : y + bias.to(ScalarType.Float32);
    }

    private static Tensor[] Listed((Tensor First, Tensor Second) pair) => [pair.First, pair.Second];

    private static Tensor Weighted(IReadOnlyList<Tensor> tensors, IReadOnlyList<Tensor> weights) =>
        tensors.Zip(weights, (tensor, weight) => (tensor.to(ScalarType.Float32) * weight).sum()).Aggregate((one, other) => one + other);

    private static void Near(Tensor expected, Tensor found, ScalarType type) =>
        Assert.InRange(Difference(expected, found), 0, type == ScalarType.BFloat16 ? Bf16 : 1e-5);

    /// <summary>The largest difference, relative to the largest value.</summary>
    private static double Difference(Tensor expected, Tensor found)
    {
        var difference = (expected.to(ScalarType.Float32) - found.to(ScalarType.Float32)).abs().max().item<double>();
        return difference / (expected.to(ScalarType.Float32).abs().max().item<double>() + 0.1);
    }

    /// <summary>What a norm reads, with gradients.</summary>
    private sealed class Leaves : IDisposable
    {
        private readonly Generator numbers = new(17);

        internal Leaves(ScalarType type, int rows, int width, ScalarType parameters)
        {
            X = (Random(rows, width) * 2 + 3).to(type).clone().requires_grad_();
            Weight = (Random(width) * 0.3 + 1).to(parameters).clone().requires_grad_();
            Bias = Random(width).to(parameters).clone().requires_grad_();
            SecondWeight = (Random(width) * 0.3 + 1).to(parameters).clone().requires_grad_();
            SecondBias = Random(width).to(parameters).clone().requires_grad_();
        }

        internal Tensor X { get; }

        internal Tensor Weight { get; }

        internal Tensor Bias { get; }

        internal Tensor SecondWeight { get; }

        internal Tensor SecondBias { get; }

        public void Dispose() => numbers.Dispose();

        internal Tensor Random(params long[] shape) => torch.randn(shape, numbers);

        /// <summary>The gradients that there are, which are taken away.</summary>
        internal Tensor[] Gradients(bool withBias = true)
        {
            var all = new[] { X, Weight, Bias, SecondWeight, SecondBias };
            var found = all.Where(leaf => leaf.grad is not null && (withBias || leaf != Bias)).Select(leaf => leaf.grad!.clone()).ToArray();
            foreach (var leaf in all) leaf.grad = null;
            return found;
        }
    }
}
