using System.Text.Json;
using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization.Normalizers;

/// <summary><c>BertNormalizer</c>: cleans controls and spaces, sets CJK characters apart, strips accents, lower-cases.
/// Where <c>strip_accents</c> is null it follows <c>lowercase</c>.</summary>
internal sealed class BertNormalizer(bool cleanText, bool handleChineseChars, bool? stripAccents, bool lowercase) : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        if (cleanText) text = Clean(text);
        if (handleChineseChars) text = SeparateChinese(text);
        if (stripAccents ?? lowercase)
        {
            text = new UnicodeFormNormalizer(compose: false, compatible: false).Normalize(text);
            text = TextEdits.Filter(text, codePoint => !ReferenceCategories.NonSpacingMark.Contains(codePoint));
        }
        return lowercase ? TextEdits.Lowercase(text) : text;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "BertNormalizer");
        json.WriteBoolean("clean_text", cleanText);
        json.WriteBoolean("handle_chinese_chars", handleChineseChars);
        if (stripAccents is { } strip) json.WriteBoolean("strip_accents", strip);
        else json.WriteNull("strip_accents");
        json.WriteBoolean("lowercase", lowercase);
        json.WriteEndObject();
    }

    private static AlignedText Clean(AlignedText text)
    {
        text = TextEdits.Filter(text, codePoint => !ReferenceCategories.BertRemoved.Contains(codePoint));
        var edits = new List<TextEdit>(text.Text.Length);
        var changed = false;
        foreach (var rune in text.Text.EnumerateRunes())
        {
            var cleaned = UnicodeCharacter.IsWhiteSpace(rune.Value) ? ' ' : rune.Value;
            changed |= cleaned != rune.Value;
            edits.Add(new TextEdit(cleaned, 0));
        }
        return changed ? text.Transform(edits) : text;
    }

    private static AlignedText SeparateChinese(AlignedText text)
    {
        if (!text.Text.AsSpan().ContainsAnyInRange('\u3400', '\uFAFF')) return text;
        var edits = new List<TextEdit>(text.Text.Length);
        foreach (var rune in text.Text.EnumerateRunes())
        {
            if (UnicodeCharacter.IsBertChinese(rune.Value))
            {
                edits.Add(new TextEdit(' ', 0));
                edits.Add(new TextEdit(rune.Value, 1));
                edits.Add(new TextEdit(' ', 1));
            }
            else
            {
                edits.Add(new TextEdit(rune.Value, 0));
            }
        }
        return text.Transform(edits);
    }
}
