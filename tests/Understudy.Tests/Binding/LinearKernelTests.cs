using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Linear layers and output layers with their loss against the same computed by plain products in float32.</summary>
[Collection(LiveTensors.Name)]
public sealed class LinearKernelTests
{
    // Factors and results are rounded to 2^-9 of a value; the sums are not.
    private const double Bf16 = 1.0 / 64;
    private const double Fp32 = 2e-6;

    public enum Mode { Float32, BFloat16, Autocast }

    [Theory]
    [InlineData(Mode.Float32, 1, 7, 5, true)]
    [InlineData(Mode.Float32, 33, 7, 5, false)]
    [InlineData(Mode.Float32, 64, 48, 96, true)]
    [InlineData(Mode.BFloat16, 33, 7, 5, true)]
    [InlineData(Mode.BFloat16, 64, 48, 96, false)]
    [InlineData(Mode.Autocast, 3, 31, 17, true)]
    [InlineData(Mode.Autocast, 40, 31, 17, true)]
    [InlineData(Mode.Autocast, 128, 64, 33, false)]
    public void A_linear_layer_equals_the_plain_product(Mode mode, int rows, int inFeatures, int outFeatures, bool biased)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(3);
        var type = mode == Mode.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        var x = torch.randn([2, rows, inFeatures], numbers).to(type).requires_grad_();
        var weight = torch.randn([outFeatures, inFeatures], numbers).to(type).requires_grad_();
        var bias = biased ? torch.randn([outFeatures], numbers).to(type).requires_grad_() : null;
        var upstream = torch.randn([2, rows, outFeatures], numbers);

        Tensor y;
        using (mode == Mode.Autocast ? torch.autocast(ScalarType.BFloat16, Device.CPU) : null)
        {
            y = nn.functional.linear(x, weight, bias);
        }

        y.backward(upstream.to(y.dtype));
        var (sameX, sameWeight, sameBias) = (Same(x), Same(weight), bias is null ? null : Same(bias));
        var expected = sameX.matmul(sameWeight.t());
        if (sameBias is not null) expected += sameBias;
        expected.backward(upstream);

        var tolerance = mode == Mode.Float32 ? Fp32 : Bf16;
        Assert.Equal(mode == Mode.Float32 ? ScalarType.Float32 : ScalarType.BFloat16, y.dtype);
        Near(expected, y, tolerance);
        Near(sameX.grad!, x.grad!, tolerance);
        Near(sameWeight.grad!, weight.grad!, tolerance);
        Assert.Equal(type, weight.grad!.dtype);
        if (bias is not null) Near(sameBias!.grad!, bias.grad!, tolerance);
    }

    [Theory]
    [InlineData(Mode.Float32)]
    [InlineData(Mode.Autocast)]
    public void A_weight_stored_the_other_way_round_and_a_strided_input_are_taken_as_they_are(Mode mode)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(4);
        var stored = torch.randn([24, 40], numbers).requires_grad_();   // [in, out]
        var wide = torch.randn([32, 48], numbers).requires_grad_();
        using var autocast = mode == Mode.Autocast ? torch.autocast(ScalarType.BFloat16, Device.CPU) : null;
        nn.functional.linear(wide.narrow(1, 5, 24), stored.t()).to(ScalarType.Float32).sum().backward();
        autocast?.Dispose();
        var (sameStored, sameWide) = (Same(stored), Same(wide));
        sameWide.narrow(1, 5, 24).matmul(sameStored).sum().backward();
        Near(sameStored.grad!, stored.grad!, mode == Mode.Float32 ? Fp32 : Bf16);
        Near(sameWide.grad!, wide.grad!, mode == Mode.Float32 ? Fp32 : Bf16);
    }

    [Theory]
    [InlineData(Mode.Float32, 40)]
    [InlineData(Mode.Autocast, 40)]
    [InlineData(Mode.Float32, 2)]
    public void Layers_of_one_input_give_what_each_gives_alone(Mode mode, int rows)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(8);
        var x = torch.randn([rows, 24], numbers).requires_grad_();
        var weights = new[] { 16, 33, 7 }.Select(width => torch.randn([width, 24], numbers).requires_grad_()).ToArray();
        Tensor?[] biases = [torch.randn([16], numbers).requires_grad_(), null, torch.randn([7], numbers).requires_grad_()];
        weights[1].requires_grad_(false);
        var results = new List<(Tensor[] Outputs, Tensor?[] Gradients)>();
        foreach (var together in new[] { true, false })
        {
            Tensor[] outputs;
            using (mode == Mode.Autocast ? torch.autocast(ScalarType.BFloat16, Device.CPU) : null)
            {
                outputs = together ? nn.functional.linear(x, weights, biases) : [.. weights.Zip(biases, (weight, bias) => nn.functional.linear(x, weight, bias))];
            }

            // The last output goes nowhere: it has no gradient at all.
            (outputs[0].to(ScalarType.Float32).pow(2).sum() + outputs[1].to(ScalarType.Float32).pow(2).sum()).backward();
            var leaves = new[] { x, weights[0], weights[1], weights[2], biases[0]!, biases[2]! };
            results.Add((outputs, [.. leaves.Select(leaf => leaf.grad?.clone())]));
            foreach (var leaf in leaves) leaf.grad = null;
        }

        var tolerance = mode == Mode.Float32 ? Fp32 : Bf16;
        foreach (var (one, other) in results[0].Outputs.Zip(results[1].Outputs)) Near(other, one, tolerance);
        foreach (var (one, other) in results[0].Gradients.Zip(results[1].Gradients).Where(pair => pair.Second is not null)) Near(other!, one!, tolerance);
        Assert.Equal([true, true, false, false, true, false], results[0].Gradients.Select(gradient => gradient is not null));
    }

    [Theory]
    [InlineData(Mode.Float32)]
    [InlineData(Mode.Autocast)]
    public void What_is_not_a_number_stays_in_its_row(Mode mode)
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([20, 8]);
        x.select(0, 3).fill_(double.NaN);
        using var autocast = mode == Mode.Autocast ? torch.autocast(ScalarType.BFloat16, Device.CPU) : null;
        var y = nn.functional.linear(x, torch.ones([8, 8])).to(ScalarType.Float32).ToArray<float>();
        Assert.All(y.Index(), value => Assert.Equal(value.Index / 8 == 3 ? float.NaN : 8f, value.Item));
    }

    [Fact]
    public void The_16_bit_copy_of_a_weight_follows_every_change()
    {
        using var scope = torch.NewDisposeScope();
        var weight = torch.full([16, 16], 1).requires_grad_();
        var x = torch.ones([16, 16]);
        Assert.Equal(16, Product());
        weight.grad = torch.ones([16, 16]);
        using (torch.no_grad())
        {
            FusedAdamW.step([weight], [torch.zeros([16, 16])], [torch.zeros([16, 16])], [0.0], learningRate: 0.5, 0.9, 0.999, 1e-8, step: 1);
            Assert.Equal(8, Product());
            weight.fill_(3);
            Assert.Equal(48, Product());
        }

        float Product()
        {
            using var autocast = torch.autocast(ScalarType.BFloat16, Device.CPU);
            return nn.functional.linear(x, weight).to(ScalarType.Float32).ToArray<float>()[0];
        }
    }

    [Theory]
    [InlineData(Mode.Float32, 40, 101, 0.0, true)]
    [InlineData(Mode.Float32, 5, 7, 0.1, false)]
    [InlineData(Mode.BFloat16, 33, 64, 0.1, true)]
    [InlineData(Mode.Autocast, 40, 101, 0.1, true)]
    [InlineData(Mode.Autocast, 70, 32, 0.0, false)]
    public void An_output_layer_with_its_loss_equals_the_two_composed(Mode mode, int rows, int classes, double smoothing, bool biased)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(5);
        var type = mode == Mode.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        var x = torch.randn([rows, 12], numbers).to(type).requires_grad_();
        var weight = (torch.randn([classes, 12], numbers) * 0.3).to(type).requires_grad_();
        var bias = biased ? torch.randn([classes], numbers).to(type).requires_grad_() : null;
        var targets = torch.tensor(Enumerable.Range(0, rows).Select(row => row % 3 == 0 ? -100L : row * 5 % classes).ToArray());
        var weights = torch.tensor(Enumerable.Range(0, rows).Select(row => row % 3 == 0 ? 0f : 0.25f * (row % 4)).ToArray());
        Tensor loss;
        using (mode == Mode.Autocast ? torch.autocast(ScalarType.BFloat16, Device.CPU) : null)
        {
            loss = nn.functional.linear_cross_entropy(x, weight, bias, targets, weights, smoothing);
        }

        (loss * 0.5).backward();
        var (sameX, sameWeight, sameBias) = (Same(x), Same(weight), bias is null ? null : Same(bias));
        var logits = sameX.matmul(sameWeight.t());
        if (sameBias is not null) logits += sameBias;
        var log = logits.log_softmax(-1);
        var picked = log.gather(1, targets.clamp(0, classes).unsqueeze(1)).squeeze(1);
        var expected = (-((picked * (1 - smoothing)) + (log.mean(1) * smoothing)) * weights).sum();
        (expected * 0.5).backward();

        var tolerance = mode == Mode.Float32 ? Fp32 : Bf16;
        Assert.Equal(expected.item<double>(), loss.item<double>(), tolerance * Math.Abs(expected.item<double>()));
        Near(sameX.grad!, x.grad!, tolerance);
        Near(sameWeight.grad!, weight.grad!, tolerance);
        if (bias is not null) Near(sameBias!.grad!, bias.grad!, tolerance);
    }

    [Fact]
    public void Rows_that_do_not_count_are_not_looked_at_and_none_at_all_is_nothing()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(6);
        var x = torch.randn([4, 8], numbers);
        x.select(0, 1).fill_(double.NaN);
        x.requires_grad_();
        var weight = torch.randn([9, 8], numbers).requires_grad_();
        var targets = torch.tensor(new long[] { 1, -100, 2, 3 });
        var loss = nn.functional.linear_cross_entropy(x, weight, null, targets, torch.tensor([1f, 0, 1, 1]));
        loss.backward();
        Assert.True(double.IsFinite(loss.item<double>()));
        Assert.All(weight.grad!.ToArray<float>(), value => Assert.True(float.IsFinite(value)));
        Assert.All(x.grad!.select(0, 1).ToArray<float>(), value => Assert.Equal(0, value));

        weight.grad = null;
        var nothing = nn.functional.linear_cross_entropy(x, weight, null, targets, torch.zeros([4]));
        nothing.backward();
        Assert.Equal(0, nothing.item<double>());
        Assert.All(weight.grad!.ToArray<float>(), value => Assert.Equal(0, value));
        Assert.True(double.IsNaN(nn.functional.linear_cross_entropy(x, weight, null, torch.zeros([4], ScalarType.Int64), torch.ones([4])).item<double>()));
    }

    [Fact]
    public void Logits_that_do_not_fit_at_once_go_through_in_parts()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(7);
        const int classes = 1_050_000;   // 64 rows of float32 logits are a part
        var x = torch.randn([70, 2], numbers).requires_grad_();
        var weight = torch.randn([classes, 2], numbers).requires_grad_();
        var targets = torch.arange(70);
        var whole = nn.functional.linear_cross_entropy(x, weight, null, targets, torch.ones([70]));
        whole.backward();
        var (gradientX, gradientWeight) = (x.grad!, weight.grad!);
        x.grad = weight.grad = null;
        double parts = 0;
        foreach (var (first, count) in new[] { (0, 35), (35, 35) })
        {
            var part = nn.functional.linear_cross_entropy(x.narrow(0, first, count), weight, null, targets.narrow(0, first, count), torch.ones([count]));
            part.backward();
            parts += part.item<double>();
        }

        Assert.Equal(parts, whole.item<double>(), 1e-3);
        Near(x.grad!, gradientX, 1e-5);
        Near(weight.grad!, gradientWeight, 1e-5);
    }

    [Fact]
    public void An_output_layer_with_its_loss_names_what_does_not_fit()
    {
        using var scope = torch.NewDisposeScope();
        TorchException Thrown(Tensor x, Tensor targets) => Assert.Throws<TorchException>(() => nn.functional.linear_cross_entropy(x, torch.ones([7, 3]), null, targets, torch.ones([2])));
        Assert.Equal("expected x [rows, features] and a weight [classes, features], found [2, 4] and [7, 3]", Thrown(torch.ones([2, 4]), torch.tensor(new long[] { 1, 2 })).Message);
        Assert.Equal("expected targets in [0, 7), found values from 1 to 7", Thrown(torch.ones([2, 3]), torch.tensor(new long[] { 1, 7 })).Message);
        Assert.Equal("expected int64 targets [2], found Long [1]", Thrown(torch.ones([2, 3]), torch.tensor(new long[] { 1 })).Message);
    }

    [Theory]
    [InlineData(Mode.Float32)]
    [InlineData(Mode.Autocast)]
    public void Layers_and_losses_leave_no_tensors(Mode mode)
    {
        using var outer = torch.NewDisposeScope();
        var weight = torch.ones([32, 16]).requires_grad_();
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            using var scope = torch.NewDisposeScope();
            using var autocast = mode == Mode.Autocast ? torch.autocast(ScalarType.BFloat16, Device.CPU) : null;
            var hidden = nn.functional.linear(torch.ones([32, 16]), weight).narrow(1, 0, 16);
            nn.functional.linear_cross_entropy(hidden, weight, null, torch.zeros([32], ScalarType.Int64), torch.ones([32])).backward();
            weight.grad = null;
        }));
    }

    private static Tensor Same(Tensor x) => x.detach().to(ScalarType.Float32).clone().requires_grad_();

    /// <summary>Every difference below a tolerance times the largest value.</summary>
    private static void Near(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        var (left, right) = (expected.detach().to(ScalarType.Float32).contiguous().ToArray<float>(), actual.detach().to(ScalarType.Float32).contiguous().ToArray<float>());
        var limit = tolerance * left.Max(Math.Abs);
        for (var i = 0; i < left.Length; i++)
        {
            Assert.True(Math.Abs(left[i] - right[i]) <= limit, $"[{i}]: expected {left[i]} within {limit}, found {right[i]}");
        }
    }
}
