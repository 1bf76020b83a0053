using System.Text;
using System.Text.Json;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization.Decoders;

/// <summary><c>BPEDecoder</c>: the end-of-word suffix becomes a space, at the end nothing.</summary>
internal sealed class BpeDecoder(string suffix) : IDecoder
{
    public List<string> Decode(List<string> tokens) => suffix.Length == 0
        ? tokens
        : [.. tokens.Select((token, i) => token.Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];

    public TokenPiece DecodeOne(TokenPiece piece) =>
        suffix.Length == 0 ? piece : throw TokenPiece.Unsupported($"leaves the space for '{suffix}' out after the last token");

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "BPEDecoder");
        json.WriteString("suffix", suffix);
        json.WriteEndObject();
    }
}

/// <summary><c>Metaspace</c>: visible spaces become spaces; those of the first token go when one was prepended.</summary>
internal sealed class MetaspaceDecoder(MetaspaceSettings settings) : IDecoder
{
    public List<string> Decode(List<string> tokens) => [.. tokens.Select((token, i) => Spaced(token, i == 0))];

    public TokenPiece DecodeOne(TokenPiece piece) => piece.WithText(token => Spaced(token, piece.IsFirst));

    public void Write(Utf8JsonWriter json) => settings.Write(json);

    private string Spaced(string token, bool isFirst) =>
        token.Replace(settings.Replacement, isFirst && settings.Scheme != PrependScheme.Never ? "" : " ", StringComparison.Ordinal);
}

/// <summary><c>Replace</c>: replaces every match of a pattern in every token.</summary>
internal sealed class ReplaceDecoder(PatternSetting pattern, string content) : IDecoder
{
    public List<string> Decode(List<string> tokens) => [.. tokens.Select(Replaced)];

    public TokenPiece DecodeOne(TokenPiece piece) => piece.WithText(Replaced);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Replace");
        pattern.Write(json);
        json.WriteString("content", content);
        json.WriteEndObject();
    }

    private string Replaced(string token)
    {
        var builder = new StringBuilder(token.Length);
        foreach (var range in pattern.Matcher.Find(token))
        {
            if (range.IsMatch) builder.Append(content);
            else builder.Append(token, range.Start, range.Length);
        }
        return builder.ToString();
    }
}

/// <summary><c>Fuse</c>: makes one token of all.</summary>
internal sealed class FuseDecoder : IDecoder
{
    public List<string> Decode(List<string> tokens) => [string.Concat(tokens)];

    public TokenPiece DecodeOne(TokenPiece piece) => piece with { IsFused = true };

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Fuse");
        json.WriteEndObject();
    }
}

/// <summary><c>Strip</c>: takes up to so many of one character from the ends of every token.</summary>
internal sealed class StripDecoder(Rune content, int start, int stop) : IDecoder
{
    public List<string> Decode(List<string> tokens) => [.. tokens.Select(Stripped)];

    public TokenPiece DecodeOne(TokenPiece piece)
    {
        if (!piece.IsFused) return piece.WithText(Stripped);
        if (start > 1 || stop > 0 || !content.IsAscii) throw TokenPiece.Unsupported("strips more than one character off the ends of the whole text");
        var bytes = piece.ToBytes();
        return start == 1 && piece.IsFirst && bytes.Length > 0 && bytes[0] == content.Value ? piece with { Bytes = bytes[1..] } : piece;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Strip");
        json.WriteString("content", content.ToString());
        json.WriteNumber("start", start);
        json.WriteNumber("stop", stop);
        json.WriteEndObject();
    }

    private string Stripped(string token)
    {
        var character = content.ToString();
        var from = 0;
        var to = token.Length;
        for (var i = 0; i < start && token.AsSpan(from, to - from).StartsWith(character); i++) from += character.Length;
        for (var i = 0; i < stop && token.AsSpan(from, to - from).EndsWith(character); i++) to -= character.Length;
        return token[from..to];
    }
}

/// <summary><c>Sequence</c>: one decoder after the other.</summary>
internal sealed class SequenceDecoder(IReadOnlyList<IDecoder> decoders) : IDecoder
{
    public List<string> Decode(List<string> tokens) => decoders.Aggregate(tokens, (current, decoder) => decoder.Decode(current));

    public TokenPiece DecodeOne(TokenPiece piece) => decoders.Aggregate(piece, (current, decoder) => decoder.DecodeOne(current));

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Sequence");
        json.WriteStartArray("decoders");
        foreach (var decoder in decoders) decoder.Write(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
