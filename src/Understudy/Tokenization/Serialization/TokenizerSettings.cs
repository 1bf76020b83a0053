using System.Text.Json;

namespace Understudy.Tokenization.Serialization;

/// <summary>What the configuration files beside a bare vocabulary say: which kind of tokenizer it is, its flags, its special tokens.</summary>
internal sealed class TokenizerSettings
{
    private readonly Dictionary<string, bool?> flags = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AddedToken> named = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, AddedToken> added = [];
    private readonly SortedDictionary<int, string> bare = [];

    /// <summary><c>tokenizer_class</c> without <c>Fast</c>, or null.</summary>
    public string? TokenizerClass { get; private set; }

    /// <summary><c>model_type</c> of the model's <c>config.json</c>, or null.</summary>
    public string? ModelType { get; private set; }

    /// <summary>Where the tokenizer's class was looked for, for messages.</summary>
    public required string File { get; init; }

    public static TokenizerSettings Read(string folder)
    {
        var settings = new TokenizerSettings { File = Path.Combine(folder, "tokenizer_config.json") };
        ReadIfThere(Path.Combine(folder, "config.json"), root => settings.ModelType = root.OptionalString("model_type"));
        ReadIfThere(Path.Combine(folder, "special_tokens_map.json"), settings.TakeNamed);
        ReadIfThere(settings.File, settings.TakeConfig);
        ReadIfThere(Path.Combine(folder, "added_tokens.json"), root =>
        {
            foreach (var (token, id) in root.Entries()) settings.bare[id.AsInt()] = token;
        });
        return settings;
    }

    public bool? Flag(string key) => flags.GetValueOrDefault(key);

    /// <summary>The special token of a role such as <c>cls_token</c>: the configured one, else <paramref name="fallback"/>.</summary>
    public AddedToken Named(string role, string fallback) =>
        named.GetValueOrDefault(role) ?? new AddedToken { Content = fallback, Special = true, LStrip = role == "mask_token" && fallback == "<mask>" };

    /// <summary>The content by role: what is configured, else the fallbacks that the vocabulary knows.</summary>
    public Dictionary<string, string> Roles(IEnumerable<(string Role, string Fallback)> fallbacks, Func<string, bool> inVocabulary)
    {
        var roles = fallbacks.Where(entry => inVocabulary(entry.Fallback)).ToDictionary(entry => entry.Role, entry => entry.Fallback);
        foreach (var (role, token) in named) roles[role] = token.Content;
        return roles;
    }

    /// <summary>The tokens to be matched before the model: those with a role that the vocabulary knows or the configuration names, then those that were added.</summary>
    public IEnumerable<(AddedToken Token, int? Id)> AddedTokens(IEnumerable<(string Role, string Fallback)> roles, Func<string, bool> inVocabulary)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var entries = added.Select(entry => (Token: entry.Value, Id: (int?)entry.Key)).ToList();
        foreach (var (id, content) in bare.Where(entry => !added.ContainsKey(entry.Key)))
        {
            var token = named.Values.FirstOrDefault(token => token.Content == content) ?? new AddedToken { Content = content, Normalized = true };
            entries.Add((token, id));
        }
        foreach (var (role, fallback) in roles.Concat(SpecialTokens.Roles.Where(named.ContainsKey).Select(role => (role, ""))))
        {
            var token = Named(role, fallback);
            var known = entries.Any(entry => entry.Token.Content == token.Content);
            if ((named.ContainsKey(role) || inVocabulary(token.Content)) && !known) entries.Add((token, null));
        }
        // Tokens of the vocabulary come first, so that the ids of new ones follow in order.
        return entries.OrderBy(entry => inVocabulary(entry.Token.Content) ? -1 : entry.Id ?? int.MaxValue).Where(entry => seen.Add(entry.Token.Content)).ToList();
    }

    private static void ReadIfThere(string path, Action<ConfigElement> read)
    {
        if (!System.IO.File.Exists(path)) return;
        JsonFile.Read(path, root =>
        {
            read(root);
            return true;
        });
    }

    private void TakeConfig(ConfigElement root)
    {
        TokenizerClass = root.OptionalString("tokenizer_class")?.Replace("Fast", "", StringComparison.Ordinal);
        foreach (var key in new[] { "add_prefix_space", "add_bos_token", "do_lower_case", "tokenize_chinese_chars", "strip_accents" })
            flags[key] = root.Child(key)?.AsBool();
        TakeNamed(root);
        if (root.Child("added_tokens_decoder") is not { } decoder) return;
        foreach (var (id, token) in decoder.Entries())
        {
            if (!int.TryParse(id, out var number)) throw token.Fault($"must have a whole number for key, but has '{id}'.");
            added[number] = Token(token, special: token.Bool("special", false));
        }
    }

    private void TakeNamed(ConfigElement root)
    {
        foreach (var role in SpecialTokens.Roles)
        {
            if (root.Child(role) is not { } token) continue;
            named[role] = token.Json.ValueKind == JsonValueKind.String
                ? new AddedToken { Content = token.AsString(), Special = true, LStrip = role == "mask_token" && token.AsString() == "<mask>" }
                : Token(token, special: true);
        }
    }

    private static AddedToken Token(ConfigElement config, bool special) => new()
    {
        Content = config.String("content"),
        SingleWord = config.Bool("single_word", false),
        LStrip = config.Bool("lstrip", false),
        RStrip = config.Bool("rstrip", false),
        Normalized = config.Bool("normalized", !special),
        Special = special,
    };
}
