using System.Text.Json;

namespace Understudy.Tokenization.Decoders;

/// <summary><c>WordPiece</c>: joins continuations, puts spaces between words, tidies spaces before punctuation.</summary>
internal sealed class WordPieceDecoder(string prefix, bool cleanup) : IDecoder
{
    private static readonly (string From, string To)[] Tidied =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    public List<string> Decode(List<string> tokens)
    {
        var decoded = new List<string>(tokens.Count);
        foreach (var token in tokens) decoded.Add(Joined(token, decoded.Count == 0));
        return decoded;
    }

    public TokenPiece DecodeOne(TokenPiece piece) => piece.WithText(token => Joined(token, piece.IsFirst));

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "WordPiece");
        json.WriteString("prefix", prefix);
        json.WriteBoolean("cleanup", cleanup);
        json.WriteEndObject();
    }

    private string Joined(string token, bool isFirst)
    {
        var text = token;
        if (!isFirst) text = text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : " " + text;
        if (cleanup)
        {
            foreach (var (from, to) in Tidied) text = text.Replace(from, to, StringComparison.Ordinal);
        }
        return text;
    }
}
