namespace Understudy.Evaluation;

/// <summary>How well one class is found; each ratio is 0 where it would divide by zero.</summary>
/// <param name="Precision">Of the rows predicted as the class, the share that are of it.</param>
/// <param name="Recall">Of the rows of the class, the share predicted as it.</param>
/// <param name="F1">The harmonic mean of the two.</param>
/// <param name="Support">The number of rows of the class.</param>
public readonly record struct ClassMetrics(double Precision, double Recall, double F1, long Support);
