using Understudy.Tokenization.Decoders;
using Understudy.Tokenization.Models;
using Understudy.Tokenization.Normalizers;
using Understudy.Tokenization.PostProcessors;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization;

/// <summary>What a <c>tokenizer.json</c> is made of.</summary>
internal sealed record TokenizerParts
{
    public required ITokenModel Model { get; init; }

    public required AddedVocabulary AddedVocabulary { get; init; }

    public INormalizer? Normalizer { get; init; }

    public IPreTokenizer? PreTokenizer { get; init; }

    public IPostProcessor? PostProcessor { get; init; }

    public IDecoder? Decoder { get; init; }

    /// <summary>The content of special tokens by role, as the folder's configuration says.</summary>
    public IReadOnlyDictionary<string, string> Roles { get; init; } = new Dictionary<string, string>();

    /// <summary>Special tokens that the folder's configuration lists without a role.</summary>
    public IReadOnlyList<string> AdditionalSpecialTokens { get; init; } = [];

    /// <summary>The files beside the <c>tokenizer.json</c> that say more about the tokenizer, by name, as they are.</summary>
    public IReadOnlyDictionary<string, byte[]> Companions { get; init; } = new Dictionary<string, byte[]>();

    public TruncationOptions? Truncation { get; init; }

    public PaddingOptions? Padding { get; init; }
}
