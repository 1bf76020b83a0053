using Understudy.Torch;

namespace Understudy.Tests.Binding;

public sealed class FusedAdamWTests
{
    [Theory]
    [InlineData(0.9, 0.999, 1e-8)]
    [InlineData(0.8, 0.95, 1e-6)]
    public void Steps_equal_those_of_the_formula(double beta1, double beta2, double eps)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(1);
        long[][] shapes = [[33, 7], [50_001], [1]];
        double[] decays = [0.1, 0, 0.5];
        var parameters = shapes.Select(shape => torch.randn(shape, numbers).requires_grad_()).ToArray();
        var averages = parameters.Select(torch.zeros_like).ToArray();
        var squares = parameters.Select(torch.zeros_like).ToArray();
        var expected = parameters.Select(parameter => new Reference(parameter.ToArray<float>())).ToArray();
        for (var step = 1; step <= 5; step++)
        {
            for (var i = 0; i < parameters.Length; i++)
            {
                using var gradient = torch.randn(shapes[i], numbers) * 0.01;
                parameters[i].grad = gradient;
                expected[i].Step(gradient.ToArray<float>(), step, 1e-2, decays[i], beta1, beta2, eps, 0.5);
            }

            FusedAdamW.step(parameters, averages, squares, decays, 1e-2, beta1, beta2, eps, step, gradScale: 0.5);
        }

        for (var i = 0; i < parameters.Length; i++)
        {
            Near(expected[i].Values, parameters[i].ToArray<float>(), 2e-6);
            Near(expected[i].Averages, averages[i].ToArray<float>(), 1e-9);
            Near(expected[i].Squares, squares[i].ToArray<float>(), 1e-11);
        }
    }

    [Fact]
    public void A_parameter_without_a_gradient_is_left_alone()
    {
        using var scope = torch.NewDisposeScope();
        var still = torch.ones([3]).requires_grad_();
        var state = torch.zeros([3]);
        FusedAdamW.step([still], [state], [state], [0.5], 0.1, 0.9, 0.999, 1e-8, 1);
        Assert.Equal([1f, 1f, 1f], still.ToArray<float>());
        Assert.Equal(0, FusedAdamW.grad_norm([still]));
    }

    [Fact]
    public void A_gradient_in_another_layout_counts_element_by_element()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.zeros([2, 3]).requires_grad_();
        x.grad = torch.tensor([1f, 2f, 3f, 4f, 5f, 6f], 3, 2).t();
        var (average, square) = (torch.zeros([2, 3]), torch.zeros([2, 3]));
        FusedAdamW.step([x], [average], [square], [0], 0.1, 0.5, 0.999, 1e-8, 1);
        Assert.Equal([0.5f, 1.5f, 2.5f, 1f, 2f, 3f], average.ToArray<float>());
    }

    [Fact]
    public void The_norm_is_that_of_all_gradients_together_on_any_number_of_threads()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(2);
        var parameters = new[] { 200_003L, 5 }.Select(size => torch.zeros([size]).requires_grad_()).ToArray();
        var sum = 0.0;
        foreach (var parameter in parameters)
        {
            parameter.grad = torch.randn(parameter.shape, numbers);
            sum += parameter.grad!.ToArray<float>().Sum(value => (double)value * value);
        }

        var threads = torch.get_num_threads();
        torch.set_num_threads(1);
        var one = FusedAdamW.grad_norm(parameters);
        torch.set_num_threads(2);
        var two = FusedAdamW.grad_norm(parameters);
        torch.set_num_threads(threads);
        Assert.Equal(one, two);
        Assert.Equal(Math.Sqrt(sum), one, 1e-6 * Math.Sqrt(sum));
    }

    [Fact]
    public void Lists_of_different_lengths_are_refused()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones([1]);
        var thrown = Assert.Throws<ArgumentException>(() => FusedAdamW.step([x], [x], [], [0], 0.1, 0.9, 0.999, 1e-8, 1));
        Assert.Equal("Expected 1 averages, squares and weight decays, found 1, 0 and 1. (Parameter 'averages')", thrown.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => FusedAdamW.step([x], [x], [x], [0], 0.1, 0.9, 0.999, 1e-8, 0));
    }

    private static void Near(double[] expected, float[] found, double tolerance)
    {
        var worst = expected.Zip(found, (a, b) => Math.Abs(a - b) / Math.Max(1, Math.Abs(a))).Max();
        Assert.InRange(worst, 0, tolerance);
    }

    /// <summary>AdamW as the paper writes it, in double precision.</summary>
    private sealed class Reference(float[] start)
    {
        public double[] Values { get; } = [.. start.Select(value => (double)value)];

        public double[] Averages { get; } = new double[start.Length];

        public double[] Squares { get; } = new double[start.Length];

        public void Step(float[] gradient, int step, double learningRate, double decay, double beta1, double beta2, double eps, double scale)
        {
            for (var i = 0; i < Values.Length; i++)
            {
                var g = gradient[i] * scale;
                Averages[i] = (beta1 * Averages[i]) + ((1 - beta1) * g);
                Squares[i] = (beta2 * Squares[i]) + ((1 - beta2) * g * g);
                var average = Averages[i] / (1 - Math.Pow(beta1, step));
                var square = Squares[i] / (1 - Math.Pow(beta2, step));
                Values[i] = (Values[i] * (1 - (learningRate * decay))) - (learningRate * average / (Math.Sqrt(square) + eps));
            }
        }
    }
}
