using System.Reflection;
using Understudy.Box;
using Understudy.Data;
using Understudy.Hub;

namespace Understudy.Runs;

/// <summary>Turns nodes into options records. It goes on after a fault, so that all of them are found in one reading.</summary>
/// <param name="faults">Takes what is wrong.</param>
/// <param name="folder">The folder that relative paths of the run file start from.</param>
/// <param name="box">Where models are that come with Understudy.</param>
internal sealed class OptionBinder(List<RunFileFault> faults, string folder, ModelBox box)
{
    private readonly HashSet<(string, string)> reported = [];

    // Apart from the other faults: a section with a value out of range is complete, so the sections around it can be checked too.
    private readonly List<RunFileFault> outOfRange = [];

    /// <summary>What the sections' own checks found.</summary>
    public IReadOnlyList<RunFileFault> OutOfRange => outOfRange;

    /// <summary>The values that must be written back as they stood in the run file, by key path.</summary>
    public Dictionary<string, string> Secrets { get; } = new(StringComparer.Ordinal);

    /// <summary>Where each path to read was given, for a message when nothing is there.</summary>
    public List<RunInput> Inputs { get; } = [];

    /// <summary>The record for a section; null when a key of it, or below it, is unknown, missing or of a wrong type.</summary>
    /// <param name="type">The record.</param>
    /// <param name="node">What the file has.</param>
    /// <param name="path">The section's key path.</param>
    /// <param name="defaults">The record that the section around it has by default, from which keys that are not given are taken; null to take the type's own defaults.</param>
    public object? BindSection(Type type, RunNode node, string path, object? defaults = null)
    {
        if (node is not MappingNode mapping)
            return Fault(node.Where, path, $"expected a section with keys such as {Some(OptionSchema.Of(type))}, found {Describe(node)}.{(AsSection(type, node) is { } cure ? $" Write {cure}." : "")}");
        var schema = OptionSchema.Of(type);
        var before = faults.Count;
        var record = Activator.CreateInstance(type)!;
        foreach (var option in defaults is null ? [] : schema.Options)
            option.Property.SetValue(record, option.Property.GetValue(defaults));
        var values = new List<(PropertyInfo Property, object? Value)>();
        foreach (var entry in mapping.Entries)
        {
            var keyPath = Join(path, entry.Key);
            if (schema.Options.FirstOrDefault(option => option.Key == entry.Key) is { } option)
                values.Add((option.Property, Bind(option.Shape, entry.Value, keyPath, option.Property.GetValue(record))));
            else
                faults.Add(new(entry.Where, keyPath, $"unknown key '{keyPath}'.{Cure(entry.Key, schema)}"));
        }
        foreach (var option in schema.Options)
        {
            if (option.Required && defaults is null && mapping.Find(option.Key) is null)
                faults.Add(new(mapping.Where, Join(path, option.Key), $"missing key '{Join(path, option.Key)}'. It has no default value; add it."));
        }
        if (type.IsDefined(typeof(NoSecretsAttribute), inherit: false))
        {
            foreach (var (key, raw) in Secrets.Where(secret => secret.Key.StartsWith($"{path}.", StringComparison.Ordinal)))
                faults.Add(new(mapping.Where, key, $"{key}: expected a text that may be written into the run folder, found the secret {raw}. Prompts are kept beside the rows that come from them; use a variable whose name does not say that it is a secret, or write the text itself."));
        }
        if (faults.Count > before)
            return null;

        foreach (var (property, value) in values)
            property.SetValue(record, value);
        foreach (var fault in schema.Validate(record))
            Report(mapping, fault, path);
        return record;
    }

    private object? Bind(ValueShape shape, RunNode node, string path, object? defaults = null)
    {
        if (node is ScalarNode { IsNull: true })
            return shape.AllowsNull ? null : Fault(node.Where, path, $"{path}: expected {Describe(shape)}, found nothing (null). Give a value or remove the key.");
        if (shape.Element is { } element)
            return shape.IsMap ? BindMap(element, node, path) : BindList(element, node, path);
        if (OptionSchema.IsSection(shape.Type))
            return BindSection(shape.Type, node, path, defaults);
        var scalar = node as ScalarNode;
        // --set task.prompt={text} is a text that only looks like a section.
        if (shape.Type == typeof(string) && scalar is null && (node as MappingNode)?.Source is { } section)
            scalar = new ScalarNode(node.Where, section, section, false);
        if (shape.Type == typeof(string) && scalar is null && (node as SequenceNode)?.Source is { } list)
            scalar = new ScalarNode(node.Where, list, list, false);
        if (scalar is null)
            return Fault(node.Where, path, $"{path}: expected {Describe(shape)}, found {Describe(node)}.");
        var (value, fault) = ScalarValue.Parse(shape.Type, scalar.Text, scalar.Shown);
        if (fault is not null)
            return Fault(node.Where, path, $"{path}: {fault}");
        if (scalar.Secret)
            Secrets[path] = scalar.Raw;
        return shape.Path == PathUse.None ? value : Resolve(shape.Path, (string)value!, scalar, path);
    }

    private Array BindList(ValueShape element, RunNode node, string path)
    {
        if (node is not SequenceNode list)
        {
            var cure = node is MappingNode ? " Put it into brackets: [{ ... }]." : node is ScalarNode one ? $" Write [{AsSection(element.Type, one) ?? one.Shown}]." : "";
            Fault(node.Where, path, $"{path}: expected a list, found {Describe(node)}.{cure}");
            return Array.CreateInstance(element.Type, 0);
        }
        var array = Array.CreateInstance(element.Type, list.Items.Count);
        for (var i = 0; i < list.Items.Count; i++)
            array.SetValue(Bind(element, list.Items[i], $"{path}[{i}]"), i);
        return array;
    }

    private object? BindMap(ValueShape element, RunNode node, string path)
    {
        if (node is not MappingNode mapping)
            return Fault(node.Where, path, $"{path}: expected a section of names and values, found {Describe(node)}.");
        var map = (System.Collections.IDictionary)Activator.CreateInstance(typeof(OrderedDictionary<,>).MakeGenericType(typeof(string), element.Type))!;
        foreach (var entry in mapping.Entries)
            map[entry.Key] = Bind(element, entry.Value, Join(path, entry.Key));
        return map;
    }

    // What is typed on a command line, and what is written, follows the shell's idea of the current directory.
    private string Resolve(PathUse use, string given, ScalarNode node, string path)
    {
        if (given.Length == 0)
            return given;
        if (given.Contains('\0', StringComparison.Ordinal))
        {
            Fault(node.Where, path, $"{path}: expected a path, found a text with a NUL character.");
            return given;
        }
        if (use == PathUse.ReadModel && BoxName.IsExplicit(given))
            return InBox(given, node, path);
        var start = use != PathUse.Write && !node.Where.StartsWith(RunOverride.Prefix, StringComparison.Ordinal) ? folder : Environment.CurrentDirectory;
        var resolved = Path.GetFullPath(given, start);
        var onHub = use == PathUse.ReadModel ? OnHub(given, resolved, node, path) : null;
        if (use != PathUse.Write)
            Inputs.Add(new RunInput(onHub is not null && HubName.IsExplicit(given) ? given : resolved, use is PathUse.ReadFolder or PathUse.ReadModel, path, node.Where, use == PathUse.ReadModel, onHub, use == PathUse.ReadModel ? box.Hint(given) : ""));
        return onHub?.ToString() ?? resolved;
    }

    private string InBox(string given, ScalarNode node, string path)
    {
        if (!BoxName.TryParse(given, out var name))
        {
            Fault(node.Where, path, $"{path}: expected {BoxName.Expected}, found {ShownText.Of(given, 120)}.");
            return given;
        }
        var found = box.Find(name);
        Inputs.Add(new RunInput(found ?? given, true, path, node.Where, Model: true, NotInBox: found is null ? box.Missing(name) : null));
        return name.ToString();
    }

    // What is there goes first: a folder 'models/teacher' beside the run file is no repository of a user 'models'.
    private HubName? OnHub(string given, string resolved, ScalarNode node, string path)
    {
        var isExplicit = HubName.IsExplicit(given);
        if (!isExplicit && Path.Exists(resolved))
            return null;
        if (HubName.TryParse(given, out var name))
            return name;
        if (isExplicit)
            Fault(node.Where, path, $"{path}: expected {HubName.Expected}, found {ShownText.Of(given, 120)}.");
        return null;
    }

    // Sections validate their inner sections as well, so the same fault comes up once for each level around it.
    private void Report(MappingNode mapping, OptionFault fault, string path)
    {
        var keyPath = path.Length == 0 ? fault.KeyPath : fault.Under(path).KeyPath;
        if (!reported.Add((keyPath, fault.Message)))
            return;
        outOfRange.Add(new(KeyPaths.Place(mapping, fault.KeyPath), keyPath, keyPath.Length == 0 ? fault.Message : $"{keyPath}: {fault.Message}"));
    }

    private object? Fault(string where, string path, string message)
    {
        faults.Add(new(where, path, message));
        return null;
    }

    private static string Cure(string key, OptionSchema schema)
    {
        var near = Suggest.DidYouMean(key, schema.Options.Select(option => option.Key));
        if (near.Length > 0)
            return near;
        foreach (var section in schema.Options.Where(option => OptionSchema.IsSection(option.Shape.Type)))
        {
            if (OptionSchema.Of(section.Shape.Type).Options.Any(option => option.Key == key))
                return $" Did you mean '{section.Key}.{key}'?";
        }
        return $" Known keys: {string.Join(", ", schema.Options.Select(option => option.Key))}.";
    }

    // What a lone value can only mean: the one key that a section must have.
    private static string? AsSection(Type type, RunNode node) =>
        node is ScalarNode { IsNull: false } value && OptionSchema.IsSection(type) && OptionSchema.Of(type).Options.Where(option => option.Required).ToArray() is [var only] && only.Shape.Type == typeof(string)
            ? $"{{ {only.Key}: {value.Shown} }}"
            : null;

    private static string Some(OptionSchema schema) => string.Join(", ", schema.Options.Take(3).Select(option => $"'{option.Key}'"));

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    private static string Describe(ValueShape shape) =>
        shape.IsMap ? "a section of names and values"
        : shape.Element is not null ? "a list"
        : OptionSchema.IsSection(shape.Type) ? "a section"
        : ScalarValue.Describe(shape.Type);

    private static string Describe(RunNode node) => node switch
    {
        ScalarNode { IsNull: true } => "nothing (null)",
        ScalarNode scalar => $"'{scalar.Shown}'",
        SequenceNode => "a list",
        _ => "a section",
    };
}
