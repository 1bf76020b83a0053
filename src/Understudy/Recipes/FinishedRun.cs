using Understudy.Data;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>The folder of a run that has come to its end.</summary>
/// <param name="Folder">Its path, as it was given.</param>
/// <param name="Settings">Its resolved run file by key path.</param>
/// <param name="Result">Its result.</param>
internal sealed record FinishedRun(string Folder, IReadOnlyDictionary<string, string> Settings, RunResult Result)
{
    /// <exception cref="InvalidDataException">It is no run folder, or has no result that can be read.</exception>
    public static FinishedRun Read(string folder)
    {
        var result = RunResult.Read(folder);
        return new FinishedRun(folder, FlatSettings.Read(Path.Combine(folder, "run.yaml")), result);
    }

    /// <summary>Rows that its models were measured on.</summary>
    public int TestRows => Result.Teacher?.Rows ?? Result.Arms.FirstOrDefault(arm => arm.Test is not null)?.Test!.Rows ?? 0;

    public string Setting(string key) => Settings.GetValueOrDefault(key, "");

    /// <summary>The label of each test row by its id; null when no model's predictions are there.</summary>
    public IReadOnlyDictionary<string, string>? TestLabels() =>
        Result.Arms.Select(arm => arm.Name).Prepend(ArmComparison.TeacherArm).Select(Predictions).FirstOrDefault(rows => rows is not null)?
            .ToDictionary(row => row.Id, row => row.Label, StringComparer.Ordinal);

    /// <summary>In which share of its repeats a model gets each test row right, by id; null when predictions are missing.</summary>
    public IReadOnlyDictionary<string, double>? RightShares(string model, string trainedOn)
    {
        var names = Result.Arms.Where(arm => arm.Student == model && arm.Arm == trainedOn).Select(arm => arm.Name).ToArray();
        var repeats = (names.Length == 0 ? [ArmComparison.TeacherArm] : names).Select(Predictions).ToArray();
        return repeats.Contains(null) ? null : repeats.SelectMany(rows => rows!).GroupBy(row => row.Id, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Average(row => row.Right ? 1 : 0), StringComparer.Ordinal);
    }

    // The name comes out of a file that anyone may have written: it must not lead out of the folder.
    private IReadOnlyList<TestPrediction>? Predictions(string name)
    {
        var path = Path.Combine(Folder, "predictions", $"{name}.jsonl");
        return OptionBounds.FileName("", name) is null && File.Exists(path) ? TestPrediction.Read(path) : null;
    }
}
