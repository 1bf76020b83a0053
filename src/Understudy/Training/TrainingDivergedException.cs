namespace Understudy.Training;

/// <summary>A loss or a gradient became infinite or not a number; going on would destroy the weights.</summary>
public sealed class TrainingDivergedException : Exception
{
    /// <summary>Says at which step, and what to try.</summary>
    /// <param name="what">What is not finite: <c>loss</c> or <c>gradient norm</c>.</param>
    /// <param name="value">Its value.</param>
    /// <param name="step">The step, from 1.</param>
    /// <param name="learningRate">Learning rate of the step.</param>
    public TrainingDivergedException(string what, double value, int step, double learningRate)
        : base($"The {what} is {value} at step {step} (learning rate {learningRate:G3}), so training was stopped before the weights were changed. Try a lower learning_rate, a longer warm-up (warmup_ratio: 0.1), a smaller max_grad_norm, or precision: fp32. The last checkpoint is kept.")
    {
    }
}
