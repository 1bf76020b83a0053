namespace Understudy.Runs;

/// <summary>One <c>--set key=value</c>: a value put into the run file before it is read into options.</summary>
internal sealed class RunOverride
{
    public const string Prefix = "--set ";
    private const string Form = "expected key=value, for example --set students.0.training.epochs=3";

    private readonly string[] steps;
    private readonly string where;
    private readonly RunNode value;

    private RunOverride(string where, string[] steps, RunNode value)
    {
        this.where = where;
        this.steps = steps;
        this.value = value;
    }

    /// <summary>The override that <paramref name="text"/> stands for; null when it is malformed, which is then a fault.</summary>
    public static RunOverride? Parse(string text, Func<string, string?> environment, List<RunFileFault> faults)
    {
        var where = Prefix + text;
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || KeyPaths.Split(text[..equals].Trim()) is not { } steps)
        {
            faults.Add(new(where, "", $"{Form}."));
            return null;
        }
        return new RunOverride(where, steps, Value(text[(equals + 1)..].Trim(), where, environment, faults));
    }

    /// <summary>Puts the value into <paramref name="root"/>, adding the sections around it where they are missing.</summary>
    public void Apply(MappingNode root, List<RunFileFault> faults)
    {
        RunNode node = root;
        var path = "";
        for (var i = 0; i < steps.Length; i++)
        {
            var (step, last) = (steps[i], i == steps.Length - 1);
            if (node is SequenceNode list)
            {
                if (!int.TryParse(step, out var index) || index < 0 || index >= list.Items.Count)
                {
                    var found = list.Items.Count == 0 ? "it is empty" : $"its entries are numbered 0 to {list.Items.Count - 1}";
                    faults.Add(new(where, path, $"'{path}' has no entry '{step}': {found}."));
                    return;
                }
                path = $"{path}[{index}]";
                node = last ? list.Items[index] = value : list.Items[index] = Inner(list.Items[index]);
            }
            else if (node is MappingNode mapping)
            {
                path = path.Length == 0 ? step : $"{path}.{step}";
                var at = mapping.Entries.FindIndex(entry => entry.Key == step);
                var inner = last ? value : Inner(at < 0 ? null : mapping.Entries[at].Value);
                var entry = new RunEntry(step, last || at < 0 ? where : mapping.Entries[at].Where, inner);
                if (at < 0)
                    mapping.Entries.Add(entry);
                else
                    mapping.Entries[at] = entry;
                node = inner;
            }
            else
            {
                faults.Add(new(where, path, $"'{path}' is a single value, so nothing stands under it."));
                return;
            }
        }
    }

    private RunNode Inner(RunNode? node) => node is null or ScalarNode { IsNull: true } ? new MappingNode(where, []) : node;

    private static RunNode Value(string text, string where, Func<string, string?> environment, List<RunFileFault> faults)
    {
        // Only lists, sections and quoted texts are YAML here: a prompt may hold ": ", " #" or begin with '*'.
        var yaml = text is ['[', .., ']'] or ['{', .., '}'] or ['"', .., '"'] or ['\'', .., '\''];
        var read = yaml ? RunFileReader.Read(text, (_, _) => where, environment, []) : null;
        if (read is SequenceNode list)
            return list with { Source = text };
        if (read is MappingNode mapping)
            return mapping with { Source = text };
        if (read is not null)
            return read;
        var filled = EnvironmentText.Fill(text, environment);
        if (filled.Fault is not null)
            faults.Add(new(where, "", filled.Fault));
        return new ScalarNode(where, filled.Text, text, true, filled.Secret);
    }
}
