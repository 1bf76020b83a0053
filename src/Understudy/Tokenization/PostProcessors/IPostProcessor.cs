using System.Text.Json;

namespace Understudy.Tokenization.PostProcessors;

/// <summary>A step that works on the tokens of one text or a pair: trims offsets, adds special tokens.</summary>
internal interface IPostProcessor
{
    /// <summary>How many special tokens the step adds.</summary>
    int AddedTokens(bool isPair);

    /// <summary>Takes one sequence per text and gives the sequences to be joined in order; it may change those it was given.</summary>
    List<TokenSequence> Process(List<TokenSequence> sequences, bool addSpecialTokens);

    /// <summary>Writes the step as the <c>post_processor</c> object of a <c>tokenizer.json</c>.</summary>
    void Write(Utf8JsonWriter json);
}
