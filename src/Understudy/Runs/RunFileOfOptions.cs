namespace Understudy.Runs;

/// <summary>A run file that was read and found right.</summary>
/// <typeparam name="TOptions">The record of its root section.</typeparam>
public sealed class RunFile<TOptions>
    where TOptions : class
{
    private readonly IReadOnlyDictionary<string, string> secrets;
    private readonly IReadOnlyList<RunInput> inputs;

    internal RunFile(
        TOptions options,
        string path,
        IReadOnlyList<string> overrides,
        IReadOnlyDictionary<string, string> secrets,
        IReadOnlyList<RunInput> inputs)
    {
        Options = options;
        Path = path;
        Overrides = overrides;
        this.secrets = secrets;
        this.inputs = inputs;
    }

    /// <summary>What the file says, overrides included. Paths to read are absolute.</summary>
    public TOptions Options { get; }

    /// <summary>The file, as it was given.</summary>
    public string Path { get; }

    /// <summary>The overrides that were applied, as they were given: <c>key.path=value</c>.</summary>
    public IReadOnlyList<string> Overrides { get; }

    /// <summary>The resolved run file: every value explicit, paths absolute. Reading it gives equal options.</summary>
    /// <remarks>
    /// A value that was filled in from an environment variable whose name ends in KEY, TOKEN, SECRET, PASSWORD or
    /// CREDENTIALS is written as the variable's name, never as its content.
    /// </remarks>
    public string ToYaml() => RunFileWriter.Write(Options, secrets);

    /// <summary>The models that are on the Hub, with the options that name them.</summary>
    internal IEnumerable<RunInput> HubInputs => inputs.Where(input => input.OnHub is not null);

    /// <summary>Checks that every file and folder to read is there, so that a run does not find out after an hour.</summary>
    /// <remarks>Nothing is asked of the Hub.</remarks>
    /// <exception cref="RunFileException">Some are not, or are a folder where a file is expected and the other way round; the message names each with its key.</exception>
    public void CheckInputs()
    {
        var faults = inputs.Select(input => input.Fault).OfType<RunFileFault>().ToArray();
        if (faults.Length > 0)
            throw new RunFileException(faults);
    }

    /// <summary>SHA-256 of the content of every file and folder to read, by key path; models on the Hub are left out.</summary>
    /// <exception cref="FileNotFoundException">One is not there.</exception>
    public IReadOnlyDictionary<string, string> HashInputs() =>
        new SortedDictionary<string, string>(inputs.Where(input => input.OnHub is null).ToDictionary(input => input.KeyPath, input => ContentHash.Of(input.Path)), StringComparer.Ordinal);
}
