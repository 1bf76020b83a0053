using System.Text.Json;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization.Normalizers;

/// <summary><c>ByteLevel</c> as a normalizer: writes every byte as one character.</summary>
internal sealed class ByteLevelNormalizer : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        var counts = new byte[text.Text.Length];
        return text.Expand(ByteAlphabet.Encode(text.Text, counts), counts);
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "ByteLevel");
        json.WriteEndObject();
    }
}
