using System.Text.Json;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary><c>ByteLevel</c>: splits by GPT-2's pattern and writes every byte as one character.</summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool trimOffsets, bool useRegex) : IPreTokenizer
{
    public bool AddPrefixSpace => addPrefixSpace;

    public bool UseRegex => useRegex;

    public void PreTokenize(PreTokenizedText text)
    {
        text.Split(piece =>
        {
            if (addPrefixSpace && !piece.Text.StartsWith(' ')) piece = piece.Prepend(" ");
            return useRegex ? PreTokenizedText.Parts(piece, Gpt2Splitter.Instance, SplitBehavior.Isolated) : [new TextPiece(piece)];
        });
        text.Rewrite(piece =>
        {
            var counts = new byte[piece.Text.Length];
            return piece.Expand(ByteAlphabet.Encode(piece.Text, counts), counts);
        });
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", addPrefixSpace);
        json.WriteBoolean("trim_offsets", trimOffsets);
        json.WriteBoolean("use_regex", useRegex);
        json.WriteEndObject();
    }
}
