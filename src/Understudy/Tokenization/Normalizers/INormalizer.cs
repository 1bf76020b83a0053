using System.Text.Json;

namespace Understudy.Tokenization.Normalizers;

/// <summary>A step that rewrites the text before it is split.</summary>
internal interface INormalizer
{
    AlignedText Normalize(AlignedText text);

    /// <summary>Writes the step as the <c>normalizer</c> object of a <c>tokenizer.json</c>.</summary>
    void Write(Utf8JsonWriter json);
}
