using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Training;

/// <summary>AdamW with a weight decay per parameter (Loshchilov and Hutter, arXiv 1711.05101; arithmetic of PyTorch's <c>torch.optim.AdamW</c>).</summary>
public sealed class AdamW : IOptimizer
{
    private const string AveragePrefix = "exp_avg.";
    private const string SquarePrefix = "exp_avg_sq.";

    private readonly IReadOnlyList<NamedParameter> named;
    private readonly Tensor[] parameters;
    private readonly Tensor[] averages;
    private readonly Tensor[] squares;
    private readonly double[] weightDecays;
    private readonly double beta1;
    private readonly double beta2;
    private readonly double eps;

    /// <summary>An optimiser at step 0 over the parameters that require a gradient.</summary>
    /// <param name="parameters">The model's parameters.</param>
    /// <param name="weightDecay">Decoupled weight decay.</param>
    /// <param name="decays">Which parameters decay; <see cref="DecaysByDefault"/> when null.</param>
    /// <param name="beta1">Decay of the gradient averages.</param>
    /// <param name="beta2">Decay of the squared gradient averages.</param>
    /// <param name="eps">Added to the root of the squares.</param>
    public AdamW(IEnumerable<NamedParameter> parameters, double weightDecay, Func<NamedParameter, bool>? decays = null, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8)
    {
        named = [.. parameters.Where(parameter => parameter.Value.requires_grad)];
        this.parameters = [.. named.Select(parameter => parameter.Value)];
        averages = [.. this.parameters.Select(Zeros)];
        squares = [.. this.parameters.Select(Zeros)];
        weightDecays = [.. named.Select(parameter => (decays ?? DecaysByDefault)(parameter) ? weightDecay : 0)];
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.eps = eps;
    }

    /// <summary>Steps taken.</summary>
    public long StepCount { get; private set; }

    /// <summary>Whether a parameter decays by default: matrices do, biases and normalisation weights do not.</summary>
    public static bool DecaysByDefault(NamedParameter parameter) => parameter.Value.ndim >= 2;

    /// <inheritdoc/>
    public double GradNorm() => FusedAdamW.grad_norm(parameters);

    /// <inheritdoc/>
    public void Step(double learningRate, double gradScale = 1)
    {
        StepCount++;
        FusedAdamW.step(parameters, averages, squares, weightDecays, learningRate, beta1, beta2, eps, StepCount, gradScale);
    }

    /// <inheritdoc/>
    public void ZeroGrad()
    {
        foreach (var parameter in parameters)
        {
            parameter.grad = null;
        }
    }

    /// <summary>The factor that brings a gradient norm down to a limit, as PyTorch's <c>clip_grad_norm_</c> computes it.</summary>
    public static double ClipScale(double norm, double? maxNorm) =>
        maxNorm is { } limit ? Math.Min(1, limit / (norm + 1e-6)) : 1;

    /// <summary>The state to save beside the weights: <c>exp_avg.NAME</c> and <c>exp_avg_sq.NAME</c>, float32.</summary>
    public IEnumerable<NamedParameter> State() =>
        named.Select((parameter, i) => new NamedParameter(AveragePrefix + parameter.Name, averages[i]))
            .Concat(named.Select((parameter, i) => new NamedParameter(SquarePrefix + parameter.Name, squares[i])));

    /// <inheritdoc/>
    public void Restore(Func<string, Tensor?> source, long stepCount)
    {
        using var scope = torch.NewDisposeScope();
        foreach (var (name, value) in State())
        {
            value.copy_(source(name) ?? throw MissingState(name));
        }

        StepCount = stepCount;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var state in averages.Concat(squares))
        {
            state.Dispose();
        }
    }

    internal static InvalidDataException MissingState(string name) =>
        new($"The optimiser state lacks '{name}'. It belongs to another model or optimiser; remove the checkpoint to start the stage again.");

    internal static Tensor Zeros(Tensor parameter) =>
        DisposeScope.Detach(torch.zeros(parameter.shape, ScalarType.Float32, parameter.device));
}
