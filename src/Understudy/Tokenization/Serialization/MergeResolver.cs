using Understudy.Tokenization.Models;

namespace Understudy.Tokenization.Serialization;

/// <summary>Looks up the tokens of a merge rule.</summary>
internal static class MergeResolver
{
    public static (int Left, int Right, int Result) Resolve(
        Vocabulary vocabulary, BpeOptions options, (string Left, string Right) merge, Func<string, InvalidDataException> fault)
    {
        var prefix = options.ContinuingSubwordPrefix ?? "";
        if (merge.Right.Length < prefix.Length)
            throw fault($"merges '{merge.Left}' with '{merge.Right}', which is shorter than 'continuing_subword_prefix', '{prefix}'.");
        return (Id(merge.Left), Id(merge.Right), Id(merge.Left + merge.Right[prefix.Length..]));

        int Id(string token) => vocabulary.TryGetId(token, out var id)
            ? id
            : throw fault($"merges '{merge.Left}' with '{merge.Right}', but '{token}' is not in the vocabulary. Vocabulary and merges must come from the same tokenizer.");
    }
}
