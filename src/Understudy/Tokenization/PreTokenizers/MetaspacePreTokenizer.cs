using System.Text.Json;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary>When <c>Metaspace</c> puts its character before a piece; in <c>tokenizer.json</c> in lower case.</summary>
internal enum PrependScheme
{
    /// <summary>Before the piece at the beginning of the input.</summary>
    First,

    /// <summary>Never.</summary>
    Never,

    /// <summary>Before every piece.</summary>
    Always,
}

/// <summary>
/// What the <c>Metaspace</c> pre-tokenizer and decoder are set to: the character that stands for a space, when it is
/// prepended, and whether the pre-tokenizer splits before it.
/// </summary>
internal sealed record MetaspaceSettings(string Replacement, PrependScheme Scheme, bool Split)
{
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Metaspace");
        json.WriteString("replacement", Replacement);
        json.WriteString("prepend_scheme", MetaspacePreTokenizer.SchemeName(Scheme));
        json.WriteBoolean("split", Split);
        json.WriteEndObject();
    }
}

/// <summary><c>Metaspace</c>: SentencePiece's visible space.</summary>
internal sealed class MetaspacePreTokenizer(MetaspaceSettings settings) : IPreTokenizer
{
    private readonly LiteralPattern space = new(" ");
    private readonly LiteralPattern delimiter = new(settings.Replacement);

    public void PreTokenize(PreTokenizedText text) => text.Split(piece =>
    {
        piece = piece.Replace(space.Find(piece.Text), settings.Replacement);
        var prepend = settings.Scheme switch
        {
            PrependScheme.Always => true,
            PrependScheme.First => piece.OriginalStart == 0,
            _ => false,
        };
        if (prepend && !piece.Text.StartsWith(settings.Replacement, StringComparison.Ordinal)) piece = piece.Prepend(settings.Replacement);
        return settings.Split ? PreTokenizedText.Parts(piece, delimiter, SplitBehavior.MergedWithNext) : [new TextPiece(piece)];
    });

    public void Write(Utf8JsonWriter json) => settings.Write(json);

    public static string SchemeName(PrependScheme scheme) => scheme switch
    {
        PrependScheme.First => "first",
        PrependScheme.Never => "never",
        _ => "always",
    };
}
