using System.Collections.Concurrent;
using System.Globalization;

namespace Understudy.Tokenization.Unicode;

/// <summary>The sets behind <c>\p{...}</c>, <c>\w</c>, <c>\s</c>, <c>\d</c> and <c>[[:...:]]</c> as Oniguruma defines them for Unicode.</summary>
internal static class CodePointProperties
{
    private static readonly ConcurrentDictionary<string, CodePointSet?> Cache = new(StringComparer.Ordinal);

    private static readonly Dictionary<string, string> LongNames = new(StringComparer.Ordinal)
    {
        ["letter"] = "l", ["uppercaseletter"] = "lu", ["lowercaseletter"] = "ll", ["titlecaseletter"] = "lt", ["casedletter"] = "lc",
        ["modifierletter"] = "lm", ["otherletter"] = "lo", ["mark"] = "m", ["combiningmark"] = "m", ["nonspacingmark"] = "mn",
        ["spacingmark"] = "mc", ["enclosingmark"] = "me", ["number"] = "n", ["decimalnumber"] = "nd", ["letternumber"] = "nl",
        ["othernumber"] = "no", ["punctuation"] = "p", ["connectorpunctuation"] = "pc", ["dashpunctuation"] = "pd",
        ["openpunctuation"] = "ps", ["closepunctuation"] = "pe", ["initialpunctuation"] = "pi", ["finalpunctuation"] = "pf",
        ["otherpunctuation"] = "po", ["symbol"] = "s", ["mathsymbol"] = "sm", ["currencysymbol"] = "sc", ["modifiersymbol"] = "sk",
        ["othersymbol"] = "so", ["separator"] = "z", ["spaceseparator"] = "zs", ["lineseparator"] = "zl", ["paragraphseparator"] = "zp",
        ["other"] = "c", ["control"] = "cc", ["format"] = "cf", ["surrogate"] = "cs", ["privateuse"] = "co", ["unassigned"] = "cn",
    };

    // In the order of System.Globalization.UnicodeCategory.
    private static readonly string[] Categories =
    [
        "lu", "ll", "lt", "lm", "lo", "mn", "mc", "me", "nd", "nl", "no", "zs", "zl", "zp", "cc", "cf", "cs", "co",
        "pc", "pd", "ps", "pe", "pi", "pf", "po", "sm", "sc", "sk", "so", "cn",
    ];

    // Scripts.txt of Unicode 16.
    private static readonly (int First, int Last)[] Han =
    [
        (0x2E80, 0x2E99), (0x2E9B, 0x2EF3), (0x2F00, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B),
        (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFA6D), (0xFA70, 0xFAD9), (0x16FE2, 0x16FE3), (0x16FF0, 0x16FF1),
        (0x20000, 0x2A6DF), (0x2A700, 0x2B739), (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1), (0x2CEB0, 0x2EBE0), (0x2EBF0, 0x2EE5D),
        (0x2F800, 0x2FA1D), (0x30000, 0x3134A), (0x31350, 0x323AF),
    ];

    /// <summary>The set with a name, in which case, spaces, <c>_</c> and <c>-</c> do not count; null for a name that is not known.</summary>
    public static CodePointSet? Find(string name)
    {
        var key = string.Concat(name.Where(character => character is not (' ' or '_' or '-'))).ToLowerInvariant();
        return Cache.GetOrAdd(LongNames.GetValueOrDefault(key, key), Build);
    }

    /// <summary>As <see cref="Find"/>, for names that are known.</summary>
    public static CodePointSet Get(string name) => Find(name) ?? throw new ArgumentOutOfRangeException(nameof(name), name, "There is no such property.");

    private static CodePointSet? Build(string key)
    {
        switch (key)
        {
            case "any": return CodePointSet.All;
            case "ascii": return CodePointSet.Range(0, 0x7F);
            case "assigned": return Get("cn").Complement();
            case "digit": return Get("nd");
            case "space" or "whitespace": return CodePointSet.Where(UnicodeCharacter.IsWhiteSpace);
            // Oniguruma counts the Latin-1 digits and fractions as word characters, Join_Control not.
            case "word":
                return CodePointSet.Where(codePoint => codePoint is not (0x200C or 0x200D) && UnicodeCharacter.IsWord(codePoint))
                    .Union(CodePointSet.Of([(0xB2, 0xB3), (0xB9, 0xB9), (0xBC, 0xBE)]));
            case "xdigit": return CodePointSet.Of([('0', '9'), ('A', 'F'), ('a', 'f')]);
            case "han": return CodePointSet.Of(Han);
            case "lc": return Get("lu").Union(Get("ll")).Union(Get("lt"));
        }
        var wanted = Enumerable.Range(0, Categories.Length)
            .Where(category => Categories[category] == key || (key.Length == 1 && Categories[category][0] == key[0]))
            .Select(category => (UnicodeCategory)category).ToHashSet();
        return wanted.Count == 0 ? null : CodePointSet.Where(codePoint => wanted.Contains(CharUnicodeInfo.GetUnicodeCategory(codePoint)));
    }
}
