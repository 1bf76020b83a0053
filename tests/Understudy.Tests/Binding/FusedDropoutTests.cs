using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Dropout by a mask that is made again for the gradient, alone and in the sum with a residual stream.</summary>
[Collection(LiveTensors.Name)]
public sealed class FusedDropoutTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 0.1)]
    [InlineData(ScalarType.Float32, 0.5)]
    [InlineData(ScalarType.BFloat16, 0.9)]
    public void The_share_that_is_dropped_is_the_probability_and_the_gradient_has_the_same_mask(ScalarType type, double p)
    {
        using var scope = torch.NewDisposeScope();
        torch.manual_seed(1);
        var x = torch.ones([333, 301]).to(type).requires_grad_();
        var y = nn.functional.dropout(x, p, training: true);
        y.sum().backward();
        var values = y.to(ScalarType.Float32).ToArray<float>();
        // Six standard deviations of 100,233 draws.
        Assert.Equal(p, values.Count(value => value == 0) / (double)values.Length, 6 * Math.Sqrt(p * (1 - p) / values.Length));
        Assert.All(values, value => Assert.True(value == 0 || Math.Abs((value * (1 - p)) - 1) < (type == ScalarType.Float32 ? 1e-6 : 1.0 / 256)));
        Assert.Equal(values, x.grad!.to(ScalarType.Float32).ToArray<float>());
    }

    [Fact]
    public void Masks_of_two_calls_and_of_two_places_have_nothing_in_common()
    {
        using var scope = torch.NewDisposeScope();
        torch.manual_seed(5);
        var zeros = torch.zeros([64, 512]);
        double[] Kept(Tensor tensor) => [.. tensor.ne(0).to(ScalarType.Float32).ToArray<float>().Select(value => value - 0.5)];
        var both = nn.functional.dropout_add(zeros, torch.ones([64, 512]), torch.ones([64, 512]) * 4, 0.5);
        var masks = new[]
        {
            Kept(nn.functional.dropout(torch.ones([64, 512]), 0.5, training: true)),
            Kept(nn.functional.dropout(torch.ones([64, 512]), 0.5, training: true)),
            Kept(both.eq(2).logical_or(both.eq(10)).to(ScalarType.Float32)),
            Kept(both.ge(8).to(ScalarType.Float32)),
        };
        for (var i = 0; i < masks.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                Assert.InRange(masks[i].Zip(masks[j], (one, other) => 4 * one * other).Average(), -0.035, 0.035);
            }

            // Nor neighbours within one.
            foreach (var distance in new[] { 1, 64, 128, 512 })
            {
                Assert.InRange(masks[i].Zip(masks[i].Skip(distance), (one, other) => 4 * one * other).Average(), -0.035, 0.035);
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 0.3)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16, 0.3)]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16, 0.3)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16, 0.0)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, 0.0)]
    public void The_sum_is_that_of_the_residual_and_what_dropout_leaves(ScalarType stream, ScalarType type, double p)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(3);
        var (residual, first, second) = (torch.randn([7, 59], numbers).to(stream).requires_grad_(), torch.randn([7, 59], numbers).to(type).requires_grad_(), torch.randn([7, 59], numbers).to(type).requires_grad_());
        var upstream = torch.randn([7, 59], numbers);
        torch.manual_seed(4);
        var one = nn.functional.dropout_add(residual, first, p);
        torch.manual_seed(4);
        var same = nn.functional.dropout(first.detach(), p, training: true);
        // What was rounded to 16 bit is compared with what was not.
        var tolerance = stream == ScalarType.Float32 && type == ScalarType.Float32 ? 1e-5 : 0.04;
        Near(residual + same, one, tolerance);
        torch.manual_seed(4);
        var both = nn.functional.dropout_add(residual, first, second, p);
        both.backward(upstream.to(both.dtype));
        Near(residual + same + (second * Mask(second.grad!, upstream)), both, tolerance);
        Assert.Equal(upstream.to(stream).to(ScalarType.Float32).ToArray<float>(), residual.grad!.to(ScalarType.Float32).ToArray<float>());
        // Where the first mask let a number through, and nowhere else, its gradient goes through.
        Near(upstream * Mask(same, first), first.grad!, tolerance);
        if (p > 0) Assert.InRange(Mask(second.grad!, upstream).ne(0).to(ScalarType.Float32).mean().item<double>(), 0.5, 0.9);
    }

    [Fact]
    public void The_mask_is_the_same_on_any_number_of_threads()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([1000, 301]);
        float[] Compute(int threads)
        {
            var before = torch.get_num_threads();
            torch.set_num_threads(threads);
            torch.manual_seed(8);
            var y = nn.functional.dropout_add(x, x, x, 0.2).ToArray<float>();
            torch.set_num_threads(before);
            return y;
        }

        Assert.Equal(Compute(1), Compute(2));
    }

    [Fact]
    public void The_mask_is_the_same_with_all_instructions()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([9, 301]);
        float[] Compute(int isa)
        {
            using var instructions = new Instructions(isa);
            torch.manual_seed(8);
            return nn.functional.dropout_add(x, x, x, 0.2).ToArray<float>();
        }

        Assert.Equal(Compute(0), Compute(3));
    }

    [Fact]
    public void What_is_no_number_stays_so_and_the_ends_of_the_range_are_exact()
    {
        using var scope = torch.NewDisposeScope();
        var missing = torch.full([400], double.NaN, ScalarType.Float32);
        Assert.All(nn.functional.dropout(missing, 0.5, training: true).ToArray<float>(), value => Assert.True(float.IsNaN(value)));
        Assert.All(nn.functional.dropout(torch.ones([400]), 1, training: true).ToArray<float>(), value => Assert.Equal(0, value));
        Assert.All(nn.functional.dropout_add(torch.ones([400]), torch.ones([400]), 1).ToArray<float>(), value => Assert.Equal(1, value));
        Assert.Equal("expected tensors of the residual's shape [2, 3], found [3, 2]", Assert.Throws<TorchException>(() => nn.functional.dropout_add(torch.ones([2, 3]), torch.ones([3, 2]))).Message);
    }

    // What x was multiplied by; x is nowhere 0.
    private static Tensor Mask(Tensor product, Tensor x) => product.to(ScalarType.Float32) / x.to(ScalarType.Float32);

    private static void Near(Tensor expected, Tensor found, double tolerance) =>
        Assert.InRange((expected.to(ScalarType.Float32) - found.to(ScalarType.Float32)).abs().max().item<double>(), 0, tolerance);
}
