using System.Text.Json;

namespace Understudy.Tokenization.Models;

/// <summary>Turns one piece of text into tokens of a fixed vocabulary. Safe for use from several threads.</summary>
internal interface ITokenModel
{
    Vocabulary Vocabulary { get; }

    /// <summary>The token for what the vocabulary does not cover, or null.</summary>
    string? UnkToken { get; }

    IReadOnlyList<Token> Tokenize(string piece);

    /// <summary>As <see cref="Tokenize(string)"/>, but never finds a token for which <paramref name="isHidden"/> holds in the text, where the model could.</summary>
    IReadOnlyList<Token> Tokenize(string piece, Func<int, bool> isHidden) => Tokenize(piece);

    /// <summary>Writes the <c>model</c> object of a <c>tokenizer.json</c>.</summary>
    void Write(Utf8JsonWriter json);
}
