using System.Text.Json;

namespace Understudy.Tokenization.Normalizers;

/// <summary><c>Nmt</c>: drops control characters and makes a space of every other kind of space, of U+2581 and of U+FFFD.</summary>
internal sealed class NmtNormalizer : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        text = TextEdits.Filter(text, codePoint => !IsDropped(codePoint));
        if (!text.Text.Any(IsSpace)) return text;
        return text.Transform([.. text.Text.EnumerateRunes().Select(rune => new TextEdit(rune.IsBmp && IsSpace((char)rune.Value) ? ' ' : rune.Value, 0))]);
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Nmt");
        json.WriteEndObject();
    }

    private static bool IsDropped(int codePoint) => codePoint
        is (>= 0x01 and <= 0x08) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or 0x8F or 0x9F;

    private static bool IsSpace(char character) => character
        is '\u0009' or '\u000A' or '\u000C' or '\u000D' or '\u1680' or (>= '\u200B' and <= '\u200F')
        or '\u2028' or '\u2029' or '\u2581' or '\uFEFF' or '\uFFFD';
}
