using System.Text;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary>GPT-2's one-to-one table between bytes and printable characters, all below U+0144.</summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = BuildCharacters();
    private static readonly short[] Bytes = BuildBytes();

    /// <summary>The character that stands for a space.</summary>
    public const char Space = '\u0120';

    public static char CharacterOf(byte value) => Characters[value];

    /// <summary>The byte that a character stands for, or -1.</summary>
    public static int ByteOf(char character) => character < Bytes.Length ? Bytes[character] : -1;

    /// <summary>All 256 characters, in the order of their code points.</summary>
    public static IEnumerable<char> All => Characters.Order();

    /// <summary>Writes the UTF-8 bytes of <paramref name="text"/> as characters, and how many there are per UTF-16 unit (a pair's four count for its first half).</summary>
    public static string Encode(ReadOnlySpan<char> text, Span<byte> counts)
    {
        var builder = new StringBuilder(text.Length + 8);
        Span<byte> utf8 = stackalloc byte[4];
        for (var i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text[i..], out var rune, out var units);
            var length = rune.EncodeToUtf8(utf8);
            for (var n = 0; n < length; n++) builder.Append(Characters[utf8[n]]);
            counts[i] = (byte)length;
            if (units == 2) counts[i + 1] = 0;
            i += units;
        }
        return builder.ToString();
    }

    private static char[] BuildCharacters()
    {
        var characters = new char[256];
        var next = (char)256;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            characters[value] = printable ? (char)value : next++;
        }
        return characters;
    }

    private static short[] BuildBytes()
    {
        var bytes = new short[Characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (var value = 0; value < 256; value++) bytes[Characters[value]] = (short)value;
        return bytes;
    }
}
