namespace Understudy.Training;

/// <summary>How the learning rate moves over the steps; the names and the formulas are those of <c>transformers.SchedulerType</c>.</summary>
public enum ScheduleType
{
    /// <summary>Up from 0 over the warm-up, then down to 0 in a straight line at the last step.</summary>
    Linear,

    /// <summary>Up from 0 over the warm-up, then down to 0 along half a cosine.</summary>
    Cosine,

    /// <summary>The peak at every step; a warm-up is ignored.</summary>
    Constant,

    /// <summary>Up from 0 over the warm-up, then the peak.</summary>
    ConstantWithWarmup,

    /// <summary>Up from 0 over the warm-up, then falling with one over the square root of the step.</summary>
    InverseSqrt,

    /// <summary>Up from 0 over the warm-up, then down in a straight line to 1e-7 at the last step, where it stays.</summary>
    Polynomial,

    /// <summary>Up from 0 over the warm-up, then the peak, then down to 0 along half a cosine over the decay: a training can go on from any step of the stable part (Hu et al., arXiv 2404.06395).</summary>
    WarmupStableDecay,
}
