namespace Understudy.Tokenization.Models;

/// <summary>The fault of a tokenizer that names an unknown token but has none; it shows only when a text needs it.</summary>
internal static class UnknownToken
{
    public static InvalidDataException Missing(string unkToken, string piece)
    {
        var shown = piece.Length <= 40 ? piece : piece[..40] + "...";
        return new InvalidDataException(
            $"'{shown}' has no tokens in the vocabulary, and the tokenizer's 'unk_token' '{unkToken}' is not in it either. "
            + "Add the unknown token to 'model.vocab' of the tokenizer.json.");
    }
}
