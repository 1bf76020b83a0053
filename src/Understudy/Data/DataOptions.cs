namespace Understudy.Data;

/// <summary>The data of a run: where the labelled rows are, how few of them to use, and where the unlabelled text is.</summary>
public sealed record DataOptions
{
    /// <summary>The labelled rows to learn from.</summary>
    public required DataSourceOptions Train { get; init; }

    /// <summary>Labelled rows for choosing between checkpoints and settings.</summary>
    /// <value>By default none, unless <see cref="Split"/> holds some out.</value>
    public DataSourceOptions? Validation { get; init; }

    /// <summary>Labelled rows for the final figures.</summary>
    /// <value>By default none, unless <see cref="Split"/> holds some out.</value>
    public DataSourceOptions? Test { get; init; }

    /// <summary>Files of unlabelled text.</summary>
    /// <value>By default none.</value>
    public IReadOnlyList<DataSourceOptions> Unlabelled { get; init; } = [];

    /// <summary>Whether the train rows that were not chosen as seeds join the unlabelled pool without their labels.</summary>
    /// <value>The default value is false.</value>
    public bool UnlabelledFromTrain { get; init; }

    /// <summary>Which column holds what, in every source that does not say otherwise.</summary>
    /// <value>By default <c>id</c>, <c>text</c> and <c>label</c>.</value>
    public ColumnMap Columns { get; init; } = new();

    /// <summary>The labels in class order.</summary>
    /// <value>By default those found in the train file, in ordinal order.</value>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>How many train rows to keep as seeds.</summary>
    /// <value>By default all of them.</value>
    public FewShotOptions? FewShot { get; init; }

    /// <summary>Which parts of the train file to hold out.</summary>
    /// <value>By default none.</value>
    public SplitOptions? Split { get; init; }

    /// <summary>Everything wrong with the section.</summary>
    public IEnumerable<OptionFault> Validate()
    {
        var faults = new List<OptionFault>();
        faults.AddRange(Train.Validate().Select(fault => fault.Under("train")));
        faults.AddRange((Validation?.Validate() ?? []).Select(fault => fault.Under("validation")));
        faults.AddRange((Test?.Validate() ?? []).Select(fault => fault.Under("test")));
        for (var i = 0; i < Unlabelled.Count; i++)
        {
            var section = $"unlabelled[{i}]";
            faults.AddRange(Unlabelled[i].Validate().Select(fault => fault.Under(section)));
        }
        faults.AddRange(Columns.Validate().Select(fault => fault.Under("columns")));
        faults.AddRange((FewShot?.Validate() ?? []).Select(fault => fault.Under("few_shot")));
        faults.AddRange((Split?.Validate() ?? []).Select(fault => fault.Under("split")));
        if (Validation is not null && Split?.Validation > 0)
            faults.Add(new("split.validation", $"'validation' names the file {Validation.Path} already. Remove one of the two."));
        if (Test is not null && Split?.Test > 0)
            faults.Add(new("split.test", $"'test' names the file {Test.Path} already. Remove one of the two."));
        if (UnlabelledFromTrain && FewShot is null)
            faults.Add(new("unlabelled_from_train", "without 'few_shot' every train row is a seed and none is left for the pool. Set 'few_shot' or remove this key."));
        faults.AddRange(LabelFaults());
        return faults;
    }

    private IEnumerable<OptionFault> LabelFaults()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < Labels.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(Labels[i]))
                yield return new($"labels[{i}]", "expected the name of a label, found an empty string.");
            else if (!seen.Add(Labels[i]))
                yield return new($"labels[{i}]", $"label '{Labels[i]}' occurs twice. Remove one.");
        }
    }
}
