using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Products that several threads share, against the same in double precision, which libtorch computes by itself.</summary>
public sealed class ProductTests
{
    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(false, 3)]
    public void A_linear_layer_and_its_gradients_equal_those_in_double(bool withBias, int threads) => OnThreads(threads, () =>
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(11);
        foreach (var (rows, inner, outer) in new[] { (1, 5, 3), (37, 96, 205), (301, 64, 33) })
        {
            // Tokens of a batch, in a layout that is not row by row.
            var x = torch.randn([rows, 2, inner], numbers).transpose(0, 1);
            var weight = torch.randn([outer, inner], numbers);
            var bias = withBias ? torch.randn([outer], numbers) : null;
            var upstream = torch.randn([2, rows, outer], numbers);
            Tensor[] Compute(ScalarType type)
            {
                var leaves = new[] { x, weight, bias }.OfType<Tensor>().Select(leaf => leaf.to(type).clone().requires_grad_()).ToArray();
                var y = nn.functional.linear(leaves[0], leaves[1], withBias ? leaves[2] : null);
                y.backward(upstream.to(type));
                return [y, .. leaves.Select(leaf => leaf.grad!)];
            }

            AllNear(Compute(ScalarType.Float64), Compute(ScalarType.Float32));
        }
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Products_of_matrices_and_of_batches_equal_those_in_double(int threads) => OnThreads(threads, () =>
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(12);
        (long[] Left, long[] Right)[] cases =
        [
            ([130, 70], [70, 90]), ([70, 130], [130, 1000]), ([4, 5, 16], [16, 7]), ([3, 5, 33, 20], [3, 5, 20, 41]),
            ([3, 1, 6, 20], [1, 5, 20, 4]), ([12, 20], [3, 20, 4]), ([1, 1], [1, 1]),
        ];
        foreach (var (left, right) in cases)
        {
            var x = torch.randn(left, numbers);
            // Transposed in memory, as keys are.
            var y = torch.randn([.. right[..^2], right[^1], right[^2]], numbers).transpose(-2, -1);
            Tensor[] Compute(ScalarType type)
            {
                var (a, b) = (x.to(type).clone().requires_grad_(), y.to(type).requires_grad_());
                var product = a.matmul(b);
                (product * product).sum().backward();
                return [product, a.grad!, b.grad!];
            }

            AllNear(Compute(ScalarType.Float64), Compute(ScalarType.Float32));
        }
    });

    [Fact]
    public void A_frozen_weight_gets_no_gradient_and_still_passes_one_on()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([2, 2]).requires_grad_();
        var weight = torch.tensor([1f, 2f, 3f, 4f], 2, 2);
        nn.functional.linear(x, weight, torch.zeros([2])).sum().backward();
        Assert.Null(weight.grad);
        Assert.Equal([4f, 6f, 4f, 6f], x.grad!.ToArray<float>());
    }

    [Fact]
    public void A_backward_pass_inside_autocast_keeps_float32_gradients()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.full([64, 64], 1f + (1f / 4096)).requires_grad_();
        var weight = torch.ones([64, 64]).requires_grad_();
        var loss = nn.functional.linear(x, weight).sum();
        using (torch.autocast(ScalarType.BFloat16))
        {
            loss.backward();
        }

        // bfloat16 would have lost the 1/4096.
        Assert.All(weight.grad!.ToArray<float>(), value => Assert.Equal(64f + (64f / 4096), value));
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused_in_the_words_of_libtorch()
    {
        using var scope = torch.NewDisposeScope();
        Assert.Equal("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)", Assert.Throws<TorchException>(() => nn.functional.linear(torch.ones([2, 3]), torch.ones([5, 4]))).Message);
        Assert.Equal([0L, 5L], nn.functional.linear(torch.ones([0, 4]), torch.ones([5, 4])).shape);
    }

    private static void OnThreads(int threads, Action action)
    {
        var before = torch.get_num_threads();
        torch.set_num_threads(threads);
        action();
        torch.set_num_threads(before);
    }

    private static void AllNear(Tensor[] expected, Tensor[] found)
    {
        foreach (var (reference, value) in expected.Zip(found))
        {
            Assert.Equal(reference.shape, value.shape);
            var difference = (reference - value.to(ScalarType.Float64)).abs().max().item<double>();
            Assert.InRange(difference / reference.abs().max().item<double>(), 0, 2e-6);
        }
    }
}
