namespace Understudy.Torch;

/// <summary>One AdamW step over many parameters in a single native call. TorchSharp has no fused optimiser on the CPU.</summary>
public static class FusedAdamW
{
    /// <summary>Updates the parameters that have a gradient, and their state.</summary>
    /// <param name="parameters">Leaves of any shape.</param>
    /// <param name="averages">Running averages of the gradients, float32, same shapes.</param>
    /// <param name="squares">Running averages of the squared gradients, float32, same shapes.</param>
    /// <param name="weightDecays">Decoupled weight decay of each parameter.</param>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <param name="beta1">Decay of the averages.</param>
    /// <param name="beta2">Decay of the squares.</param>
    /// <param name="eps">Added to the root of the squares.</param>
    /// <param name="step">Number of this step, from 1.</param>
    /// <param name="gradScale">Factor on every gradient (clipping).</param>
    public static void step(IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> averages, IReadOnlyList<Tensor> squares, ReadOnlySpan<double> weightDecays, double learningRate, double beta1, double beta2, double eps, long step, double gradScale = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        if (averages.Count != parameters.Count || squares.Count != parameters.Count || weightDecays.Length != parameters.Count)
        {
            throw new ArgumentException($"Expected {parameters.Count} averages, squares and weight decays, found {averages.Count}, {squares.Count} and {weightDecays.Length}.", nameof(averages));
        }

        var status = Native.understudy_adamw_step(torch.Pointers(parameters), torch.Pointers(averages), torch.Pointers(squares), weightDecays, parameters.Count, learningRate, beta1, beta2, eps, step, gradScale);
        GC.KeepAlive(parameters);
        GC.KeepAlive(averages);
        GC.KeepAlive(squares);
        Native.Check(status);
    }

    /// <summary>The 2-norm of all gradients together; parameters without one count as zero.</summary>
    public static double grad_norm(IReadOnlyList<Tensor> parameters)
    {
        var status = Native.understudy_grad_norm(torch.Pointers(parameters), parameters.Count, out var norm);
        GC.KeepAlive(parameters);
        Native.Check(status);
        return norm;
    }
}
