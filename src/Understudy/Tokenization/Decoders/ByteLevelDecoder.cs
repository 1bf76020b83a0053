using System.Text.Json;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization.Decoders;

/// <summary><c>ByteLevel</c>: characters back to bytes, and these as UTF-8; what is not UTF-8 becomes U+FFFD.</summary>
internal sealed class ByteLevelDecoder(bool addPrefixSpace, bool trimOffsets, bool useRegex) : IDecoder
{
    public List<string> Decode(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens) Append(token, bytes);
        return [System.Text.Encoding.UTF8.GetString([.. bytes])];
    }

    public TokenPiece DecodeOne(TokenPiece piece)
    {
        if (piece.IsFused || piece.Bytes is not null) throw TokenPiece.Unsupported("reads bytes out of tokens that were joined");
        var bytes = new List<byte>();
        Append(piece.Text, bytes);
        return piece with { Bytes = [.. bytes], IsFused = true };
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
    private static void Append(string token, List<byte> bytes)
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
}
