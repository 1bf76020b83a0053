using Understudy.Tokenization.Decoders;

namespace Understudy.Tokenization;

/// <summary>
/// The bytes that each token of a tokenizer adds to a text, as <see cref="Tokenizer.Decode"/> puts it together: the bytes of the tokens of a text one
/// after the other are its UTF-8. A token may begin or end in the middle of a character. Immutable and safe for use from several threads.
/// </summary>
/// <remarks>
/// Some decoders treat the first token of a text apart: those of SentencePiece leave out the space that it begins with, that of WordPiece puts none
/// before it. Special tokens, the unknown token and those of a role (begin, end, padding, ...) are no text; added tokens that are not special are.
/// </remarks>
public sealed class TokenBytes
{
    private readonly byte[]?[] following;
    private readonly byte[]?[] first;
    private readonly Lazy<(ByteTrie Following, ByteTrie First)> tries;

    internal TokenBytes(Tokenizer tokenizer)
    {
        var vocabulary = tokenizer.Parts.Model.Vocabulary;
        var special = tokenizer.SpecialTokens.All.Select(token => token.Id).OfType<int>()
            .Concat(tokenizer.AddedTokens.Where(token => token.Value.Special).Select(token => token.Key)).ToHashSet();
        Count = 1 + vocabulary.Entries.Select(entry => entry.Value).Concat(tokenizer.AddedTokens.Keys).DefaultIfEmpty(-1).Max();
        (following, first) = (new byte[Count][], new byte[Count][]);
        var decoder = tokenizer.Parts.Decoder;
        for (var id = 0; id < Count; id++)
        {
            if (special.Contains(id) || tokenizer.IdToToken(id) is not { } token) continue;
            var bytes = Decoded(decoder, token, isFirst: false);
            // A token that adds nothing would let a text go on for ever without getting longer.
            if (bytes.Length == 0) continue;
            following[id] = bytes;
            var beginning = Decoded(decoder, token, isFirst: true);
            first[id] = beginning.AsSpan().SequenceEqual(bytes) ? bytes : beginning;
        }

        tries = new Lazy<(ByteTrie, ByteTrie)>(() =>
        {
            var trie = new ByteTrie(following);
            return (trie, Enumerable.Range(0, Count).All(id => ReferenceEquals(following[id], first[id])) ? trie : new ByteTrie(first));
        });
    }

    /// <summary>One more than the largest id of a token.</summary>
    public int Count { get; }

    /// <summary>Whether a token stands for text; false for special tokens and for ids of no token.</summary>
    public bool IsText(int id) => (uint)id < (uint)Count && following[id] is not null;

    /// <summary>The bytes that a token adds.</summary>
    /// <param name="id">The id of a token.</param>
    /// <param name="isFirst">Whether it begins the text. A lone visible space of SentencePiece adds nothing there.</param>
    /// <returns>Empty for what is no text.</returns>
    public ReadOnlySpan<byte> Of(int id, bool isFirst = false) => IsText(id) ? (isFirst ? first : following)[id] : [];

    /// <summary>The tokens by their bytes; one tree for both where the first token is like any other.</summary>
    internal ByteTrie Trie(bool isFirst) => isFirst ? tries.Value.First : tries.Value.Following;

    private static byte[] Decoded(IDecoder? decoder, string token, bool isFirst)
    {
        // Without a decoder tokens are joined with spaces.
        if (decoder is null) return System.Text.Encoding.UTF8.GetBytes(isFirst ? token : " " + token);
        return decoder.DecodeOne(new TokenPiece(token, null, isFirst, IsFused: false)).ToBytes();
    }
}
