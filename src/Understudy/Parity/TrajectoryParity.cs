using System.Text.Json;
using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Parity;

/// <summary>A stored training of a few steps, repeated: loss before each step, gradient norm before clipping, learning rate, some weights after.</summary>
internal static class TrajectoryParity
{
    // Half the distance between neighbouring float32 numbers.
    private const double Rounding = 6e-8;
    private const int RoundingTrials = 3;

    internal static IEnumerable<ParityCheck> Run(GoldenTensors golden, IReadOnlyList<NamedParameter> parameters, Func<JsonElement, Tensor> lossOf)
    {
        var settings = golden.Value("training");
        var expectedLoss = GoldenTensors.Doubles(settings.GetProperty("loss"));
        var expectedNorm = GoldenTensors.Doubles(settings.GetProperty("grad_norm_before_clipping"));
        var expectedRate = GoldenTensors.Doubles(settings.GetProperty("learning_rate_used"));
        using var scope = torch.NewDisposeScope();
        var first = Copies(parameters);
        var found = Train(golden, parameters, lossOf);
        var worstRate = found.Rates.Zip(expectedRate, (one, other) => Math.Abs(one - other)).Aggregate(0.0, Worse);
        var live = found.LiveTensors;
        var steps = $"{expectedLoss.Length} steps";
        var differences = RelativeDifferences(found.Losses, expectedLoss);
        var losses = ParityCheck.Of("training.loss", differences.Aggregate(0.0, Worse), ModelTolerances.Trajectory, steps);
        var norms = GradientNorms(found.Norms, expectedNorm);
        if (losses.Verdict == ParityVerdict.Failed || norms.Verdict == ParityVerdict.Failed)
            (losses, norms) = WithinRounding(losses, differences, norms, found, golden, parameters, first, lossOf);
        yield return losses;
        yield return norms;
        yield return ParityCheck.Of("training.learning_rate_used", worstRate, 1e-9, steps);
        yield return ParityCheck.Of("training.live_tensors", live, 0, "most tensors left over by a step");
        foreach (var name in golden.Names.Where(name => name.StartsWith("trained.", StringComparison.Ordinal)))
        {
            var parameter = parameters.FirstOrDefault(parameter => parameter.Name == name["trained.".Length..]);
            yield return parameter is null
                ? new ParityCheck(name, ParityVerdict.Failed, double.NaN, 0, "the model has no parameter of this name")
                : ParityCheck.Of(name, GoldenTensors.RelativeNorm(parameter.Value, golden.Tensor(name)), ModelTolerances.Trajectory, "relative norm");
        }
    }

    private static Trajectory Train(GoldenTensors golden, IReadOnlyList<NamedParameter> parameters, Func<JsonElement, Tensor> lossOf)
    {
        var settings = golden.Value("training");
        var batches = golden.Value("training_batches");
        var betas = GoldenTensors.Doubles(settings.GetProperty("betas"));
        var limit = settings.GetProperty("max_grad_norm").GetDouble();
        var steps = settings.GetProperty("loss").GetArrayLength();
        var schedule = new LearningRateSchedule(ScheduleType.Linear, settings.GetProperty("learning_rate").GetDouble(), settings.GetProperty("warmup_steps").GetInt32(), settings.GetProperty("total_steps").GetInt32());
        using var optimizer = new AdamW(parameters, settings.GetProperty("weight_decay").GetDouble(), _ => true, betas[0], betas[1], settings.GetProperty("eps").GetDouble());
        var (losses, norms, rates) = (new double[steps], new double[steps], new double[steps]);
        var live = 0L;
        optimizer.ZeroGrad();
        for (var step = 0; step < steps; step++)
        {
            var before = Tensor.TotalCount;
            using (torch.NewDisposeScope())
            {
                var loss = lossOf(batches[step % batches.GetArrayLength()]);
                loss.backward();
                losses[step] = loss.item<double>();
                norms[step] = optimizer.GradNorm();
                rates[step] = schedule.At(step);
                optimizer.Step(rates[step], AdamW.ClipScale(norms[step], limit));
                optimizer.ZeroGrad();
            }

            live = Math.Max(live, Tensor.TotalCount - before);
        }

        return new Trajectory(losses, norms, rates, live);
    }

    // Where a training is so ill-conditioned that the last bit of the weights it begins with moves it by more than the tolerance,
    // float32 cannot tell two right answers apart. How far that is, is measured: the same training from weights moved by one rounding.
    private static (ParityCheck Losses, ParityCheck Norms) WithinRounding(
        ParityCheck losses, double[] differences, ParityCheck norms, Trajectory found, GoldenTensors golden, IReadOnlyList<NamedParameter> parameters, List<Tensor> first, Func<JsonElement, Tensor> lossOf)
    {
        using var gradients = torch.enable_grad();
        using var scope = torch.NewDisposeScope();
        var trained = Copies(parameters);
        var normNoise = 0.0;
        var lossNoise = new double[differences.Length];
        for (var seed = 0; seed < RoundingTrials; seed++)
        {
            SetMoved(parameters, first, seed);
            var moved = Train(golden, parameters, lossOf);
            // Either of the two may be the one whose norm leaps; relative to the other it is the larger difference.
            normNoise = Math.Max(normNoise, Math.Max(RelativeNorm(moved.Norms, found.Norms), RelativeNorm(found.Norms, moved.Norms)));
            lossNoise = [.. lossNoise.Zip(RelativeDifferences(moved.Losses, found.Losses), Math.Max)];
        }

        Set(parameters, trained);
        // Both trainings, the reference's and this one, may be that far from the true one. What moved a step moves those after it.
        var beyond = 0.0;
        for (var (step, noise) = (0, 0.0); step < differences.Length; step++)
        {
            noise = Math.Max(noise, lossNoise[step]);
            beyond = Worse(beyond, Math.Max(0, differences[step] - 2 * noise));
        }

        if (losses.Verdict == ParityVerdict.Failed)
            losses = ParityCheck.Of(losses.Name, beyond, losses.Tolerance, $"{losses.Note}, beyond what rounding explains; one rounding of the first weights moves the losses by {lossNoise.Max():G2}, the difference is {losses.Difference:G2}");
        if (norms.Verdict == ParityVerdict.Failed)
            norms = ParityCheck.Of(norms.Name, norms.Difference, Math.Max(norms.Tolerance, 2 * normNoise), $"{norms.Note}; one rounding of the first weights moves the norms by {normNoise:G2}");
        return (losses, norms);
    }

    private static double[] RelativeDifferences(double[] found, double[] expected) => [.. found.Zip(expected, (one, other) => Math.Abs(one - other) / Math.Max(1, Math.Abs(other)))];

    /// <summary>How far what a training leads to moves when the weights it begins with are moved by one rounding; the weights are those after the training again.</summary>
    /// <param name="golden">What describes the training.</param>
    /// <param name="parameters">The trained weights, as the training left them.</param>
    /// <param name="first">What they were before.</param>
    /// <param name="lossOf">The loss of a batch.</param>
    /// <param name="outcome">What is compared, computed with the weights as they are.</param>
    /// <returns>The largest difference of a number.</returns>
    internal static double Movement(GoldenTensors golden, IReadOnlyList<NamedParameter> parameters, IReadOnlyList<Tensor> first, Func<JsonElement, Tensor> lossOf, Func<Tensor> outcome)
    {
        using var gradients = torch.enable_grad();
        using var scope = torch.NewDisposeScope();
        var trained = Copies(parameters);
        var reached = outcome();
        var most = 0.0;
        for (var seed = 0; seed < RoundingTrials; seed++)
        {
            SetMoved(parameters, first, seed);
            _ = Train(golden, parameters, lossOf);
            most = Math.Max(most, (outcome() - reached).abs().max().item<double>());
        }

        Set(parameters, trained);
        return most;
    }

    private static void SetMoved(IReadOnlyList<NamedParameter> parameters, IReadOnlyList<Tensor> first, int seed)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(seed);
        Set(parameters, [.. first.Select(value => value + value * torch.randn(value.shape, numbers) * Rounding)]);
    }

    private static void Set(IReadOnlyList<NamedParameter> parameters, List<Tensor> values)
    {
        using var gradients = torch.no_grad();
        for (var i = 0; i < parameters.Count; i++) parameters[i].Value.copy_(values[i]);
    }

    /// <summary>The values of parameters now, in the caller's dispose scope.</summary>
    internal static List<Tensor> Copies(IReadOnlyList<NamedParameter> parameters) => [.. parameters.Select(parameter => parameter.Value.detach().clone())];

    private static double RelativeNorm(double[] found, double[] expected) =>
        Math.Sqrt(found.Zip(expected, (one, other) => (one - other) * (one - other)).Sum()) / Math.Sqrt(expected.Sum(norm => norm * norm));

    // As a whole, in the 2-norm: where a model is ill-conditioned, a single step's norm turns on the last bits of the steps before.
    // (At step 19 of one published trajectory arithmetic in float64 is 1.6e-3 away from the float32 reference.)
    private static ParityCheck GradientNorms(double[] found, double[] expected)
    {
        var differences = found.Zip(expected, (one, other) => Math.Abs(one - other)).ToArray();
        var whole = RelativeNorm(found, expected);
        var relative = differences.Zip(expected, (difference, norm) => difference / norm).ToArray();
        var worst = Array.IndexOf(relative, relative.Max());
        return ParityCheck.Of("training.grad_norm_before_clipping", whole, ModelTolerances.Trajectory, $"{found.Length} steps, relative 2-norm; worst single step {worst + 1} by {relative[worst]:G2}");
    }

    /// <summary>The gradient of every parameter after a backward pass.</summary>
    internal static IEnumerable<ParityCheck> Gradients(GoldenTensors golden, IReadOnlyList<NamedParameter> parameters)
    {
        using var scope = torch.NewDisposeScope();
        var names = golden.Names.Where(name => name.StartsWith("grad.", StringComparison.Ordinal)).ToList();
        // A gradient that is zero in exact arithmetic (a key's bias: softmax does not see it) is rounding noise on both
        // sides. It is held against a thousandth of the whole gradient instead of against itself.
        var floor = 1e-3 * Math.Sqrt(names.Sum(name => Math.Pow(golden.Tensor(name).norm().item<double>(), 2)));
        var worst = 0.0;
        var where = "";
        var rounded = false;
        var unmatched = new List<string>();
        foreach (var name in names)
        {
            var parameter = parameters.FirstOrDefault(parameter => parameter.Name == name["grad.".Length..]);
            if (parameter is null)
            {
                unmatched.Add(name);
                continue;
            }

            var expected = golden.Tensor(name);
            var gradient = parameter.Value.grad ?? torch.zeros_like(parameter.Value);
            if (expected.to(ScalarType.Float16).to(ScalarType.Float32).eq(expected).all().item<bool>())
            {
                // A reference with 16-bit weights keeps 16-bit gradients.
                (gradient, rounded) = (gradient.to(ScalarType.Float16), true);
            }

            var difference = (gradient.to(ScalarType.Float32) - expected).norm().item<double>() / Math.Max(floor, expected.norm().item<double>());
            if (!(difference <= worst))
            {
                (worst, where) = (difference, parameter.Name);
            }
        }

        yield return ParityCheck.Of("gradients", worst, ModelTolerances.Gradient, $"{names.Count} parameters, relative norm, worst {where}{(rounded ? "; the reference's are rounded to float16, so were these" : "")}");
        yield return ParityCheck.Of("gradients.names", unmatched.Count + Math.Abs(names.Count - unmatched.Count - parameters.Count), 0, unmatched.Count > 0 ? $"the model has no {string.Join(", ", unmatched)}" : $"{parameters.Count} parameters");
    }

    // NaN must not be lost to a comparison.
    private static double Worse(double worst, double found) => double.IsNaN(found) || double.IsNaN(worst) ? double.NaN : Math.Max(worst, found);

    private sealed record Trajectory(double[] Losses, double[] Norms, double[] Rates, long LiveTensors);
}
