using System.Text;
using Understudy.Tokenization.Decoders;

namespace Understudy.Tokenization.Serialization;

/// <summary>Reads the <c>decoder</c> of a <c>tokenizer.json</c>.</summary>
internal static class DecoderReader
{
    public static IDecoder Read(ConfigElement config) => config.Type switch
    {
        "ByteLevel" => new ByteLevelDecoder(config.Bool("add_prefix_space"), config.Bool("trim_offsets"), config.Bool("use_regex", true)),
        "WordPiece" => new WordPieceDecoder(config.String("prefix"), config.Bool("cleanup")),
        "BPEDecoder" => new BpeDecoder(config.String("suffix")),
        "Metaspace" => new MetaspaceDecoder(PreTokenizerReader.Metaspace(config)),
        "Replace" => new ReplaceDecoder(PatternReader.Read(config.Required("pattern")), config.String("content")),
        "Fuse" => new FuseDecoder(),
        "Strip" => new StripDecoder(Character(config.Required("content")), config.Int("start"), config.Int("stop")),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Sequence" => new SequenceDecoder([.. config.Items("decoders").Select(Read)]),
        var type => throw config.Fault($"is of the type '{type}', which is not supported. Supported are ByteLevel, WordPiece, BPEDecoder, "
            + "Metaspace, Replace, Fuse, Strip, ByteFallback and Sequence."),
    };

    private static Rune Character(ConfigElement config)
    {
        var runes = config.AsString().EnumerateRunes().ToArray();
        return runes.Length == 1 ? runes[0] : throw config.Fault($"must be one character, but is '{config.AsString()}'.");
    }
}
