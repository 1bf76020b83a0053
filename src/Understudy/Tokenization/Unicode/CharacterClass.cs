using System.Runtime.CompilerServices;

namespace Understudy.Tokenization.Unicode;

/// <summary>The four classes that the byte-level split patterns tell apart.</summary>
internal enum CharacterClass : byte
{
    /// <summary>Neither letter, number nor white space.</summary>
    Other,

    /// <summary><c>\p{L}</c></summary>
    Letter,

    /// <summary><c>\p{N}</c></summary>
    Number,

    /// <summary><c>\s</c></summary>
    Space,
}

/// <summary>Looks up <see cref="CharacterClass"/> by table for the basic plane.</summary>
internal static class CharacterClasses
{
    private static readonly CharacterClass[] Table = BuildTable();

    /// <summary>The class of the code point at <paramref name="index"/> and how many UTF-16 units it takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharacterClass At(ReadOnlySpan<char> text, int index, out int length)
    {
        var unit = text[index];
        if (!char.IsHighSurrogate(unit) || index + 1 >= text.Length || !char.IsLowSurrogate(text[index + 1]))
        {
            length = 1;
            return Table[unit];
        }
        length = 2;
        return Of(char.ConvertToUtf32(unit, text[index + 1]));
    }

    /// <summary>The end of the run of <paramref name="wanted"/> characters that begins at <paramref name="start"/>.</summary>
    public static int RunEnd(ReadOnlySpan<char> text, int start, CharacterClass wanted)
    {
        var end = start;
        while (end < text.Length && At(text, end, out var length) == wanted) end += length;
        return end;
    }

    private static CharacterClass Of(int codePoint)
    {
        if (UnicodeCharacter.IsLetter(codePoint)) return CharacterClass.Letter;
        if (UnicodeCharacter.IsNumber(codePoint)) return CharacterClass.Number;
        return UnicodeCharacter.IsWhiteSpace(codePoint) ? CharacterClass.Space : CharacterClass.Other;
    }

    private static CharacterClass[] BuildTable()
    {
        var table = new CharacterClass[char.MaxValue + 1];
        for (var unit = 0; unit < table.Length; unit++) table[unit] = Of(unit);
        return table;
    }
}
