using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Gradient checkpointing of any function; that of models is in <c>Models/GradientCheckpointingTests</c>.</summary>
[Collection(LiveTensors.Name)]
public sealed class CheckpointTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Values_gradients_and_the_random_numbers_after_it_are_those_without_it(bool autocast, bool backwardInside)
    {
        using var scope = torch.NewDisposeScope();
        var plain = Step(checkpointed: false, autocast, backwardInside);
        var again = Step(checkpointed: true, autocast, backwardInside);
        Assert.Equal(plain.Value, again.Value);
        Assert.Equal(plain.Input, again.Input);
        Assert.Equal(plain.Weight, again.Weight);
        Assert.Equal(plain.Next, again.Next);
        Assert.True(plain.Weight.Distinct().Count() > 10);
    }

    [Fact]
    public void A_weight_gets_its_gradient_when_the_input_needs_none()
    {
        using var scope = torch.NewDisposeScope();
        var weight = torch.tensor([2f, 3f]).requires_grad_();
        torch.utils.checkpoint(x => x * weight * weight, torch.tensor([5f, 7f])).sum().backward();
        Assert.Equal([20f, 42f], weight.grad!.ToArray<float>());
    }

    [Fact]
    public void What_has_no_gradient_is_not_recorded()
    {
        using var scope = torch.NewDisposeScope();
        Assert.False(torch.utils.checkpoint(x => x * 2, torch.ones([1])).requires_grad);
        using var off = torch.no_grad();
        Assert.False(torch.utils.checkpoint(x => x * 2, torch.ones([1]).requires_grad_()).requires_grad);
    }

    [Fact]
    public void Each_input_gets_its_gradient_and_numbers_without_one_go_in_as_well()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.tensor([2f, 3f]).requires_grad_();
        var y = torch.tensor([5f, 7f]).requires_grad_();
        var order = torch.tensor([1L, 0L]);
        // y is the end of a graph of its own, as an encoder's output is for a decoder's block.
        torch.utils.checkpoint(given => given[0] * given[1].index_select(0, given[2]), [x, y * 10, order]).sum().backward();
        Assert.Equal([70f, 50f], x.grad!.ToArray<float>());
        Assert.Equal([30f, 20f], y.grad!.ToArray<float>());
    }

    [Fact]
    public void One_inside_another_gives_the_gradient_as_well()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.tensor([2f]).requires_grad_();
        torch.utils.checkpoint(outer => torch.utils.checkpoint(inner => inner * inner, outer) * outer, x).backward();
        Assert.Equal([12f], x.grad!.ToArray<float>());
    }

    [Fact]
    public void Constants_outlive_their_scope_and_the_backward_pass_may_be_another_threads()
    {
        using var scope = torch.NewDisposeScope();
        var weight = torch.tensor([1.5f, 2.5f, 3.5f, 0.1f], 2, 2).requires_grad_();
        Tensor loss;
        using (torch.autocast(ScalarType.BFloat16))
        {
            loss = Inner();
        }

        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(() => loss.backward()));
        thread.Start();
        thread.Join();
        Assert.Null(failure);
        // 0.1 rounded to bfloat16 is another number: the product was 16 bit on the other thread, too.
        Assert.Equal([10f, 10f, 20f, 20f], weight.grad!.ToArray<float>());
        Assert.Equal([ScalarType.BFloat16, ScalarType.BFloat16], types);

        Tensor Inner()
        {
            using var inner = torch.NewDisposeScope();
            var constant = torch.tensor([10f, 20f]).view(2, 1);
            return inner.MoveToOuter(torch.utils.checkpoint(
                x =>
                {
                    var product = weight.matmul(x);
                    types.Add(product.dtype);
                    return product * constant;
                },
                torch.ones([2, 2])).sum() / 2);
        }
    }

    [Fact]
    public void What_the_function_throws_the_second_time_comes_out_of_backward()
    {
        using var scope = torch.NewDisposeScope();
        var calls = 0;
        var x = torch.ones([1]).requires_grad_();
        var loss = torch.utils.checkpoint(given => ++calls == 1 ? given * 2 : throw new InvalidDataException("the second time"), x);
        Assert.Equal("the second time", Assert.Throws<InvalidDataException>(() => loss.backward()).Message);
        Assert.Equal(2, calls);
        // libtorch is as it was: the next pass works.
        torch.utils.checkpoint(given => given * 3, x).backward();
        Assert.Equal([3f], x.grad!.ToArray<float>());
    }

    [Fact]
    public void A_second_backward_pass_is_refused()
    {
        using var scope = torch.NewDisposeScope();
        var loss = torch.utils.checkpoint(given => given * 2, torch.ones([1]).requires_grad_());
        loss.backward();
        Assert.Contains("backward through the graph a second time", Assert.Throws<TorchException>(() => loss.backward()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Nothing_is_left_over(bool backward, bool fails)
    {
        WeakReference? kept = null;
        Assert.Equal(0, LiveTensors.Left(() => kept = Use(backward, fails)));
        GC.Collect();
        Assert.False(kept!.IsAlive);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference Use(bool backward, bool fails)
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([4]).requires_grad_();
        Tensor loss;
        Func<Tensor, Tensor> function;
        using (var inner = torch.NewDisposeScope())
        {
            var constant = torch.full([4], 3);
            var calls = 0;
            function = given => fails && ++calls == 3 ? throw new InvalidDataException() : (given * constant * given).exp();
            loss = inner.MoveToOuter(torch.utils.checkpoint(function, torch.utils.checkpoint(function, x)).sum());
        }

        if (backward && !fails) loss.backward();
        if (fails) Assert.Throws<InvalidDataException>(() => loss.backward());
        return new WeakReference(function);
    }

    private readonly List<ScalarType> types = [];

    private static (float[] Value, float[] Input, float[] Weight, float[] Next) Step(bool checkpointed, bool autocast, bool backwardInside)
    {
        using var numbers = new Generator(3);
        var x = torch.randn([8, 16], numbers).requires_grad_();
        Tensor[] weights = [torch.randn([16, 16], numbers).requires_grad_(), torch.randn([16, 16], numbers).requires_grad_()];
        // The input is multiplied twice: a gradient that is a sum must be summed in the same type.
        Func<Tensor, Tensor> Block(Tensor weight) => input => nn.functional.dropout(input.matmul(weight).tanh() + input.matmul(weight.t()), 0.3, training: true) + input;
        torch.manual_seed(5);
        Tensor loss;
        using (autocast ? torch.autocast(ScalarType.BFloat16) : null)
        {
            var hidden = x * 1;
            foreach (var weight in weights) hidden = checkpointed ? torch.utils.checkpoint(Block(weight), hidden) : Block(weight)(hidden);
            loss = hidden.mul(hidden).sum();
            if (backwardInside) loss.backward();
        }

        if (!backwardInside) loss.backward();
        return (loss.ToArray<float>(), x.grad!.ToArray<float>(), [.. weights.SelectMany(weight => weight.grad!.ToArray<float>())], torch.randn([4]).ToArray<float>());
    }
}
