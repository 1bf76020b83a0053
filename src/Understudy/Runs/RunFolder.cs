using System.Text.RegularExpressions;

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
public sealed partial class RunFolder : IDisposable
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
            Storage.Guard(path, () => Sweep(path));
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
    /// <exception cref="InvalidDataException">The marker is damaged, or what a finished stage had written is not what it was. The message says what to remove.</exception>
    public RunStage Begin(string name, Fingerprint fingerprint, params IReadOnlyList<string> outputs)
    {
        var folder = Below("stages", Plain(name));
        var marker = System.IO.Path.Combine(folder, MarkerName);
        var earlier = File.Exists(marker) ? ReadMarker(name, marker) : null;
        var changed = Changes(name, earlier, fingerprint, [.. outputs, folder]);
        if (changed.Count > 0)
            SetAside(name, earlier is null ? "unmarked" : string.Concat(earlier.Fingerprint.Where(char.IsAsciiLetterOrDigit).Take(8)), [.. outputs, folder]);
        var same = earlier is not null && changed.Count == 0;
        var finished = same && earlier!.Finished && outputs.All(System.IO.Path.Exists);
        if (finished)
            CheckSizes(name, earlier!.Outputs ?? new Dictionary<string, long>());
        else
            Storage.Replace(marker, RunJson.Text(new StageMarker<object>(fingerprint.ToString(), fingerprint.Parts, false, null)));
        var state = finished ? StageState.Finished : same && !earlier!.Finished ? StageState.Interrupted : StageState.New;
        return new RunStage(name, folder, state, fingerprint, changed, marker, this, outputs);
    }

    /// <summary>How far a stage has come in a run folder that stays as it is.</summary>
    /// <param name="path">The run folder; it need not exist.</param>
    /// <param name="name">The stage.</param>
    /// <param name="fingerprint">What its result depends on now.</param>
    /// <param name="outputs">As for <see cref="Begin"/>, seen from the run folder.</param>
    internal static StageState Look(string path, string name, Fingerprint fingerprint, params ReadOnlySpan<string> outputs)
    {
        var marker = System.IO.Path.Combine(path, "stages", Plain(name), MarkerName);
        if (!File.Exists(marker) || ReadMarker(name, marker) is not { } earlier || earlier.Fingerprint != fingerprint.ToString())
            return StageState.New;
        if (!earlier.Finished)
            return StageState.Interrupted;
        foreach (var output in outputs)
        {
            if (!System.IO.Path.Exists(System.IO.Path.Combine(path, output)))
                return StageState.New;
        }

        return StageState.Finished;
    }

    /// <summary>How long every file is that a stage wrote outside its own folder, by its path in the run folder.</summary>
    internal SortedDictionary<string, long> Sizes(IEnumerable<string> outputs)
    {
        var files = outputs.SelectMany(output => Directory.Exists(output) ? Directory.EnumerateFiles(output, "*", SearchOption.AllDirectories) : File.Exists(output) ? [output] : []);
        return new(files.ToDictionary(file => System.IO.Path.GetRelativePath(Path, file).Replace(System.IO.Path.DirectorySeparatorChar, '/'), file => new FileInfo(file).Length), StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Metrics.Dispose();
        held.Dispose();
    }

    // A process that was killed while it replaced a file leaves what it had written of the new one.
    private static void Sweep(string path)
    {
        foreach (var file in Directory.EnumerateFiles(path, "*.tmp", SearchOption.AllDirectories).Where(file => TemporaryName().IsMatch(file)).ToList())
            File.Delete(file);
    }

    private static StageMarker<object> ReadMarker(string name, string marker)
    {
        try
        {
            return RunJson.Read<StageMarker<object>>(marker);
        }
        catch (InvalidDataException e) when (e.InnerException is { } inner)
        {
            throw new InvalidDataException($"{marker}: expected what Understudy noted about the stage '{name}', found something else ({inner.Message}). Remove the file to do the stage again; what it had written is kept under superseded/.", e);
        }
    }

    // Why what is there of a stage does not count. Without its marker nobody knows with which settings it was written.
    private static IReadOnlyList<string> Changes(string name, StageMarker<object>? earlier, Fingerprint fingerprint, string[] written)
    {
        if (earlier is null)
            return written.Any(path => File.Exists(path) || (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())) ? [$"stages/{name}/{MarkerName}"] : [];
        if (earlier.Fingerprint == fingerprint.ToString())
            return [];
        return fingerprint.DifferencesFrom(earlier.Parts) is { Count: > 0 } differences ? differences : [$"stages/{name}/{MarkerName}"];
    }

    // A file that lost its end, to a power cut or to somebody's editor, would be a smaller result that looks like a whole one.
    private void CheckSizes(string name, IReadOnlyDictionary<string, long> sizes)
    {
        foreach (var (file, bytes) in sizes)
        {
            var info = new FileInfo(Below(file));
            if (!info.Exists || info.Length != bytes)
                throw new InvalidDataException($"{info.FullName}: expected the {bytes} bytes that the finished stage '{name}' had written, found {(info.Exists ? $"{info.Length}" : "no such file")}. Put the file back, or remove '{string.Join('/', file.Split('/').Take(2))}' from the run folder to do the stage again.");
        }
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

    // What Storage, the writers of weights and that of tokenizers call a file until it is whole.
    [GeneratedRegex(@"\.([0-9]+|[a-z0-9]{8}\.[a-z0-9]{3})\.tmp\z")]
    private static partial Regex TemporaryName();
}
