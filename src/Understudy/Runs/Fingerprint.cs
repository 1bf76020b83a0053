using System.Collections;
using System.Text;

namespace Understudy.Runs;

/// <summary>
/// What can change a stage's result: its options, the content of the files it reads, the fingerprints of the stages before
/// it. Two stages with equal fingerprints have equal results, so a finished one need not run again.
/// </summary>
/// <remarks>Options marked <see cref="Data.NotInFingerprintAttribute"/> are left out; paths to read count by the content found there.</remarks>
public sealed class Fingerprint
{
    // A part is hashed on its own, so that a changed one can be named although no value is ever written down.
    private const int PartDigits = 16;

    private readonly SortedDictionary<string, string> parts = new(StringComparer.Ordinal);

    /// <summary>The hash of every part by its key, for example <c>teacher.tune.epochs</c>.</summary>
    public IReadOnlyDictionary<string, string> Parts => parts;

    /// <summary>Adds every option of a record.</summary>
    /// <param name="key">The record's key in the run file, for example <c>teacher.tune</c>.</param>
    /// <param name="options">An options record.</param>
    /// <exception cref="FileNotFoundException">A file or folder that an option names is not there.</exception>
    /// <exception cref="ArgumentException">A key was added before.</exception>
    public Fingerprint AddOptions(string key, object options)
    {
        foreach (var option in OptionSchema.Of(options.GetType()).Options)
        {
            var read = option.Shape.Path is PathUse.ReadFile or PathUse.ReadFolder or PathUse.ReadModel;
            if (option.InFingerprint || read)
                AddOption($"{key}.{option.Key}", option.Property.GetValue(options), read);
        }
        return this;
    }

    /// <summary>Adds a value that is not part of an options record: a derived seed, a version of an algorithm, a metric's name.</summary>
    /// <exception cref="ArgumentException"><paramref name="key"/> was added before.</exception>
    public Fingerprint Add(string key, string value)
    {
        if (!parts.TryAdd(key, ContentHash.OfText(value)[..PartDigits]))
            throw new ArgumentException($"The part '{key}' is in the fingerprint already.", nameof(key));
        return this;
    }

    /// <summary>Adds the content of a file or folder.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public Fingerprint AddContent(string key, string path) => Add(key, ContentHash.Of(path));

    /// <summary>Adds the stage whose result this one builds on.</summary>
    public Fingerprint AddUpstream(string stage, Fingerprint upstream) => Add($"stage {stage}", upstream.ToString());

    /// <summary>The keys whose values differ from those of <paramref name="earlier"/>, in ordinal order.</summary>
    public IReadOnlyList<string> DifferencesFrom(IReadOnlyDictionary<string, string> earlier) =>
    [
        .. parts.Keys.Union(earlier.Keys).Where(key => parts.GetValueOrDefault(key) != earlier.GetValueOrDefault(key)).Order(StringComparer.Ordinal),
    ];

    /// <summary>The whole as 64 hexadecimal digits.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (key, hash) in parts)
            text.Append(key).Append('=').Append(hash).Append('\n');
        return ContentHash.OfText(text.ToString());
    }

    private void AddOption(string key, object? value, bool path)
    {
        switch (value)
        {
            case null:
                Add(key, "null");
                break;
            case string text:
                Add(key, path ? ContentHash.Of(text) : $"\"{text}\"");
                break;
            case IDictionary map:
                Add($"{key}{{}}", string.Join('\n', map.Keys.Cast<string>()));
                foreach (DictionaryEntry entry in map)
                    AddOption($"{key}.{entry.Key}", entry.Value, path);
                break;
            case IEnumerable list:
                var count = 0;
                foreach (var item in list)
                    AddOption($"{key}[{count++}]", item, path);
                Add($"{key}[]", $"{count}");
                break;
            case var record when OptionSchema.IsSection(record.GetType()):
                AddOptions(key, record);
                break;
            default:
                Add(key, ScalarValue.Text(value));
                break;
        }
    }
}
