using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>The fused kernels against the same computed by library operations.</summary>
public sealed class FusedLayerTests
{
    // Rounding to bfloat16 is 2^-9 of a value; a gradient is rounded on the way in and on the way out.
    private const double Bf16 = 1.0 / 128;

    [Theory]
    [InlineData(ScalarType.Float32, 7, 0.0)]
    [InlineData(ScalarType.Float32, 1031, 0.1)]
    [InlineData(ScalarType.BFloat16, 7, 0.1)]
    [InlineData(ScalarType.BFloat16, 1031, 0.0)]
    public void Cross_entropy_equals_the_composed_one(ScalarType type, int classes, double smoothing)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(5);
        var values = (torch.randn([6, classes], numbers) * 4).to(type);
        long[] targets = [0, classes - 1, -100, 3, 3, 1];
        float[] weights = [1, 0.5f, 0, 2, 0, -1];
        var logits = values.clone().requires_grad_();
        var loss = nn.functional.weighted_cross_entropy(logits, torch.tensor(targets), torch.tensor(weights), smoothing);
        (loss * 0.25).backward();

        var same = values.to(ScalarType.Float32).clone().requires_grad_();
        var log = same.log_softmax(-1);
        var picked = log.gather(1, torch.tensor(targets).clamp(0, classes).unsqueeze(1)).squeeze(1);
        var composed = (-((picked * (1 - smoothing)) + (log.mean(1) * smoothing)) * torch.tensor(weights)).sum();
        (composed * 0.25).backward();

        Assert.Equal(ScalarType.Float32, loss.dtype);
        Assert.Equal(composed.item<double>(), loss.item<double>(), 1e-5 * Math.Abs(composed.item<double>()));
        Assert.Equal(type, logits.grad!.dtype);
        Near(same.grad!, logits.grad!, type == ScalarType.BFloat16 ? Bf16 : 3e-6);
        Assert.All(logits.grad!.select(0, 2).to(ScalarType.Float32).ToArray<float>(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Cross_entropy_names_a_target_that_is_no_class()
    {
        using var scope = torch.NewDisposeScope();
        TorchException Thrown(long[] targets, float[] weights) => Assert.Throws<TorchException>(() =>
            nn.functional.weighted_cross_entropy(torch.zeros([2, 7]), torch.tensor(targets), torch.tensor(weights)));
        Assert.Equal("expected targets in [0, 7), found values from 0 to 7", Thrown([0, 7], [1, 1]).Message);
        Assert.Equal("expected targets in [0, 7), found values from -100 to 0", Thrown([-100, 0], [1, 1]).Message);
        Assert.Equal("expected int64 targets [2], found Long [1]", Thrown([1], [1, 1]).Message);
        Assert.Equal(Math.Log(7), nn.functional.weighted_cross_entropy(torch.zeros([2, 7]), torch.tensor(new long[] { -100, 0 }), torch.tensor([0f, 1f])).item<double>(), 1e-6);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 8, 3)]
    [InlineData(ScalarType.Float32, 4, 1)]
    [InlineData(ScalarType.BFloat16, 8, 1)]
    [InlineData(ScalarType.BFloat16, 4, 3)]
    public void Rotary_embedding_equals_the_composed_one(ScalarType type, int rotated, int tables)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(6);
        // A part of a wider tensor, as query and key are parts of one product.
        var wide = torch.randn([3, 5, 2, 24], numbers).to(type);
        var upstream = torch.randn([3, 2, 5, 8], numbers).to(type);
        var angles = torch.randn([tables, 1, 5, rotated / 2], numbers);
        var (cosine, sine) = (torch.cat([angles.cos(), angles.cos()], -1), torch.cat([angles.sin(), angles.sin()], -1));

        var fused = wide.clone().requires_grad_();
        var y = nn.functional.rotary_embedding(fused.transpose(1, 2).narrow(3, 8, 8), cosine, sine);
        y.backward(upstream);

        var same = wide.to(ScalarType.Float32).clone().requires_grad_();
        var x = same.transpose(1, 2).narrow(3, 8, 8);
        var (first, second) = (x.narrow(3, 0, rotated / 2), x.narrow(3, rotated / 2, rotated / 2));
        var turned = (x.narrow(3, 0, rotated) * cosine) + (torch.cat([-second, first], -1) * sine);
        var composed = torch.cat([turned, x.narrow(3, rotated, 8 - rotated)], -1);
        composed.backward(upstream.to(ScalarType.Float32));

        Assert.Equal(type, y.dtype);
        Near(composed, y, type == ScalarType.BFloat16 ? Bf16 : 1e-6);
        Near(same.grad!, fused.grad!, type == ScalarType.BFloat16 ? Bf16 : 1e-6);
    }

    [Fact]
    public void A_16_bit_gelu_is_the_32_bit_one_rounded()
    {
        using var scope = torch.NewDisposeScope();
        var values = torch.cat([torch.arange(-1200, 1201).to(ScalarType.Float32) / 150, torch.tensor([-40f, 40f, -1e30f, 1e30f, 0f])]).to(ScalarType.BFloat16);
        var x = values.clone().requires_grad_();
        var y = nn.functional.gelu(x);
        y.sum().backward();
        var same = values.to(ScalarType.Float32).clone().requires_grad_();
        var exact = nn.functional.gelu(same);
        exact.sum().backward();
        // Two roundings may fall apart by one step of the last digit.
        Assert.InRange((((y.to(ScalarType.Float32) - exact).abs() / (exact.abs() + 1e-4)).max()).item<double>(), 0, 1.0 / 256);
        Assert.InRange((((x.grad!.to(ScalarType.Float32) - same.grad!).abs() / (same.grad!.abs() + 0.05)).max()).item<double>(), 0, 1.0 / 256);
        Assert.True(double.IsNaN(nn.functional.gelu(torch.full([1], float.NaN, ScalarType.BFloat16)).item<double>()));
    }

    [Fact]
    public void A_kernel_gives_the_same_on_any_number_of_threads()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(7);
        var x = torch.randn([64, 2048], numbers).to(ScalarType.BFloat16);
        var targets = torch.arange(64);
        ushort[] Compute(int threads)
        {
            var before = torch.get_num_threads();
            torch.set_num_threads(threads);
            var leaf = x.clone().requires_grad_();
            nn.functional.weighted_cross_entropy(nn.functional.gelu(leaf), targets, torch.ones([64])).backward();
            torch.set_num_threads(before);
            return leaf.grad!.ToArray<ushort>();
        }

        Assert.Equal(Compute(1), Compute(2));
    }

    /// <summary>The largest difference, relative to the largest value.</summary>
    private static void Near(Tensor expected, Tensor found, double tolerance)
    {
        var difference = (expected - found.to(ScalarType.Float32)).abs().max().item<double>();
        Assert.InRange(difference / expected.abs().max().item<double>(), 0, tolerance);
    }
}
