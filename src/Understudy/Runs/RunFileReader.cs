using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Understudy.Runs;

/// <summary>
/// Reads YAML text into nodes with places. A run file may come from anyone: anchors, aliases, tags and a second document
/// are refused, size and depth are bounded, and a key may stand once in a section.
/// </summary>
internal sealed class RunFileReader
{
    public const int MaxCharacters = 4_000_000;
    private const int MaxDepth = 32;

    private readonly Func<Mark, string> where;
    private readonly Func<string, string?> environment;
    private readonly List<RunFileFault> faults;
    private readonly Parser parser;

    private RunFileReader(string text, Func<Mark, string> where, Func<string, string?> environment, List<RunFileFault> faults)
    {
        this.where = where;
        this.environment = environment;
        this.faults = faults;
        parser = new Parser(new StringReader(text));
    }

    /// <summary>The root of <paramref name="text"/>; null when it holds nothing or cannot be read, which is then a fault.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="where">Names a place, both numbers from 1.</param>
    /// <param name="environment">The value of an environment variable; null when it is not set.</param>
    /// <param name="faults">Takes what is wrong.</param>
    public static RunNode? Read(string text, Func<int, int, string> where, Func<string, string?> environment, List<RunFileFault> faults)
    {
        string Place(Mark mark) => where((int)mark.Line, (int)mark.Column);
        if (text.Length > MaxCharacters)
        {
            faults.Add(new(where(1, 1), "", $"expected at most {MaxCharacters} characters, found {text.Length}. A run file holds settings, not data."));
            return null;
        }
        // YAML forbids control characters, and the parser takes a NUL for the end of the file.
        var control = text.AsSpan().IndexOfAnyInRange('\0', '\b');
        if (control >= 0)
        {
            var before = text.AsSpan(0, control);
            var place = where(before.Count('\n') + 1, control - before.LastIndexOf('\n'));
            faults.Add(new(place, "", $"the YAML cannot be read: it holds the control character U+{(int)text[control]:X4} here. Save the file as plain UTF-8 text."));
            return null;
        }
        try
        {
            return new RunFileReader(text, Place, environment, faults).ReadDocument();
        }
        catch (YamlException e)
        {
            faults.Add(new(Place(e.Start), "", $"the YAML cannot be read: {e.Message.TrimEnd('.')}. Check indentation (spaces, no tabs), colons and quotation marks near this place."));
            return null;
        }
    }

    private RunNode? ReadDocument()
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
            return null;
        parser.Consume<DocumentStart>();
        var root = ReadNode(1, "");
        parser.Consume<DocumentEnd>();
        if (parser.Current is not StreamEnd and { } next)
            throw new YamlException(next.Start, next.End, "a second document begins here, but a run file is one document");
        return root;
    }

    private RunNode ReadNode(int depth, string path)
    {
        var current = parser.Current!;
        if (depth > MaxDepth)
            throw new YamlException(current.Start, current.End, $"sections and lists are nested more than {MaxDepth} deep");
        if (current is AnchorAlias or NodeEvent { Anchor.IsEmpty: false })
            throw new YamlException(current.Start, current.End, "anchors (&name) and aliases (*name) are not supported; write the value out, in quotation marks if it begins with & or *");
        if (current is NodeEvent { Tag.IsEmpty: false })
            throw new YamlException(current.Start, current.End, "tags (!name) are not supported; write the value in quotation marks if it begins with !");
        return current switch
        {
            Scalar => ReadScalar(path),
            SequenceStart => ReadSequence(depth, path),
            MappingStart => ReadMapping(depth, path),
            _ => throw new YamlException(current.Start, current.End, "a value was expected here"),
        };
    }

    private ScalarNode ReadScalar(string path)
    {
        var scalar = parser.Consume<Scalar>();
        var place = where(scalar.Start);
        var filled = EnvironmentText.Fill(scalar.Value, environment);
        if (filled.Fault is { } fault)
            faults.Add(new(place, path, $"{path}: {fault}"));
        return new ScalarNode(place, filled.Text, scalar.Value, scalar.Style == ScalarStyle.Plain, filled.Secret);
    }

    private SequenceNode ReadSequence(int depth, string path)
    {
        var start = parser.Consume<SequenceStart>();
        var items = new List<RunNode>();
        while (!parser.TryConsume<SequenceEnd>(out _))
            items.Add(ReadNode(depth + 1, $"{path}[{items.Count}]"));
        return new SequenceNode(where(start.Start), items);
    }

    private MappingNode ReadMapping(int depth, string path)
    {
        var start = parser.Consume<MappingStart>();
        var entries = new List<RunEntry>();
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            if (parser.Current is not Scalar { Anchor.IsEmpty: true, Tag.IsEmpty: true })
                throw new YamlException(parser.Current!.Start, parser.Current.End, "a key was expected here: a plain text such as 'learning_rate'");
            var key = parser.Consume<Scalar>();
            var keyPath = path.Length == 0 ? key.Value : $"{path}.{key.Value}";
            var place = where(key.Start);
            var value = ReadNode(depth + 1, keyPath);
            if (places.TryAdd(key.Value, place))
                entries.Add(new RunEntry(key.Value, place, value));
            else
                faults.Add(new(place, keyPath, $"duplicate key '{keyPath}'. It stands already at {places[key.Value]}; remove one of them."));
        }
        return new MappingNode(where(start.Start), entries);
    }
}
