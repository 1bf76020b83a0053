using System.Text.Json;
using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization.Normalizers;

/// <summary><c>NFC</c>, <c>NFD</c>, <c>NFKC</c> and <c>NFKD</c>.</summary>
internal sealed class UnicodeFormNormalizer(bool compose, bool compatible) : INormalizer
{
    public bool IsNfc => compose && !compatible;

    public AlignedText Normalize(AlignedText text)
    {
        if (UnicodeNormalizer.IsTrivial(text.Text, compose, compatible)) return text;
        return text.Transform(compose
            ? UnicodeNormalizer.Compose(text.Text, compatible)
            : UnicodeNormalizer.Decompose(text.Text, compatible));
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", $"NF{(compatible ? "K" : "")}{(compose ? "C" : "D")}");
        json.WriteEndObject();
    }
}
