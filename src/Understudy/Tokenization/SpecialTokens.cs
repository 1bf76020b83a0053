namespace Understudy.Tokenization;

/// <summary>
/// A special token: its role as <c>tokenizer_config.json</c> writes it, such as <c>eos_token</c>, or
/// <c>additional_special_tokens</c> for one without a role of its own; its text; and its id, or null where the vocabulary
/// does not know it.
/// </summary>
public sealed record SpecialToken(string Role, string Content, int? Id);

/// <summary>
/// The special tokens of a tokenizer by role. The roles come from <c>tokenizer_config.json</c>, else
/// <c>special_tokens_map.json</c>; a <c>tokenizer.json</c> alone names only the unknown token. Every added token that is
/// marked special but has no role is an additional one.
/// </summary>
public sealed class SpecialTokens
{
    internal const string AdditionalRole = "additional_special_tokens";

    internal static readonly string[] Roles = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    private readonly Dictionary<string, SpecialToken> named;

    /// <param name="roles">The content of a token by role; only the roles above count.</param>
    /// <param name="additional">The contents of tokens without a role, in order; the special ones of <paramref name="added"/> follow.</param>
    /// <param name="added">The added tokens by id.</param>
    /// <param name="idOf">The id of a token, or null.</param>
    internal SpecialTokens(
        IReadOnlyDictionary<string, string> roles, IEnumerable<string> additional, IEnumerable<AddedToken> added, Func<string, int?> idOf)
    {
        named = Roles.Where(roles.ContainsKey)
            .Select(role => new SpecialToken(role, roles[role], idOf(roles[role])))
            .ToDictionary(token => token.Role);
        var known = named.Values.Select(token => token.Content).ToHashSet();
        Additional =
        [
            .. additional.Concat(added.Where(token => token.Special).Select(token => token.Content))
                .Where(known.Add)
                .Select(content => new SpecialToken(AdditionalRole, content, idOf(content))),
        ];
    }

    /// <summary>The token before a text, or null.</summary>
    public SpecialToken? Bos => named.GetValueOrDefault("bos_token");

    /// <summary>The token after a text, at which generation ends, or null.</summary>
    public SpecialToken? Eos => named.GetValueOrDefault("eos_token");

    /// <summary>The token for what the vocabulary does not cover, or null.</summary>
    public SpecialToken? Unk => named.GetValueOrDefault("unk_token");

    /// <summary>The token between two texts, or null.</summary>
    public SpecialToken? Sep => named.GetValueOrDefault("sep_token");

    /// <summary>The token that fills up short rows, or null.</summary>
    public SpecialToken? Pad => named.GetValueOrDefault("pad_token");

    /// <summary>The token whose state stands for the whole text in a classifier, or null.</summary>
    public SpecialToken? Cls => named.GetValueOrDefault("cls_token");

    /// <summary>The token that hides another one, or null.</summary>
    public SpecialToken? Mask => named.GetValueOrDefault("mask_token");

    /// <summary>The special tokens without a role: those that the configuration lists, then the others by id.</summary>
    public IReadOnlyList<SpecialToken> Additional { get; }

    /// <summary>Every special token once for each of its roles, in the order bos, eos, unk, sep, pad, cls, mask, additional.</summary>
    public IReadOnlyList<SpecialToken> All => [.. Roles.Where(named.ContainsKey).Select(role => named[role]), .. Additional];
}
