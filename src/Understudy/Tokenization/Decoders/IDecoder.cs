using System.Text.Json;

namespace Understudy.Tokenization.Decoders;

/// <summary>A step from tokens back to text; what the last step gives is joined without separators.</summary>
internal interface IDecoder
{
    List<string> Decode(List<string> tokens);

    /// <summary>What <see cref="Decode"/> makes of one token, where the tokens after it do not matter.</summary>
    /// <exception cref="NotSupportedException">They do.</exception>
    TokenPiece DecodeOne(TokenPiece piece);

    /// <summary>Writes the step as the <c>decoder</c> object of a <c>tokenizer.json</c>.</summary>
    void Write(Utf8JsonWriter json);
}
