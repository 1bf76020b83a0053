namespace Understudy.Parity;

/// <summary>How far a model's numbers may be from the reference's.</summary>
internal static class ModelTolerances
{
    internal const double Logits = 1e-4;
    internal const double Loss = 1e-5;
    internal const double Gradient = 1e-4;
    internal const double Trajectory = 1e-3;
    internal const double LogProbability = 1e-4;
    internal const double BeamScore = 1e-4;
    internal const double Embedding = 1e-4;
}
