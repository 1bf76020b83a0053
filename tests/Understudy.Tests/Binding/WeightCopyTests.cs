using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Mixed precision multiplies with what a weight is now, however it came to it; and layers refuse a bias of another size.</summary>
[Collection(LiveTensors.Name)]
public sealed class WeightCopyTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    public void A_part_of_a_weight_follows_the_optimiser(int first)
    {
        using var scope = torch.NewDisposeScope();
        var weight = torch.full([32, 16], 1).requires_grad_();
        Assert.Equal(16, Product(weight.narrow(0, first, 16)));
        weight.grad = torch.ones([32, 16]);
        Step(weight);
        Assert.Equal(8, Product(weight.narrow(0, first, 16)));
        Assert.Equal(8, Product(weight));
        weight.grad = torch.ones([32, 16]);
        Step(weight);
        Assert.Equal(0f, Product(weight.narrow(0, first, 16)), 1e-4f);
        Assert.Equal(0f, Product(weight), 1e-4f);
    }

    [Fact]
    public void A_graph_whose_weights_the_optimiser_has_changed_is_not_gone_back_through()
    {
        using var scope = torch.NewDisposeScope();
        var weight = torch.ones([16, 16]).requires_grad_();
        var loss = nn.functional.linear(torch.ones([16, 16]).requires_grad_(), weight).sum();
        weight.grad = torch.ones([16, 16]);
        Step(weight);
        Assert.Contains("modified by an inplace operation", Assert.Throws<TorchException>(() => loss.backward()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_bias_of_another_size_is_refused(bool mixed)
    {
        using var scope = torch.NewDisposeScope();
        using var autocast = mixed ? torch.autocast(ScalarType.BFloat16, Device.CPU) : null;
        var (x, weight, bias) = (torch.ones([32, 16]), torch.ones([48, 16]), torch.ones([7]));
        Assert.Throws<TorchException>(() => nn.functional.linear(x, weight, bias));
        Assert.Throws<TorchException>(() => nn.functional.linear(x, [weight, weight], [null, bias]));
        var thrown = Assert.Throws<TorchException>(() => nn.functional.linear_cross_entropy(x, weight, bias, torch.zeros([32], ScalarType.Int64), torch.ones([32])));
        Assert.Equal("expected a bias [48], found [7]", thrown.Message);
    }

    [Fact]
    public void A_bias_of_another_type_is_refused_as_by_a_plain_layer()
    {
        using var scope = torch.NewDisposeScope();
        var (x, weight, bias) = (torch.ones([32, 16]), torch.ones([48, 16]), torch.ones([48]).to(ScalarType.BFloat16));
        var plain = Assert.Throws<TorchException>(() => nn.functional.linear(x, weight, bias)).Message;
        Assert.Equal(plain, Assert.Throws<TorchException>(() => nn.functional.linear_cross_entropy(x, weight, bias, torch.zeros([32], ScalarType.Int64), torch.ones([32]))).Message);
    }

    private static void Step(Tensor weight)
    {
        using var none = torch.no_grad();
        FusedAdamW.step([weight], [torch.zeros([.. weight.shape])], [torch.zeros([.. weight.shape])], [0.0], learningRate: 0.5, 0.9, 0.999, 1e-8, step: 1);
    }

    private static float Product(Tensor weight)
    {
        using var autocast = torch.autocast(ScalarType.BFloat16, Device.CPU);
        return nn.functional.linear(torch.ones([16, 16]), weight).to(ScalarType.Float32).ToArray<float>()[0];
    }
}
