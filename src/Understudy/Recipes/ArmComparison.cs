using System.Text.Json.Serialization;
using Understudy.Evaluation;

namespace Understudy.Recipes;

/// <summary>McNemar's test of one repeat.</summary>
/// <param name="Repeat">Number of the repeat, from 1.</param>
/// <param name="OnlyArm">Test rows that only the model of the arm gets right.</param>
/// <param name="OnlySeeds">Test rows that only the model of the seeds alone gets right.</param>
/// <param name="P">The exact two-sided p-value.</param>
public sealed record RepeatComparison(int Repeat, long OnlyArm, long OnlySeeds, double P);

/// <summary>How the interval of a difference was found.</summary>
public enum IntervalKind
{
    /// <summary>Paired bootstrap over the test rows: one pair of trained models, what might other test rows have shown?</summary>
    PairedBootstrap,

    /// <summary>Student's t over the repeats: these test rows, what might other seeds have shown?</summary>
    StudentT,
}

/// <summary>
/// An arm of a student against the same student trained on the seeds alone, on the same test rows; repeat <c>i</c> of the one
/// is paired with repeat <c>i</c> of the other, which share their training seed.
/// </summary>
/// <remarks>
/// Two things may make a difference look real that is not: which rows happen to be in the test set, and which seeds the
/// models happened to be trained with. <see cref="RowsP"/> tests the first, <see cref="PairedTP"/> and <see cref="WilcoxonP"/>
/// the second; <see cref="P"/> is the one figure to decide by.
/// </remarks>
/// <param name="Student">The student whose <c>seeds_only</c> this is compared with.</param>
/// <param name="Arm">The arm, or <c>teacher</c> for the teacher itself (one model, compared with every repeat).</param>
/// <param name="Repeats">How many pairs were compared, at least 1.</param>
/// <param name="Difference">Mean accuracy of the arm less that of the seeds alone, from -1 to 1.</param>
/// <param name="Interval">The 95% interval of <paramref name="Difference"/>; null with one repeat when bootstrapping is off.</param>
/// <param name="IntervalKind">How it was found: a bootstrap with one repeat, Student's t with several.</param>
/// <param name="PerRepeat">McNemar's exact test of every repeat on its own.</param>
/// <param name="RowsFor">Test rows that the arm gets right in more of the repeats than the seeds alone do.</param>
/// <param name="RowsAgainst">Test rows that the seeds alone get right in more of the repeats.</param>
/// <param name="RowsP">
/// Would other test rows show it too, for these trained models? McNemar's exact test with one repeat, with several a paired t
/// test over the rows, in how many more of the repeats the arm is right (<see cref="SignificanceTests.OverRows"/>). Adding up the counts of
/// the repeats instead would count the same rows several times and find too much.
/// </param>
/// <param name="PairedTP">Would other seeds show it too, on these test rows? Student's paired t test over the repeats' differences; null with one repeat.</param>
/// <param name="WilcoxonP">The same question without the assumption that differences are normal: Wilcoxon's signed-rank test. It cannot fall below 0.05 with fewer than six repeats. Null with one repeat.</param>
public sealed record ArmComparison(
    string Student, string Arm, int Repeats, double Difference, ConfidenceInterval? Interval, IntervalKind IntervalKind,
    IReadOnlyList<RepeatComparison> PerRepeat, long RowsFor, long RowsAgainst, double RowsP, double? PairedTP, double? WilcoxonP)
{
    /// <summary>The name that the teacher has among the arms.</summary>
    public const string TeacherArm = "teacher";

    /// <summary>The level below which a difference is taken to be real.</summary>
    public const double Level = 0.05;

    /// <summary>
    /// The p-value to decide by: <see cref="RowsP"/> with one repeat, with several the larger of it and <see cref="PairedTP"/>.
    /// A difference must hold for other rows and for other seeds; demanding both keeps the level (an intersection-union test,
    /// Berger, 1982).
    /// </summary>
    [JsonIgnore]
    public double P => Math.Max(RowsP, PairedTP ?? 0);

    /// <summary>Whether the difference is beyond noise: <see cref="P"/> is below <see cref="Level"/>.</summary>
    [JsonIgnore]
    public bool IsSignificant => P < Level;

    /// <summary>Compares every student's arms, and the teacher, with the student's <c>seeds_only</c>.</summary>
    /// <param name="arms">The arms.</param>
    /// <param name="teacher">Whether there is a teacher with predictions.</param>
    /// <param name="predictions">The predictions of a model by its name.</param>
    /// <param name="options">How often to resample.</param>
    /// <param name="seed">What the resamples derive from.</param>
    /// <exception cref="InvalidDataException">Two models were measured on different rows.</exception>
    internal static IReadOnlyList<ArmComparison> Of(IReadOnlyList<ArmResult> arms, bool teacher, Func<string, IReadOnlyList<TestPrediction>> predictions, EvaluationOptions options, long seed)
    {
        var comparisons = new List<ArmComparison>();
        var seedsOnly = Distill.NameOf(RunArm.SeedsOnly);
        (string Name, IReadOnlyList<TestPrediction> Rows)? first = null;
        bool[] Rights(string name)
        {
            var rows = predictions(name);
            first ??= (name, rows);
            return rows.Select(row => row.Id).SequenceEqual(first.Value.Rows.Select(row => row.Id))
                ? [.. rows.Select(row => row.Right)]
                : throw new InvalidDataException($"The predictions of '{name}' are not of the same test rows as those of '{first.Value.Name}'. Remove predictions/{name}.jsonl and predictions/{first.Value.Name}.jsonl from the run folder and run the same command again; they are written anew.");
        }

        foreach (var student in arms.Where(arm => arm.Test is not null).GroupBy(arm => arm.Student))
        {
            bool[][] Right(string arm) => [.. student.Where(one => one.Arm == arm).Select(one => Rights(one.Name))];
            var baseline = Right(seedsOnly);
            if (baseline.Length == 0)
            {
                continue;
            }

            comparisons.AddRange(student.Select(one => one.Arm).Distinct().Where(arm => arm != seedsOnly)
                .Select(arm => Of(student.Key, arm, Right(arm), baseline, options, seed)));
            if (teacher)
            {
                var rights = Rights(TeacherArm);
                comparisons.Add(Of(student.Key, TeacherArm, [.. baseline.Select(_ => rights)], baseline, options, seed));
            }
        }

        return comparisons;
    }

    /// <summary>Compares repeats in pairs.</summary>
    /// <param name="student">The student.</param>
    /// <param name="arm">The arm.</param>
    /// <param name="with">Whether each test row is right, for each repeat: [repeats, rows].</param>
    /// <param name="without">The same for the seeds alone, in the same order of rows.</param>
    /// <param name="options">How often to resample.</param>
    /// <param name="seed">What the resamples derive from.</param>
    /// <exception cref="ArgumentException">The numbers of repeats or rows differ, or there are none.</exception>
    internal static ArmComparison Of(string student, string arm, bool[][] with, bool[][] without, EvaluationOptions options, long seed)
    {
        if (with.Length == 0 || with.Length != without.Length)
        {
            throw new ArgumentException($"Expected as many repeats of both, found {with.Length} and {without.Length}.", nameof(with));
        }

        var repeats = with.Zip(without).Select((pair, i) =>
        {
            var (onlyArm, onlySeeds) = SignificanceTests.Discordant(pair.First, pair.Second);
            return new RepeatComparison(i + 1, onlyArm, onlySeeds, SignificanceTests.McNemarExact(onlyArm, onlySeeds));
        }).ToArray();
        var rows = with[0].Length;
        // For every row, in how many more repeats the arm is right; then over the rows, for every repeat, how much more accurate it is.
        var byRow = Enumerable.Range(0, rows).Select(row => with.Count(one => one[row]) - without.Count(one => one[row])).ToArray();
        double[] byRepeat = [.. repeats.Select(one => (one.OnlyArm - one.OnlySeeds) / (double)rows)];
        var (rowsFor, rowsAgainst) = (byRow.LongCount(value => value > 0), byRow.LongCount(value => value < 0));
        var several = repeats.Length > 1;
        return new ArmComparison(
            student, arm, repeats.Length, byRepeat.Average(),
            several ? ConfidenceInterval.OfMean(byRepeat)
                : options.BootstrapResamples == 0 ? null
                : Bootstrap.OfMean([.. byRow.Select(value => (double)value)], options.BootstrapResamples, EvaluationResult.Resamples(seed)),
            several ? IntervalKind.StudentT : IntervalKind.PairedBootstrap,
            repeats,
            rowsFor, rowsAgainst, SignificanceTests.OverRows([.. byRow.Select(value => value / (double)repeats.Length)]),
            several ? SignificanceTests.PairedT(byRepeat) : null,
            several ? SignificanceTests.Wilcoxon(byRepeat) : null);
    }
}
