using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Understudy.Tokenization.Decoders;

/// <summary><c>ByteFallback</c>: runs of <c>&lt;0xNN&gt;</c> become text if they are UTF-8, else one U+FFFD for each byte.</summary>
internal sealed class ByteFallbackDecoder : IDecoder
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public List<string> Decode(List<string> tokens)
    {
        var decoded = new List<string>(tokens.Count);
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            if (IsByte(token, out var value))
            {
                bytes.Add(value);
                continue;
            }
            Flush(bytes, decoded);
            decoded.Add(token);
        }
        Flush(bytes, decoded);
        return decoded;
    }

    public TokenPiece DecodeOne(TokenPiece piece)
    {
        if (piece.IsFused || piece.Bytes is not null) throw TokenPiece.Unsupported("looks for bytes after tokens were joined");
        return IsByte(piece.Text, out var value) ? piece with { Bytes = [value] } : piece;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "ByteFallback");
        json.WriteEndObject();
    }

    private static bool IsByte(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private static void Flush(List<byte> bytes, List<string> decoded)
    {
        if (bytes.Count == 0) return;
        try
        {
            decoded.Add(Strict.GetString([.. bytes]));
        }
        catch (DecoderFallbackException)
        {
            decoded.AddRange(Enumerable.Repeat("\uFFFD", bytes.Count));
        }
        bytes.Clear();
    }
}
