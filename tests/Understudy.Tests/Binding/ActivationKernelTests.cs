using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>The activation kernels against libtorch's in float64.</summary>
[Collection(LiveTensors.Name)]
public sealed class ActivationKernelTests
{
    [Theory]
    [InlineData("gelu", ScalarType.Float32, 2e-6, 3)]
    [InlineData("gelu", ScalarType.Float32, 2e-6, 0)]
    [InlineData("gelu_tanh", ScalarType.Float32, 2e-6, 3)]
    [InlineData("gelu_tanh", ScalarType.Float32, 2e-6, 0)]
    [InlineData("silu", ScalarType.Float32, 2e-6, 3)]
    [InlineData("silu", ScalarType.Float32, 2e-6, 0)]
    [InlineData("gelu", ScalarType.BFloat16, 1.0 / 256, 3)]
    [InlineData("gelu", ScalarType.BFloat16, 1.0 / 256, 0)]
    [InlineData("gelu_tanh", ScalarType.BFloat16, 1.0 / 256, 3)]
    [InlineData("gelu_tanh", ScalarType.BFloat16, 1.0 / 256, 0)]
    [InlineData("silu", ScalarType.BFloat16, 1.0 / 256, 3)]
    [InlineData("silu", ScalarType.BFloat16, 1.0 / 256, 0)]
    public void Values_and_slopes_are_as_exact_as_the_type(string name, ScalarType type, double tolerance, int isa)
    {
        using var scope = torch.NewDisposeScope();
        using var instructions = new Instructions(isa);
        var values = (torch.arange(-9000, 9001).to(ScalarType.Float32) / 900).to(type);
        var (x, same) = (values.clone().requires_grad_(), values.to(ScalarType.Float64).clone().requires_grad_());
        var (y, exact) = (Apply(name, x), Apply(name, same));
        y.sum().backward();
        exact.sum().backward();
        Assert.Equal(type, y.dtype);
        Assert.InRange(Error(exact, y), 0, tolerance);
        Assert.InRange(Error(same.grad!, x.grad!), 0, tolerance);
    }

    [Theory]
    [InlineData("gelu", ScalarType.Float32)]
    [InlineData("gelu_tanh", ScalarType.BFloat16)]
    [InlineData("silu", ScalarType.Float32)]
    [InlineData("silu", ScalarType.BFloat16)]
    public void A_gated_layer_is_the_product_of_its_halves(string name, ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(9);
        var (gate, up, upstream) = ((torch.randn([37, 29], numbers) * 3).to(type), torch.randn([37, 29], numbers).to(type), torch.randn([37, 29], numbers).to(type));
        var (x, gated) = (gate.clone().requires_grad_(), up.clone().requires_grad_());
        var y = name == "silu" ? nn.functional.silu_gated(x, gated) : nn.functional.gelu_gated(x, gated, name == "gelu_tanh");
        y.backward(upstream);
        var (same, sameGated) = (gate.to(ScalarType.Float64).clone().requires_grad_(), up.to(ScalarType.Float64).clone().requires_grad_());
        var exact = Apply(name, same) * sameGated;
        exact.backward(upstream.to(ScalarType.Float64));
        var tolerance = type == ScalarType.Float32 ? 1e-6 : 1.0 / 200;
        Assert.InRange(Error(exact, y), 0, tolerance);
        Assert.InRange(Error(same.grad!, x.grad!), 0, tolerance);
        Assert.InRange(Error(sameGated.grad!, gated.grad!), 0, tolerance);
    }

    [Theory]
    [InlineData("gelu")]
    [InlineData("gelu_tanh")]
    [InlineData("silu")]
    public void The_ends_of_the_range_are_exact_and_what_is_no_number_stays_so(string name)
    {
        using var scope = torch.NewDisposeScope();
        foreach (var (type, isa) in new[] { (ScalarType.Float32, 0), (ScalarType.BFloat16, 0), (ScalarType.Float32, 3), (ScalarType.BFloat16, 3) })
        {
            using var instructions = new Instructions(isa);
            var x = torch.tensor([-3e38f, -1e30f, -200, 200, 1e30f, 3e38f, 0, float.NaN]).to(type).requires_grad_();
            var y = Apply(name, x);
            y.sum().backward();
            var expected = torch.tensor([0f, 0, 0, 200, 1e30f, 3e38f, 0]).to(type).to(ScalarType.Float32).ToArray<float>();
            var values = y.to(ScalarType.Float32).ToArray<float>();
            Assert.Equal(expected, values[..7]);
            Assert.True(float.IsNaN(values[7]));
            var slopes = x.grad!.to(ScalarType.Float32).ToArray<float>();
            Assert.Equal([0f, 0, 0, 1, 1, 1, 0.5f], slopes[..7], (one, other) => Math.Abs(one - other) < (type == ScalarType.Float32 ? 1e-7 : 1e-3));
            Assert.True(float.IsNaN(slopes[7]));
        }
    }

    private static Tensor Apply(string name, Tensor x) => name == "silu" ? nn.functional.silu(x) : nn.functional.gelu(x, name == "gelu_tanh");

    // Of the value, and near 0, where the terms of a slope cancel, of 1 part in 20.
    private static double Error(Tensor exact, Tensor found) => ((exact - found.to(ScalarType.Float64)).abs() / (exact.abs() + 0.05)).max().item<double>();
}
