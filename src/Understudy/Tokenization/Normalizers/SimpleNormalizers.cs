using System.Text.Json;
using Understudy.Tokenization.PreTokenizers;
using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization.Normalizers;

/// <summary><c>Lowercase</c></summary>
internal sealed class LowercaseNormalizer : INormalizer
{
    public AlignedText Normalize(AlignedText text) => TextEdits.Lowercase(text);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Lowercase");
        json.WriteEndObject();
    }
}

/// <summary><c>StripAccents</c>: drops every mark; it decomposes nothing, so it usually follows NFD or NFKD.</summary>
internal sealed class StripAccentsNormalizer : INormalizer
{
    public AlignedText Normalize(AlignedText text) => TextEdits.Filter(text, codePoint => !ReferenceCategories.Mark.Contains(codePoint));

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "StripAccents");
        json.WriteEndObject();
    }
}

/// <summary><c>Strip</c>: drops white space at the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : INormalizer
{
    public AlignedText Normalize(AlignedText text) => TextEdits.Strip(text, left, right);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Strip");
        json.WriteBoolean("strip_left", left);
        json.WriteBoolean("strip_right", right);
        json.WriteEndObject();
    }
}

/// <summary><c>Prepend</c>: puts a text before an input that is not empty.</summary>
internal sealed class PrependNormalizer(string prepend) : INormalizer
{
    public AlignedText Normalize(AlignedText text) => text.Prepend(prepend);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Prepend");
        json.WriteString("prepend", prepend);
        json.WriteEndObject();
    }
}

/// <summary><c>Replace</c>: replaces every match of a pattern by a fixed text.</summary>
internal sealed class ReplaceNormalizer(PatternSetting pattern, string content) : INormalizer
{
    public AlignedText Normalize(AlignedText text) => text.Replace(pattern.Matcher.Find(text.Text), content);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Replace");
        pattern.Write(json);
        json.WriteString("content", content);
        json.WriteEndObject();
    }
}

/// <summary><c>Sequence</c>: one normalizer after the other.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<INormalizer> normalizers) : INormalizer
{
    public AlignedText Normalize(AlignedText text) =>
        normalizers.Aggregate(text, (current, normalizer) => normalizer.Normalize(current));

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        foreach (var normalizer in normalizers) normalizer.Write(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
