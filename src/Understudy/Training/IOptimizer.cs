using Understudy.Models;

namespace Understudy.Training;

/// <summary>Makes steps of gradients; its state can be saved and taken up again.</summary>
public interface IOptimizer : IDisposable
{
    /// <summary>The 2-norm over all gradients.</summary>
    double GradNorm();

    /// <summary>Updates the parameters from their gradients.</summary>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <param name="gradScale">Factor on every gradient: clipping.</param>
    void Step(double learningRate, double gradScale = 1);

    /// <summary>Forgets the gradients.</summary>
    void ZeroGrad();

    /// <summary>The state to save beside the weights, float32.</summary>
    IEnumerable<NamedParameter> State();

    /// <summary>Takes over a saved state.</summary>
    /// <param name="source">Gives the saved tensor of a name, or null.</param>
    /// <param name="stepCount">Steps taken when it was saved.</param>
    /// <exception cref="InvalidDataException">A tensor is missing.</exception>
    void Restore(Func<string, Understudy.Torch.Tensor?> source, long stepCount);
}
