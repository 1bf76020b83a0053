namespace Understudy.Parity;

/// <summary>What became of one comparison with a stored reference.</summary>
public enum ParityVerdict
{
    /// <summary>Equal within the tolerance.</summary>
    Passed,

    /// <summary>Different by more than the tolerance.</summary>
    Failed,

    /// <summary>Not compared; <see cref="ParityCheck.Note"/> says why.</summary>
    Skipped,
}

/// <summary>The result of one comparison with a stored reference: one line of <c>understudy parity</c>.</summary>
/// <param name="Name">What was compared, in the reference file's own key, for example <c>logits_left</c>.</param>
/// <param name="Verdict">Passed, failed or skipped.</param>
/// <param name="Difference">The largest difference found, in the unit of <paramref name="Tolerance"/>; 0 for exact comparisons that agree, the number of unequal cases otherwise.</param>
/// <param name="Tolerance">The largest difference that passes; 0 for exact comparisons.</param>
/// <param name="Note">How many values were compared, where the first difference lies, or why the check was skipped.</param>
public sealed record ParityCheck(string Name, ParityVerdict Verdict, double Difference, double Tolerance, string Note)
{
    /// <summary>A comparison that passes when <paramref name="difference"/> is at most <paramref name="tolerance"/>; NaN fails.</summary>
    public static ParityCheck Of(string name, double difference, double tolerance, string note = "") =>
        new(name, difference <= tolerance ? ParityVerdict.Passed : ParityVerdict.Failed, difference, tolerance, note);

    /// <summary>A check that was not made, and why.</summary>
    public static ParityCheck Skip(string name, string why) => new(name, ParityVerdict.Skipped, 0, 0, why);
}
