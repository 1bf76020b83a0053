using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary>
/// The split pattern of Llama 3 (numbers in groups of three) and Qwen 2 (single digits):
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal sealed class Cl100kSplitter : WordSplitter
{
    /// <summary>Qwen 2's pattern: every digit stands alone.</summary>
    internal const string SingleDigits = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private readonly int longestNumber;

    private Cl100kSplitter(int longestNumber) => this.longestNumber = longestNumber;

    /// <summary>The splitter for exactly this regular expression, or null when it is another one.</summary>
    public static Cl100kSplitter? For(string pattern) => pattern switch
    {
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+" => new(3),
        SingleDigits => new(1),
        _ => null,
    };

    public override int NextEnd(ReadOnlySpan<char> text, int start)
    {
        var first = text[start];
        if (first == '\'' && ContractionLength(text[start..]) is > 0 and var contraction) return start + contraction;

        var kind = CharacterClasses.At(text, start, out var length);
        if (kind == CharacterClass.Letter) return CharacterClasses.RunEnd(text, start, CharacterClass.Letter);
        if (kind == CharacterClass.Number) return NumberEnd(text, start);

        var second = start + length;
        var next = second < text.Length ? CharacterClasses.At(text, second, out _) : CharacterClass.Space;
        if (next == CharacterClass.Letter && first is not ('\r' or '\n'))
            return CharacterClasses.RunEnd(text, second, CharacterClass.Letter);
        if (kind == CharacterClass.Other) return SymbolsEnd(text, start);
        if (first == ' ' && next == CharacterClass.Other) return SymbolsEnd(text, second);

        var runEnd = CharacterClasses.RunEnd(text, start, CharacterClass.Space);
        var lineEnd = text[start..runEnd].LastIndexOfAny('\r', '\n');
        return lineEnd >= 0 ? start + lineEnd + 1 : Gpt2Splitter.SpaceEnd(text, start, runEnd);
    }

    private int NumberEnd(ReadOnlySpan<char> text, int start)
    {
        var end = start;
        for (var count = 0; count < longestNumber && end < text.Length; count++)
        {
            if (CharacterClasses.At(text, end, out var length) != CharacterClass.Number) break;
            end += length;
        }
        return end;
    }

    private static int SymbolsEnd(ReadOnlySpan<char> text, int start)
    {
        var end = CharacterClasses.RunEnd(text, start, CharacterClass.Other);
        while (end < text.Length && text[end] is '\r' or '\n') end++;
        return end;
    }

    private static int ContractionLength(ReadOnlySpan<char> text)
    {
        // U+017F, the long s, folds to s.
        if (text.Length < 2) return 0;
        if (text[1] is 's' or 'S' or '\u017F' or 't' or 'T' or 'm' or 'M' or 'd' or 'D') return 2;
        if (text.Length < 3) return 0;
        return (text[1] | 0x20, text[2] | 0x20) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }
}
