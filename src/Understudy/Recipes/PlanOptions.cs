namespace Understudy.Recipes;

/// <summary>How a run is planned.</summary>
public sealed record PlanOptions
{
    /// <summary>Seconds that measuring may take, more than 0. With less time models are measured with fewer blocks and steps, or reckoned from their sizes.</summary>
    /// <value>The default value is 60.</value>
    public double Seconds { get; init; } = 60;
}
