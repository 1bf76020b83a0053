using Understudy.Data;
using Understudy.Models;
using Understudy.Tests.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Training;

[Collection(LiveTensors.Name)]
public sealed class MuonTests
{
    [Theory]
    [InlineData(24, 16)]
    [InlineData(16, 24)]
    [InlineData(20, 20)]
    public void A_matrix_keeps_its_singular_vectors_and_its_singular_values_come_near_one(int rows, int columns)
    {
        using var scope = torch.NewDisposeScope();
        var rank = Math.Min(rows, columns);
        var (left, right) = (Orthonormal(rows, rank, 1), Orthonormal(columns, rank, 2));
        // From 1 down to 0.15: the iteration has to lift the small ones.
        double[] values = [.. Enumerable.Range(0, rank).Select(i => 1 - (0.85 * i / (rank - 1)))];
        var matrix = Product(Scaled(left, values), right, rows, columns, rank);
        var made = Doubles(Muon.Orthogonal(Matrix(matrix)));
        for (var i = 0; i < rank; i++)
        {
            for (var j = 0; j < rank; j++)
            {
                var (a, b) = (i, j);
                var seen = Enumerable.Range(0, rows).Sum(r => Enumerable.Range(0, columns).Sum(c => left[r, a] * made[r, c] * right[c, b]));
                if (i == j) Assert.InRange(seen, 0.6, 1.25);
                else Assert.InRange(seen, -0.06, 0.06);
            }
        }
    }

    [Theory]
    [InlineData(40, 24)]
    [InlineData(24, 40)]
    public void A_step_is_that_of_a_plain_computation(int rows, int columns)
    {
        using var scope = torch.NewDisposeScope();
        var (weight, first, second) = (Random(rows, columns, 3), Random(rows, columns, 4), Random(rows, columns, 5));
        using var tensor = Parameter(weight);
        using var muon = Of([new NamedParameter("w", tensor)], ["w"]);
        var average = new double[rows, columns];
        var moved = 0.0;
        foreach (var gradient in new[] { first, second })
        {
            (tensor * Matrix(gradient)).sum().backward();
            muon.Step(0.1, 0.5);
            muon.ZeroGrad();
            Assert.Null(tensor.grad);
            Each(average, (r, c) => average[r, c] = (0.9 * average[r, c]) + (0.1 * 0.5 * gradient[r, c]));
            var ahead = new double[rows, columns];
            Each(ahead, (r, c) => ahead[r, c] = (0.9 * average[r, c]) + (0.1 * 0.5 * gradient[r, c]));
            var step = NewtonSchulz(ahead);
            Each(step, (r, c) => moved += Math.Pow(0.1 * 0.2 * Math.Sqrt(40) * step[r, c], 2));
            Each(weight, (r, c) => weight[r, c] = (weight[r, c] * (1 - (0.1 * 0.2))) - (0.1 * 0.2 * Math.Sqrt(40) * step[r, c]));
        }

        var made = Doubles(tensor.detach());
        var apart = 0.0;
        Each(weight, (r, c) => apart += Math.Pow(made[r, c] - weight[r, c], 2));
        // So large that products are summed in float32, as those of a model are. Their factors have 8 bits, and the iteration makes their errors larger; without the look ahead or the decay
        // it is more than 0.2.
        Assert.InRange(Math.Sqrt(apart / moved), 0, 0.08);
    }

    [Fact]
    public void What_is_no_matrix_between_hidden_layers_is_stepped_by_AdamW()
    {
        using var scope = torch.NewDisposeScope();
        using var model = TinyClassifier.New();
        using var muon = Muon.For(model, model.Parameters, some => new AdamW(some, 0.01), 0.01, 0.95);
        var momenta = muon.State().Select(state => state.Name).Where(name => name.StartsWith("momentum.", StringComparison.Ordinal)).ToArray();
        var averages = muon.State().Select(state => state.Name).Where(name => name.StartsWith("exp_avg.", StringComparison.Ordinal)).ToArray();
        Assert.Equal(model.Parameters.Count, momenta.Length + averages.Length);
        Assert.Contains("momentum.roberta.encoder.layer.0.attention.self.query.weight", momenta);
        Assert.Contains("exp_avg.roberta.embeddings.word_embeddings.weight", averages);
        Assert.Contains("exp_avg.classifier.out_proj.weight", averages);
        Assert.DoesNotContain(momenta, name => name.EndsWith("bias", StringComparison.Ordinal) || name.Contains("embeddings", StringComparison.Ordinal) || name.Contains("LayerNorm", StringComparison.Ordinal));
    }

    [Fact]
    public void A_restored_state_takes_the_same_steps()
    {
        using var scope = torch.NewDisposeScope();
        using var here = Parameter(Random(6, 9, 1));
        using var there = Parameter(Random(6, 9, 1));
        using var bias = Parameter(Random(1, 9, 2));
        using var biasThere = Parameter(Random(1, 9, 2));
        using var muon = Of([new("w", here), new("b", bias)], ["w"]);
        using var restored = Of([new("w", there), new("b", biasThere)], ["w"]);
        Step(muon, here, bias, 1);
        Step(muon, here, bias, 2);
        using (torch.no_grad())
        {
            there.copy_(here);
            biasThere.copy_(bias);
        }

        var state = muon.State().ToDictionary(one => one.Name, one => one.Value);
        Assert.Equal("The optimiser state lacks 'momentum.w'. It belongs to another model or optimiser; remove the checkpoint to start the stage again.",
            Assert.Throws<InvalidDataException>(() => restored.Restore(name => name == "momentum.w" ? null : state.GetValueOrDefault(name), 2)).Message);
        restored.Restore(name => state.GetValueOrDefault(name), 2);
        Step(muon, here, bias, 3);
        Step(restored, there, biasThere, 3);
        Assert.Equal(here.ToArray<float>(), there.ToArray<float>());
        Assert.Equal(bias.ToArray<float>(), biasThere.ToArray<float>());

        static void Step(Muon muon, Tensor weight, Tensor bias, long seed)
        {
            ((weight * Matrix(Random(6, 9, seed))).sum() + (bias * Matrix(Random(1, 9, seed + 10))).sum()).backward();
            muon.Step(0.05);
            muon.ZeroGrad();
        }
    }

    [Fact]
    public void Adapters_alone_are_refused()
    {
        using var scope = torch.NewDisposeScope();
        using var adapter = Parameter(Random(4, 8, 1));
        var error = Assert.Throws<ArgumentException>(() => Of([new NamedParameter("layer.lora_A.weight", adapter)], ["layer.weight"]));
        Assert.StartsWith("Muon steps matrices between hidden layers, and none is trained. Use 'adam_w' for adapters.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_leaves_no_tensor_behind()
    {
        using var weight = Parameter(Random(8, 6, 1));
        using var muon = Of([new NamedParameter("w", weight)], ["w"]);
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            using (torch.NewDisposeScope())
            {
                (weight * weight).sum().backward();
            }

            // Not in a scope: the step has its own.
            muon.Step(0.1);
            muon.ZeroGrad();
        }));
    }

    private static Muon Of(NamedParameter[] parameters, HashSet<string> hidden) =>
        new(parameters, hidden, new AdamW(parameters.Where(parameter => !hidden.Contains(parameter.Name)), 0.2), 0.2, 0.9);

    private static Tensor Parameter(double[,] numbers) => DisposeScope.Detach(Matrix(numbers)).requires_grad_();

    private static Tensor Matrix(double[,] numbers) => torch.tensor([.. numbers.Cast<double>().Select(number => (float)number)], numbers.GetLength(0), numbers.GetLength(1));

    private static double[,] Random(int rows, int columns, long seed)
    {
        var random = new SeededRandom(seed);
        var numbers = new double[rows, columns];
        Each(numbers, (r, c) => numbers[r, c] = (2 * random.NextDouble()) - 1);
        return numbers;
    }

    private static double[,] Doubles(Tensor tensor)
    {
        var (numbers, flat) = (new double[tensor.size(0), tensor.size(1)], tensor.contiguous().ToArray<float>());
        Each(numbers, (r, c) => numbers[r, c] = flat[(r * numbers.GetLength(1)) + c]);
        return numbers;
    }

    private static void Each(double[,] numbers, Action<int, int> visit)
    {
        for (var r = 0; r < numbers.GetLength(0); r++)
        {
            for (var c = 0; c < numbers.GetLength(1); c++) visit(r, c);
        }
    }

    // Gram and Schmidt.
    private static double[,] Orthonormal(int rows, int columns, long seed)
    {
        var numbers = Random(rows, columns, seed);
        for (var c = 0; c < columns; c++)
        {
            for (var before = 0; before < c; before++)
            {
                var along = Enumerable.Range(0, rows).Sum(r => numbers[r, c] * numbers[r, before]);
                for (var r = 0; r < rows; r++) numbers[r, c] -= along * numbers[r, before];
            }

            var norm = Math.Sqrt(Enumerable.Range(0, rows).Sum(r => numbers[r, c] * numbers[r, c]));
            for (var r = 0; r < rows; r++) numbers[r, c] /= norm;
        }

        return numbers;
    }

    private static double[,] Scaled(double[,] numbers, double[] perColumn)
    {
        var scaled = new double[numbers.GetLength(0), numbers.GetLength(1)];
        Each(scaled, (r, c) => scaled[r, c] = numbers[r, c] * perColumn[c]);
        return scaled;
    }

    // left x right transposed.
    private static double[,] Product(double[,] left, double[,] right, int rows, int columns, int inner)
    {
        var product = new double[rows, columns];
        Each(product, (r, c) => product[r, c] = Enumerable.Range(0, inner).Sum(i => left[r, i] * right[c, i]));
        return product;
    }

    // X (X^T X)^k has the same iteration whichever side is shorter.
    private static double[,] NewtonSchulz(double[,] given)
    {
        var (rows, columns) = (given.GetLength(0), given.GetLength(1));
        var norm = Math.Sqrt(given.Cast<double>().Sum(number => number * number));
        var x = new double[rows, columns];
        Each(x, (r, c) => x[r, c] = given[r, c] / norm);
        for (var i = 0; i < 5; i++)
        {
            var gram = Product(x, x, rows, rows, columns);
            var twice = Product(gram, gram, rows, rows, rows);
            var next = new double[rows, columns];
            Each(next, (r, c) => next[r, c] = (3.4445 * x[r, c]) + Enumerable.Range(0, rows).Sum(k => ((-4.7750 * gram[r, k]) + (2.0315 * twice[r, k])) * x[k, c]));
            x = next;
        }

        return x;
    }
}
