using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Steps of a few operations over given numbers: token i's are line i of a table.</summary>
internal static class StepNumbers
{
    internal static readonly int[] NoPages = [.. Enumerable.Range(0, 1200)];

    /// <summary>What a matrix makes of every line.</summary>
    /// <param name="x">[lines, inputs] float32.</param>
    /// <param name="matrix">The matrix.</param>
    /// <param name="type">What products take.</param>
    /// <param name="activation">Of the outputs.</param>
    /// <returns>[lines, outputs].</returns>
    internal static float[] Product(Tensor x, PackedMatrix matrix, ScalarType type, StepActivation activation = StepActivation.None)
    {
        using var scope = torch.NewDisposeScope();
        using var step = new InferenceStep(type);
        var factors = Factors(step, x);
        var selected = step.Buffer(matrix.InFeatures, type, selected: true);
        step.Select(factors, selected);
        step.Linear(selected, -1, matrix, activation);
        return Run(step, Whole((int)x.size(0)), matrix.OutFeatures);
    }

    /// <summary>A buffer of every token's line in the type of products.</summary>
    internal static int Factors(InferenceStep step, Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var inputs = x.size(1);
        var wide = step.Buffer(2 * inputs, ScalarType.Float32);
        step.Embed(wide, torch.cat([x, torch.ones([x.size(0), inputs])], 1));
        var factors = step.Buffer(inputs, step.Type);
        // A gate that is open: the numbers themselves, in another type.
        step.Gate(wide, factors, 0, inputs, inputs, StepActivation.None);
        return factors;
    }

    /// <summary>One row of the tokens from 0 on, all selected.</summary>
    internal static StepBatch Whole(int tokens)
    {
        var batch = new StepBatch();
        var first = batch.Add([.. Enumerable.Range(0, tokens)], 0, NoPages);
        for (var i = 0; i < tokens; i++) batch.Select(first + i);
        return batch;
    }

    internal static float[] Run(InferenceStep step, StepBatch batch, long outputs)
    {
        using var scope = torch.NewDisposeScope();
        var output = torch.empty([batch.Selected.Length, outputs], ScalarType.Float32);
        step.Run(batch, output);
        return output.ToArray<float>();
    }

    /// <summary>Every difference below a tolerance times the largest value.</summary>
    internal static void Near(Tensor expected, float[] actual, double tolerance)
    {
        using var scope = torch.NewDisposeScope();
        var exact = expected.to(ScalarType.Float64).contiguous().ToArray<double>();
        Assert.Equal(exact.Length, actual.Length);
        var limit = tolerance * exact.Max(Math.Abs);
        for (var i = 0; i < exact.Length; i++) Assert.True(Math.Abs(exact[i] - actual[i]) <= limit, $"[{i}]: expected {exact[i]} within {limit}, found {actual[i]}");
    }
}
