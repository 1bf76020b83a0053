using System.Globalization;
using Understudy.Evaluation;

namespace Understudy.Recipes;

/// <summary>A student on an arm, its repeats taken together.</summary>
/// <param name="Student">The student.</param>
/// <param name="Arm">The arm as files spell it.</param>
/// <param name="TrainRows">Rows it was trained on; 0 where that is not known.</param>
/// <param name="Tests">How good each repeat is on the test rows, at least one.</param>
/// <param name="Comparison">Against the same student trained on the seeds alone; null for that one itself, and where there is nothing to compare with.</param>
internal sealed record ArmSummary(string Student, string Arm, int TrainRows, IReadOnlyList<EvaluationResult> Tests, ArmComparison? Comparison)
{
    /// <summary>Mean accuracy of the repeats.</summary>
    public double Accuracy => Tests.Average(test => test.Accuracy);

    /// <summary>Mean macro-F1 of the repeats.</summary>
    public double MacroF1 => Tests.Average(test => test.MacroF1);

    /// <summary>One training: how sure the accuracy is, given so many test rows. Several: how much they differ.</summary>
    public ConfidenceInterval Interval => RunHeadline.Interval(Tests)!.Value;

    /// <summary>Whether it was trained on the seeds alone.</summary>
    public bool IsSeedsOnly => Arm == Distill.NameOf(RunArm.SeedsOnly);

    /// <summary>The arm for people: <c>seeds + annotated</c>.</summary>
    public string ArmTitle => TitleOf(Arm);

    /// <summary>Number of the arm's colour.</summary>
    public int Colour => ColourOf(Arm);

    /// <summary>Every student on every arm that was measured, in the order of the result.</summary>
    public static IReadOnlyList<ArmSummary> Of(RunResult result) =>
    [
        .. result.Arms.Where(arm => arm.Test is not null).GroupBy(arm => (arm.Student, arm.Arm)).Select(group => new ArmSummary(
            group.Key.Student, group.Key.Arm, group.First().TrainRows, [.. group.Select(one => one.Test!)],
            result.Comparisons.FirstOrDefault(comparison => comparison.Student == group.Key.Student && comparison.Arm == group.Key.Arm))),
    ];

    /// <summary>The parts of a training's name such as <c>minilm.both.1</c>; null when it is another stage's.</summary>
    public static (string Student, RunArm Arm, int Repeat)? Parse(string stage)
    {
        var parts = stage.Split('.');
        return parts.Length >= 3 && Arms.TryGetValue(parts[^2], out var arm) && int.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var repeat)
            ? (string.Join('.', parts[..^2]), arm, repeat)
            : null;
    }

    /// <summary>An arm for people.</summary>
    public static string TitleOf(string arm) => Arms.TryGetValue(arm, out var known)
        ? known switch { RunArm.SeedsOnly => "seeds only", RunArm.Both => "seeds + annotated + generated", _ => $"seeds + {arm}" }
        : arm;

    /// <summary>Number of an arm's colour; teachers have <see cref="TeacherColour"/>.</summary>
    public static int ColourOf(string arm) => Arms.TryGetValue(arm, out var known) ? (int)known : OtherColour;

    /// <summary>Number of the teacher's colour.</summary>
    public const int TeacherColour = 4;

    private const int OtherColour = 5;

    private static readonly Dictionary<string, RunArm> Arms = Enum.GetValues<RunArm>().ToDictionary(Distill.NameOf);
}
