using System.Text.Json;

namespace Understudy.Tokenization.Models;

/// <summary><c>WordLevel</c>: every piece is a token, known or unknown.</summary>
internal sealed class WordLevelModel(Vocabulary vocabulary, string unkToken) : ITokenModel
{
    public Vocabulary Vocabulary => vocabulary;

    public string UnkToken => unkToken;

    public IReadOnlyList<Token> Tokenize(string piece) => Tokenize(piece, _ => false);

    public IReadOnlyList<Token> Tokenize(string piece, Func<int, bool> isHidden)
    {
        if (vocabulary.TryGetId(piece, out var id) && !isHidden(id)) return [new Token(id, piece, 0, piece.Length)];
        if (vocabulary.TryGetId(unkToken, out id)) return [new Token(id, unkToken, 0, piece.Length)];
        throw UnknownToken.Missing(unkToken, piece);
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "WordLevel");
        vocabulary.Write(json);
        json.WriteString("unk_token", unkToken);
        json.WriteEndObject();
    }
}
