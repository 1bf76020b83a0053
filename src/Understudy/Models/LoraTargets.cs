using System.Text.RegularExpressions;
using Understudy.Data;

namespace Understudy.Models;

/// <summary>Which linear layers of a model have an adapter, and of which rank: PEFT's rules for names (<c>check_target_module_exists</c>).</summary>
internal static class LoraTargets
{
    // A pattern may come from somebody else's file.
    private static readonly TimeSpan PatternLimit = TimeSpan.FromSeconds(1);
    private const int LongestPattern = 10_000;

    // PEFT's choice for a configuration that names no layers.
    private static readonly Dictionary<string, string[]> Usual = new()
    {
        ["bart"] = ["q_proj", "v_proj"],
        ["bert"] = ["query", "value"],
        ["gpt2"] = ["c_attn"],
        ["gpt_neox"] = ["query_key_value"],
        ["llama"] = ["q_proj", "v_proj"],
        ["mistral"] = ["q_proj", "v_proj"],
        ["qwen2"] = ["q_proj", "v_proj"],
        ["qwen3"] = ["q_proj", "v_proj"],
        ["roberta"] = ["query", "value"],
        ["t5"] = ["q", "v"],
    };

    /// <summary>The layers that have low-rank matrices, and those that are trained as a whole.</summary>
    /// <exception cref="InvalidDataException">A pattern is no regular expression, or a module to save is not made of linear layers.</exception>
    internal static (IReadOnlyList<Linear> Adapted, IReadOnlyList<Linear> Saved) Of(LoraConfig config, IPretrainedModel model)
    {
        var modules = config.SavedModules.ToList();
        var saved = model.Linears.Where(layer => modules.Any(module => IsUnder(layer.Name, module))).ToList();
        var covered = saved.SelectMany(layer => new[] { $"{layer.Name}.weight", $"{layer.Name}.bias" }).ToHashSet();
        if (model.Parameters.FirstOrDefault(parameter => !covered.Contains(parameter.Name) && modules.Any(module => IsUnder(parameter.Name, module))) is { } other)
        {
            throw new InvalidDataException($"'modules_to_save' names a module with '{other.Name}', which is no part of a linear layer. Expected modules made of linear layers, as heads of classifiers are.");
        }

        var usual = config.TargetModules is null && config.TargetPattern is null ? UsualFor(model) : null;
        return ([.. model.Linears.Where(layer => !saved.Contains(layer) && Targets(config, layer, usual ?? config.TargetModules))], saved);
    }

    /// <summary>Names from <see cref="LoraConfig.TargetModules"/> that no layer has.</summary>
    internal static IEnumerable<string> Unmatched(LoraConfig config, IPretrainedModel model) =>
        (config.TargetModules ?? []).Where(name => !model.Linears.Any(layer => Ends(layer.Name, name)));

    /// <summary>Rank and scaling of a layer.</summary>
    internal static (int Rank, double Scaling) Scaling(LoraConfig config, string layer)
    {
        var rank = config.RankPattern.FirstOrDefault(pair => EndMatches(pair.Key, layer)) is { Key: not null } own ? own.Value : config.R;
        var alpha = config.AlphaPattern.FirstOrDefault(pair => EndMatches(pair.Key, layer)) is { Key: not null } other ? other.Value : config.LoraAlpha;
        return (rank, alpha / (config.UseRslora ? Math.Sqrt(rank) : rank));
    }

    /// <summary>The shortest list of names by which PEFT finds exactly these layers.</summary>
    internal static IReadOnlyList<string> NamesOf(IReadOnlyList<Linear> chosen, IPretrainedModel model)
    {
        var endings = chosen.Select(layer => layer.Name[(layer.Name.LastIndexOf('.') + 1)..]).Distinct().Order(StringComparer.Ordinal).ToList();
        return model.Linears.Count(layer => endings.Any(ending => Ends(layer.Name, ending))) == chosen.Count
            ? endings
            : [.. chosen.Select(layer => layer.Name)];
    }

    /// <summary>What the layers of a model are called, for messages.</summary>
    internal static string Endings(IPretrainedModel model) =>
        string.Join(", ", model.Linears.Where(layer => !layer.IsHead).Select(layer => layer.Name[(layer.Name.LastIndexOf('.') + 1)..]).Distinct());

    /// <summary>A hint for a name that no layer has.</summary>
    internal static string Hint(string wrong, IPretrainedModel model) =>
        Suggest.DidYouMean(wrong, model.Linears.Select(layer => layer.Name[(layer.Name.LastIndexOf('.') + 1)..]).Distinct());

    private static string[] UsualFor(IPretrainedModel model)
    {
        var type = model.ToConfigJson()["model_type"]?.GetValue<string>() ?? "";
        return Usual.TryGetValue(type, out var names)
            ? names
            : throw new InvalidDataException($"'target_modules' is missing, and there is no usual choice for models of type '{type}'. Name layers ({Endings(model)}), or '{LoraConfig.AllLinear}'.");
    }

    private static bool Targets(LoraConfig config, Linear layer, IReadOnlyList<string>? names)
    {
        var excluded = config.ExcludePattern is { } pattern ? WholeMatches(pattern, layer.Name, "exclude_modules") : (config.ExcludeModules ?? []).Any(name => Ends(layer.Name, name));
        if (excluded) return false;
        if (config.TargetPattern is { } target)
        {
            return target.Equals(LoraConfig.AllLinear, StringComparison.OrdinalIgnoreCase) ? !layer.IsHead : WholeMatches(target, layer.Name, "target_modules");
        }

        return names is not null && (names.Contains(layer.Name) || (names.Any(name => Ends(layer.Name, name)) && IsInLayers(config, layer.Name)));
    }

    private static bool IsInLayers(LoraConfig config, string name)
    {
        if (config.LayersToTransform is not { Count: > 0 } wanted) return true;
        var patterns = config.LayersPattern is { Count: > 0 } own ? own : ["[^.]*"];
        foreach (var pattern in patterns)
        {
            var match = Expression($@"\A.*\.{pattern}\.([0-9]+)\.", "layers_pattern", name, (regex, text) => regex.Match(text));
            if (match.Success) return int.TryParse(match.Groups[^1].Value, out var number) && wanted.Contains(number);
        }

        return false;
    }

    private static bool Ends(string name, string ending) => name == ending || name.EndsWith("." + ending, StringComparison.Ordinal);

    private static bool IsUnder(string name, string module) => $".{name}.".Contains($".{module}.", StringComparison.Ordinal);

    private static bool WholeMatches(string pattern, string name, string key) => Expression($@"\A(?:{pattern})\z", key, name, (regex, text) => regex.IsMatch(text));

    private static bool EndMatches(string pattern, string name) => Expression($@"\A(?:.*\.)?({pattern})\z", "rank_pattern' or 'alpha_pattern", name, (regex, text) => regex.IsMatch(text));

    private static T Expression<T>(string pattern, string key, string name, Func<Regex, string, T> use)
    {
        if (pattern.Length > LongestPattern) throw new InvalidDataException($"'{key}' has an expression of {pattern.Length:N0} characters; expected at most {LongestPattern:N0}.");
        try
        {
            // Python's spelling of a named group.
            return use(new Regex(pattern.Replace("(?P<", "(?<", StringComparison.Ordinal), RegexOptions.CultureInvariant, PatternLimit), name);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InvalidDataException($"'{key}' has an expression that takes too long to match '{name}'. Name the layers in a list instead.", e);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"'{key}' is no list of names and no regular expression that can be read: {e.Message}", e);
        }
    }
}
