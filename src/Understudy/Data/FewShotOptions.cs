namespace Understudy.Data;

/// <summary>How many labelled rows to keep as seeds. Give <see cref="PerLabel"/> or <see cref="Total"/>.</summary>
public sealed record FewShotOptions
{
    /// <summary>Rows per label; a label with fewer rows gives all it has, with a notice.</summary>
    /// <value>By default not set. At least 1.</value>
    public int? PerLabel { get; init; }

    /// <summary>Rows in all, shared out in proportion to the labels' frequencies with at least one each where possible.</summary>
    /// <value>By default not set. At least 1.</value>
    public int? Total { get; init; }

    /// <summary>The seed of the choice.</summary>
    /// <value>By default the run's seed.</value>
    public long? Seed { get; init; }

    /// <summary>Everything wrong with the options.</summary>
    public IEnumerable<OptionFault> Validate()
    {
        if (PerLabel is null && Total is null)
            yield return new("", "expected 'per_label' or 'total', found neither.");
        if (PerLabel is not null && Total is not null)
            yield return new("", $"'per_label' ({PerLabel}) and 'total' ({Total}) exclude each other. Remove one.");
        if (PerLabel < 1)
            yield return new("per_label", $"expected at least 1, found {PerLabel}.");
        if (Total < 1)
            yield return new("total", $"expected at least 1, found {Total}.");
    }
}
