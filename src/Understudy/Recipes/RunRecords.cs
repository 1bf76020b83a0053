using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>What a stage logged, as far as a curve can be drawn of it.</summary>
/// <param name="Loss">Loss by optimiser step.</param>
/// <param name="Validation">Accuracy on the validation rows by step.</param>
/// <param name="HeldOut">Loss on held-out text by step.</param>
internal sealed record StageCurves(List<(double X, double Y)> Loss, List<(double X, double Y)> Validation, List<(double X, double Y)> HeldOut);

/// <summary>What lies in a run folder, of a finished run or not. Reading changes nothing there.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Name">The run's name.</param>
/// <param name="RunFile">The resolved run file.</param>
/// <param name="Manifest">The manifest; null where there is none to read.</param>
/// <param name="Result">The result, put together from finished stages where the run has not come to its end.</param>
/// <param name="Stages">Every stage and whether it is finished, by name.</param>
/// <param name="Curves">What each stage logged.</param>
/// <param name="Missing">What there is not, in sentences.</param>
internal sealed record RunRecords(
    string Folder, string Name, string RunFile, RunManifest? Manifest, RunResult Result,
    IReadOnlyList<(string Name, bool Finished)> Stages, IReadOnlyDictionary<string, StageCurves> Curves, IReadOnlyList<string> Missing)
{
    /// <summary>What is missing of a run that has not come to its end.</summary>
    internal const string Unfinished = "The run has not come to its end: there is no result.json. What follows is put together from its finished stages.";

    private const string Unreadable = "Since result.json cannot be read, what follows is put together from the finished stages.";

    /// <summary>Reads a run folder.</summary>
    /// <exception cref="InvalidDataException">It is no run folder.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static RunRecords Read(string folder)
    {
        folder = Path.GetFullPath(folder);
        // A library's user need not have written a run file; what every run folder has is the file that keeps a second process out.
        if (!File.Exists(Path.Combine(folder, "run.yaml")) && !File.Exists(Path.Combine(folder, ".lock")))
        {
            throw RunResult.NotARunFolder(folder);
        }

        var missing = new List<string>();
        var yaml = Try("run.yaml", ReadRunFile) ?? "";
        var stages = Stages();
        var result = File.Exists(Path.Combine(folder, "result.json")) ? Try("result.json", path => Sound(RunJson.Read<RunResult>(path))) : null;
        if (result is null)
        {
            missing.Add(File.Exists(Path.Combine(folder, "result.json")) ? Unreadable : Unfinished);
        }
        else if (stages.Where(stage => !stage.Finished).Select(stage => stage.Name).ToArray() is { Length: > 0 } open)
        {
            missing.Add($"result.json is older than what the run has begun since; not finished: {string.Join(", ", open)}.");
        }

        var curves = Try("metrics.jsonl", ReadCurves) ?? [];
        var manifest = Try("manifest.json", RunJson.Read<RunManifest>);
        return new RunRecords(folder, NameIn(yaml), yaml, manifest, result ?? FromStages(), stages, curves, missing);

        T? Try<T>(string name, Func<string, T> read)
            where T : class
        {
            var path = Path.Combine(folder, name);
            try
            {
                if (File.Exists(path))
                {
                    return read(path);
                }

                missing.Add($"There is no {name}.");
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                missing.Add(e.Message.Replace(folder + Path.DirectorySeparatorChar, "", StringComparison.Ordinal));
            }

            return null;
        }

        List<(string Name, bool Finished)> Stages()
        {
            var root = Path.Combine(folder, "stages");
            return !Directory.Exists(root) ? [] :
            [
                .. Directory.EnumerateDirectories(root).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)
                    .Where(name => File.Exists(Path.Combine(root, name, "stage.json")))
                    .Select(name => (name, Stage<object>(name) is not null)),
            ];
        }

        T? Stage<T>(string name)
            where T : class
        {
            var path = Path.Combine("stages", name, "stage.json");
            return File.Exists(Path.Combine(folder, path)) && Try(path, RunJson.Read<StageMarker<T>>) is { Finished: true, Result: { } value } ? value : null;
        }

        RunResult FromStages()
        {
            var arms = stages.Select(stage => ArmSummary.Parse(stage.Name)).OfType<(string Student, RunArm Arm, int Repeat)>()
                .OrderBy(one => one.Student, StringComparer.Ordinal).ThenBy(one => one.Arm).ThenBy(one => one.Repeat)
                .Select(one => (one.Student, Arm: Distill.NameOf(one.Arm), one.Repeat, Name: ArmResult.NameOf(one.Student, one.Arm, one.Repeat)))
                .Select(one => (one.Student, one.Arm, one.Repeat, Trained: Stage<StudentResult>(one.Name), Test: Sound(Stage<EvaluationResult>($"{one.Name}.evaluate"))))
                .Where(one => one.Test is not null)
                .Select(one => new ArmResult(one.Student, one.Arm, one.Repeat, one.Trained?.Rows ?? 0, one.Test)).ToArray();
            var tuned = Stage<TuneResult>("tune");
            return new RunResult(tuned?.Seeds ?? 0, Stage<PretrainResult>("pretrain"), tuned, Sound(Stage<EvaluationResult>("evaluate-teacher")),
                Stage<SynthesisResult>("filter-annotated"), Stage<SynthesisResult>("filter-generated"), arms, []);
        }
    }

    private static string ReadRunFile(string path) =>
        new FileInfo(path).Length > 4L * RunFileReader.MaxCharacters
            ? throw new InvalidDataException($"{path}: expected at most {RunFileReader.MaxCharacters} characters, found a file of {new FileInfo(path).Length} bytes. A run file holds settings, not data.")
            : File.ReadAllText(path);

    private static string NameIn(string yaml) =>
        RunFileReader.Read(yaml, (_, _) => "", _ => null, []) is MappingNode root && root.Find("name")?.Value is ScalarNode name ? name.Text : "run";

    private static Dictionary<string, StageCurves> ReadCurves(string path)
    {
        var curves = new Dictionary<string, StageCurves>(StringComparer.Ordinal);
        MetricLog.Visit(path, line =>
        {
            if (!curves.TryGetValue(line.Stage, out var stage))
            {
                curves[line.Stage] = stage = new StageCurves([], [], []);
            }

            Add(stage.Loss, "loss");
            Add(stage.Validation, "validation_accuracy");
            Add(stage.HeldOut, "held_out_loss");

            void Add(List<(double X, double Y)> points, string figure)
            {
                if (line.Figures.TryGetValue(figure, out var value))
                {
                    points.Add((line.Step, value));
                }
            }
        });
        return curves;
    }

    private static RunResult Sound(RunResult result) => result with
    {
        Teacher = Sound(result.Teacher),
        Arms = [.. result.Arms.OfType<ArmResult>().Select(arm => arm with { Test = Sound(arm.Test) })],
        Comparisons = [.. result.Comparisons.OfType<ArmComparison>()],
    };

    // A matrix that does not fit its labels was not written by this program.
    private static EvaluationResult? Sound(EvaluationResult? test) =>
        test is null || (test.Confusion.Length == test.PerLabel.Count && test.Confusion.All(row => row?.Length == test.PerLabel.Count) && test.PerLabel.All(label => label?.Label is not null)
            && double.IsFinite(test.Accuracy + test.AccuracyInterval.Lower + test.AccuracyInterval.Upper))
            ? test
            : throw new InvalidDataException("An evaluation has a confusion matrix or figures that do not fit its labels. Run the same run file again to have it measured anew.");
}
