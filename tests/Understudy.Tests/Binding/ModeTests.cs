using Understudy.Torch;

namespace Understudy.Tests.Binding;

public sealed class ModeTests
{
    [Fact]
    public void Recording_is_off_inside_no_grad_on_inside_enable_grad_and_restored_after_both()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([1]).requires_grad_();
        bool Recorded() => (x * 2).requires_grad;
        Assert.True(Recorded());
        using (torch.no_grad())
        {
            Assert.False(Recorded());
            using (torch.enable_grad())
            {
                Assert.True(Recorded());
                using (torch.no_grad())
                {
                    Assert.False(Recorded());
                }

                Assert.True(Recorded());
            }

            Assert.False(Recorded());
        }

        Assert.True(Recorded());
    }

    [Fact]
    public void Autocast_nests_and_is_restored()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([2, 2]);
        ScalarType Product() => x.matmul(x).dtype;
        Assert.Equal(ScalarType.Float32, Product());
        using (torch.autocast(ScalarType.BFloat16))
        {
            Assert.Equal(ScalarType.BFloat16, Product());
            using (torch.autocast(ScalarType.BFloat16, enabled: false))
            {
                Assert.Equal(ScalarType.Float32, Product());
                using (torch.autocast(ScalarType.BFloat16))
                {
                    Assert.Equal(ScalarType.BFloat16, Product());
                }

                Assert.Equal(ScalarType.Float32, Product());
            }

            Assert.Equal(ScalarType.BFloat16, Product());
        }

        Assert.Equal(ScalarType.Float32, Product());
    }

    [Fact]
    public void A_mode_ends_also_when_an_operation_in_it_fails()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([2, 3]).requires_grad_();
        Assert.Throws<TorchException>(() =>
        {
            using var gradients = torch.no_grad();
            using var autocast = torch.autocast(ScalarType.BFloat16);
            x.matmul(x);
        });
        var y = x.matmul(x.t());
        Assert.True(y.requires_grad);
        Assert.Equal(ScalarType.Float32, y.dtype);
    }

    [Fact]
    public void Weights_changed_between_two_autocasts_are_cast_anew()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([1, 2]);
        var weight = torch.ones([1, 2]).requires_grad_();
        double Output()
        {
            using var autocast = torch.autocast(ScalarType.BFloat16);
            return nn.functional.linear(x, weight).item<double>();
        }

        Assert.Equal(2, Output());
        using (torch.no_grad())
        {
            weight.mul_(3);
        }

        Assert.Equal(6, Output());
    }

    [Fact]
    public void Gradients_reach_float32_weights_through_autocast()
    {
        using var scope = torch.NewDisposeScope();
        var weight = torch.ones([1, 2]).requires_grad_();
        using (torch.autocast(ScalarType.BFloat16))
        {
            nn.functional.linear(torch.tensor([2f, 3f], 1, 2), weight).sum().backward();
        }

        Assert.Equal(ScalarType.Float32, weight.grad!.dtype);
        Assert.Equal([2f, 3f], weight.grad!.ToArray<float>());
        weight.grad = null;
        Assert.Null(weight.grad);
    }

    [Fact]
    public void A_generator_depends_on_its_seed_alone()
    {
        using var scope = torch.NewDisposeScope();
        using var generator = new Generator(7);
        float[] Draw() => torch.randn([4], generator).ToArray<float>();
        var first = Draw();
        var second = Draw();
        Assert.NotEqual(first, second);
        torch.manual_seed(99);
        _ = torch.randn([100]);
        generator.manual_seed(7);
        Assert.Equal(first, Draw());
        Assert.Equal(second, Draw());
        using var other = new Generator(8);
        Assert.NotEqual(first, torch.randn([4], other).ToArray<float>());
    }

    [Fact]
    public void Dropout_depends_on_the_seed_of_libtorch()
    {
        using var scope = torch.NewDisposeScope();
        float[] Draw(long seed)
        {
            torch.manual_seed(seed);
            return nn.functional.dropout(torch.ones([64]), 0.5, training: true).ToArray<float>();
        }

        Assert.Equal(Draw(3), Draw(3));
        Assert.NotEqual(Draw(3), Draw(4));
    }

    [Fact]
    public void Every_core_is_used_unless_told_otherwise() => Assert.InRange(ProcessorCores.Count, 1, Environment.ProcessorCount);
}
