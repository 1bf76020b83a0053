using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Query, key and value from one product, against the same by views and library operations.</summary>
public sealed class SplitHeadsTests
{
    [Theory]
    [InlineData(ScalarType.Float32, true, 8, 3)]
    [InlineData(ScalarType.Float32, true, 4, 1)]
    [InlineData(ScalarType.BFloat16, true, 6, 3)]
    [InlineData(ScalarType.Float32, false, 0, 1)]
    [InlineData(ScalarType.BFloat16, false, 0, 1)]
    [InlineData(ScalarType.Float64, true, 4, 3)]
    public void Parts_and_their_gradients_are_those_of_views(ScalarType type, bool byHead, int rotated, int tables)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(6);
        const int Batch = 3, Tokens = 5, Heads = 2, Width = 8;
        var fused = torch.randn([Batch, Tokens, 3 * Heads * Width], numbers).to(type).requires_grad_();
        var angles = torch.randn([tables, 1, Tokens, Math.Max(rotated / 2, 1)], numbers);
        var (cosine, sine) = rotated == 0 ? (null, (Tensor?)null) : (torch.cat([angles.cos(), angles.cos()], -1), torch.cat([angles.sin(), angles.sin()], -1));
        // One that arrives as attention gives it, one plain, one of which only a part is used.
        Tensor[] upstream = [torch.randn([Batch, Tokens, Heads, Width], numbers).to(type).transpose(1, 2), torch.randn([Batch, Heads, Tokens, Width], numbers).to(type), torch.randn([Batch, Heads, Tokens, Width], numbers).to(type)];
        Tensor Total(Tensor[] parts) => parts.Zip(upstream, (part, weights) => (part * weights).sum()).Aggregate((one, other) => one + other);

        var (query, key, value) = nn.functional.split_heads(fused, Heads, byHead, cosine, sine);
        Total([query, key, value]).backward();
        var found = fused.grad!.clone();
        fused.grad = null;
        if (type != ScalarType.Float64) Assert.Equal([Tokens * Heads * Width, Width, Heads * Width, 1], query.stride());

        var whole = fused.to(ScalarType.Float32).view(byHead ? [Batch, Tokens, Heads, 3, Width] : [Batch, Tokens, 3, Heads, Width]);
        var parts = Enumerable.Range(0, 3).Select(i => whole.select(byHead ? 3 : 2, i).transpose(1, 2)).ToArray();
        if (rotated > 0) (parts[0], parts[1]) = (Rotated(parts[0], cosine!, sine!), Rotated(parts[1], cosine!, sine!));
        Total(parts).backward();
        var tolerance = type == ScalarType.BFloat16 ? 1.0 / 60 : 1e-5;
        foreach (var (one, other) in parts.Zip([query, key, value])) Near(one, other, tolerance);
        Near(fused.grad!, found, tolerance);
    }

    [Fact]
    public void A_part_that_is_not_used_has_no_gradient()
    {
        using var scope = torch.NewDisposeScope();
        var fused = torch.ones([1, 2, 12]).requires_grad_();
        nn.functional.split_heads(fused, 2, byHead: true).Key.sum().backward();
        Assert.Equal([0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0], fused.grad!.ToArray<float>());
    }

    [Fact]
    public void A_product_that_cannot_be_divided_is_refused()
    {
        using var scope = torch.NewDisposeScope();
        Assert.Equal("expected [batch, tokens, 3 x 2 heads x head_dim], found [1, 2, 14]", Assert.Throws<TorchException>(() => nn.functional.split_heads(torch.ones([1, 2, 14]), 2, byHead: true)).Message);
        Assert.Equal(
            "expected tables [1 or 1, 1, 2, an even number of at most 2], found [1, 1, 2, 4]",
            Assert.Throws<TorchException>(() => nn.functional.split_heads(torch.ones([1, 2, 12]), 2, byHead: true, torch.ones([1, 1, 2, 4]), torch.ones([1, 1, 2, 4]))).Message);
    }

    private static Tensor Rotated(Tensor x, Tensor cosine, Tensor sine)
    {
        var rotated = cosine.size(3);
        var (first, second) = (x.narrow(3, 0, rotated / 2), x.narrow(3, rotated / 2, rotated / 2));
        var turned = (x.narrow(3, 0, rotated) * cosine) + (torch.cat([-second, first], -1) * sine);
        return torch.cat([turned, x.narrow(3, rotated, x.size(3) - rotated)], -1);
    }

    private static void Near(Tensor expected, Tensor found, double tolerance) =>
        Assert.InRange((expected - found.to(expected.dtype)).abs().max().item<double>() / expected.abs().max().item<double>(), 0, tolerance);
}
