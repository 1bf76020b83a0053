using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Understudy.Tokenization.Normalizers;

/// <summary>
/// <c>Precompiled</c>: SentencePiece's normalisation by table, applied as the reference does it: a grapheme of less than 6
/// bytes is looked up as a whole, and what is not found so is looked up character by character.
/// </summary>
internal sealed class PrecompiledNormalizer(byte[] charsmap) : INormalizer
{
    private const int LongestWholeGrapheme = 5;

    private readonly CharacterMap map = CharacterMap.Parse(charsmap);

    public AlignedText Normalize(AlignedText text)
    {
        var edits = new List<TextEdit>(text.Text.Length);
        var changed = false;
        var rest = text.Text.AsSpan();
        while (rest.Length > 0)
        {
            var grapheme = rest[..StringInfo.GetNextTextElementLength(rest)];
            rest = rest[grapheme.Length..];
            if (System.Text.Encoding.UTF8.GetByteCount(grapheme) <= LongestWholeGrapheme && map.Find(grapheme) is { } whole)
            {
                Replace(grapheme, whole);
                continue;
            }
            while (grapheme.Length > 0)
            {
                Rune.DecodeFromUtf16(grapheme, out var rune, out var units);
                if (map.Find(grapheme[..units]) is { } replacement) Replace(grapheme[..units], replacement);
                else edits.Add(new TextEdit(rune.Value, 0));
                grapheme = grapheme[units..];
            }
        }
        return changed ? text.Transform(edits) : text;

        // Surplus new characters are insertions; surplus old ones go with the character before them, in the edits so far if the
        // replacement is empty. Before the first edit nothing takes them along: there the offsets slip, as the reference's do.
        void Replace(ReadOnlySpan<char> old, string replacement)
        {
            changed = true;
            var surplus = Count(replacement) - Count(old);
            var first = edits.Count;
            foreach (var rune in replacement.EnumerateRunes()) edits.Add(new TextEdit(rune.Value, 0));
            if (surplus < 0 && edits.Count > 0) edits[^1] = edits[^1] with { Change = edits[^1].Change + surplus };
            for (var i = Math.Max(first, edits.Count - Math.Max(surplus, 0)); i < edits.Count; i++) edits[i] = edits[i] with { Change = 1 };
        }
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Precompiled");
        json.WriteString("precompiled_charsmap", Convert.ToBase64String(charsmap));
        json.WriteEndObject();
    }

    private static int Count(ReadOnlySpan<char> text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes()) count++;
        return count;
    }
}
