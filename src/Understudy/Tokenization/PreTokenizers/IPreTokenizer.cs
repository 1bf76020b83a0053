using System.Text.Json;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary>A step that splits the normalised text into the pieces that the model sees one by one.</summary>
internal interface IPreTokenizer
{
    void PreTokenize(PreTokenizedText text);

    /// <summary>Writes the step as the <c>pre_tokenizer</c> object of a <c>tokenizer.json</c>.</summary>
    void Write(Utf8JsonWriter json);
}
