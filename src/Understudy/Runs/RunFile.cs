using System.Text;
using Understudy.Box;

namespace Understudy.Runs;

/// <summary>Reads run files.</summary>
public static class RunFile
{
    /// <summary>Reads a run file into options and checks them.</summary>
    /// <typeparam name="TOptions">The record of the root section: a class without constructor parameters whose <c>init</c> properties are the keys.</typeparam>
    /// <param name="path">The YAML file, at most 4 million characters of UTF-8. Relative paths in it are relative to its folder.</param>
    /// <param name="overrides">Values in place of the file's, each <c>key.path=value</c>. Relative paths in them are relative to the current directory.</param>
    /// <param name="environment">The value of an environment variable, null when it is not set; by default that of this process.</param>
    /// <exception cref="RunFileException">The file cannot be read, or holds unknown, missing or duplicate keys, values of a wrong type or out of range: all faults at once.</exception>
    public static RunFile<TOptions> Load<TOptions>(string path, IReadOnlyList<string>? overrides = null, Func<string, string?>? environment = null)
        where TOptions : class
    {
        string text;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > 4L * RunFileReader.MaxCharacters } large)
                throw Failure(path, $"expected at most {RunFileReader.MaxCharacters} characters, found a file of {large.Length} bytes. A run file holds settings, not data.");
            text = File.ReadAllText(path, new UTF8Encoding(false, true));
        }
        catch (DecoderFallbackException)
        {
            throw Failure(path, "the file is not valid UTF-8. Save it as UTF-8.");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Failure(path, "there is no such run file.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure(path, $"the run file cannot be read: {e.Message}");
        }
        return Parse<TOptions>(text, path, overrides, environment);
    }

    /// <summary>As <see cref="Load"/>, from text instead of a file.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="path">The name for messages; its folder is where relative paths start.</param>
    /// <param name="overrides">As for <see cref="Load"/>.</param>
    /// <param name="environment">As for <see cref="Load"/>.</param>
    /// <exception cref="RunFileException">As for <see cref="Load"/>.</exception>
    public static RunFile<TOptions> Parse<TOptions>(string text, string path, IReadOnlyList<string>? overrides = null, Func<string, string?>? environment = null)
        where TOptions : class
    {
        environment ??= Environment.GetEnvironmentVariable;
        var faults = new List<RunFileFault>();
        var read = RunFileReader.Read(text, (line, column) => $"{path}({line},{column})", environment, faults);
        if (read is null && faults.Count > 0)
            throw new RunFileException(faults);
        var root = read is null or ScalarNode { IsNull: true } ? new MappingNode($"{path}(1,1)", []) : read;
        foreach (var given in overrides ?? [])
        {
            var parsed = RunOverride.Parse(given, environment, faults);
            if (root is MappingNode mapping)
                parsed?.Apply(mapping, faults);
        }
        var folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? Environment.CurrentDirectory;
        var binder = new OptionBinder(faults, folder, ModelBox.FromEnvironment(environment));
        var options = binder.BindSection(typeof(TOptions), root, "");
        faults.AddRange(binder.OutOfRange);
        if (faults.Count > 0)
            throw new RunFileException(faults);
        return new RunFile<TOptions>((TOptions)options!, path, overrides ?? [], binder.Secrets, binder.Inputs);
    }

    /// <summary>The options as the text of a run file with every value explicit, such that reading it gives equal options.</summary>
    public static string ToYaml(object options) => RunFileWriter.Write(options, new Dictionary<string, string>());

    private static RunFileException Failure(string path, string message) => new([new(path, "", message)]);
}
