using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Training;

/// <summary>
/// Muon: the average of a matrix' gradients, made orthogonal by a Newton-Schulz iteration, is the step (Jordan et al., "Muon: An optimizer for hidden
/// layers in neural networks", 2024; with weight decay and a step as long as AdamW's usual one, so that both take one learning rate: Liu et al.,
/// arXiv 2502.16982). Embeddings, output layers, biases and normalisations are AdamW's.
/// </summary>
public sealed class Muon : IOptimizer
{
    private const string MomentumPrefix = "momentum.";
    private const int Iterations = 5;

    // Jordan's coefficients of the quintic: steep at 0, so that small singular values grow fast; the result lies between 0.7 and 1.2.
    private const double A = 3.4445, B = -4.7750, C = 2.0315;

    // The root mean square of AdamW's usual step, from arXiv 2502.16982.
    private const double StepSize = 0.2;

    private readonly AdamW others;
    private readonly IReadOnlyList<NamedParameter> matrices;
    private readonly Tensor[] momenta;
    private readonly Tensor[] all;
    private readonly double weightDecay;
    private readonly double momentum;

    /// <summary>An optimiser at step 0.</summary>
    /// <param name="parameters">The parameters that are trained.</param>
    /// <param name="hidden">Which of them are matrices between hidden layers, by name.</param>
    /// <param name="others">AdamW over the rest; it belongs to this optimiser.</param>
    /// <param name="weightDecay">Decoupled weight decay of the matrices.</param>
    /// <param name="momentum">Decay of the gradient averages, from 0 to below 1.</param>
    /// <exception cref="ArgumentException">No parameter is such a matrix.</exception>
    public Muon(IReadOnlyList<NamedParameter> parameters, IReadOnlySet<string> hidden, AdamW others, double weightDecay, double momentum = 0.95)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(hidden);
        matrices = [.. parameters.Where(parameter => IsMatrix(parameter, hidden))];
        if (matrices.Count == 0)
        {
            throw new ArgumentException("Muon steps matrices between hidden layers, and none is trained. Use 'adam_w' for adapters.", nameof(parameters));
        }

        this.others = others;
        this.weightDecay = weightDecay;
        this.momentum = momentum;
        all = [.. parameters.Where(parameter => parameter.Value.requires_grad).Select(parameter => parameter.Value)];
        momenta = [.. matrices.Select(matrix => AdamW.Zeros(matrix.Value))];
    }

    /// <summary>The optimiser for a model: Muon where a weight is the matrix of a linear layer other than the output, AdamW elsewhere.</summary>
    /// <param name="model">Says which weights are matrices of linear layers.</param>
    /// <param name="trained">The weights that are trained.</param>
    /// <param name="adamW">Makes AdamW for the rest.</param>
    /// <param name="weightDecay">Decoupled weight decay of the matrices.</param>
    /// <param name="momentum">Decay of the gradient averages.</param>
    internal static Muon For(IPretrainedModel model, IReadOnlyList<NamedParameter> trained, Func<IReadOnlyList<NamedParameter>, AdamW> adamW, double weightDecay, double momentum)
    {
        var hidden = model.Linears.Where(linear => !linear.IsHead).SelectMany(linear => linear.Weight.Parameters).Select(parameter => parameter.Name).ToHashSet();
        return new Muon(trained, hidden, adamW([.. trained.Where(parameter => !IsMatrix(parameter, hidden))]), weightDecay, momentum);
    }

    /// <inheritdoc/>
    public double GradNorm() => FusedAdamW.grad_norm(all);

    /// <inheritdoc/>
    public void Step(double learningRate, double gradScale = 1)
    {
        others.Step(learningRate, gradScale);
        using var gradients = torch.no_grad();
        for (var i = 0; i < matrices.Count; i++)
        {
            using var scope = torch.NewDisposeScope();
            var weight = matrices[i].Value;
            if (weight.grad is not { } gradient) continue;
            var scaled = gradient.to(ScalarType.Float32) * gradScale;
            momenta[i].mul_(momentum).add_(scaled * (1 - momentum));
            // Nesterov's look ahead.
            var step = Orthogonal((momenta[i] * momentum) + (scaled * (1 - momentum)));
            var longest = Math.Max(weight.size(0), weight.size(1));
            if (weightDecay > 0) weight.mul_(1 - (learningRate * weightDecay));
            weight.add_(step * (-learningRate * StepSize * Math.Sqrt(longest)));
        }
    }

    /// <inheritdoc/>
    public void ZeroGrad()
    {
        others.ZeroGrad();
        foreach (var (_, value) in matrices) value.grad = null;
    }

    /// <inheritdoc/>
    public IEnumerable<NamedParameter> State() =>
        matrices.Select((matrix, i) => new NamedParameter(MomentumPrefix + matrix.Name, momenta[i])).Concat(others.State());

    /// <inheritdoc/>
    public void Restore(Func<string, Tensor?> source, long stepCount)
    {
        using (torch.NewDisposeScope())
        {
            foreach (var (matrix, average) in matrices.Zip(momenta))
            {
                average.copy_(source(MomentumPrefix + matrix.Name) ?? throw AdamW.MissingState(MomentumPrefix + matrix.Name));
            }
        }

        others.Restore(source, stepCount);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var average in momenta) average.Dispose();
        others.Dispose();
    }

    /// <summary>A matrix with the same singular vectors and all singular values near 1, in bfloat16 products as its authors compute it.</summary>
    /// <param name="matrix">[rows, columns] float32.</param>
    internal static Tensor Orthogonal(Tensor matrix)
    {
        using var scope = torch.NewDisposeScope();
        var isTall = matrix.size(0) > matrix.size(1);
        var x = isTall ? matrix.transpose(0, 1) : matrix;
        x = (x / (x.norm() + 1e-7)).contiguous().to(ScalarType.BFloat16);
        for (var i = 0; i < Iterations; i++)
        {
            var gram = x.matmul(x.transpose(0, 1));                    // [short, short]
            var polynomial = (gram * B) + (gram.matmul(gram) * C);
            x = (x * A) + polynomial.matmul(x);
        }

        return scope.MoveToOuter((isTall ? x.transpose(0, 1) : x).to(ScalarType.Float32));
    }

    private static bool IsMatrix(NamedParameter parameter, IReadOnlySet<string> hidden) =>
        parameter.Value.requires_grad && parameter.Value.ndim == 2 && hidden.Contains(parameter.Name);
}
