namespace Understudy.Tokenization.Decoders;

/// <summary>What decoding makes of one token, step by step: text, and from some step on bytes, which may be a part of a character.</summary>
/// <param name="Text">The text; not looked at where there are bytes.</param>
/// <param name="Bytes">The bytes of the text; null while it is still text.</param>
/// <param name="IsFirst">Whether the token begins the decoded text.</param>
/// <param name="IsFused">Whether what follows sees the whole text instead of its tokens.</param>
internal readonly record struct TokenPiece(string Text, byte[]? Bytes, bool IsFirst, bool IsFused)
{
    /// <summary>The bytes that the token adds to a text.</summary>
    public byte[] ToBytes() => Bytes ?? System.Text.Encoding.UTF8.GetBytes(Text);

    /// <summary>The piece with another text, for a step that looks at one token at a time.</summary>
    /// <exception cref="NotSupportedException">The step sees more than one token at once.</exception>
    public TokenPiece WithText(Func<string, string> change) =>
        IsFused || Bytes is not null ? throw Unsupported("changes text that several tokens may have a part in") : this with { Text = change(Text) };

    /// <summary>The error of a decoder under which a token has no bytes of its own.</summary>
    public static NotSupportedException Unsupported(string why) =>
        new($"The tokenizer's decoder {why}, so its tokens have no bytes of their own. Supported are ByteLevel, WordPiece, Metaspace, Replace, Strip and ByteFallback, the last with nothing after it but Fuse and one Strip of one character at the beginning.");
}
