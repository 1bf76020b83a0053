using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>A step through each of the kernels between the products leaves no tensors behind.</summary>
[Collection(LiveTensors.Name)]
public sealed class KernelTensorTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Norms_leave_no_tensors(bool autocast) => LeavesNone(autocast, x =>
    {
        var (weight, bias) = (torch.ones([24]).requires_grad_(), torch.zeros([24]).requires_grad_());
        var (around, first, second) = nn.functional.layer_norm_branch(x, weight, bias, weight, bias, 1e-5);
        var (full, narrow) = nn.functional.layer_norm_twice(around, weight, bias, 1e-5);
        return [first, second, full, narrow, nn.functional.rms_norm(x, weight, 1e-6)];
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Dropout_and_sums_leave_no_tensors(bool autocast) => LeavesNone(autocast, x =>
        [nn.functional.dropout_add(x, nn.functional.dropout(x, 0.5, training: true), 0.25), nn.functional.dropout_add(x, x, x, 0.25)]);

    [Fact]
    public void Activations_leave_no_tensors() => LeavesNone(autocast: false, x =>
        [nn.functional.gelu(x), nn.functional.gelu(x, tanhApproximation: true), nn.functional.silu(x), nn.functional.silu_gated(x, x), nn.functional.gelu_gated(x, x)]);

    [Fact]
    public void Heads_leave_no_tensors() => LeavesNone(autocast: false, x =>
    {
        var angles = torch.ones([1, 1, 6, 4]);
        var (query, key, value) = nn.functional.split_heads(x, 2, byHead: true, angles, angles);
        return [query, nn.functional.rotary_embedding(key, angles, angles), value];
    });

    private static void LeavesNone(bool autocast, Func<Tensor, Tensor[]> step) => Assert.Equal(0, LiveTensors.Left(() =>
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([2, 6, 24]).requires_grad_();
        Tensor sum;
        using (autocast ? torch.autocast(ScalarType.BFloat16) : null)
        {
            sum = step(x).Select(one => one.to(ScalarType.Float32).sum()).Aggregate((one, other) => one + other);
        }

        sum.backward();
        Assert.NotNull(x.grad);
    }));
}
