using System.Text.Json;

namespace Understudy.Tokenization.Models;

/// <summary><c>WordPiece</c>: the longest known beginning, again and again; a word with an unknown rest is wholly unknown.</summary>
internal sealed class WordPieceModel : ITokenModel
{
    private readonly string unkToken;
    private readonly string prefix;
    private readonly int maxInputCharsPerWord;
    private readonly int unkId;

    public WordPieceModel(Vocabulary vocabulary, string unkToken, string continuingSubwordPrefix, int maxInputCharsPerWord)
    {
        Vocabulary = vocabulary;
        this.unkToken = unkToken;
        prefix = continuingSubwordPrefix;
        this.maxInputCharsPerWord = maxInputCharsPerWord;
        if (!vocabulary.TryGetId(unkToken, out unkId)) unkId = -1;
    }

    public Vocabulary Vocabulary { get; }

    public string UnkToken => unkToken;

    public IReadOnlyList<Token> Tokenize(string piece)
    {
        if (piece.Length > maxInputCharsPerWord && piece.EnumerateRunes().Count() > maxInputCharsPerWord) return Unknown(piece);
        var tokens = new List<Token>();
        for (var start = 0; start < piece.Length;)
        {
            var end = LongestToken(piece, start, out var id);
            if (end < 0) return Unknown(piece);
            tokens.Add(new Token(id, Vocabulary.Token(id)!, start, end));
            start = end;
        }
        return tokens;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "WordPiece");
        json.WriteString("unk_token", unkToken);
        json.WriteString("continuing_subword_prefix", prefix);
        json.WriteNumber("max_input_chars_per_word", maxInputCharsPerWord);
        Vocabulary.Write(json);
        json.WriteEndObject();
    }

    private Token[] Unknown(string piece) => unkId >= 0
        ? [new Token(unkId, unkToken, 0, piece.Length)]
        : throw UnknownToken.Missing(unkToken, piece);

    private int LongestToken(string piece, int start, out int id)
    {
        var head = start == 0 ? "" : prefix;
        var longest = Math.Min(piece.Length - start, Vocabulary.LongestToken - head.Length);
        id = -1;
        if (longest <= 0) return -1;
        Span<char> candidate = longest + head.Length <= 256 ? stackalloc char[longest + head.Length] : new char[longest + head.Length];
        head.CopyTo(candidate);
        piece.AsSpan(start, longest).CopyTo(candidate[head.Length..]);
        for (var length = longest; length > 0; length--)
        {
            var end = start + length;
            if (end < piece.Length && char.IsLowSurrogate(piece[end])) continue;
            if (Vocabulary.TryGetId(candidate[..(head.Length + length)], out id)) return end;
        }
        return -1;
    }
}
