namespace Understudy.Data;

/// <summary>Which parts of the train file to hold out, each stratified by label.</summary>
public sealed record SplitOptions
{
    /// <summary>The fraction for validation.</summary>
    /// <value>The default value is 0. From 0 to below 1.</value>
    public double Validation { get; init; }

    /// <summary>The fraction for test.</summary>
    /// <value>The default value is 0. From 0 to below 1.</value>
    public double Test { get; init; }

    /// <summary>The seed of the choice.</summary>
    /// <value>By default the run's seed.</value>
    public long? Seed { get; init; }

    /// <summary>Everything wrong with the options.</summary>
    public IEnumerable<OptionFault> Validate()
    {
        if (!(Validation is >= 0 and < 1))
            yield return new("validation", $"expected a fraction from 0 to below 1, found {Validation}.");
        if (!(Test is >= 0 and < 1))
            yield return new("test", $"expected a fraction from 0 to below 1, found {Test}.");
        if (Validation is >= 0 and < 1 && Test is >= 0 and < 1 && Validation + Test >= 1)
            yield return new("", $"'validation' ({Validation}) and 'test' ({Test}) leave nothing to train on. Together they must be below 1.");
    }
}
