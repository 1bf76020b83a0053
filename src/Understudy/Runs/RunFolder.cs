namespace Understudy.Runs;

/// <summary>The folder of a run, held by one process at a time.</summary>
/// <remarks>
/// <code>
/// run.yaml                 the resolved run file
/// manifest.json            versions, hardware, seed, hashes of what was read
/// result.json              what the run came to
/// report.html              all of it on a page
/// metrics.jsonl            figures as the run goes
/// rows/NAME.jsonl          synthetic rows, rejected ones and their reasons included
/// stages/NAME/             what a stage needs to continue; stage.json says with which fingerprint it was begun and finished
/// models/NAME/             Hugging Face folders
/// predictions/NAME.jsonl   what the teacher and every student said of each test row
/// superseded/NAME-PRINT/   what a stage had written before its settings changed
/// </code>
/// </remarks>
public sealed class RunFolder : IDisposable
{
    private const string RunFileName = "run.yaml", MarkerName = "stage.json";

    private readonly RunLock held;

    private RunFolder(string path, RunLock held, MetricLog metrics)
    {
        Path = path;
        this.held = held;
        Metrics = metrics;
    }

    /// <summary>The folder, as an absolute path.</summary>
    public string Path { get; }

    /// <summary>The run's metric log.</summary>
    public MetricLog Metrics { get; }

    /// <summary>Opens a run folder for writing, making it when it is not there.</summary>
    /// <param name="path">A new folder, an empty one, or one of an earlier run to continue.</param>
    /// <exception cref="IOException">Another process has it, it holds something else than a run, or the disk refuses.</exception>
    public static RunFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        Storage.Guard(path, () =>
        {
            if (File.Exists(path))
                throw new IOException($"Expected a folder for the run, found the file '{path}'. Choose another folder with --output.");
            Directory.CreateDirectory(path);
        });
        if (Directory.EnumerateFileSystemEntries(path).Any() && !File.Exists(System.IO.Path.Combine(path, ".lock")))
            throw new IOException($"The folder '{path}' is not empty and holds no run. Choose another one with --output, so that nothing of yours is overwritten.");
        var held = Storage.Guard(path, () => RunLock.Take(path));
        try
        {
            return new RunFolder(path, held, MetricLog.Open(System.IO.Path.Combine(path, "metrics.jsonl")));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Writes the resolved run file.</summary>
    public void Write<TOptions>(RunFile<TOptions> file)
        where TOptions : class =>
        Storage.Replace(Below(RunFileName), file.ToYaml());

    /// <summary>Writes the manifest.</summary>
    public void Write(RunManifest manifest) => Storage.Replace(Below("manifest.json"), RunJson.Text(manifest));

    /// <summary>Writes what the run came to as <c>result.json</c>.</summary>
    public void Write<TResult>(TResult result)
        where TResult : class =>
        Storage.Replace(Below("result.json"), RunJson.Text(result));

    /// <summary>The file for the rows of <paramref name="name"/>, for a <see cref="Journal{TRow}"/>.</summary>
    public string Rows(string name) => Below("rows", $"{Plain(name)}.jsonl");

    /// <summary>The folder for the model <paramref name="name"/>.</summary>
    public string Model(string name) => Below("models", Plain(name));

    /// <summary>The file for what the model <paramref name="name"/> said of the test rows.</summary>
    public string Predictions(string name) => Below("predictions", $"{Plain(name)}.jsonl");

    /// <summary>Begins a stage, continues it, or finds it finished.</summary>
    /// <param name="name">Letters, digits, <c>.</c>, <c>_</c> and <c>-</c>.</param>
    /// <param name="fingerprint">What the stage's result depends on.</param>
    /// <param name="outputs">Files and folders that the stage writes outside its own folder, from <see cref="Rows"/>, <see cref="Model"/> and <see cref="Predictions"/>. They are set aside when the fingerprint changed, and a stage is finished only while they are there.</param>
    public RunStage Begin(string name, Fingerprint fingerprint, params IReadOnlyList<string> outputs)
    {
        var folder = Below("stages", Plain(name));
        var marker = System.IO.Path.Combine(folder, MarkerName);
        var earlier = File.Exists(marker) ? RunJson.Read<StageMarker<object>>(marker) : null;
        var changed = earlier is null || earlier.Fingerprint == fingerprint.ToString() ? [] : fingerprint.DifferencesFrom(earlier.Parts);
        if (changed.Count > 0)
            SetAside(name, earlier!.Fingerprint[..Math.Min(8, earlier.Fingerprint.Length)], [.. outputs, folder]);
        var same = earlier is not null && changed.Count == 0;
        var finished = same && earlier!.Finished && outputs.All(System.IO.Path.Exists);
        if (!finished)
            Storage.Replace(marker, RunJson.Text(new StageMarker<object>(fingerprint.ToString(), fingerprint.Parts, false, null)));
        var state = finished ? StageState.Finished : same && !earlier!.Finished ? StageState.Interrupted : StageState.New;
        return new RunStage(name, folder, state, fingerprint, changed, marker);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Metrics.Dispose();
        held.Dispose();
    }

    // Hours of work, perhaps paid for: a changed setting makes it void, not worthless.
    private void SetAside(string name, string print, string[] paths)
    {
        var aside = Below("superseded", $"{name}-{print}");
        Storage.Guard(aside, () =>
        {
            Directory.CreateDirectory(aside);
            // The stage's own folder comes last: while its marker is in place, a crash here is made good by the next call.
            foreach (var path in paths.Where(System.IO.Path.Exists))
            {
                var target = System.IO.Path.Combine(aside, System.IO.Path.GetRelativePath(Path, path).Replace(System.IO.Path.DirectorySeparatorChar, '-'));
                if (Directory.Exists(target))
                    Directory.Delete(target, recursive: true);
                if (Directory.Exists(path))
                    Directory.Move(path, target);
                else
                    File.Move(path, target, overwrite: true);
            }
        });
    }

    private string Below(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Path, .. parts]);

    private static string Plain(string name) =>
        Data.OptionBounds.FileName("", name) is { } fault
            ? throw new ArgumentException($"'{name}' cannot name a part of a run folder: {fault.Message}", nameof(name))
            : name;
}
