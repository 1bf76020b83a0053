using System.Text.Json;
using Understudy.Data;
using Understudy.Runs;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>How far a stage is.</summary>
public enum StageProgressState
{
    /// <summary>The run has not come to it.</summary>
    NotBegun,

    /// <summary>A process is at it.</summary>
    Running,

    /// <summary>It was begun, and no process is at it.</summary>
    Interrupted,

    /// <summary>Its result stands.</summary>
    Done,
}

/// <summary>How far a stage is, and its newest figures.</summary>
/// <param name="Name">The stage.</param>
/// <param name="State">How far it is.</param>
/// <param name="Step">The newest optimiser step that is known, from 1; of an interrupted stage the one it continues after; null when it has none.</param>
/// <param name="TotalSteps">Steps of the whole training; null when they are not known yet.</param>
/// <param name="Epoch">The epoch of that step, from 1; null when it is not known.</param>
/// <param name="Rows">Rows in its journal; null when it has none.</param>
/// <param name="Seconds">Seconds of training over all attempts; null when they are not known.</param>
/// <param name="Figures">The newest value of every figure that it logged, or the figures of its result.</param>
public sealed record StageStatus(string Name, StageProgressState State, int? Step, int? TotalSteps, int? Epoch, int? Rows, double? Seconds, IReadOnlyDictionary<string, double> Figures);

/// <summary>How far a run is: read from its folder, which is left as it is.</summary>
/// <param name="Folder">The run folder.</param>
/// <param name="Name">The run's name; null when its run file cannot be read.</param>
/// <param name="Process">The process that has the folder, in words; null when none has.</param>
/// <param name="Finished">Whether every stage is done.</param>
/// <param name="Stages">The stages in the order of the run; then those that the run file no longer asks for.</param>
/// <param name="Note">Why the stages to come are not known; null when they are.</param>
/// <param name="Verb">The verb that continues it: <c>pretrain</c> for a run file without data, else <c>run</c>.</param>
public sealed record RunStatus(string Folder, string? Name, string? Process, bool Finished, IReadOnlyList<StageStatus> Stages, string? Note, string Verb = "run")
{
    // What a training logs beside its loss is for curves, not for a glance; an evaluation's result has its figures itself.
    private static readonly string[] NotShown = ["learning_rate", "grad_norm", "tokens", "tokens_per_second", "data_wait", "test_accuracy", "test_macro_f1"];

    private static readonly string[] ShownOfResult = ["accuracy", "macro_f1", "loss", "validation_accuracy"];

    /// <summary>Reads a run folder, also while the run is under way.</summary>
    /// <exception cref="InvalidDataException">There is no such folder, or it holds no run.</exception>
    public static RunStatus Read(string path)
    {
        var folder = Path.GetFullPath(path);
        var stages = Path.Combine(folder, "stages");
        var file = Path.Combine(folder, "run.yaml");
        if (File.Exists(folder))
            throw new InvalidDataException($"{path}: expected a run folder, found a file. Name the folder that the run writes to: 'output' in the run file, otherwise runs/ and its name.");
        if (!Directory.Exists(folder))
            throw new InvalidDataException($"{path}: there is no such folder.{Neighbour(folder)} Name the folder that the run writes to: 'output' in the run file, otherwise runs/ and its name.");
        if (!File.Exists(file) && !Directory.Exists(stages))
            throw new InvalidDataException($"{path}: expected a run folder with run.yaml and stages/, found neither. Name the folder that the run writes to: 'output' in the run file, otherwise runs/ and its name.");
        var (options, note) = Options(file);
        var holder = RunLock.HolderOf(folder);
        var planned = options is null ? [] : RunStages.Of(options);
        var begun = Directory.Exists(stages) ? Directory.EnumerateDirectories(stages).Select(one => Path.GetFileName(one)).Order(StringComparer.Ordinal).ToArray() : [];
        var markers = planned.Select(stage => stage.Name).Union(begun).ToDictionary(name => name, name => StageReading.Of(Path.Combine(stages, name)));
        var current = holder is null ? null : markers.Where(one => one.Value is { Finished: false }).OrderByDescending(one => one.Value!.Written).Select(one => one.Key).FirstOrDefault();
        // A filter is set up before the texts are written that it then judges.
        var later = current is null ? [] : planned.Select(stage => stage.Name).SkipWhile(name => name != current).Skip(1).Where(name => markers[name] is { Finished: false }).ToArray();
        var log = MetricLog.Read(Path.Combine(folder, "metrics.jsonl")).ToLookup(line => line.Stage);
        var read = planned.Concat(begun.Except(planned.Select(stage => stage.Name)).Select(name => new PlannedStage(name)))
            .Select(stage => Status(folder, stage, later.Contains(stage.Name) ? null : markers[stage.Name], stage.Name == current, [.. log[stage.Name]])).ToArray();
        var finished = planned.Count > 0 && read.Take(planned.Count).All(stage => stage.State == StageProgressState.Done);
        return new RunStatus(folder, options?.Name, holder, finished, read, note, options is { Data: null } ? "pretrain" : "run");
    }

    private static (RunOptions? Options, string? Note) Options(string file)
    {
        if (!File.Exists(file))
            return (null, "The run has written no run file yet, so the stages to come are not known.");
        try
        {
            // A secret that this shell does not know has no part in the stages.
            return (RunFile.Load<RunOptions>(file, environment: name => Environment.GetEnvironmentVariable(name) ?? "").Options, null);
        }
        catch (RunFileException e)
        {
            return (null, $"The stages to come are not known, because this version cannot read the run file: {e.Message}");
        }
    }

    private static StageStatus Status(string folder, PlannedStage stage, StageReading? reading, bool current, MetricLine[] log)
    {
        var rows = stage.Rows is { } name ? Lines(Path.Combine(folder, name)) : null;
        if (reading is null)
            return new StageStatus(stage.Name, StageProgressState.NotBegun, null, null, null, null, null, new Dictionary<string, double>());
        var state = reading.Finished ? StageProgressState.Done : current ? StageProgressState.Running : StageProgressState.Interrupted;
        var figures = reading.Figures();
        foreach (var (figure, value) in log.SelectMany(line => line.Figures).Where(pair => !NotShown.Contains(pair.Key) && double.IsFinite(pair.Value)))
            figures[figure] = value;
        var progress = reading.Progress;
        if (reading.Finished)
            return new StageStatus(stage.Name, state, reading.Number("steps") is { } steps ? (int)steps : null, null, null, rows, reading.Number("seconds"), figures);
        var logged = log.Length > 0 && stage.Training is not null ? (int)log[^1].Step : 0;
        int? step = stage.Training is null ? null : current ? Math.Max(progress?.Step ?? 0, logged) : progress?.Step ?? 0;
        return new StageStatus(stage.Name, state, step, Total(stage.Training, progress), progress is null || step != progress.Step ? null : progress.Epoch + 1, rows, progress?.Seconds, figures);
    }

    // Without a number of steps in the run file they are known after the first epoch: every epoch has as many.
    private static int? Total(TrainingOptions? training, TrainingProgress? progress) =>
        training is null or { MaxMinutes: not null } ? null
        : training.MaxSteps is { } steps ? steps
        : progress is { Epoch: > 0 } && training.MaxTokensPerBatch is null ? (progress.Step - progress.StepInEpoch) / progress.Epoch * training.Epochs
        : null;

    private static int? Lines(string path)
    {
        if (!File.Exists(path))
            return null;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        var block = new byte[1 << 16];
        var count = 0;
        for (int read; (read = stream.Read(block)) > 0;)
            count += block.AsSpan(0, read).Count((byte)'\n');
        return count;
    }

    private static string Neighbour(string folder) =>
        Path.GetDirectoryName(folder) is { } above && Directory.Exists(above)
            ? Suggest.DidYouMean(Path.GetFileName(folder), Directory.EnumerateDirectories(above).Take(10_000).Select(one => Path.GetFileName(one)))
            : "";

    /// <summary>What a stage's folder says.</summary>
    private sealed record StageReading(bool Finished, DateTime Written, JsonElement Result, TrainingProgress? Progress)
    {
        /// <summary>Null when the stage was not begun.</summary>
        public static StageReading? Of(string folder)
        {
            var marker = Path.Combine(folder, "stage.json");
            if (!File.Exists(marker))
                return null;
            var stored = RunJson.Read<StageMarker<object>>(marker);
            return new StageReading(stored.Finished, File.GetLastWriteTimeUtc(marker), stored.Result is JsonElement result ? result : default, stored.Finished ? null : Checkpoint(folder));
        }

        public double? Number(string name) =>
            Result.ValueKind == JsonValueKind.Object && Result.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

        public Dictionary<string, double> Figures() => ShownOfResult
            .Where(name => Number(name) is not null).ToDictionary(name => name, name => Number(name)!.Value);

        // The run may put a new checkpoint in its place, or take it away, between a look and the next.
        private static TrainingProgress? Checkpoint(string folder)
        {
            try
            {
                return TrainingCheckpoint.ReadProgress(Path.Combine(folder, TrainingCheckpoint.CheckpointName));
            }
            catch (FileNotFoundException)
            {
                return null;
            }
        }
    }
}
