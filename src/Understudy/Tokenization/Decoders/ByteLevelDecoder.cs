using System.Text.Json;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization.Decoders;

/// <summary><c>ByteLevel</c>: characters back to bytes, and these as UTF-8; what is not UTF-8 becomes U+FFFD.</summary>
internal sealed class ByteLevelDecoder(bool addPrefixSpace, bool trimOffsets, bool useRegex) : IDecoder
{
    public List<string> Decode(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            var start = bytes.Count;
            foreach (var character in token)
            {
                var value = ByteAlphabet.ByteOf(character);
                if (value >= 0)
                {
                    bytes.Add((byte)value);
                    continue;
                }
                // A token that is not wholly of the byte alphabet, such as an added one, is plain text.
                bytes.RemoveRange(start, bytes.Count - start);
                bytes.AddRange(System.Text.Encoding.UTF8.GetBytes(token));
                break;
            }
        }
        return [System.Text.Encoding.UTF8.GetString([.. bytes])];
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", addPrefixSpace);
        json.WriteBoolean("trim_offsets", trimOffsets);
        json.WriteBoolean("use_regex", useRegex);
        json.WriteEndObject();
    }
}
