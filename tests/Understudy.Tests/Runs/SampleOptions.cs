using Understudy.Data;

namespace Understudy.Tests.Runs;

public enum SampleChoice
{
    Linear,
    ConstantWithWarmup,
}

/// <summary>A root section with every kind of value that a run file may hold.</summary>
public sealed record SampleOptions
{
    public required string Name { get; init; }
    public int Count { get; init; } = 3;
    public long? Seed { get; init; }
    public double Rate { get; init; } = 5e-5;
    public bool Fast { get; init; }
    public SampleChoice Choice { get; init; }
    public string? Note { get; init; }
    public string Prompt { get; init; } = "{text}\nIntent:";
    public IReadOnlyList<string> Labels { get; init; } = [];
    public IReadOnlyDictionary<string, string> Descriptions { get; init; } = new Dictionary<string, string>();
    public StudentSample Student { get; init; } = new();
    public StudentSample? Other { get; init; }
    public IReadOnlyList<StudentSample> Students { get; init; } = [];

    [InputPath]
    public string? File { get; init; }

    public IEnumerable<OptionFault> Validate() =>
    [
        .. OptionBounds.Faults(OptionBounds.AtLeast("count", Count, 1)),
        .. Student.Validate().Select(fault => fault.Under("student")),
        .. Students.SelectMany((student, i) => student.Validate().Select(fault => fault.Under($"students[{i}]"))),
    ];
}

public sealed record StudentSample
{
    public int Epochs { get; init; } = 3;
    public double LearningRate { get; init; } = 1e-4;

    public IEnumerable<OptionFault> Validate() => OptionBounds.Faults(
        OptionBounds.AtLeast("epochs", Epochs, 1),
        OptionBounds.MoreThan("learning_rate", LearningRate, 0));
}
