namespace Understudy.Runs;

/// <summary>How far a stage had come when a run reached it.</summary>
public enum StageState
{
    /// <summary>It begins.</summary>
    New,

    /// <summary>It was interrupted with the same fingerprint: what it left behind can be continued.</summary>
    Interrupted,

    /// <summary>It was finished with the same fingerprint: its result stands.</summary>
    Finished,
}

/// <summary>One stage of a run: a folder of its own, and a marker that says with which fingerprint it was begun and finished.</summary>
public sealed class RunStage
{
    private readonly string marker;
    private readonly RunFolder run;
    private readonly IReadOnlyList<string> outputs;

    internal RunStage(string name, string folder, StageState state, Fingerprint fingerprint, IReadOnlyList<string> changed, string marker, RunFolder run, IReadOnlyList<string> outputs)
    {
        Name = name;
        Folder = folder;
        State = state;
        Fingerprint = fingerprint;
        Changed = changed;
        this.marker = marker;
        this.run = run;
        this.outputs = outputs;
    }

    /// <summary>The stage's name, which is also that of its folder under <c>stages/</c>.</summary>
    public string Name { get; }

    /// <summary>Where it keeps its checkpoints and intermediate files.</summary>
    public string Folder { get; }

    /// <summary>How far it had come.</summary>
    public StageState State { get; }

    /// <summary>What its result depends on.</summary>
    public Fingerprint Fingerprint { get; }

    /// <summary>The keys that made earlier work of this stage void; what it had written is under <c>superseded/</c>. Empty when nothing was.</summary>
    public IReadOnlyList<string> Changed { get; }

    /// <summary>Marks the stage as finished. Call it when everything it wrote is on the disk.</summary>
    /// <param name="result">What a later run needs to know of it without repeating it: a record that JSON can hold.</param>
    public void Finish<TResult>(TResult result)
        where TResult : class
    {
        // A power cut must not leave a stage that is finished and figures of it that never reached the disk.
        run.Metrics.Flush();
        Storage.Replace(marker, RunJson.Text(new StageMarker<TResult>(Fingerprint.ToString(), Fingerprint.Parts, true, result, run.Sizes(outputs))));
    }

    /// <summary>What <see cref="Finish"/> was given, in this process or an earlier one.</summary>
    /// <exception cref="InvalidOperationException">The stage is not finished.</exception>
    /// <exception cref="InvalidDataException">The marker holds something else.</exception>
    public TResult Result<TResult>()
        where TResult : class
    {
        var stored = RunJson.Read<StageMarker<TResult>>(marker);
        return stored is { Finished: true, Result: { } result } ? result : throw new InvalidOperationException($"The stage '{Name}' is not finished.");
    }
}

/// <summary>The content of a stage's marker file.</summary>
/// <param name="Fingerprint">With what it was begun.</param>
/// <param name="Parts">The parts of that fingerprint.</param>
/// <param name="Finished">Whether it was finished.</param>
/// <param name="Result">What it came to.</param>
/// <param name="Outputs">How many bytes every file has that it wrote outside its own folder; null while it is not finished.</param>
internal sealed record StageMarker<TResult>(string Fingerprint, IReadOnlyDictionary<string, string> Parts, bool Finished, TResult? Result, IReadOnlyDictionary<string, long>? Outputs = null)
    where TResult : class;
