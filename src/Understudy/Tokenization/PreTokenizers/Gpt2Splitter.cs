using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary>
/// The split pattern of GPT-2, NeoX and RoBERTa:
/// <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal sealed class Gpt2Splitter : WordSplitter
{
    public const string Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    public static readonly Gpt2Splitter Instance = new();

    private Gpt2Splitter()
    {
    }

    public override int NextEnd(ReadOnlySpan<char> text, int start)
    {
        var first = text[start];
        if (first == '\'' && ContractionLength(text[start..]) is > 0 and var length) return start + length;

        var run = first == ' ' && start + 1 < text.Length ? start + 1 : start;
        var kind = CharacterClasses.At(text, run, out _);
        if (kind != CharacterClass.Space) return CharacterClasses.RunEnd(text, run, kind);
        return SpaceEnd(text, start, CharacterClasses.RunEnd(text, start, CharacterClass.Space));
    }

    /// <summary><c>\s+(?!\S)|\s+</c> on a run of white space: the last space is left to the word behind it, if one follows.</summary>
    public static int SpaceEnd(ReadOnlySpan<char> text, int start, int runEnd) =>
        runEnd < text.Length && runEnd - start > 1 ? runEnd - 1 : runEnd;

    private static int ContractionLength(ReadOnlySpan<char> text)
    {
        if (text.Length < 2) return 0;
        if (text[1] is 's' or 't' or 'm' or 'd') return 2;
        if (text.Length < 3) return 0;
        return (text[1], text[2]) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }
}
