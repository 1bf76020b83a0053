namespace Understudy.Tokenization;

/// <summary>
/// Hides the special tokens that a text of unknown origin spells out: one character of each is exchanged for a private one until
/// the special tokens of the text around it are found, so that these keep their meaning and those stay text.
/// </summary>
internal sealed class TokenShadows
{
    private const char FirstPrivate = '\uE000';
    private const char LastPrivate = '\uF8FF';

    private readonly string[] tokens;
    private readonly Dictionary<char, char> shadows = [];
    private readonly Dictionary<char, char> originals = [];

    /// <param name="added">The added tokens; only the special ones count.</param>
    /// <param name="texts">Every text that comes together with the hidden ones; private characters in them are not used.</param>
    /// <exception cref="ArgumentException">The texts leave no private character free.</exception>
    public TokenShadows(IEnumerable<AddedToken> added, IEnumerable<string> texts)
    {
        tokens = [.. added.Where(token => token.Special).Select(token => token.Content)];
        var taken = texts.SelectMany(text => text).Where(character => character is >= FirstPrivate and <= LastPrivate).ToHashSet();
        var free = FirstPrivate;
        foreach (var character in tokens.Select(token => token.FirstOrDefault(IsWhole)).Where(IsWhole).Distinct())
        {
            while (taken.Contains(free)) free++;
            if (free > LastPrivate) throw new ArgumentException("The texts use every private character (U+E000 to U+F8FF), of which their encoding needs a few. Remove some.");
            shadows.Add(character, free);
            originals.Add(free++, character);
        }
    }

    /// <summary>The text without special tokens, and without the beginning of one at its end; as long as before.</summary>
    public string Hide(string text)
    {
        char[]? hidden = null;
        foreach (var token in tokens)
        {
            var at = Array.FindIndex(token.ToCharArray(), IsWhole);
            if (at < 0) continue;
            for (var found = 0; (found = text.IndexOf(token, found, StringComparison.Ordinal)) >= 0; found++) Cover(found + at, token[at]);
            for (var length = Math.Min(token.Length - 1, text.Length); length > at; length--)
            {
                if (text.EndsWith(token[..length], StringComparison.Ordinal)) Cover(text.Length - length + at, token[at]);
            }
        }
        return hidden is null ? text : new string(hidden);

        void Cover(int index, char character) => (hidden ??= text.ToCharArray())[index] = shadows[character];
    }

    /// <summary>The text with its own characters again.</summary>
    public string Restore(string text) => text.AsSpan().ContainsAnyInRange(FirstPrivate, LastPrivate)
        ? string.Create(text.Length, text, (span, source) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = originals.GetValueOrDefault(source[i], source[i]);
        })
        : text;

    private static bool IsWhole(char character) => character != '\0' && !char.IsSurrogate(character);
}
